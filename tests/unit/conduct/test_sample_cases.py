"""Where the sample cases stand on their day: what the sample says of them comes out."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

import pytest

from server.cases.closing_rules import Closing
from server.cases.deadlines import Standing
from server.conduct import gates
from server.conduct.alarms import AlarmKind
from server.conduct.case_parts import SettlementState
from server.conduct.case_pictures import CasePicture, picture
from server.conduct.clocks import Running
from server.conduct.key_cases import ResponsibilityState
from tests.factories.case_books import sample_book, sample_facts
from tests.factories.samples_data import built_in, sample

SAMPLES = sample()
AS_OF = date.fromisoformat(SAMPLES["meta"]["as_of"])
CASES: Mapping[str, Mapping[str, Any]] = {one["id"]: one for one in SAMPLES["cases"]}
FULL = len(CASES) > len(built_in()["cases"])
NAMES = sorted(CASES)


def seen(case_id: str, on: date = AS_OF) -> CasePicture:
    row = CASES[case_id]
    return picture(sample_facts(row), sample_book(row, SAMPLES), on)


def clocks(found: CasePicture, name: str) -> list[Running]:
    return sorted(
        (one for one in found.clocks if one.clock.id == name), key=lambda one: one.begins_on
    )


def day(text: str | None) -> date | None:
    return None if text is None else date.fromisoformat(text)


@pytest.mark.parametrize("case_id", NAMES)
def test_the_limit_for_completing(case_id: str) -> None:
    row, found = CASES[case_id], seen(case_id)
    stated = day(row["deadline_on"])
    if "执保" in row["case_no"]:
        assert found.deadline is None
        return
    assert found.deadline is not None
    due = found.deadline.due
    if row["status"] == "suspended":
        assert (due.due_on, due.standing) == (None, Standing.PAUSED)
        assert found.deadline.earliest_on == stated
    elif stated is not None:
        assert due.due_on == stated
    closing = row["closing"]
    if closing and stated:
        assert (due.standing is Standing.MET) == (closing["on"] <= row["deadline_on"])
    elif stated and row["status"] == "enforcing":
        assert found.deadline.is_overdue == (stated < AS_OF)


@pytest.mark.parametrize("case_id", NAMES)
def test_the_next_renewal(case_id: str) -> None:
    row = CASES[case_id]
    held = [one["expires_on"] for one in row["measures"] if one.get("status") == "in_force"
            and one.get("expires_on")]  # fmt: skip
    if held:
        assert seen(case_id).next_renewal_on == day(min(held))


@pytest.mark.parametrize("case_id", NAMES)
def test_money_is_disbursed_within_thirty_days(case_id: str) -> None:
    funds = sorted(CASES[case_id]["fund_records"], key=lambda one: one["received_on"])
    found = clocks(seen(case_id), "disburse")
    assert len(found) == len(funds)
    for one, fund in zip(found, funds, strict=True):
        due = date.fromisoformat(fund["received_on"]) + timedelta(days=30)
        assert (one.due.due_on, one.met_on) == (due, day(fund["disbursed_on"]))
        if one.met_on is not None:
            assert (one.due.standing is Standing.MET_LATE) == (one.met_on > due)


@pytest.mark.parametrize("case_id", NAMES)
def test_petitions_are_registered_and_finished_in_working_days(case_id: str) -> None:
    found = seen(case_id)
    for row in CASES[case_id]["petitions"]:
        [finish] = clocks(found, "finish_petition")
        [register] = clocks(found, "register_petition")
        assert finish.due.due_on == day(row["due_on"])
        late = row["id"] == "PT2"
        assert (register.due.standing is Standing.MET_LATE) == late
        closed = row["closed_on"] is not None
        assert (finish.due.standing is Standing.MET) == closed


@pytest.mark.parametrize("case_id", NAMES)
def test_leads_are_verified_in_time(case_id: str) -> None:
    found = seen(case_id)
    for row in CASES[case_id]["leads"]:
        [verify] = clocks(found, "verify_lead")
        assert verify.due.due_on == day(row["verify_due_on"])
        assert verify.is_overdue == (row["verified_on"] is None)


@pytest.mark.parametrize("case_id", NAMES)
def test_amounts(case_id: str) -> None:
    row, amounts = CASES[case_id], seen(case_id).state.amounts
    funds = row["fund_records"]
    assert amounts.received == sum(one["amount_fen"] for one in funds)
    assert amounts.disbursed == sum(one["amount_fen"] for one in funds if one["disbursed_on"])
    held = [one for one in row["measures"] if one["type"] in {"seal", "impound", "freeze"}
            and one["on"] and date.fromisoformat(one["expires_on"]) >= AS_OF]  # fmt: skip
    assert amounts.controlled == sum(one.get("value_fen") or one.get("amount_fen") for one in held)


@pytest.mark.parametrize("case_id", NAMES)
def test_key_categories_are_suggested_and_confirmed(case_id: str) -> None:
    row = CASES[case_id]
    key = seen(case_id).key
    confirmed = row["key_case"]["categories"] if row["key_case"] else []
    assert list(key.categories) == confirmed
    assert key.state == ("confirmed" if confirmed else "suggested" if key.suggested else "none")
    if row["status"] == "closed":  # then assets that wait are not suggested any more
        confirmed = [one for one in confirmed if one != "asset_available_unexecuted"]
    assert set(confirmed) <= {one.category for one in key.suggested}
    if row["key_case"]:
        over = date.fromisoformat(row["key_case"]["fixed_deadline"]) < AS_OF
        wanted = ResponsibilityState.OVERDUE if over else ResponsibilityState.IN_FORCE
        assert key.responsibility is wanted


@pytest.mark.parametrize("case_id", NAMES)
def test_a_default_on_a_settlement_is_told(case_id: str) -> None:
    settlement, found = CASES[case_id]["settlement"], seen(case_id)
    late = [
        one["due_on"]
        for one in (settlement or {}).get("schedule") or ()
        if not one["paid"] and date.fromisoformat(one["due_on"]) < AS_OF
    ]
    told = [one.on for one in found.alarms if one.kind is AlarmKind.SETTLEMENT_DEFAULT]
    assert told == [day(one) for one in late]
    if settlement:
        state = found.state.settlement
        assert state is not None
        performed = settlement["performed_on"] is not None
        assert (state.state is SettlementState.PERFORMED) == performed
        assert (state.state is SettlementState.DEFAULTED) == bool(late)


def test_the_idle_case_is_overdue() -> None:
    found = seen("CS09")
    assert found.deadline is not None
    assert found.deadline.due.standing is Standing.OVERDUE
    assert found.state.last_activity_on == date(2025, 1, 15)
    assert (AS_OF - found.state.last_activity_on).days > 180
    kinds = {one.kind for one in found.alarms if one.late}
    assert AlarmKind.DEADLINE in kinds
    assert (AlarmKind.RESPONSIBILITY_OVERDUE in kinds) == FULL


def test_the_idle_case_is_not_closed_and_the_list_says_why() -> None:
    row = CASES["CS09"]
    found = gates.judge(
        sample_facts(row), sample_book(row, SAMPLES), Closing.ROUND_TERMINATED, AS_OF, {}
    )
    assert [one.gate.id for one in found.missing] == [
        "G1", "G2", "G3", "G5", "G6", "E1", "E3", "X1",
    ]  # fmt: skip
    told = gates.listed(found.missing)
    assert [one["fact"] for group in told[0]["needs"] for one in group] == [
        "notice_served", "report_order_served",
    ]  # fmt: skip
    assert all(one["basis"] and one["zh"] and one["en"] for one in told)


if FULL:

    def test_the_terminated_round_passed_every_gate() -> None:
        row = CASES["CS07"]
        on = date.fromisoformat(row["closing"]["on"])
        book, facts = sample_book(row, SAMPLES), sample_facts(row)
        found = gates.judge(facts, book, Closing.ROUND_TERMINATED, on, {})
        assert [one.gate.id for one in found.gates if one.is_met][:6] == list(
            row["closing"]["gate"]
        )
        assert found.is_open
        before = gates.judge(facts, book, Closing.ROUND_TERMINATED, on - timedelta(days=1), {})
        assert "G6" in [one.gate.id for one in before.missing]

    def test_a_terminated_round_is_checked_again_every_half_year() -> None:
        [recheck] = clocks(seen("CS07"), "recheck")
        assert recheck.due.due_on == day(CASES["CS07"]["closing"]["recheck"]["next_on"])
        over = date.fromisoformat(CASES["CS07"]["closing"]["recheck"]["until"])
        assert over == date(2030, 8, 15)

    def test_the_police_have_seven_days_unless_they_take_thirty() -> None:
        [review] = clocks(seen("CS06"), "police_review")
        row = CASES["CS06"]["refusal_referral"]
        assert review.due.due_on == day(row["review_due_on"])

    def test_the_family_was_told_late() -> None:
        [told] = clocks(seen("CS06"), "family_told")
        assert told.due.standing is Standing.MET_LATE
        [in_time] = clocks(seen("CS04"), "family_told")
        assert in_time.due.standing is Standing.MET
        [asked] = clocks(seen("CS04"), "summons_questioning")
        assert asked.due.standing is Standing.MET

    def test_a_preservation_has_begun_within_five_days() -> None:
        [begun] = clocks(seen("CS11"), "begin_preservation")
        assert (begun.due.due_on, begun.met_on) == (date(2025, 9, 6), date(2025, 9, 2))
        assert begun.due.standing is Standing.MET

    def test_a_lead_came_from_a_liaison_whose_term_was_over() -> None:
        told = [one for one in seen("CS12").alarms if one.kind is AlarmKind.LIAISON_EXPIRED]
        assert [one.on for one in told] == [date(2025, 4, 7)]
