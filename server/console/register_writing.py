"""The form of an entry: made of the kind's fields, read, written, shown again when refused."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from flask import Response

from client_sdk.protocol.entries import EntryKind, kinds, people_options
from server.cases.models import Case, Mission, MissionCase
from server.cases.visibility import sees_mission
from server.console import register_refs
from server.console.court_names import people
from server.console.pages import language, render
from server.console.register_fields import PEOPLE_ROWS, Reading, read, rows_of, texts_of
from server.console.register_forms import Asked, Filled
from server.console.register_shown import Speaker
from server.core.context import Context
from server.core.problem import Kind, Problem, not_found
from server.core.recording import recorded
from server.core.transactions import is_writing
from server.evidence import listing
from server.evidence.models import Evidence
from server.register import queries, service
from server.register.commands import ActionState, WriteEntry
from server.register.models import Action, Entry
from server.register.policy import BEGINNINGS
from server.register.references import MEANT

_SPARE_ROWS: Final = 4
_ALMOST_A_SECOND: Final = timedelta(microseconds=999_999)
_SHOWN: Final = frozenset(
    {Kind.VALIDATION, Kind.CONFLICT, Kind.FORBIDDEN, Kind.LISTING_REFUSED, Kind.GATE_CLOSED}
)
_GROUPS: Final = ("action", "case", "key")


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why an entry was not written: what is wrong by field, and what the register says."""

    wrong: dict[str, str] = field(default_factory=dict)
    problem: Problem | None = None

    @property
    def status(self) -> int:
        """Status of the answer."""
        return self.problem.status if self.problem else 422


def blank(ctx: Context, case: Case, asked: Asked) -> Response:
    """The form before anybody has filled it in, or the choice of a kind."""
    _require_action(ctx, case, asked.action_id)
    if asked.amends_id is None and asked.kind is None:
        return _choose(ctx, case, asked)
    texts = _stretch(asked, _zone(ctx))
    kind, action_id = asked.kind, asked.action_id
    if asked.amends_id is not None:
        entry = ctx.session.get(Entry, asked.amends_id)
        if entry is None or entry.case_id != case.id:
            raise not_found()
        kind, action_id = entry.kind, entry.action_id
        texts = texts_of(kinds()[kind], entry.data, _zone(ctx))
        if kind == "case.resumed":
            texts["f_case"] = register_refs.names(ctx, case, [entry]).cases.get(texts["f_case"])
    form = Filled(kind or "", texts, action_id=action_id, amends_id=asked.amends_id)
    return filled(ctx, case, form)


def filled(ctx: Context, case: Case, form: Filled, refusal: Refusal | None = None) -> Response:
    """The form with what was written into it, and what is wrong at each field."""
    kind, refusal = kinds()[form.kind], refusal or Refusal()
    items = _items(ctx, case, kind)
    picked = {one for name in _of_type(kind, "digests") for one in form.texts.get(name, ())}
    known = {item.sha256 for item in items}
    about = register_refs.entries_to_pick(ctx, case, kind)
    rows = min(PEOPLE_ROWS, rows_of(form.texts) + _SPARE_ROWS)
    zone = _zone(ctx)
    return render(
        ctx, "register/form.html", status=refusal.status if refusal != Refusal() else 200,
        case=case, kind=kind, form=form, refusal=refusal, problem=refusal.problem, items=items,
        others=sorted(picked - known), about=about, people_rows=rows, people_rows_max=PEOPLE_ROWS,
        people=[one for one in people(ctx).values() if one.usable],
        people_options=people_options(), target=register_refs.target,
        about_kind=kinds().get(max(MEANT.get(kind.id, ("",)))),
        speaker=Speaker(language(), zone, register_refs.names(ctx, case, about)),
        actions=_open_actions(ctx, case) if kind.about == "action" else [],
        begins=kind.id in BEGINNINGS, missions=_missions(ctx, case),
        zone=ctx.settings.time_zone,
    )  # fmt: skip


def write(ctx: Context, case: Case, form: Filled) -> tuple[Entry | None, Refusal | None]:
    """Write the entry; instead of one, what the form has to say about it."""
    kind = kinds()[form.kind]
    _require_action(ctx, case, form.action_id)
    reading = _read(ctx, case, kind, form)
    if kind.about == "action" and form.action_id is None and kind.id not in BEGINNINGS:
        reading.wrong["action"] = "action"
    if reading.wrong:
        return None, Refusal(reading.wrong)
    command = WriteEntry(
        kind=kind.id, data=reading.data, amends_id=form.amends_id,
        action_id=form.action_id if kind.about == "action" else None,
        mission_id=form.mission_id if kind.id in BEGINNINGS else None,
    )  # fmt: skip
    try:
        with ctx.session.begin_nested():
            return service.write(ctx, case.id, command), None
    except Problem as problem:
        if problem.kind not in _SHOWN:
            raise
        return None, Refusal(problem=problem)


def _read(ctx: Context, case: Case, kind: EntryKind, form: Filled) -> Reading:
    """The form's data; a case is named by its number, which nobody has to know by its id."""
    texts, unknown = dict(form.texts), {}
    if kind.id == "case.resumed" and texts.get("f_case"):
        found = register_refs.case_named(ctx, texts["f_case"])
        if found is None:
            unknown["case"] = "case"
        texts["f_case"] = found
    reading = read(kind, texts, _zone(ctx))
    return Reading(
        reading.data, {**reading.wrong, **_strangers(ctx, case, kind, reading), **unknown}
    )


def _strangers(ctx: Context, case: Case, kind: EntryKind, reading: Reading) -> dict[str, str]:
    """Fields that name people who are not of the court, or parties of another case."""
    staff = {str(one) for one in people(ctx)}
    parties = {str(party.id) for party in case.parties}
    wrong: dict[str, str] = {}
    for one in kind.fields.values():
        value = reading.data.get(one.name)
        if value is None:
            continue
        if one.type == "people" and not {row["id"] for row in value if "id" in row} <= staff:
            wrong[one.name] = "people"
        if one.type == "id":
            known = {"user": staff, "party": parties}.get(register_refs.target(one))
            if known is not None and value not in known:
                wrong[one.name] = "id"
    return wrong


def _choose(ctx: Context, case: Case, asked: Asked) -> Response:
    roles = {role.value for role in ctx.actor.roles}
    mine = [kind for kind in kinds().values() if not kind.roles or kind.roles & roles]
    groups = {
        group: [kind for kind in mine if kind.id.startswith(f"{group}.")] for group in _GROUPS
    }
    if asked.action_id is not None:
        groups = {"action": [one for one in groups["action"] if one.id not in BEGINNINGS]}
    return render(ctx, "register/choose.html", case=case, groups=groups, action_id=asked.action_id)


def _items(ctx: Context, case: Case, kind: EntryKind) -> Sequence[Evidence]:
    """Evidence to choose from; that it was listed is recorded."""
    if not _of_type(kind, "digests"):
        return ()
    items = register_refs.items_to_pick(ctx, case)
    if is_writing(ctx.session):
        listing.listed(ctx, items, case_id=case.id)
    else:
        with recorded(ctx):
            listing.listed(ctx, items, case_id=case.id)
    return items


def _of_type(kind: EntryKind, type_: str) -> list[str]:
    return [f"f_{one.name}" for one in kind.fields.values() if one.type == type_]


def _require_action(ctx: Context, case: Case, action_id: uuid.UUID | None) -> None:
    """An action that the address names is one of this case."""
    if action_id is not None and queries.visible_action(ctx, action_id).case_id != case.id:
        raise not_found()


def _open_actions(ctx: Context, case: Case) -> list[Action]:
    actions = queries.actions_of_case(ctx.session, case.id)
    return [one for one in actions if one.state != ActionState.CANCELLED]


def _missions(ctx: Context, case: Case) -> list[Mission]:
    statement = (
        sa.select(Mission)
        .join(MissionCase, MissionCase.mission_id == Mission.id)
        .where(MissionCase.case_id == case.id, sees_mission(ctx.actor))
        .order_by(Mission.starts_at.desc(), Mission.id)
    )
    return list(ctx.session.execute(statement).scalars().all())


def _stretch(asked: Asked, zone: ZoneInfo) -> dict[str, Any]:
    """A stretch of time to be explained, in whole seconds that hold all of it."""
    texts = {}
    if asked.begins_at is not None:
        texts["f_begins_at"] = f"{asked.begins_at.astimezone(zone):%Y-%m-%dT%H:%M:%S}"
    if asked.ends_at is not None:
        ends_at = asked.ends_at + _ALMOST_A_SECOND
        texts["f_ends_at"] = f"{ends_at.astimezone(zone):%Y-%m-%dT%H:%M:%S}"
    return texts


def _zone(ctx: Context) -> ZoneInfo:
    return ZoneInfo(ctx.settings.time_zone)
