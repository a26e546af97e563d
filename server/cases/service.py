"""Writing cases: filing, changing, parties, assignment; each with its event and its notices."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Iterable, Mapping
from datetime import date, datetime
from typing import Any

from server.audit import service as audit
from server.audit.events import EventKind
from server.audit.service import Notice, Subject
from server.cases import case_no as numbers
from server.cases import policy, queries, watching
from server.cases.commands import AddCase, Assign, Change, PartyCommand
from server.cases.models import Case, CaseAssignment, Party
from server.cases.parties import (
    LEGAL_ONLY,
    NATURAL_ONLY,
    PartyKind,
    foreign_fields,
    mask_id_no,
)
from server.cases.states import CaseStatus
from server.core.context import Context
from server.core.problem import Kind, Problem, not_found
from server.identity import queries as identity
from server.identity.models import Court

CASE_KEY_BYTES = 32
PARTIES_MAX = 200


def add(ctx: Context, command: AddCase) -> Case:
    """File a case; 409 when the court has one with this number."""
    number = _number(ctx, command.case_no)
    policy.require_begun(command.status)
    policy.require_dates(command.filed_on, command.deadline_on)
    _require_handler(ctx, command.handler_id)
    case = Case(
        id=ctx.new_id(), court_id=ctx.actor.court_id, case_no=str(number), year=number.year,
        court_code=number.court_code, type_code=number.type_code, serial=number.serial,
        cause=command.cause, filed_on=command.filed_on, deadline_on=command.deadline_on,
        handler_id=command.handler_id, status=command.status,
        basis=dict(command.basis) if command.basis else None, claim_fen=command.claim_fen,
        case_key=ctx.runtime.randbytes(CASE_KEY_BYTES).hex(), created_at=ctx.clock.now(),
        closed_at=_closed_at(ctx, command.status), version=1,
    )  # fmt: skip
    for given in command.parties:
        _append_party(ctx, case, given)
    for officer_id in command.officer_ids:
        _append_officer(ctx, case, officer_id)
    ctx.session.add(case)
    ctx.session.flush()  # the audience is read from the tables
    facts = {
        "case_no": case.case_no,
        "handler": _text(case.handler_id),
        "officers": [str(one) for one in case.officer_ids],
        "parties": len(case.parties),
    }
    _record(ctx, EventKind.CASE_ADDED, case, facts, before=frozenset())
    watching.watcher_of(ctx).filed(ctx, case)
    return case


def change(ctx: Context, case: Case, command: Change) -> Case:
    """Change fields of a case; the old and the new value enter the log.

    409 for a status that only an entry of the register gives, see :func:`move`.
    """
    policy.require_said(case, command.fields.get("status"))
    return _change(ctx, case, command)


def move(ctx: Context, case: Case, status: CaseStatus) -> Case:
    """Give a case the status that an entry has brought about, once its gates let it through."""
    return _change(ctx, case, Change(fields={"status": status}))


def _change(ctx: Context, case: Case, command: Change) -> Case:
    fields = command.fields
    policy.require_case_change(case, fields.get("status"))
    policy.require_dates(
        fields.get("filed_on", case.filed_on), fields.get("deadline_on", case.deadline_on)
    )
    if fields.get("handler_id") != case.handler_id:
        _require_handler(ctx, fields.get("handler_id"))
    before = queries.audience_of_case(ctx.session, case)
    changes = {
        name: {"from": _fact(getattr(case, name)), "to": _fact(value)}
        for name, value in fields.items()
        if getattr(case, name) != value
    }
    for name in changes:
        setattr(case, name, fields[name])
    if "status" in changes:
        case.closed_at = _closed_at(ctx, fields["status"])
    _bump(ctx, case)
    _record(ctx, EventKind.CASE_CHANGED, case, {"changes": changes}, before=before)
    watching.watcher_of(ctx).changed(ctx, case, frozenset(changes))
    return case


def assign(ctx: Context, case: Case, command: Assign) -> Case:
    """Add people to a case; those who are on it already are left alone."""
    before = queries.audience_of_case(ctx.session, case)
    new = [one for one in dict.fromkeys(command.officer_ids) if one not in case.officer_ids]
    for officer_id in new:
        _append_officer(ctx, case, officer_id)
    if new:
        _bump(ctx, case)
        facts = {"added": [str(one) for one in new], "removed": []}
        _record(ctx, EventKind.CASE_ASSIGNED, case, facts, before=before)
    return case


def unassign(ctx: Context, case: Case, officer_id: uuid.UUID) -> Case:
    """Take someone off a case; 404 when they are not assigned."""
    found = next((one for one in case.assignments if one.user_id == officer_id), None)
    if found is None:
        raise not_found("this person is not assigned to the case")
    before = queries.audience_of_case(ctx.session, case)
    case.assignments.remove(found)
    _bump(ctx, case)
    facts = {"added": [], "removed": [str(officer_id)]}
    _record(ctx, EventKind.CASE_ASSIGNED, case, facts, before=before)
    return case


def add_party(ctx: Context, case: Case, command: PartyCommand) -> Case:
    """Append a party."""
    before = queries.audience_of_case(ctx.session, case)
    if len(case.parties) >= PARTIES_MAX:
        raise Problem(Kind.CONFLICT, f"a case has at most {PARTIES_MAX} parties")
    party = _append_party(ctx, case, command)
    _bump(ctx, case)
    _record(ctx, EventKind.CASE_CHANGED, case, _party_facts("party-added", party), before=before)
    return case


def change_party(ctx: Context, case: Case, party_id: uuid.UUID, command: Change) -> Case:
    """Change a party; the log names the fields, not their values, which can be erased."""
    party = _party(case, party_id)
    fields = dict(command.fields)
    before = queries.audience_of_case(ctx.session, case)
    for name in ("role", "kind", "name"):
        if name in fields:
            setattr(party, name, fields.pop(name))
    if "id_no" in fields:
        _seal(ctx, party, fields.pop("id_no"))
    merged = {**(party.details or {}), **fields}
    party.details = {name: value for name, value in merged.items() if value is not None}
    _require_own_fields(party)
    _bump(ctx, case)
    facts = {**_party_facts("party-changed", party), "fields": sorted(command.fields)}
    _record(ctx, EventKind.CASE_CHANGED, case, facts, before=before)
    return case


def remove_party(ctx: Context, case: Case, party_id: uuid.UUID) -> Case:
    """Take a party off a case."""
    party = _party(case, party_id)
    before = queries.audience_of_case(ctx.session, case)
    case.parties.remove(party)
    _bump(ctx, case)
    _record(ctx, EventKind.CASE_CHANGED, case, _party_facts("party-removed", party), before=before)
    return case


def id_no_of(ctx: Context, party: Party) -> str | None:
    """The full document number, for documents that must carry it; callers record the access."""
    if party.id_no_sealed is None:
        return None
    return ctx.runtime.keyring.unseal(party.id_no_sealed, _seal_context(party)).decode()


def notices_between(
    topic: str, entity_id: uuid.UUID, before: Collection[str], after: Collection[str]
) -> list[Notice]:
    """``put`` to everyone who holds the thing now, ``drop`` to those who no longer do."""
    held = [Notice(one, topic, str(entity_id)) for one in sorted(after)]
    lost = [Notice(one, topic, str(entity_id), "drop") for one in sorted(set(before) - set(after))]
    return held + lost


def _record(
    ctx: Context, kind: EventKind, case: Case, facts: Mapping[str, Any], *, before: frozenset[str]
) -> None:
    after = queries.audience_of_case(ctx.session, case)
    audit.record(
        ctx,
        kind,
        Subject("case", case.id),
        {**facts, "version": case.version},
        case_id=case.id,
        notices=notices_between("case", case.id, before, after),
    )


def _number(ctx: Context, text: str) -> numbers.CaseNo:
    try:
        number = numbers.parse(text)
    except numbers.CaseNoError as error:
        raise Problem(Kind.CASE_NO_INVALID, str(error), reason=error.reason) from None
    court = ctx.session.get(Court, ctx.actor.court_id)
    if court is None:
        raise not_found()
    policy.require_number_of(court.court_code, number)
    there = queries.case_numbered(ctx.session, court.id, str(number))
    if there is not None:
        raise Problem(Kind.CONFLICT, f"{number} is already filed", case_id=str(there.id))
    return number


def _require_handler(ctx: Context, handler_id: uuid.UUID | None) -> None:
    if handler_id is not None:
        policy.require_handler(identity.user_in_court(ctx.session, ctx.actor.court_id, handler_id))


def _append_officer(ctx: Context, case: Case, officer_id: uuid.UUID) -> None:
    person = identity.user_in_court(ctx.session, ctx.actor.court_id, officer_id)
    policy.require_field_person(person)
    case.assignments.append(
        CaseAssignment(court_id=case.court_id, user_id=officer_id, assigned_at=ctx.clock.now())
    )


def _append_party(ctx: Context, case: Case, given: PartyCommand) -> Party:
    party = Party(
        id=ctx.new_id(), court_id=case.court_id, position=_next_position(case.parties),
        role=given.role, kind=given.kind, name=given.name, details=dict(given.details),
    )  # fmt: skip
    if given.id_no is not None:
        _seal(ctx, party, given.id_no)
    _require_own_fields(party)
    case.parties.append(party)
    return party


def _seal(ctx: Context, party: Party, id_no: str | None) -> None:
    details = {k: v for k, v in (party.details or {}).items() if k != "id_no_masked"}
    if id_no is None:
        party.id_no_sealed = None
    else:
        party.id_no_sealed = ctx.runtime.keyring.seal(id_no.encode(), _seal_context(party))
        details["id_no_masked"] = mask_id_no(id_no)
    party.details = details


def _require_own_fields(party: Party) -> None:
    given = {**(party.details or {}), "id_no": party.id_no_sealed}
    foreign = foreign_fields(party.kind, given)
    if foreign:
        names = NATURAL_ONLY if party.kind == PartyKind.NATURAL else LEGAL_ONLY
        raise Problem(
            Kind.VALIDATION,
            f"a {party.kind} party has {', '.join(names)}; not {', '.join(foreign)}",
        )


def _party(case: Case, party_id: uuid.UUID) -> Party:
    found = next((one for one in case.parties if one.id == party_id), None)
    if found is None:
        raise not_found()
    return found


def _party_facts(change_name: str, party: Party) -> dict[str, Any]:
    return {
        "change": change_name,
        "party": str(party.id),
        "role": str(party.role),
        "kind": str(party.kind),
    }


def _seal_context(party: Party) -> str:
    return f"party:{party.id}"


def _next_position(parties: Iterable[Party]) -> int:
    return max((party.position for party in parties), default=0) + 1


def _closed_at(ctx: Context, status: str) -> datetime | None:
    return ctx.clock.now() if status == CaseStatus.CLOSED else None


def _bump(ctx: Context, case: Case) -> None:
    case.version += 1
    ctx.session.flush()  # the audience is read from the tables


def _fact(value: Any) -> Any:
    if isinstance(value, uuid.UUID | date | str):
        return str(value)
    return value


def _text(value: uuid.UUID | None) -> str | None:
    return None if value is None else str(value)
