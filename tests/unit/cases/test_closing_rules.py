"""Closing gates: what is missing is listed; what is not known is missing."""

from __future__ import annotations

from datetime import date

import pytest

from client_sdk.protocol.entries import kinds
from server.cases import closing_rules
from server.cases.closing_rules import Closing, Fact, Money, Passed, judge, missing, standard

NAMES = {
    closing: sorted(
        {
            name
            for gate in standard()
            if closing in gate.closings
            for group in gate.needs
            for name in group
        }
    )
    for closing in Closing
}


def gates_of(closing: Closing, **facts: Fact) -> dict[str, Passed]:
    known = {name: Fact(holds=True, evidence=(name,)) for name in NAMES[closing]} | facts
    return {one.gate.id: one for one in judge(standard(), closing, known)}


@pytest.mark.parametrize("closing", list(Closing))
def test_every_way_of_closing_has_gates_that_open_when_all_is_there(closing: Closing) -> None:
    found = gates_of(closing)
    assert found
    assert missing(list(found.values())) == []


@pytest.mark.parametrize(
    ("closing", "name"), [(closing, name) for closing in Closing for name in NAMES[closing]]
)
@pytest.mark.parametrize("holds", [False, None], ids=["false", "unknown"])
def test_one_fact_less_closes_a_gate_unless_another_stands_in(
    closing: Closing, name: str, holds: bool | None
) -> None:
    refused = missing(list(gates_of(closing, **{name: Fact(holds)}).values()))
    groups = [group for gate in standard() if closing in gate.closings for group in gate.needs]
    alone = [group for group in groups if group == (name,)]
    assert [group for one in refused for group in one.missing] == alone


def test_either_of_two_opens_and_none_is_named_with_both() -> None:
    signed = gates_of(Closing.ROUND_TERMINATED, panel_reviewed=Fact(holds=False))
    assert signed["G6"].is_met
    neither = gates_of(
        Closing.ROUND_TERMINATED, panel_reviewed=Fact(holds=False), applicant_signed=Fact(None)
    )
    assert neither["G6"].missing == (("applicant_signed", "panel_reviewed"),)


def test_a_met_gate_names_its_records_once() -> None:
    both = Fact(holds=True, evidence=("R1", "R2"))
    found = gates_of(Closing.ROUND_TERMINATED, notice_served=both, report_order_served=both)
    assert found["G1"].evidence == ("R1", "R2")


def test_nothing_known_refuses_with_the_whole_list() -> None:
    refused = missing(judge(standard(), Closing.ROUND_TERMINATED, {}))
    assert [one.gate.id for one in refused] == [
        "G1", "G2", "G3", "G4", "G5", "G6", "E1", "E2", "E3", "X1",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("filed", "closing", "holds"),
    [
        ("2025-03-31", "2025-06-30", False),
        ("2025-03-31", "2025-07-01", True),
        ("2024-11-30", "2025-02-28", False),
        ("2024-11-30", "2025-03-01", True),
    ],
)
def test_three_months_have_to_be_over(filed: str, closing: str, holds: bool) -> None:
    fact = closing_rules.fact_of_waiting(date.fromisoformat(filed), date.fromisoformat(closing))
    assert fact.holds is holds


@pytest.mark.parametrize(
    ("claimed", "received", "disbursed", "owed", "nothing_owed", "all_disbursed"),
    [
        (100, 100, 100, 0, True, True),
        (100, 120, 100, 0, True, False),
        (100, 40, 40, 60, False, True),
        (0, 0, 0, 0, True, True),
    ],
)
def test_three_figures_are_three(
    claimed: int, received: int, disbursed: int, owed: int, nothing_owed: bool, all_disbursed: bool
) -> None:
    money = Money(claimed=claimed, received=received, disbursed=disbursed)
    assert money.owed == owed
    facts = closing_rules.facts_of_money(money)
    assert facts["nothing_owed"].holds is nothing_owed
    assert facts["money_disbursed"].holds is all_disbursed


def test_a_sum_of_marks_is_unknown_rather_than_true() -> None:
    assert closing_rules.all_of({"a": True, "b": True}, ["R1"]) == Fact(True, ("R1",))
    assert closing_rules.all_of({"a": True, "b": None}).holds is None
    assert closing_rules.all_of({"a": None, "b": False}).holds is False
    assert closing_rules.all_of({}).holds is None


def test_every_fact_that_a_gate_needs_has_a_name_and_a_kind_of_entry() -> None:
    needed = {name for gate in standard() for group in gate.needs for name in group}
    names = closing_rules.fact_names()
    assert needed == set(names)
    assert {one.kind for one in names.values()} <= set(kinds())


def test_gates_are_for_types_of_cases() -> None:
    found = judge(standard(), Closing.COMPLETED, {}, "执保")
    assert [one.gate.id for one in found] == ["C2", "P1"]
