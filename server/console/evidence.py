"""The evidence page: overview, custody, metadata, claims against observations, print; rebinding."""

from __future__ import annotations

import uuid
from typing import Any

from flask import Blueprint, Response, redirect, url_for

from server.audit import log
from server.audit.events import EventKind
from server.cases import case_no
from server.cases import queries as cases
from server.console import audit_rows, claims, court_names, custody_lines
from server.console import review_shown as shown
from server.console.evidence_forms import (
    FindQuery,
    RebindForm,
    Rebinding,
    ReportForm,
    ReportWanted,
)
from server.console.pages import page, render, see
from server.core.context import Context
from server.core.permissions import Permission
from server.core.problem import invalid, not_found
from server.core.recording import recorded
from server.disclosure import service as disclosure
from server.disclosure.commands import RequestExport
from server.evidence import finding, listing, queries, redactions, service
from server.evidence.checks import checks_of
from server.evidence.commands import Rebind
from server.evidence.models import Evidence
from server.retention import queries as retention
from server.review import queries as reviews
from server.review.commands import EntryFilter

blueprint = Blueprint("console_evidence", __name__)


@blueprint.get("/e/<uuid:evidence_id>")
@page(Permission.EVIDENCE_VIEW, reads_evidence=True)
def show_evidence(ctx: Context, evidence_id: uuid.UUID) -> Response:
    """One item: what is to be seen, its facts, its five checks, what was said of it."""
    item = _read(ctx, evidence_id)
    return _shown(
        ctx, item, "evidence/overview.html", people_choices=_people(ctx),
        copies=redactions.of_item(ctx, item.id),
    )  # fmt: skip


@blueprint.get("/e/<uuid:evidence_id>/custody")
@page(Permission.EVIDENCE_VIEW, reads_evidence=True)
def show_custody(ctx: Context, evidence_id: uuid.UUID) -> Response:
    """Everything that happened to an item, and how well that is secured."""
    item = _read(ctx, evidence_id)
    labels = shown.labels(ctx)
    heads = {level: log.newest_checkpoint(ctx.session, level) for level in (1, 2, 3)}
    return _shown(
        ctx, item, "evidence/custody.html", heads=heads,
        lines=custody_lines.lines(labels, queries.custody_of(ctx, item)),
        receipts=custody_lines.receipts_of(ctx, item), reads=custody_lines.READS,
        act_words=audit_rows.act_words,
    )  # fmt: skip


@blueprint.get("/e/<uuid:evidence_id>/metadata")
@page(Permission.EVIDENCE_VIEW, reads_evidence=True)
def show_metadata(ctx: Context, evidence_id: uuid.UUID) -> Response:
    """What the worker found in the bytes, raw tags included."""
    return _shown(ctx, _read(ctx, evidence_id), "evidence/metadata.html")


@blueprint.get("/e/<uuid:evidence_id>/diff")
@page(Permission.EVIDENCE_VIEW, reads_evidence=True)
def show_diff(ctx: Context, evidence_id: uuid.UUID) -> Response:
    """What the device claims beside what the server observed."""
    item = _read(ctx, evidence_id)
    found = queries.detail_of(ctx.session, item)
    arrived = [row for row in queries.custody_of(ctx, item) if row["kind"] == "evidence.verified"]
    received = arrived[0]["rx"] if arrived else None
    device = court_names.devices(ctx).get(item.captured_by)
    rows = claims.rows(item, found["examination"], received, device.name if device else None)
    return _shown(ctx, item, "evidence/diff.html", rows=rows)


@blueprint.get("/e/<uuid:evidence_id>/print")
@page(Permission.EVIDENCE_VIEW, reads_evidence=True)
def print_evidence(ctx: Context, evidence_id: uuid.UUID) -> Response:
    """The item on paper: A4, its short code and digest at the foot."""
    item = _read(ctx, evidence_id)
    labels = shown.labels(ctx)
    lines = custody_lines.lines(labels, queries.custody_of(ctx, item))
    return _shown(ctx, item, "evidence/print.html", lines=lines)


@blueprint.post("/e/<uuid:evidence_id>/rebind")
@page(Permission.EVIDENCE_REBIND, form=RebindForm)
def rebind_evidence(ctx: Context, form: Rebinding, evidence_id: uuid.UUID) -> Response:
    """Bind an item to the right case or officer, with a reason."""
    case_id = None if form.case_no is None else _case_numbered(ctx, form.case_no)
    command = Rebind(reason=form.reason, case_id=case_id, officer_id=form.officer_id)
    service.rebind(ctx, evidence_id, command)
    return see(url_for(".show_evidence", evidence_id=evidence_id), "evidence.said_rebound")


@blueprint.post("/e/<uuid:evidence_id>/report")
@page(Permission.EXPORTS_MAKE, form=ReportForm)
def ask_report(ctx: Context, form: ReportWanted, evidence_id: uuid.UUID) -> Response:
    """Ask for the custody report of an item, and follow its making."""
    wanted = RequestExport(
        purpose=form.purpose, recipient=form.recipient, evidence_ids=(evidence_id,)
    )
    export = disclosure.request(ctx, wanted)
    return see(url_for("console_exports.show_export", export_id=export.id))


@blueprint.get("/find")
@page(Permission.EVIDENCE_VIEW, query=FindQuery, reads_evidence=True)
def find(ctx: Context, query: dict[str, str]) -> Response:
    """Find an item by its short code, or a case by its number."""
    text = query["q"].strip()
    items = finding.by_code(ctx, text) if text else []
    if len(items) == 1:
        location = url_for(".show_evidence", evidence_id=items[0].id)
        return redirect(location, 303)  # type: ignore[return-value]
    with recorded(ctx):
        listing.listed(ctx, items)
    case = _case_or_none(ctx, text)
    return render(
        ctx, "evidence/find.html", text=text, items=items, case=case, labels=shown.labels(ctx)
    )


def _read(ctx: Context, evidence_id: uuid.UUID) -> Evidence:
    with recorded(ctx):
        item = queries.visible_evidence(ctx, evidence_id)
        service.read(ctx, item, EventKind.EVIDENCE_VIEWED)
    return item


def _shown(ctx: Context, item: Evidence, template: str, **values: Any) -> Response:
    held = bool(retention.holds_of_item(ctx.session, item))
    return render(
        ctx, template, item=item, detail=queries.detail_of(ctx.session, item),
        checks=checks_of(ctx, item), labels=shown.labels(ctx), held=held,
        entries=reviews.entries_of(ctx, item.id, EntryFilter(limit=200)).items,
        markers=reviews.markers_of(ctx, item), **values,
    )  # fmt: skip


def _people(ctx: Context) -> list[tuple[uuid.UUID, str]]:
    return [(one.id, one.name) for one in court_names.people(ctx).values()]


def _case_numbered(ctx: Context, text: str) -> uuid.UUID:
    try:
        number = case_no.normalise(text)
    except case_no.CaseNoError as error:
        raise invalid({"case_no": [str(error)]}) from None
    found = cases.case_numbered(ctx.session, ctx.actor.court_id, number)
    if found is None:
        raise not_found("the case")
    return found.id


def _case_or_none(ctx: Context, text: str) -> Any:
    try:
        number = case_no.normalise(text)
    except case_no.CaseNoError:
        return None
    found = cases.case_numbered(ctx.session, ctx.actor.court_id, number)
    visible = found is not None and ctx.actor.sees_whole_court
    return found if visible else None
