"""What entries name: other entries, a party, people of the court, the case that goes on.

What is named has to be there, and be of the kind that is meant: otherwise nothing would follow.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

import sqlalchemy as sa

from client_sdk.protocol.entries import EntryKind
from server.cases import policy as case_policy
from server.cases import queries as cases
from server.cases.models import Case
from server.cases.states import CaseStatus
from server.core.context import Context
from server.core.permissions import Role
from server.core.problem import Kind, Problem
from server.identity import queries as identity
from server.identity.models import User
from server.register import policy, queries
from server.register.models import Entry

_MEASURES: Final = frozenset({"case.measure", "action.seizure"})
MEANT: Final[Mapping[str, frozenset[str]]] = MappingProxyType(
    {
        "case.promise-kept": frozenset({"case.promise"}),
        "case.controlled": frozenset({"case.measure"}),
        "case.disbursed": frozenset({"case.received"}),
        "case.measure-renewed": _MEASURES,
        "case.measure-lifted": _MEASURES,
        "case.lead-verified": frozenset({"case.lead"}),
        "case.instalment": frozenset({"case.settlement"}),
        "case.instalment-paid": frozenset({"case.instalment"}),
        "case.settlement-performed": frozenset({"case.settlement"}),
        "case.objection-decided": frozenset({"case.objection"}),
        "case.relief-decided": frozenset({"case.relief"}),
        "case.petition-registered": frozenset({"case.petition"}),
        "case.petition-closed": frozenset({"case.petition"}),
    }
)
_LEADERS: Final = ("supervising_leader", "package_leader")
_LEAD: Final = frozenset({Role.SUPERVISOR.value, Role.PRESIDENT.value})
# What may go on: the debt was neither performed nor found to be none (执行规定64、终本规定9).
_RESUMABLE: Final = frozenset({"round_terminated", "terminated", "settlement_long_term"})
_RESUMED_AS: Final = "执恢"


def require(ctx: Context, case: Case, kind: EntryKind, data: Mapping[str, Any]) -> None:
    """Refuse what names nothing, or something of another kind (422, 409, 404)."""
    for name, value in policy.references(kind, data):
        _require_entry(ctx, case, kind, name, value)
    if "party" in data and data["party"] not in {str(one.id) for one in case.parties}:
        raise Problem(Kind.VALIDATION, "data.party names no party of this case")
    _require_present(ctx, kind, data)
    if kind.id == "key.responsibility":
        _require_people(ctx, data)
    if kind.id == "case.resumed":
        _require_resumption(ctx, case, data)


def entry_of(ctx: Context, case: Case, entry_id: uuid.UUID) -> Entry | None:
    """An entry of the case."""
    statement = sa.select(Entry).where(Entry.id == entry_id, Entry.case_id == case.id)
    return ctx.session.execute(statement).scalar_one_or_none()


def _require_entry(ctx: Context, case: Case, kind: EntryKind, name: str, value: str) -> None:
    found = entry_of(ctx, case, uuid.UUID(value))
    if found is None:
        raise Problem(Kind.VALIDATION, f"data.{name} names no entry of this case")
    meant = MEANT.get(kind.id)
    if meant is not None and found.kind not in meant:
        raise Problem(Kind.VALIDATION, f"data.{name} names a {found.kind}, not a {min(meant)}")


def _require_present(ctx: Context, kind: EntryKind, data: Mapping[str, Any]) -> None:
    """Who is named by id is of the court; others are named by name."""
    for name in (field.name for field in kind.fields.values() if field.type == "people"):
        ids = {uuid.UUID(person["id"]) for person in data.get(name, ()) if "id" in person}
        there = sa.select(User.id).where(User.court_id == ctx.actor.court_id, User.id.in_(ids))
        if ids and ids != set(ctx.session.execute(there).scalars()):
            raise Problem(Kind.VALIDATION, f"data.{name} names nobody of this court")


def _require_people(ctx: Context, data: Mapping[str, Any]) -> None:
    court_id = ctx.actor.court_id
    if "handler" in data:
        person = identity.user_in_court(ctx.session, court_id, uuid.UUID(data["handler"]))
        case_policy.require_handler(person)
    for name in _LEADERS:
        if name in data:
            leader = identity.user_in_court(ctx.session, court_id, uuid.UUID(data[name]))
            if leader is None or leader.disabled_at or _LEAD.isdisjoint(leader.roles):
                raise Problem(Kind.VALIDATION, f"data.{name} names nobody who leads in this court")


def _require_resumption(ctx: Context, case: Case, data: Mapping[str, Any]) -> None:
    """A closed case goes on under a number of its own; one that pauses goes on as it is."""
    if case.status != CaseStatus.CLOSED:
        raise Problem(Kind.CONFLICT, "the case is not closed: write case.continued if it pauses")
    other = cases.visible_case(ctx, uuid.UUID(data["case"]))
    if other.type_code != _RESUMED_AS:
        raise Problem(Kind.CONFLICT, f"data.case is a {other.type_code}, not a {_RESUMED_AS} case")
    closings = queries.current_entries(ctx.session, case.id, ["case.closed"])
    if closings and closings[-1].data["method"] not in _RESUMABLE:
        raise Problem(
            Kind.CONFLICT, f"a case that was closed as {closings[-1].data['method']} is not resumed"
        )
