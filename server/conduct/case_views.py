"""Where a case stands, in the form in which it is shown: computed anew whenever somebody asks."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

import sqlalchemy as sa

from client_sdk.protocol.entries import kinds
from server.cases import masking
from server.cases import queries as cases
from server.cases.closing_rules import Closing, Passed, fact_names
from server.cases.models import Case
from server.cases.visibility import visible_case_ids
from server.conduct import alarms, case_reading, closing_facts, court_limits, gates
from server.conduct.alarms import Alarm
from server.conduct.case_models import CaseStanding
from server.conduct.case_parts import CaseState
from server.conduct.case_pictures import CasePicture, picture
from server.conduct.clocks import Running
from server.conduct.key_cases import SIX, KeyCase, Suggestion, Version
from server.core.context import Context
from server.core.paging import LIMIT_DEFAULT, Page, decode_id, page_of
from server.register import queries as register
from server.register.models import Entry


@dataclass(frozen=True, slots=True, kw_only=True)
class StandingFilter:
    """What a list of cases by where they stand is narrowed to."""

    status: str | None = None
    overdue: bool | None = None
    key_state: str | None = None
    key_category: str | None = None
    due_before: date | None = None
    idle_since: date | None = None
    cursor: str | None = None
    limit: int = LIMIT_DEFAULT


@dataclass(frozen=True, slots=True, kw_only=True)
class GatesAsked:
    """Which closing, and on which day; today unless it is named."""

    closing: str
    on: date | None = None


def state(ctx: Context, case_id: uuid.UUID) -> dict[str, Any]:
    """Amounts, measures, periods, talks, alarms and key case of a visible case; 404 otherwise."""
    case = cases.visible_case(ctx, case_id)
    found = picture_of(ctx, case)
    return {
        "case_id": case.id, "on": found.state.today, "status": case.status,
        "deadline_on": found.deadline_on, "next_due_on": found.next_due_on,
        "next_renewal_on": found.next_renewal_on, "extended_to": found.state.extended_to,
        "last_activity_on": found.state.last_activity_on,
        "amounts": _amounts(found.state), "measures": _measures(found.state),
        **_parts(found.state), "exhaustions": _exhaustions(found.state),
        "public_parties": masking.public_parties(case.parties, case.cause),
        "closed": found.state.closed, "resumes": _resumes(ctx, case),
        "key": _key(found.key), "alarms": [alarm(one) for one in found.alarms],
    }  # fmt: skip


def clocks(ctx: Context, case_id: uuid.UUID) -> dict[str, Any]:
    """Every limit that began in a visible case; 404 otherwise."""
    found = picture_of(ctx, cases.visible_case(ctx, case_id))
    return {"on": found.state.today, "clocks": [clock(one) for one in found.clocks]}


def gates_of(ctx: Context, case_id: uuid.UUID, asked: GatesAsked) -> dict[str, Any]:
    """Every gate of a way of closing a visible case, and what is missing; 404 otherwise."""
    case = cases.visible_case(ctx, case_id)
    on = asked.on or case_reading.today(ctx)
    found = gates.judgement(ctx, case, Closing(asked.closing), on, {})
    return {
        "closing": asked.closing, "on": on, "offered": bool(found.gates),
        "open": bool(found.gates) and found.is_open,
        "gates": [_gate(one) for one in found.gates], "missing": gates.listed(found.missing),
        "facts": [
            {**gates.named(name), "holds": fact.holds, "entries": list(fact.evidence)}
            for name, fact in found.facts.items()
            if name in fact_names()
        ],
    }  # fmt: skip


def standings(ctx: Context, wanted: StandingFilter) -> Page[CaseStanding]:
    """Where the visible cases stand, by the row that is kept of each; newest first."""
    row = CaseStanding
    rules: list[sa.ColumnElement[bool]] = [
        row.court_id == ctx.actor.court_id,
        row.case_id.in_(visible_case_ids(ctx.actor)),
    ]
    if wanted.status is not None:
        rules.append(row.status == wanted.status)
    if wanted.overdue is not None:
        rules.append(row.overdue > 0 if wanted.overdue else row.overdue == 0)
    if wanted.key_state is not None:
        rules.append(row.key_state == wanted.key_state)
    if wanted.key_category is not None:
        text = sa.cast(row.key_categories, sa.Text)
        rules.append(text.contains(f'"{wanted.key_category}"', autoescape=True))
    if wanted.due_before is not None:
        rules.append(row.next_due_on < wanted.due_before)
    if wanted.idle_since is not None:
        rules.append(row.last_activity_on < wanted.idle_since)
    if wanted.cursor:
        rules.append(row.case_id < decode_id(wanted.cursor))
    statement = sa.select(row).where(*rules).order_by(row.case_id.desc()).limit(wanted.limit + 1)
    rows = ctx.session.execute(statement).scalars().all()
    return page_of(rows, wanted.limit, lambda one: (str(one.case_id),))


def picture_of(ctx: Context, case: Case) -> CasePicture:
    """The picture of a stored case as of today."""
    book = case_reading.book_of_case(ctx, case.id)
    limits = court_limits.of_court(ctx.session, case.court_id)
    return picture(case_reading.facts_of(case), book, case_reading.today(ctx), limits)


def alarm(one: Alarm) -> dict[str, Any]:
    """An alarm with its name."""
    words = alarms.words()[one.kind]
    return {
        "kind": one.kind.value, "zh": words.zh, "en": words.en, "late": one.late, "on": one.on,
        "clock": one.clock, "entry_id": one.entry,
    }  # fmt: skip


def clock(one: Running) -> dict[str, Any]:
    """A limit with its name, where it stands, and what it rests on."""
    return {
        "id": one.clock.id, "zh": one.clock.zh, "en": one.clock.en, "entry_id": one.entry,
        "begins_on": one.begins_on, "due_on": one.due.due_on, "earliest_on": one.earliest_on,
        "excluded_days": one.due.excluded_days, "remaining_days": one.due.remaining_days,
        "standing": one.due.standing.value, "certain": one.due.certain, "met_on": one.met_on,
        "begins_at": one.begins_at, "due_at": one.due_at, "met_at": one.met_at,
        "party": one.clock.party, "basis": [gates.cited(cite) for cite in one.clock.basis],
    }  # fmt: skip


def _gate(one: Passed) -> dict[str, Any]:
    return {
        "gate": one.gate.id, "zh": one.gate.zh, "en": one.gate.en, "met": one.is_met,
        "missing": [[gates.named(name) for name in group] for group in one.missing],
        "entries": list(one.evidence), "basis": [gates.cited(cite) for cite in one.gate.basis],
    }  # fmt: skip


def _amounts(found: CaseState) -> dict[str, int | None]:
    money = found.amounts
    return {
        "claimed_fen": money.claimed, "controlled_fen": money.controlled,
        "received_fen": money.received, "disbursed_fen": money.disbursed, "owed_fen": money.owed,
    }  # fmt: skip


def _measures(found: CaseState) -> list[dict[str, Any]]:
    names = kinds()["case.measure"].fields["type"].options
    return [
        {
            "entry_id": one.id, "type": one.type, "zh": names[one.type].zh,
            "en": names[one.type].en, "on": one.on, "until_on": one.until_on,
            "renewals": one.renewals, "lifted_on": one.lifted_on, "asset": one.asset,
            "controlled_fen": one.controlled_fen, "in_force": one.in_force(found.today),
        }
        for one in found.measures
    ]  # fmt: skip


def _parts(found: CaseState) -> dict[str, Any]:
    return {
        "periods": found.periods, "leads": found.leads, "promises": found.promises,
        "settlements": found.settlements, "petitions": found.petitions,
        "objections": found.objections, "reliefs": found.reliefs,
        "explanations": found.explanations, "persuasions": len(found.persuasions),
    }  # fmt: skip


def _exhaustions(found: CaseState) -> list[dict[str, Any]]:
    """The three, each with what it consists of and the entries that show it."""
    ways = kinds()["case.inquiry"].fields["what"].options
    tried = [
        {
            "zh": "、".join(ways[way].zh for way in names),
            "en": ", ".join(ways[way].en for way in names),
            "done": bool(entries), "entries": list(entries),
        }
        for names, entries in closing_facts.tried(found)
    ]  # fmt: skip
    facts = closing_facts.exhaustions(found)
    return [
        {
            **gates.named(name), "complete": facts[name].holds is True,
            "entries": list(facts[name].evidence),
            "parts": tried if name == "measures_exhausted" else [],
        }
        for name in ("measures_exhausted", "leads_exhausted", "persuasion_exhausted")
    ]  # fmt: skip


def _key(found: KeyCase) -> dict[str, Any]:
    names = kinds()["key.confirmed"].fields["categories"].options
    return {
        "state": found.state, "responsibility": found.responsibility.value,
        "categories": [_named(name, names) for name in found.categories],
        "suggested": [_suggestion(one, names) for one in found.suggested],
        "confirmed_on": found.confirmed_on, "released_on": found.released_on,
        "deadline_on": found.deadline_on, "versions": [_version(one) for one in found.versions],
    }  # fmt: skip


def _suggestion(one: Suggestion, names: Mapping[str, Any]) -> dict[str, Any]:
    return {
        **_named(one.category, names), "reason": one.reason.value, "says": one.says,
        "entries": list(one.entries),
    }  # fmt: skip


def _version(one: Version) -> dict[str, Any]:
    given = {name: one.fields.get(name) for name in SIX}
    return {
        "entry_id": one.id, "on": one.on, "by": one.by, "missing": list(one.missing), **given
    }  # fmt: skip


def _named(name: str, names: Mapping[str, Any]) -> dict[str, str]:
    return {"category": name, "zh": names[name].zh, "en": names[name].en}


def _resumes(ctx: Context, case: Case) -> uuid.UUID | None:
    """The closed case that goes on under this number."""
    named = Entry.data["case"].as_string() == str(case.id)
    statement = sa.select(Entry).where(
        Entry.court_id == case.court_id, Entry.kind == "case.resumed", named,
        Entry.case_id.in_(visible_case_ids(ctx.actor)), register.not_amended(),
    )  # fmt: skip
    found: Iterable[Entry] = ctx.session.execute(statement.order_by(Entry.id)).scalars()
    return next((one.case_id for one in found), None)
