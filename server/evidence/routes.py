"""Evidence over HTTP: list, look, download, rebind, and what is missing."""

from __future__ import annotations

import uuid
from typing import Any

from flask import Blueprint, Response

from server.audit.events import EventKind
from server.core.content import content_response
from server.core.context import Context
from server.core.endpoint import endpoint
from server.core.paging import Page
from server.core.permissions import Permission
from server.core.problem import Kind, Problem, not_found
from server.core.recording import recorded
from server.evidence import erasure, policy, queries, service, shown
from server.evidence.commands import EvidenceFilter, Rebind
from server.evidence.erasure_models import Erasure
from server.evidence.erasure_schemas import DecisionBody, ErasureBody, ErasureOut, ErasureQuery
from server.evidence.models import Evidence
from server.evidence.schemas import (
    CustodyOut,
    EvidenceDetail,
    EvidenceOut,
    EvidenceQuery,
    LimitQuery,
    MissingItemsOut,
    RebindBody,
)
from storage.digest import Digest

blueprint = Blueprint("evidence", __name__)


@blueprint.get("/cases/<uuid:case_id>/evidence")
@endpoint(Permission.EVIDENCE_VIEW, query=EvidenceQuery, dump=EvidenceOut, reads_evidence=True)
def list_evidence(ctx: Context, case_id: uuid.UUID, query: EvidenceFilter) -> Page[Evidence]:
    """List a case's evidence; the listing is recorded."""
    page = queries.evidence_of_case(ctx, case_id, query)
    with recorded(ctx):
        service.listed(ctx, case_id, page.items)
    return page


@blueprint.get("/evidence/<uuid:evidence_id>")
@endpoint(Permission.EVIDENCE_VIEW, dump=EvidenceDetail, reads_evidence=True)
def view_evidence(ctx: Context, evidence_id: uuid.UUID) -> dict[str, Any]:
    """One item with its metadata; the view is recorded."""
    with recorded(ctx):
        item = queries.visible_evidence(ctx, evidence_id)
        service.read(ctx, item, EventKind.EVIDENCE_VIEWED)
    return queries.detail_of(ctx.session, item)


@blueprint.get("/evidence/<uuid:evidence_id>/custody")
@endpoint(Permission.EVIDENCE_VIEW, dump=CustodyOut)
def list_custody(ctx: Context, evidence_id: uuid.UUID) -> Page[dict[str, Any]]:
    """Everything that happened to an item, in log order."""
    return Page(queries.custody_of(ctx, queries.visible_evidence(ctx, evidence_id)))


@blueprint.get("/evidence/<uuid:evidence_id>/content")
@endpoint(
    Permission.EVIDENCE_DOWNLOAD,
    reads_evidence=True,
    responses={206: "a range of the bytes", 304: "the bytes you hold", 416: "outside the bytes"},
)
def download_evidence(ctx: Context, evidence_id: uuid.UUID) -> Response:
    """The original bytes, whole or a range; state a purpose, the download is recorded."""
    with recorded(ctx):
        item = queries.visible_evidence(ctx, evidence_id)
        if not (ctx.purpose or "").strip():
            raise Problem(Kind.PURPOSE_REQUIRED, "send a Purpose header or ?purpose=")
        policy.has_bytes(item)
        service.read(ctx, item, EventKind.EVIDENCE_DOWNLOADED)
    return content_response(ctx.runtime.stores.blobs, Digest(item.sha256), item.mime, item.name)


@blueprint.get("/evidence/<uuid:evidence_id>/derivatives/<name>")
@endpoint(Permission.EVIDENCE_VIEW, reads_evidence=True)
def view_derivative(ctx: Context, evidence_id: uuid.UUID, name: str) -> Response:
    """A thumbnail, poster, sprite sheet or waveform; the view is recorded."""
    with recorded(ctx):
        item = queries.visible_evidence(ctx, evidence_id)
        made = {entry.name: entry for entry in queries.derivatives_of(ctx.session, item.sha256)}
        if name not in made:
            raise not_found("the worker has not made this, or cannot")
        service.read(ctx, item, EventKind.EVIDENCE_VIEWED)
    chosen = made[name]
    file_name = chosen.name.encode()
    return content_response(ctx.runtime.stores.blobs, Digest(chosen.sha256), chosen.mime, file_name)


@blueprint.get("/evidence/<uuid:evidence_id>/play")
@endpoint(
    Permission.EVIDENCE_VIEW,
    reads_evidence=True,
    responses={206: "a range of the bytes", 304: "the bytes you hold", 416: "outside the bytes"},
)
def play_evidence(ctx: Context, evidence_id: uuid.UUID) -> Response:
    """What a browser can show of an item: the original or a copy; the view is recorded."""
    with recorded(ctx):
        item = queries.visible_evidence(ctx, evidence_id)
        policy.has_bytes(item)
        found = shown.of(ctx.session, item)
        if found is None:
            raise not_found("the worker has not made anything a browser can show, or cannot")
        service.read(ctx, item, EventKind.EVIDENCE_VIEWED)
    store, name = ctx.runtime.stores.blobs, f"{item.id}".encode()
    return content_response(store, Digest(found.sha256), found.mime, name)


@blueprint.post("/evidence/<uuid:evidence_id>/rebind")
@endpoint(Permission.EVIDENCE_REBIND, load=RebindBody, dump=EvidenceOut)
def rebind_evidence(ctx: Context, evidence_id: uuid.UUID, command: Rebind) -> Evidence:
    """Bind an item to the right case, mission or officer, with a reason."""
    return service.rebind(ctx, evidence_id, command)


@blueprint.get("/missing-items")
@endpoint(Permission.MISSING_VIEW, query=LimitQuery, dump=MissingItemsOut)
def list_missing(ctx: Context, query: dict[str, int]) -> dict[str, Any]:
    """Records without bytes, bytes without a record, and uploads in quarantine."""
    limit = query["limit"]
    return {
        "records_without_bytes": queries.without_bytes(ctx, limit),
        "bytes_without_record": queries.without_record(ctx, limit),
        "quarantined_uploads": queries.quarantined_uploads(ctx, limit),
    }


@blueprint.post("/evidence/<uuid:evidence_id>/erasures")
@endpoint(Permission.EVIDENCE_ERASE, load=ErasureBody, dump=ErasureOut, status=201)
def ask_erasure(ctx: Context, evidence_id: uuid.UUID, command: erasure.AskErasure) -> Erasure:
    """Ask for the lawful erasure of an item's record; another person decides."""
    return erasure.ask(ctx, evidence_id, command)


@blueprint.get("/erasures")
@endpoint(Permission.EVIDENCE_ERASE, query=ErasureQuery, dump=ErasureOut)
def list_erasures(ctx: Context, query: dict[str, Any]) -> Page[Erasure]:
    """The court's erasures, newest first."""
    return Page(erasure.erasures(ctx, query.get("state"), query["limit"]))


@blueprint.post("/erasures/<uuid:erasure_id>/approve")
@endpoint(Permission.EVIDENCE_ERASE, load=DecisionBody, dump=ErasureOut)
def approve_erasure(ctx: Context, erasure_id: uuid.UUID, command: erasure.DecideErasure) -> Erasure:
    """Agree to what another person asked for, and erase."""
    return erasure.approve(ctx, erasure_id, command)


@blueprint.post("/erasures/<uuid:erasure_id>/refuse")
@endpoint(Permission.EVIDENCE_ERASE, load=DecisionBody, dump=ErasureOut)
def refuse_erasure(ctx: Context, erasure_id: uuid.UUID, command: erasure.DecideErasure) -> Erasure:
    """Refuse what another person asked for."""
    return erasure.refuse(ctx, erasure_id, command)
