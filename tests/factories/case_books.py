"""The register of a case as a book of lines, for tests of what is folded from it."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from client_sdk.protocol.entries import kinds
from server.cases.case_no import parse
from server.conduct.case_lines import Book, book_of
from server.conduct.case_parts import CaseFacts
from tests.factories.samples_entries import ADDED, Staff, Step, moment, of_action, of_case

ZONE = ZoneInfo("Asia/Shanghai")
BEGIN = datetime(2025, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Row:
    """A row of the register as the folds read it."""

    id: str
    kind: str
    data: Mapping[str, Any]
    happened_at: datetime
    amends_id: str | None = None
    action_id: str | None = None
    written_by: str | None = None


class Writer:
    """Writes lines one after the other; each is checked as the server does."""

    def __init__(self) -> None:
        self.rows: list[Row] = []

    def write(
        self,
        kind: str,
        /,
        *,
        at: Any = None,
        action: Any = None,
        amends: Any = None,
        **data: Any,
    ) -> str:
        """Append a line and return its id."""
        number = len(self.rows) + 1
        row = Row(
            id=str(uuid.UUID(int=number)), kind=kind, data=kinds()[kind].check(data),
            happened_at=at or BEGIN + timedelta(minutes=number), action_id=action, amends_id=amends,
        )  # fmt: skip
        self.rows.append(row)
        return row.id

    @property
    def book(self) -> Book:
        """What was written so far."""
        return book_of(self.rows, ZONE)


def case(**changes: Any) -> CaseFacts:
    """A plain case of first enforcement."""
    known: dict[str, Any] = {
        "type_code": "执", "status": "enforcing", "cause": "民间借贷纠纷",
        "filed_on": date(2025, 1, 6), "claim_fen": 10_000_000, "has_handler": True,
    }  # fmt: skip
    return CaseFacts(**{**known, **changes})


def sample_facts(row: Mapping[str, Any]) -> CaseFacts:
    """A case of the sample."""
    debtors = [one for one in row["parties"] if one["role"] == "debtor"]
    return CaseFacts(
        type_code=parse(row["case_no"]).type_code, status=row["status"], cause=row["cause"],
        filed_on=date.fromisoformat(row["filed_on"]), claim_fen=row["claim_fen"], has_handler=True,
        minor_debtor=all(one.get("minor") for one in debtors),
    )  # fmt: skip


def sample_book(row: Mapping[str, Any], sample: Mapping[str, Any]) -> Book:
    """What the sample says of a case, written down."""
    writer, known = Writer(), dict[str, str]()
    people = {
        one["id"]: Staff(_id(one["id"]), one["name"], one["role"], one["sex"])
        for one in sample["staff"]
    }
    presidents = frozenset(name for name, one in people.items() if one.post == "court_president")
    for action in row["field_actions"]:
        for step in of_action(row, action, people, ADDED):
            writer.write(step.kind, at=step.at, action=action["id"], **step.data)
    for step in sorted(_steps(row, sample, presidents), key=lambda one: one.at):
        refers = {step.refers[0]: known[step.refers[1]]} if step.refers else {}
        line = writer.write(step.kind, at=step.at, **step.data, **refers)
        if step.key is not None:
            known[step.key] = line
    return writer.book


def _steps(
    row: Mapping[str, Any], sample: Mapping[str, Any], presidents: frozenset[str]
) -> Iterator[Step]:
    terms = {one["id"]: one["term_end"] for one in sample.get("liaisons", ())}
    leads = {one["id"]: one["from_id"] for one in row["leads"]}
    for step in of_case(row, presidents):
        term = terms.get(leads.get(step.key or ""))
        more = {"term_until_on": term} if step.kind == "case.lead" and term else {}
        yield Step(step.at, step.kind, {**step.data, **more}, step.key, step.refers)
    yield from _of_applicants(row)
    yield from _of_key(row)
    yield from _of_nodes(row)


def _of_applicants(row: Mapping[str, Any]) -> Iterable[Step]:
    for one in row["parties"]:
        said = {"migrant_workers": one.get("group"), "hardship": one.get("hardship")}
        for circumstance, holds in said.items():
            if holds:
                data = {"on": row["filed_on"], "circumstance": circumstance, "ground": "样例(虚构)"}
                yield Step(moment(row["filed_on"], 0), "case.applicant", data)


def _of_key(row: Mapping[str, Any]) -> Iterable[Step]:
    key = row["key_case"]
    if key is None:
        return
    on = row["filed_on"]
    chosen = {"on": on, "categories": key["categories"], "reason": "样例(虚构)"}
    yield Step(moment(on, 14), "key.confirmed", chosen)
    ids = {
        name: _id(key[field])
        for name, field in (
            ("handler", "fixed_handler_id"), ("supervising_leader", "fixed_supervising_leader_id"),
            ("package_leader", "package_leader_id"),
        )
    }  # fmt: skip
    said = {
        "measures": "、".join(key["fixed_measures"]), "deadline_on": key["fixed_deadline"],
        "target": key["fixed_target"],
    }  # fmt: skip
    yield Step(moment(on, 15), "key.responsibility", {"on": on, **ids, **said})


def _of_nodes(row: Mapping[str, Any]) -> Iterable[Step]:
    referral = row.get("refusal_referral")
    if referral:
        on = referral["receipt_on"]
        yield Step(moment(on, 16), "case.node", {"on": on, "node": "refusal_received"})
    if "执保" in row["case_no"]:
        on = row["filed_on"]
        yield Step(moment(on, 0), "case.node", {"on": on, "node": "preservation_ruled"})


def _id(name: str) -> str:
    return str(uuid.uuid5(uuid.NAMESPACE_URL, name))
