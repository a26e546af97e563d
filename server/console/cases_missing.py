"""The missing-item board and the reuse board: what is not there, and what is there twice."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

import sqlalchemy as sa
from flask import Blueprint, Response, request

from client_sdk.protocol.ids import short_code
from server.audit import broken
from server.audit.broken import BrokenChain, Waiting
from server.cases import queries as cases
from server.cases.models import Case
from server.cases.views import kept_query
from server.console import words
from server.console.cases_forms import MissingQuery, ReuseQuery
from server.console.court_names import Named, devices, people
from server.console.pages import language, page, render
from server.console.spreadsheet import csv_response, list_exported
from server.core.clock import rfc3339
from server.core.context import Context
from server.core.paging import Page
from server.core.permissions import Permission
from server.core.recording import recorded
from server.evidence import boards, listing, reuse
from server.evidence.boards import MissingFilter
from server.evidence.counters import CounterGap
from server.evidence.models import Evidence, Upload
from server.evidence.reuse import Pair, ReuseFilter

blueprint = Blueprint("console_missing", __name__)
EXPORT_ROWS_MAX: Final = 5_000
_COLUMNS: Final = ("kind", "code", "device", "officer", "when", "due", "detail")


@dataclass(frozen=True, slots=True)
class Board:
    """Everything that is missing within a filter."""

    absent: Page[Evidence]
    absent_total: int
    waiting: list[Waiting]
    broken: list[BrokenChain]
    counters: list[CounterGap]
    unclaimed: list[Upload]
    stranded: list[Upload]

    @property
    def chains_total(self) -> int:
        """Chains that wait, and gaps that were let through."""
        return len(self.waiting) + sum(len(chain.gaps) for chain in self.broken)


@blueprint.get("/missing")
@page(Permission.MISSING_VIEW, query=MissingQuery)
def show_missing(ctx: Context, query: MissingFilter) -> Response:
    """What was declared and is not here, and what is here and was not declared."""
    return render(
        ctx,
        "cases/missing.html",
        board=_board(ctx, query),
        query=query,
        case=_case(ctx, query.case_id),
        people=people(ctx),
        devices=devices(ctx),
        query_text=kept_query(request.query_string.decode()),
    )


@blueprint.get("/missing.csv")
@page(Permission.MISSING_VIEW, query=MissingQuery, reads_evidence=True)
def missing_csv(ctx: Context, query: MissingFilter) -> Response:
    """The same board for spreadsheets; the export is recorded."""
    _case(ctx, query.case_id)
    board = _board(ctx, replace(query, limit=EXPORT_ROWS_MAX))
    headings = [words.text(language(), f"missing.column_{name}") for name in _COLUMNS]
    rows = list(_rows(board, devices(ctx), people(ctx)))
    with recorded(ctx):
        list_exported(ctx, "missing", kept_query(request.query_string.decode()), len(rows))
    return csv_response("missing", headings, rows)


@blueprint.get("/reuse")
@page(Permission.EVIDENCE_VIEW, query=ReuseQuery, reads_evidence=True)
def show_reuse(ctx: Context, query: ReuseFilter) -> Response:
    """Pictures that appear in another case or on another day; the listing is recorded."""
    found = reuse.pairs(ctx, query)
    shown = {item.id: item for pair in found.items for item in (pair.item, pair.other)}
    with recorded(ctx):
        listing.listed(ctx, list(shown.values()), case_id=query.case_id)
    return render(
        ctx,
        "cases/reuse.html",
        page=found,
        query=query,
        case=_case(ctx, query.case_id),
        numbers=_numbers(ctx, found),
        devices=devices(ctx),
    )


def _board(ctx: Context, query: MissingFilter) -> Board:
    machines = _machines(ctx, query)
    return Board(
        absent=boards.absent_items(ctx, query),
        absent_total=boards.absent_count(ctx, query),
        waiting=broken.waiting(ctx, machines),
        broken=broken.broken_chains(ctx, machines),
        counters=boards.counter_gaps(ctx, query),
        unclaimed=list(boards.unclaimed_uploads(ctx, query)),
        stranded=list(boards.stranded_uploads(ctx, query)),
    )


def _machines(ctx: Context, query: MissingFilter) -> set[uuid.UUID] | None:
    """Devices whose chains a filter concerns; None for all of the court."""
    if query.device_id is not None:
        return {query.device_id}
    if query.case_id is None and query.officer_id is None:
        return None
    statement = sa.select(Evidence.device_id).where(Evidence.court_id == ctx.actor.court_id)
    if query.case_id is not None:
        statement = statement.where(Evidence.case_id == query.case_id)
    if query.officer_id is not None:
        statement = statement.where(Evidence.officer_id == query.officer_id)
    return set(ctx.session.execute(statement.distinct()).scalars())


def _case(ctx: Context, case_id: uuid.UUID | None) -> Case | None:
    return None if case_id is None else cases.visible_case(ctx, case_id)


def _numbers(ctx: Context, found: Page[Pair]) -> dict[uuid.UUID, str]:
    """Case numbers of the pairs' items, of the cases that the reader may see."""
    ids = {one.case_id for pair in found.items for one in (pair.item, pair.other) if one.case_id}
    statement = sa.select(Case.id, Case.case_no).where(
        Case.id.in_(ids), Case.id.in_(cases.visible_case_ids(ctx.actor))
    )
    return dict(ctx.session.execute(statement).all())


def _rows(
    board: Board, machines: Mapping[uuid.UUID, Named], names: Mapping[uuid.UUID, Named]
) -> Iterator[list[object]]:
    def name(of: Mapping[uuid.UUID, Named], one: uuid.UUID | None) -> str:
        return of[one].name if one is not None and one in of else ""

    for item in board.absent.items:
        yield [
            _kind("absent"), short_code(item.id), name(machines, item.captured_by),
            name(names, item.officer_id), rfc3339(item.captured_at), rfc3339(item.due_at),
            words.text(language(), f"missing.state_{item.state}"),
        ]  # fmt: skip
    for one in board.waiting:
        detail = f"{one.after_seq} … {one.first_seq}-{one.last_seq}"
        yield [_kind("waiting"), "", name(machines, one.device_id), "", "", "", detail]
    for chain in board.broken:
        for hole in chain.gaps:
            detail = f"{hole.first}-{hole.last}"
            yield [_kind("broken"), "", name(machines, chain.device_id), "", "", "", detail]
    for gap in board.counters:
        detail, camera = f"{gap.first} - {gap.last}", name(machines, gap.camera_id)
        yield [_kind("counter"), "", camera, "", gap.day.isoformat(), "", detail]
    for kind, uploads in (("unclaimed", board.unclaimed), ("stranded", board.stranded)):
        for upload in uploads:
            yield [
                _kind(kind), short_code(upload.id), name(machines, upload.device_id),
                name(names, upload.user_id), _at(upload.completed_at or upload.created_at), "",
                (upload.filename or b"").decode("utf-8", "replace") or upload.problem,
            ]  # fmt: skip


def _kind(name: str) -> str:
    return words.text(language(), f"missing.csv_{name}")


def _at(value: datetime) -> str:
    return rfc3339(value)
