"""The search of the court's log: what was done, by whom, to what, and how well that is proven.

A search for somebody or something is an entry of the log itself, and so is every export; leafing
through the log as a whole is not, since it would only write about itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Final
from zoneinfo import ZoneInfo

from flask import Blueprint, Response, stream_with_context

from server.audit import search
from server.audit import service as audit
from server.audit.events import EventKind
from server.audit.quota import EXPORTS_PER_HOUR, require_export_allowed
from server.audit.search import AuditFilter, Hit
from server.audit.service import Subject
from server.console import audit_rows
from server.console.audit_forms import GROUPS, KINDS, AuditAsk, AuditQuery
from server.console.audit_rows import Row
from server.console.filters import Look
from server.console.pages import language, page, render, with_query
from server.console.spreadsheet import BYTE_ORDER_MARK
from server.core.context import Context
from server.core.paging import Page
from server.core.permissions import Permission
from server.core.recording import recorded
from server.core.transactions import unit_of_work
from server.identity import listing
from server.identity.commands import DeviceFilter
from server.identity.queries import list_devices

blueprint = Blueprint("console_audit", __name__)
_DEVICES_MAX: Final = 500


@blueprint.get("/audit")
@page(Permission.AUDIT_VIEW, query=AuditQuery, reads_evidence=True)
def search_log(ctx: Context, query: AuditAsk) -> Response:
    """Search the court's log, the newest first."""
    wanted = audit_rows.filter_of(ctx, query)
    if wanted.names_a_person and query.cursor is None:
        with recorded(ctx):
            _record(ctx, EventKind.AUDIT_SEARCHED, query)
    found = search.search(ctx.session, ctx.actor.court_id, wanted)
    return render(
        ctx, "audit/search.html", query=query, groups=GROUPS, people=listing.people(ctx),
        devices=list_devices(ctx, DeviceFilter(limit=_DEVICES_MAX)).items,
        kinds=[(one, audit_rows.act_words(language(), one)) for one in KINDS],
        csv_href=_export_href("csv"), json_href=_export_href("json"), exports_max=EXPORTS_PER_HOUR,
        page=Page(audit_rows.rows_of(ctx.session, language(), found.items), found.next_cursor),
    )  # fmt: skip


@blueprint.get("/audit.csv")
@page(Permission.AUDIT_VIEW, query=AuditQuery, reads_evidence=True)
def export_csv(ctx: Context, query: AuditAsk) -> Response:
    """Every entry that the search finds, for a spreadsheet."""
    batches, look = _exported(ctx, query)

    def lines() -> Iterator[str]:
        yield (BYTE_ORDER_MARK if query.bom else "") + audit_rows.csv_lines([], look, heading=True)
        for rows in batches():
            yield audit_rows.csv_lines(rows, look)

    return _file(lines(), "csv", "text/csv; charset=utf-8")


@blueprint.get("/audit.json")
@page(Permission.AUDIT_VIEW, query=AuditQuery, reads_evidence=True)
def export_json(ctx: Context, query: AuditAsk) -> Response:
    """Every entry that the search finds, for a program."""
    batches, _ = _exported(ctx, query)
    return _file(audit_rows.json_parts(batches()), "json", "application/json")


def _export_href(suffix: str) -> str:
    """The same query string on another address."""
    path, _, query = with_query(cursor=None, limit=None, lang=None).partition("?")
    return f"{path}.{suffix}?{query}"


def _exported(ctx: Context, query: AuditAsk) -> tuple[Callable[[], Iterator[Sequence[Row]]], Look]:
    """Record the export now; its rows are read batch by batch, each in a transaction of its own."""
    with recorded(ctx):
        require_export_allowed(ctx)
        _record(ctx, EventKind.AUDIT_EXPORTED, query)
    wanted, court = audit_rows.filter_of(ctx, query), ctx.actor.court_id
    lang, zone = language(), ZoneInfo(ctx.settings.time_zone)

    def batches() -> Iterator[Sequence[Row]]:
        found: list[Sequence[Row]] = []

        def read(at: AuditFilter) -> Page[Hit]:
            with unit_of_work(court, write=False) as session:
                page_ = search.search(session, court, at)
                found.append(audit_rows.rows_of(session, lang, page_.items))
                return page_

        for _ in search.every_page(read, wanted, limit=audit_rows.EXPORT_BATCH):
            yield found.pop()

    return batches, Look(lang, zone)


def _file(parts: Iterator[str], suffix: str, mimetype: str) -> Response:
    response = Response(stream_with_context(parts), mimetype=mimetype)
    response.headers["Content-Disposition"] = f'attachment; filename="audit.{suffix}"'
    response.headers["Cache-Control"] = "no-store"
    return response


def _record(ctx: Context, kind: EventKind, query: AuditAsk) -> None:
    audit.record(ctx, kind, Subject("court", ctx.actor.court_id), {"search": query.as_facts()})
