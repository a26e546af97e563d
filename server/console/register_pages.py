"""The register of a case: what was written down, by hand or on devices, and the form to write."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Any, Final
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from flask import Blueprint, Response

from client_sdk.protocol.entries import kinds
from client_sdk.protocol.ids import short_code
from server.cases import queries as cases
from server.cases.models import Case
from server.console import register_refs
from server.console.cases_list import as_json
from server.console.court_names import devices
from server.console.pages import language, page, render, see
from server.console.register_forms import Asked, EntryForm, EntryFormQuery, Filled, RegisterQuery
from server.console.register_shown import Speaker
from server.console.register_writing import blank, filled, write
from server.console.spreadsheet import csv_response
from server.core.clock import rfc3339
from server.core.context import Context
from server.core.permissions import Permission
from server.core.problem import not_found
from server.register import queries
from server.register.commands import EntryFilter
from server.register.models import Action, Entry

blueprint = Blueprint("console_register", __name__)
EXPORT_ROWS_MAX: Final = 5_000
COLUMNS: Final = ("at", "kind", "day", "said", "by", "device", "action", "amends", "code")


@blueprint.get("/cases/<uuid:case_id>/register")
@page(Permission.CASES_VIEW, query=RegisterQuery)
def show_register(ctx: Context, case_id: uuid.UUID, query: EntryFilter) -> Response:
    """What was written down about a case, by time."""
    case = cases.visible_case(ctx, case_id)
    found = queries.entries_of_case(ctx, case_id, query)
    return render(
        ctx, "register/list.html", case=case, page=found, query=query, tab="register",
        speaker=speaker(ctx, case, found.items), devices=devices(ctx), kinds=kinds(),
        used=_used(ctx, case), actions=_actions(ctx, case),
        amended=_amended(ctx, [entry.id for entry in found.items]),
    )  # fmt: skip


@blueprint.get("/cases/<uuid:case_id>/register.json")
@page(Permission.CASES_VIEW, query=RegisterQuery)
def register_json(ctx: Context, case_id: uuid.UUID, query: EntryFilter) -> Response:
    """The same list for programs."""
    found = queries.entries_of_case(ctx, case_id, query)
    body = [_record(entry) for entry in found.items]
    return as_json({"items": body, "next_cursor": found.next_cursor})


@blueprint.get("/cases/<uuid:case_id>/register.csv")
@page(Permission.CASES_VIEW, query=RegisterQuery)
def register_csv(ctx: Context, case_id: uuid.UUID, query: EntryFilter) -> Response:
    """The same list for spreadsheets, without paging up to five thousand rows."""
    case = cases.visible_case(ctx, case_id)
    wanted = EntryFilter(
        kind=query.kind, action_id=query.action_id, current=query.current, limit=EXPORT_ROWS_MAX
    )
    entries = queries.entries_of_case(ctx, case_id, wanted).items
    said, machines = speaker(ctx, case, entries), devices(ctx)
    headings = [said.say(f"register.column_{name}") for name in COLUMNS]
    rows = [[_cells(entry, said, machines)[name] for name in COLUMNS] for entry in entries]
    return csv_response("register", headings, rows)


@blueprint.get("/cases/<uuid:case_id>/register/new")
@page(Permission.CASES_RECORD, query=EntryFormQuery, reads_evidence=True)
def new_entry(ctx: Context, case_id: uuid.UUID, query: Asked) -> Response:
    """The form of a kind, filled with what it amends; without a kind, the kinds to choose from."""
    return blank(ctx, cases.visible_case(ctx, case_id), query)


@blueprint.post("/cases/<uuid:case_id>/register/new")
@page(Permission.CASES_RECORD, form=EntryForm)
def add_entry(ctx: Context, case_id: uuid.UUID, form: Filled) -> Response:
    """Write it down, or show the form again with what was wrong at each field."""
    case = cases.visible_case(ctx, case_id, to_change=True)
    if form.more is not None:
        return filled(ctx, case, form)
    entry, refusal = write(ctx, case, form)
    if entry is None:
        return filled(ctx, case, form, refusal)
    there = f"/actions/{entry.action_id}" if entry.action_id else f"/cases/{case_id}/register"
    return see(there, said="register.said_amended" if entry.amends_id else "register.said_written")


@blueprint.get("/cases/<uuid:case_id>/register/<uuid:written_id>")
@page(Permission.CASES_VIEW)
def show_entry(ctx: Context, case_id: uuid.UUID, written_id: uuid.UUID) -> Response:
    """One entry, with what it took the place of and what took its place."""
    case = cases.visible_case(ctx, case_id)
    entry = entry_of(ctx, case, written_id)
    versions = _versions(ctx, entry)
    return render(
        ctx, "register/entry.html", case=case, entry=entry, versions=versions, tab="register",
        speaker=speaker(ctx, case, versions), devices=devices(ctx), kinds=kinds(),
        amended=_amended(ctx, [entry.id]),
    )  # fmt: skip


def entry_of(ctx: Context, case: Case, entry_id: uuid.UUID) -> Entry:
    """An entry of a visible case; 404 when it is of another."""
    entry = ctx.session.get(Entry, entry_id)
    if entry is None or entry.case_id != case.id or entry.court_id != ctx.actor.court_id:
        raise not_found()
    return entry


def speaker(ctx: Context, case: Case, entries: Sequence[Entry]) -> Speaker:
    """What puts these entries into the reader's words."""
    zone = ZoneInfo(ctx.settings.time_zone)
    return Speaker(language(), zone, register_refs.names(ctx, case, entries))


def _used(ctx: Context, case: Case) -> list[str]:
    """Kinds that the case has entries of, in the order of the data."""
    statement = sa.select(Entry.kind).where(Entry.case_id == case.id).distinct()
    found = set(ctx.session.execute(statement).scalars())
    return [kind for kind in kinds() if kind in found]


def _actions(ctx: Context, case: Case) -> dict[uuid.UUID, Action]:
    return {action.id: action for action in queries.actions_of_case(ctx.session, case.id)}


def _amended(ctx: Context, ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, uuid.UUID]:
    """Of those that were amended: the entry that took the place."""
    statement = sa.select(Entry.amends_id, Entry.id).where(Entry.amends_id.in_(ids))
    return {before: after for before, after in ctx.session.execute(statement) if before}


def _versions(ctx: Context, entry: Entry) -> list[Entry]:
    """The entry with those before and after it, the newest first."""
    statement = (
        sa.select(Entry)
        .where(Entry.case_id == entry.case_id, Entry.kind == entry.kind)
        .order_by(Entry.happened_at.desc(), Entry.id.desc())
    )
    known = ctx.session.execute(statement).scalars().all()
    chain, grows = {entry.id, entry.amends_id} - {None}, True
    while grows:
        more = {
            one
            for row in known
            for one in (row.id, row.amends_id)
            if one is not None and {row.id, row.amends_id} & chain
        }
        grows, chain = not more <= chain, chain | more
    return [row for row in known if row.id in chain]


def _record(entry: Entry) -> dict[str, Any]:
    return {
        "id": str(entry.id),
        "code": short_code(entry.id),
        "kind": entry.kind,
        "happened_at": rfc3339(entry.happened_at),
        "error_ms": entry.error_ms,
        "data": entry.data,
        "action_id": _text(entry.action_id),
        "amends_id": _text(entry.amends_id),
        "written_by": _text(entry.written_by),
        "device_id": _text(entry.device_id),
        "record_hid": entry.record_hid,
    }


def _cells(entry: Entry, said: Speaker, machines: Any) -> dict[str, Any]:
    writer = said.names.people.get(entry.written_by) if entry.written_by else None
    device = machines.get(entry.device_id)
    return {
        "at": f"{entry.happened_at.astimezone(said.zone):%Y-%m-%d %H:%M:%S}",
        "kind": said.kind(entry.kind),
        "day": _text(entry.on_day),
        "said": said.text(entry),
        "by": writer.name if writer else None,
        "device": device.name if device else None,
        "action": short_code(entry.action_id) if entry.action_id else None,
        "amends": short_code(entry.amends_id) if entry.amends_id else None,
        "code": short_code(entry.id),
    }


def _text(value: object) -> str | None:
    return None if value is None else str(value)
