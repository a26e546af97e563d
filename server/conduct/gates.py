"""Closing and suspending a case: judged by its gates, refused with the list of what is missing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from server.cases import closing_rules
from server.cases.closing_rules import Citation, Closing, Fact, Gate, Passed
from server.cases.models import Case
from server.conduct import case_reading, closing_facts, court_limits
from server.conduct.case_lines import Book
from server.conduct.case_parts import CaseFacts
from server.conduct.case_state import fold
from server.core.context import Context
from server.core.problem import Kind, Problem


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """Every gate of a way of closing on a day, and the facts behind them."""

    closing: Closing
    on: date
    gates: tuple[Passed, ...]
    facts: Mapping[str, Fact]

    @property
    def missing(self) -> list[Passed]:
        """The gates that refuse."""
        return closing_rules.missing(self.gates)

    @property
    def is_open(self) -> bool:
        """Whether the case may be closed so."""
        return not self.missing


def judge(
    facts: CaseFacts,
    book: Book,
    closing: Closing,
    on: date,
    data: Mapping[str, Any],
    own: Sequence[Gate] | None = None,
) -> Judgement:
    """The gates of a case on a day, by what its entries say until then.  Pure.

    :param own: what the court goes by, if it has added something of its own.
    """
    found = closing_facts.facts_of(fold(facts, book, on), book, closing, data)
    passed = closing_rules.judge(own or closing_rules.standard(), closing, found, facts.type_code)
    return Judgement(closing=closing, on=on, gates=tuple(passed), facts=found)


def require(ctx: Context, case: Case, closing: str, data: Mapping[str, Any]) -> None:
    """Refuse a closing or a suspension that its gates do not let through.

    409 ``gate-closed`` lists what is ``missing``; 422 for a day that is still to come or lies
    before the filing.
    """
    on, today = date.fromisoformat(data["on"]), case_reading.today(ctx)
    if on > today:
        raise Problem(Kind.VALIDATION, "data.on lies in the future")
    if case.filed_on is not None and on < case.filed_on:
        raise Problem(Kind.VALIDATION, "data.on lies before the filing")
    found = judgement(ctx, case, Closing(closing), on, data)
    if not found.gates:
        raise Problem(Kind.CONFLICT, f"a case of the type {case.type_code} is not closed so")
    if not found.is_open:
        raise Problem(
            Kind.GATE_CLOSED, "; ".join(one.gate.en for one in found.missing),
            closing=closing, missing=listed(found.missing),
        )  # fmt: skip


def judgement(
    ctx: Context, case: Case, closing: Closing, on: date, data: Mapping[str, Any]
) -> Judgement:
    """The gates of a stored case."""
    book = case_reading.book_of_case(ctx, case.id)
    own = court_limits.of_court(ctx.session, case.court_id).gates
    return judge(case_reading.facts_of(case), book, closing, on, data, own)


def listed(refusing: Sequence[Passed]) -> list[dict[str, Any]]:
    """What is missing, for people and programs."""
    return [
        {
            "gate": one.gate.id,
            "zh": one.gate.zh,
            "en": one.gate.en,
            "needs": [[named(name) for name in group] for group in one.missing],
            "basis": [cited(citation) for citation in one.gate.basis],
        }
        for one in refusing
    ]


def named(fact: str) -> dict[str, str]:
    """A fact, what it is called, and the kind of entry that shows it."""
    name = closing_rules.fact_names()[fact]
    return {"fact": fact, "zh": name.zh, "en": name.en, "kind": name.kind}


def cited(citation: Citation) -> dict[str, Any]:
    """A citation as it leaves the server."""
    return {
        "law": citation.law, "law_version": citation.law_version, "article": citation.article,
        "confirmed": citation.confirmed,
    }  # fmt: skip
