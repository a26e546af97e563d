"""Entries folded to a case's state: whatever the order in which they came."""

from __future__ import annotations

import random
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.cases.closing_rules import Closing
from server.cases.deadlines import Standing
from server.conduct import gates
from server.conduct.alarms import AlarmKind
from server.conduct.case_lines import book_of
from server.conduct.case_parts import PromiseState, SettlementState
from server.conduct.case_pictures import CasePicture, picture
from server.conduct.case_state import fold
from server.conduct.key_cases import Reason, ResponsibilityState
from tests.factories.case_books import ZONE, Writer, case

TODAY = date(2025, 9, 30)
SOMEONE = "00000000-0000-4000-8000-000000000001"


def seen(writer: Writer, today: date = TODAY, **facts: object) -> CasePicture:
    return picture(case(**facts), writer.book, today)


def alarms(found: CasePicture) -> list[str]:
    return [one.kind.value for one in found.alarms]


# ------------------------------------------------------------------------- money


def test_four_figures_are_four() -> None:
    writer = Writer()
    writer.write("case.claim", on="2025-01-06", principal_fen=1_000, interest_fen=50, delay_fen=30,
                 fee_fen=20)  # fmt: skip
    frozen = writer.write("case.measure", on="2025-01-07", type="freeze", value_fen=900)
    writer.write("case.controlled", on="2025-01-08", amount_fen=700, of=frozen)
    writer.write("case.controlled", on="2025-01-08", amount_fen=5, what="现金(虚构)")
    money = writer.write("case.received", on="2025-01-09", amount_fen=400)
    writer.write("case.disbursed", on="2025-01-10", amount_fen=150, of=money)
    found = seen(writer).state.amounts
    assert (found.claimed, found.controlled, found.received, found.disbursed, found.owed) == (
        1_100, 705, 400, 150, 700,
    )  # fmt: skip


def test_money_is_disbursed_when_all_of_it_is() -> None:
    writer = Writer()
    money = writer.write("case.received", on="2025-08-01", amount_fen=400)
    writer.write("case.disbursed", on="2025-08-05", amount_fen=150, of=money)
    [clock] = [one for one in seen(writer).clocks if one.clock.id == "disburse"]
    assert (clock.due.standing, clock.is_overdue) == (Standing.OVERDUE, True)
    writer.write("case.disbursed", on="2025-09-05", amount_fen=250, of=money)
    [clock] = [one for one in seen(writer).clocks if one.clock.id == "disburse"]
    assert (clock.due.standing, clock.met_on) == (Standing.MET_LATE, date(2025, 9, 5))


def test_what_refers_to_an_amended_entry_refers_to_what_took_its_place() -> None:
    writer = Writer()
    money = writer.write("case.received", on="2025-08-01", amount_fen=400)
    writer.write("case.disbursed", on="2025-08-05", amount_fen=300, of=money)
    again = writer.write("case.received", on="2025-08-02", amount_fen=200, amends=money)
    writer.write("case.received", on="2025-08-03", amount_fen=300, amends=again)
    found = seen(writer)
    assert (found.state.amounts.received, found.state.amounts.disbursed) == (300, 300)
    [clock] = [one for one in found.clocks if one.clock.id == "disburse"]
    assert (clock.begins_on, clock.due.standing) == (date(2025, 8, 3), Standing.MET)


# ---------------------------------------------------------------------- measures


def test_a_seizure_expires_as_stated_but_no_later_than_the_law_allows() -> None:
    writer = Writer()
    writer.write("case.measure", on="2025-02-01", type="freeze", until_on="2027-01-31")
    writer.write("case.measure", on="2025-02-02", type="freeze", until_on="2025-10-10")
    writer.write("case.measure", on="2025-02-03", type="freeze", asset_kind="other")
    found = seen(writer)
    assert [one.until_on for one in found.state.measures] == [
        date(2026, 2, 1), date(2025, 10, 10), date(2028, 2, 3),
    ]  # fmt: skip
    assert found.next_renewal_on == date(2025, 10, 10)
    assert alarms(found).count("measure") == 1


def test_renewed_and_lifted() -> None:
    writer = Writer()
    frozen = writer.write("case.measure", on="2024-09-01", type="freeze", value_fen=7)
    assert "measure" in alarms(seen(writer, date(2025, 9, 2)))
    writer.write("case.measure-renewed", on="2025-08-20", of=frozen, until_on="2026-08-19")
    found = seen(writer)
    assert (found.next_renewal_on, found.state.amounts.controlled) == (date(2026, 8, 19), 7)
    assert "measure" not in alarms(found)
    writer.write("case.measure-lifted", on="2025-09-01", of=frozen, reason="已履行(虚构)")
    found = seen(writer)
    assert (found.next_renewal_on, found.state.amounts.controlled) == (None, 0)


def test_what_was_seized_on_the_spot_counts_once() -> None:
    writer = Writer()
    writer.write("action.started", action="a", type="seal")
    writer.write("action.seizure", action="a", kind="real_estate", from_on="2025-05-06",
                 until_on="2028-05-05", value_fen=9)  # fmt: skip
    assert seen(writer).state.amounts.controlled == 9
    writer.write("case.measure", on="2025-05-06", type="seal", value_fen=9)
    assert seen(writer).state.amounts.controlled == 9


def test_measures_stay_after_a_terminated_round_and_go_after_completion() -> None:
    for method, kind in (("round_terminated", "measure"), ("completed", "to_be_lifted")):
        writer = Writer()
        writer.write("case.measure", on="2025-02-02", type="freeze", until_on="2025-10-10")
        writer.write("case.closed", on="2025-09-01", method=method)
        assert kind in alarms(seen(writer, status="closed")), method


# ---------------------------------------------------------------- periods and time


@given(st.integers(1, 60), st.integers(1, 60), st.integers(0, 60), st.integers(0, 2**16))
def test_a_suspension_adds_its_days(starts: int, lasts: int, later: int, seed: int) -> None:
    """The due day moves by as many days as the case stood still, in whatever order it is told."""
    writer, filed = Writer(), date(2025, 1, 6)
    stop = filed + timedelta(days=starts)
    go_on = stop + timedelta(days=lasts)
    writer.write("case.suspended", on=stop.isoformat(), reason="异议(虚构)", law="267")
    writer.write("case.continued", on=go_on.isoformat(), reason="已审结(虚构)")
    rows = list(writer.rows)
    random.Random(seed).shuffle(rows)
    found = picture(case(), book_of(rows, ZONE), go_on + timedelta(days=later))
    assert found.deadline is not None
    assert found.deadline.due.due_on == date(2025, 7, 6) + timedelta(days=lasts)
    during = picture(case(), book_of(rows, ZONE), go_on - timedelta(days=1))
    if lasts > 1:
        assert during.deadline is not None
        assert during.deadline.due.due_on is None
        assert during.deadline.earliest_on == date(2025, 7, 6) + timedelta(days=lasts - 1)


def test_a_deferral_ends_by_itself_and_the_case_should_go_on() -> None:
    writer = Writer()
    writer.write("case.deferred", on="2025-03-01", until_on="2025-04-01", reason="担保(虚构)")
    found = seen(writer, status="suspended")
    assert found.deadline is not None
    assert found.deadline.due.due_on == date(2025, 8, 6)
    assert "pause_over" in alarms(found)


def test_only_what_the_president_granted_extends() -> None:
    writer = Writer()
    assert alarms(seen(writer)) == ["deadline"]
    writer.write("case.extended", on="2025-07-01", until_on="2025-12-31", reason="复杂(虚构)")
    found = seen(writer)
    assert (found.deadline_on, alarms(found)) == (date(2025, 12, 31), [])


def test_entries_of_later_days_are_not_there_yet() -> None:
    writer = Writer()
    writer.write("case.received", on="2025-10-01", amount_fen=5)
    assert seen(writer).state.amounts.received == 0
    assert seen(writer, date(2025, 10, 1)).state.amounts.received == 5


def test_a_terminated_round_is_checked_for_five_years() -> None:
    writer = Writer()
    writer.write("case.closed", on="2025-08-15", method="round_terminated")
    for day in ("2026-02-10", "2026-09-01"):
        writer.write("case.node", on=day, node="rechecked")
    found = [one for one in seen(writer, date(2026, 10, 1), status="closed").clocks
             if one.clock.id == "recheck"]  # fmt: skip
    assert sorted((one.due.due_on, one.due.standing.value) for one in found) == [
        (date(2026, 2, 15), "met"), (date(2026, 8, 10), "met_late"), (date(2027, 3, 1), "running"),
    ]  # fmt: skip
    writer.write("case.node", on="2030-03-01", node="rechecked")
    later = seen(writer, date(2031, 1, 1), status="closed")
    assert all(not one.is_waiting for one in later.clocks if one.clock.id == "recheck")


def test_a_resumed_case_is_checked_no_more() -> None:
    writer = Writer()
    writer.write("case.closed", on="2025-08-15", method="round_terminated")
    writer.write("case.resumed", on="2025-09-15", case=SOMEONE,
                 reason="发现财产(虚构)")  # fmt: skip
    found = seen(writer, date(2026, 6, 1), status="closed")
    assert [one for one in found.clocks if one.clock.id == "recheck"] == []
    assert found.state.closed is not None
    assert found.state.closed.resumed_on == date(2025, 9, 15)


def test_what_nobody_waits_for_any_more_is_missed_or_gone() -> None:
    writer = Writer()
    early = {"kind": "property", "source": "applicant", "content": "线索(虚构)", "specific": True}
    writer.write("case.lead", on="2025-08-01", **early)
    writer.write("case.lead", on="2025-08-30", **early)
    writer.write("case.lead", on="2025-08-30", **{**early, "specific": False})
    writer.write("case.closed", on="2025-09-01", method="completed")
    found = [one for one in seen(writer, status="closed").clocks if one.clock.id == "verify_lead"]
    assert [(one.begins_on, one.due.standing) for one in found] == [
        (date(2025, 8, 1), Standing.MISSED)
    ]


def test_a_party_s_own_limit_presses_nobody_here() -> None:
    writer = Writer()
    asked = writer.write("case.objection", on="2025-08-01", kind="objection", by="被执行人(虚构)",
                         content="异议(虚构)")  # fmt: skip
    writer.write("case.objection-decided", on="2025-08-10", of=asked, result="rejected")
    [review] = [one for one in seen(writer).clocks if one.clock.id == "apply_review"]
    assert (review.due.standing, review.is_waiting) == (Standing.MISSED, False)
    assert "objection" not in alarms(seen(writer))


# ------------------------------------------------------------------- talks, key cases


def test_promises() -> None:
    writer = Writer()
    said = {"on": "2025-06-20", "by": "被执行人(虚构)", "what": "付清(虚构)"}
    kept, broken, silent, still = (
        writer.write("case.promise", due_on=due, **said)
        for due in ("2025-07-01", "2025-07-02", "2025-07-03", "2025-10-01")
    )
    writer.write("case.promise-kept", on="2025-07-01", promise=kept, kept=True)
    writer.write("case.promise-kept", on="2025-07-02", promise=broken, kept=False)
    states = {one.id: one.state for one in seen(writer).state.promises}
    assert states == {
        kept: PromiseState.KEPT, broken: PromiseState.BROKEN, silent: PromiseState.BROKEN,
        still: PromiseState.OPEN,
    }  # fmt: skip
    assert alarms(seen(writer)).count("promise_broken") == 2


@pytest.mark.parametrize(
    ("signed", "agent", "authority", "state"),
    [
        (["applicant", "debtor"], None, None, SettlementState.DEFAULTED),
        (["applicant"], None, None, SettlementState.DRAFT),
        (["applicant", "legal_representative"], True, None, SettlementState.DRAFT),
        (["applicant", "legal_representative"], True, True, SettlementState.DEFAULTED),
    ],
    ids=["both", "one", "agent", "agent with authority"],
)
def test_settlements(
    signed: list[str], agent: bool | None, authority: bool | None, state: SettlementState
) -> None:
    writer = Writer()
    made = writer.write("case.settlement", on="2025-06-18", terms="分期(虚构)", signed_by=signed,
                        by_agent=agent, special_authority=authority)  # fmt: skip
    first = writer.write("case.instalment", on="2025-06-18", of=made, due_on="2025-08-05",
                         amount_fen=100)  # fmt: skip
    writer.write("case.instalment", on="2025-06-18", of=made, due_on="2025-09-05", amount_fen=100)
    for amount in (60, 40):
        writer.write("case.instalment-paid", on="2025-08-04", of=first, amount_fen=amount)
    found = seen(writer)
    assert found.state.settlement is not None
    assert found.state.settlement.state is state
    assert [one.paid_on is not None for one in found.state.settlement.instalments] == [True, False]
    writer.write("case.settlement-performed", on="2025-09-20", of=made)
    assert AlarmKind.SETTLEMENT_DEFAULT.value not in alarms(seen(writer))


def test_responsibility_is_kept_in_versions() -> None:
    writer, someone = Writer(), SOMEONE
    writer.write(
        "key.confirmed", on="2025-02-01", categories=["migrant_wages"], reason="工资(虚构)"
    )
    assert "responsibility_incomplete" in alarms(seen(writer))
    writer.write("key.responsibility", on="2025-02-02", handler=someone, measures="冻结(虚构)",
                 deadline_on="2025-08-31", target="到位(虚构)")  # fmt: skip
    key = seen(writer).key
    assert (key.responsibility, key.versions[-1].missing) == (
        ResponsibilityState.INCOMPLETE, ("supervising_leader", "package_leader"),
    )  # fmt: skip
    writer.write("key.responsibility", on="2025-02-03", supervising_leader=someone,
                 package_leader=someone)  # fmt: skip
    assert seen(writer, date(2025, 8, 31)).key.responsibility is ResponsibilityState.IN_FORCE
    found = seen(writer)
    assert found.key.responsibility is ResponsibilityState.OVERDUE
    assert "responsibility_overdue" in alarms(found)
    assert len(found.key.versions) == 2
    writer.write("key.result", on="2025-09-05", met=True, reason="全部到位(虚构)")
    assert seen(writer).key.responsibility is ResponsibilityState.MET
    writer.write("key.responsibility", on="2025-09-06", deadline_on="2025-12-31")
    assert seen(writer).key.responsibility is ResponsibilityState.IN_FORCE
    writer.write("key.released", on="2025-09-07", reason="已执结(虚构)")
    assert (seen(writer).key.state, seen(writer).key.categories) == ("released", ())


def test_why_a_category_is_suggested() -> None:
    writer = Writer()
    lead = {"kind": "property", "source": "applicant", "content": "线索(虚构)", "specific": True}
    writer.write("case.lead", on="2025-07-10", **lead)
    for day in ("2025-03-01", "2025-05-01"):
        writer.write("case.petition", on=day, content="未执行(虚构)")
    writer.write("case.relief", on="2025-06-01", reason="特困(虚构)")
    found = {
        one.category: one.reason for one in seen(writer, cause="追索劳动报酬纠纷").key.suggested
    }
    assert found == {
        "migrant_wages": Reason.CAUSE, "hardship_applicant": Reason.RELIEF,
        "repeated_petition": Reason.PETITIONS, "asset_available_unexecuted": Reason.LEAD,
    }  # fmt: skip
    assert seen(Writer()).key.state == "none"


# ------------------------------------------------------------------------- gates


def test_what_was_said_before_going_on_is_about_another_suspension() -> None:
    writer = Writer()

    def told(on: str) -> None:
        writer.write(
            "case.explanation", on=on, **{"for": "suspended"}, facts="异议(虚构)", law="267"
        )
        writer.write("case.paper", on=on, paper="ruling", to="申请执行人(虚构)", law="267",
                     reason="异议(虚构)", **{"for": "suspended"})  # fmt: skip

    def missing(on: date) -> list[str]:
        found = gates.judge(case(), writer.book, Closing.SUSPENDED, on, {})
        return [one.gate.id for one in found.missing]

    assert missing(date(2025, 3, 1)) == ["X1", "X2"]
    told("2025-03-01")
    assert missing(date(2025, 3, 1)) == []
    assert missing(date(2025, 2, 28)) == ["X1", "X2"]
    writer.write("case.suspended", on="2025-03-01", reason="异议(虚构)", law="267")
    writer.write("case.continued", on="2025-04-01", reason="已审结(虚构)")
    assert missing(date(2025, 5, 1)) == ["X1", "X2"]


def test_nothing_is_left_unless_something_turns_up_later() -> None:
    writer = Writer()
    writer.write(
        "case.condition", on="2025-05-01", fact="no_asset_left", holds=True, ground="无(虚构)"
    )

    def known(on: date) -> bool | None:
        found = gates.judge(case(), writer.book, Closing.ROUND_TERMINATED, on, {})
        return found.facts["no_asset_left"].holds

    assert known(date(2025, 6, 1)) is True
    writer.write("case.measure", on="2025-05-20", type="freeze", value_fen=5)
    assert known(date(2025, 6, 1)) is None


@pytest.mark.parametrize(
    ("type_code", "closing", "offered"),
    [
        ("执", "completed", ["C1", "C2"]), ("执保", "completed", ["P1", "C2"]),
        ("执异", "completed", ["R1", "C2"]), ("执恢", "deregistered", ["D1"]),
    ],
)  # fmt: skip
def test_each_type_of_case_has_its_own_gates(
    type_code: str, closing: str, offered: list[str]
) -> None:
    found = gates.judge(case(type_code=type_code), Writer().book, Closing(closing), TODAY, {})
    assert sorted(one.gate.id for one in found.gates) == sorted(offered)


def test_the_three_exhaustions_are_computed() -> None:
    writer = Writer()

    def complete() -> dict[str, bool | None]:
        found = gates.judge(case(), writer.book, Closing.ROUND_TERMINATED, TODAY, {}).facts
        names = ("measures_exhausted", "leads_exhausted", "persuasion_exhausted")
        return {name: found[name].holds for name in names}

    assert list(complete().values()) == [False, True, False]
    for way in ("network", "traditional", "questioning"):
        writer.write("case.inquiry", on="2025-02-01", what=way, result="无(虚构)")
    writer.write("action.started", action="a", type="on_site_investigation")
    writer.write(
        "case.persuasion", on="2025-02-02", content="释明(虚构)", **{"with": "被执行人(虚构)"}
    )
    assert list(complete().values()) == [True, True, True]
    lead = writer.write("case.lead", on="2025-02-03", kind="property", source="public",
                        content="存货(虚构)")  # fmt: skip
    writer.write("case.promise", on="2025-09-01", by="被执行人(虚构)", due_on="2025-10-30",
                 what="付清(虚构)")  # fmt: skip
    assert list(complete().values()) == [True, False, False]
    writer.write("case.lead-verified", on="2025-02-05", of=lead, result="refuted")
    assert complete()["leads_exhausted"] is True


def test_the_order_in_which_entries_came_does_not_matter() -> None:
    writer = Writer()
    writer.write("case.suspended", on="2025-03-01", reason="异议(虚构)", law="267")
    frozen = writer.write("case.measure", on="2025-02-01", type="freeze", value_fen=5)
    writer.write("case.continued", on="2025-04-01", reason="已审结(虚构)")
    writer.write("case.measure-renewed", on="2025-09-01", of=frozen, until_on="2026-08-31")
    straight = fold(case(), writer.book, TODAY)
    assert fold(case(), book_of(reversed(writer.rows), ZONE), TODAY) == straight
