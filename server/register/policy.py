"""Rules about one entry: pure, on loaded rows; the coarse gate is the permission."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping
from typing import Any, Final

from client_sdk.protocol.entries import EntryKind, kinds
from server.cases.models import Case, Mission
from server.cases.states import CaseStatus
from server.core.context import Actor
from server.core.problem import Kind, Problem
from server.register.models import Action, Entry

BEGINNINGS: Final = frozenset({"action.planned", "action.started"})
# 执行审查类 cases decide on papers; nobody goes out for them (法发〔2014〕26号).
_WITHOUT_ACTIONS: Final = frozenset({"执异", "执复", "执监"})
# What may still be written down once a case is closed: what happens to it afterwards.
_AFTER_CLOSING: Final = frozenset(
    {
        "case.disbursed", "case.node", "case.resumed", "case.measure-renewed",
        "case.measure-lifted", "case.instalment-paid", "case.settlement-performed",
        "case.objection", "case.objection-decided", "case.petition", "case.petition-registered",
        "case.petition-closed", "case.explanation", "case.relief", "case.relief-decided",
        "key.released", "key.result",
        # A lead, an inquiry or money may come after a round was terminated (终本规定9).
        "case.lead", "case.lead-verified", "case.inquiry", "case.received", "case.paper",
    }
)  # fmt: skip


def require_writer(actor: Actor, kind: EntryKind, data: Mapping[str, Any]) -> None:
    """Some kinds, and some of what they may say, are written by leaders alone."""
    writers = kind.writers(data)
    if writers and writers.isdisjoint(role.value for role in actor.roles):
        raise Problem(Kind.FORBIDDEN, f"{kind.id} is written by: {', '.join(sorted(writers))}")


def require_case_takes(case: Case, kind: EntryKind) -> None:
    """What a case takes depends on its type and on whether it is closed."""
    if kind.about == "action" and case.type_code in _WITHOUT_ACTIONS:
        raise Problem(Kind.CONFLICT, f"a case of the type {case.type_code} has no field actions")
    if case.status == CaseStatus.CLOSED and kind.id not in _AFTER_CLOSING:
        raise Problem(Kind.CONFLICT, "the case is closed: resume it under a number of its own")


def require_no_minor_listed(case: Case, kind: EntryKind, data: Mapping[str, Any]) -> None:
    """Minors are never listed as dishonest (失信名单规定, 06 §3); nor when it is not known who."""
    if kind.id != "case.measure" or data["type"] != "list_dishonest":
        return
    debtors = [party for party in case.parties if party.role == "debtor"]
    named = [party for party in debtors if str(party.id) == data.get("party")]
    for party in named or debtors:
        if (party.details or {}).get("minor"):
            raise Problem(Kind.LISTING_REFUSED, "a minor is never listed", party_id=str(party.id))


def require_amendable(
    actor: Actor, entry: Entry | None, kind: EntryKind, action_id: uuid.UUID | None
) -> None:
    """An entry takes the place of one of its own kind, about the same action.

    Whoever amends what leaders alone may say has to be one: else their word could be taken back.
    """
    if entry is None or entry.kind != kind.id:
        raise Problem(Kind.CONFLICT, "amends_id names no entry of this kind in this case")
    if entry.action_id not in {None, action_id}:
        raise Problem(Kind.CONFLICT, "amends_id names an entry about another action")
    require_writer(actor, kind, entry.data)


def references(kind: EntryKind, data: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
    """Fields that name an entry of the case, and what they name."""
    for name, field in kind.fields.items():
        if name in {"of", "promise"} and field.type == "id" and name in data:
            yield name, data[name]


def require_action_takes(action: Action | None, kind: EntryKind, data: Mapping[str, Any]) -> None:
    """An action is begun once, of one type, and what was cancelled takes nothing more."""
    if action is None:
        if kind.id not in BEGINNINGS:
            raise Problem(Kind.CONFLICT, "the action is not known: plan or start it first")
        return
    if action.state == "cancelled":
        raise Problem(Kind.CONFLICT, "the action was cancelled")
    if kind.id in BEGINNINGS and data["type"] != action.type:
        raise Problem(Kind.CONFLICT, f"the action is a {action.type}")


def require_mission_serves(mission: Mission, case: Case) -> None:
    """What was filmed on a mission counts for its cases alone."""
    if case.id not in mission.case_ids:
        raise Problem(Kind.VALIDATION, "mission_id names a mission that is not for this case")


def kind_of(name: str) -> EntryKind:
    """A kind that the wire schema has let through."""
    return kinds()[name]
