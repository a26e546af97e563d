"""Every conduct rule: a pass, a failure, where it does not apply, and where it cannot be said."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pytest

from server.fieldlog.conduct_facts import (
    ActionFacts,
    Approval,
    BodySearch,
    Cash,
    Detention,
    Participant,
    Record,
    Ruling,
    Seizure,
    Settlement,
    Sex,
    Summons,
)
from server.fieldlog.conduct_judges import JUDGES
from server.fieldlog.conduct_rules import Check, Config, Outcome, check, standard
from server.fieldlog.recording_coverage import Recording
from tests.factories.conduct import BEGIN, END, JUDGE, OFFICER, POLICE, facts, recording

RULES = {rule.id: rule for rule in standard()}
LATE = END + timedelta(hours=30)
SIGNED = frozenset({"officers", "debtor"})
OK, NOT_OK = Approval(True, "号"), Approval(by_president=False)
DAY = date(2025, 6, 20)
Facts = Callable[[], ActionFacts]


def run(rule: str, given: ActionFacts, config: Config | None = None) -> Check:
    return check(RULES[rule], given, config or Config(), JUDGES)


def says(type_: str = "seal", **stated: bool | None) -> ActionFacts:
    return facts(type_, stated=stated)


def without(type_: str = "seal", **changes: Any) -> ActionFacts:
    return facts(type_, **changes)


PASSES = {
    **dict.fromkeys(RULES, "seal"),
    "CC03": "evict", "CC05": "impound", "CC06": "search", "CC07": "search", "CC08": "search",
    "CC09": "search", "CC10": "search", "CC11": "evict", "CC17": "detain",
    "CC18": "summon_by_force", "CC19": "cash_collection",
}  # fmt: skip


@pytest.mark.parametrize("rule", sorted(RULES))
def test_it_passes_where_nothing_is_wrong(rule: str) -> None:
    assert run(rule, facts(PASSES[rule])).outcome is Outcome.PASS


BROKEN: dict[str, list[ActionFacts]] = {
    "CC01": [says(credentials_shown=False), says(uniform=False)],
    "CC02": [without(participants=(OFFICER,)), without(participants=(OFFICER, POLICE))],
    "CC03": [
        without("evict", record=Record(frozenset({"officers"}))),
        without("evict", record=Record(frozenset({"debtor"}))),
        without("evict", record=Record(SIGNED, frozenset({"agent"}), refusal_noted=False)),
    ],
    "CC04": [says(list_signed=False), says(list_copy_given=False)],
    "CC05": [
        says("impound", notified_party=False),
        without("impound", grassroots_present=False),
    ],
    "CC06": [
        says("search", warrant_shown=False),
        without("search", warrant=Approval(by_president=False)),
        without("search", warrant=Approval(by_president=True)),
    ],
    "CC07": [
        says("search", outsiders_kept_out=False),
        facts("search", grassroots_present=False, stated={"family_present": False}),
    ],
    "CC08": [
        without("search", body_search=BodySearch(Sex.FEMALE, OFFICER)),
    ],
    "CC09": [without("search", record=Record(frozenset({"officers"})))],
    "CC10": [says("search", ordered_to_open=False)],
    "CC11": [
        says("evict", items_list_signed=False),
        without("evict", eviction_notice=Approval(by_president=False)),
        without("evict", eviction_notice=Approval(True, deadline_on=date(2025, 6, 20))),
    ],
    "CC12": [without(seizure=Seizure("movable", None, None, None, None, 2))],
    "CC13": [without(seizure=Seizure("movable", None, None, 121, 100))],
    "CC14": [without(tags=frozenset())],
    "CC15": [says(ruling_served=False), says(assistance_notice_served=False)],
    "CC16": [
        without(seizure=Seizure("deposit", date(2024, 2, 29), date(2025, 3, 1), None, None)),
    ],
    "CC17": [
        without("detain", detention=Detention(NOT_OK, 10, BEGIN, BEGIN, True)),
        without("detain", detention=Detention(OK, 16, BEGIN, BEGIN, True)),
        without("detain", detention=Detention(OK, 10, BEGIN, BEGIN + timedelta(hours=25), True)),
        without("detain", detention=Detention(OK, 10, BEGIN, BEGIN, handed_to_police=False)),
    ],
    "CC18": [
        without("summon_by_force", summons=Summons(OK, BEGIN, BEGIN + timedelta(hours=9))),
        without("summon_by_force", summons=Summons(Approval(by_president=False), BEGIN, END)),
        without(
            "summon_by_force", summons=Summons(OK, BEGIN, BEGIN + timedelta(hours=25), complex=True)
        ),
    ],
    "CC19": [
        without("cash_collection", participants=(OFFICER,)),
        without("cash_collection", cash=Cash(date(2025, 6, 20), False, True, date(2025, 6, 20))),
        without("cash_collection", cash=Cash(date(2025, 6, 20), True, True, date(2025, 6, 21))),
        without("cash_collection", cash=Cash(DAY, True, True, date(2025, 6, 22), "远")),
    ],
    "CC20": [
        without(recordings=(recording("DV1"),)),
        without(recordings=()),
        says(recording_announced=False),
    ],
    "CC21": [says(night_approval=False), says(night_approval=None)],
    "CC22": [says(guardian_arranged=False), says(minors_redacted=None)],
    "CC23": [without(participants=(JUDGE, OFFICER, Participant("LN1", "liaison")))],
    "CC24": [
        without(ruling=Ruling(None, "法", True, True)),
        without(ruling=Ruling("理由", "法", True, explained=False)),
    ],
    "CC25": [
        without(settlement=Settlement(True, frozenset({"applicant"}))),
        without(settlement=Settlement(True, SIGNED | {"applicant"}, True, special_authority=False)),
    ],
    "CC26": [without(recordings=(Recording("EV1", "DV1", True, BEGIN, END, LATE),))],
    "CC27": [
        says(papers_left=False),
        facts(stated={"service_witnessed": False}),
    ],
}  # fmt: skip


@pytest.mark.parametrize(
    ("rule", "at"), [(rule, at) for rule, cases in BROKEN.items() for at in range(len(cases))]
)
def test_it_finds_what_is_wrong_and_says_what(rule: str, at: int) -> None:
    found = run(rule, BROKEN[rule][at])
    assert found.outcome is RULES[rule].severity
    assert found.reasons


UNKNOWN: dict[str, list[ActionFacts]] = {
    "CC01": [says(credentials_shown=None), says(uniform=None)],
    "CC02": [without(participants=())],
    "CC03": [
        without("evict", record=None), without("evict", record=Record(SIGNED, frozenset({"x"}))),
    ],
    "CC04": [says(list_signed=None)],
    "CC05": [
        says("impound", notified_party=None),
        without("impound", grassroots_present=None),
        without("impound", debtor_is_natural=None),
    ],
    "CC06": [without("search", warrant=None), says("search", warrant_shown=None)],
    "CC07": [
        says("search", outsiders_kept_out=None),
        facts("search", grassroots_present=None, stated={"family_present": None}),
    ],
    "CC08": [without("search", body_search=BodySearch(Sex.FEMALE, None))],
    "CC09": [without("search", record=None)],
    "CC10": [says("search", ordered_to_open=None)],
    "CC11": [
        without("evict", eviction_notice=None),
        without("evict", eviction_notice=Approval(by_president=True)),
        without("evict", items_delivered_to=None),
    ],
    "CC12": [without(seizure=None)],
    "CC13": [without(seizure=None)],
    "CC14": [without(tags=frozenset(), awaited=True)],
    "CC15": [says(ruling_served=None), says(assistance_notice_served=None)],
    "CC16": [without(seizure=None)],
    "CC17": [
        without("detain", detention=None),
        without("detain", detention=Detention(OK, 10, BEGIN, None, True)),
        without("detain", detention=Detention(None, 10, BEGIN, BEGIN, True)),
    ],
    "CC18": [without("summon_by_force", summons=Summons(OK, BEGIN, None))],
    "CC19": [
        without("cash_collection", cash=None),
        without("cash_collection", participants=()),
        without("cash_collection", cash=Cash(date(2025, 6, 20), True, True, None)),
    ],
    "CC20": [
        without(ends_at=None),
        without(recordings=(recording("DV1"),), awaited=True),
        without(recordings=(recording("DV1"), Recording("EV2", "DV2", True, BEGIN, None))),
        says(recording_announced=None),
    ],
    "CC21": [facts(stated={"night_approval": None}, awaited=True)],
    "CC22": [facts(stated={"minors_redacted": None}, awaited=True)],
    "CC23": [without(participants=())],
    "CC24": [without(ruling=Ruling("理由", "法", None, True))],
    "CC25": [without(settlement=Settlement(None, frozenset({"applicant", "debtor"})))],
    "CC26": [
        without(ends_at=None),
        without(recordings=(), awaited=True),
        without(recordings=(Recording("EV1", "DV1", True, BEGIN, END),), as_of=END),
    ],
    "CC27": [says(papers_left=None), facts(stated={"service_witnessed": None}, awaited=True)],
}  # fmt: skip


@pytest.mark.parametrize(
    ("rule", "at"), [(rule, at) for rule, cases in UNKNOWN.items() for at in range(len(cases))]
)
def test_what_is_not_known_is_never_a_pass(rule: str, at: int) -> None:
    assert run(rule, UNKNOWN[rule][at]).outcome is Outcome.UNKNOWN


def test_every_rule_has_its_four_tests() -> None:
    assert set(BROKEN) == set(UNKNOWN) == set(RULES)


ELSEWHERE = {
    "CC08": without("search", body_search=None),
    "CC10": says("search", force_opened=None),
    "CC18": without("detain", summons=None),
    "CC21": without(on_holiday=False),
    "CC22": without(minors_on_site=None),
    "CC24": without(ruling=None),
    "CC25": without(settlement=None),
    "CC26": without(recordings=()),
    "CC27": says(service_refused=None),
}
# About every action: they always apply.
EVERYWHERE = {"CC01", "CC02", "CC20", "CC23"}


@pytest.mark.parametrize("rule", sorted(set(RULES) - EVERYWHERE))
def test_it_does_not_apply_elsewhere(rule: str) -> None:
    given = ELSEWHERE.get(rule, facts("freeze_nothing"))
    assert run(rule, given).outcome is Outcome.NOT_APPLICABLE


def test_a_broken_fact_outweighs_an_unknown_one() -> None:
    found = run("CC01", says(credentials_shown=False, uniform=None))
    assert found.outcome is Outcome.FAIL
    assert [reason.code for reason in found.reasons] == ["fact-false", "fact-absent"]


def test_a_court_may_set_its_numbers() -> None:
    assert (
        run("CC02", without(participants=(OFFICER,)), Config(staff_min=1)).outcome is Outcome.PASS
    )
    strict = Config(female_police_may_search=False)
    by_police = without("search", body_search=BodySearch(Sex.FEMALE, POLICE))
    assert run("CC08", by_police).outcome is Outcome.PASS
    assert run("CC08", by_police, strict).outcome is Outcome.FAIL


def test_a_gap_names_its_times_and_recordings() -> None:
    half = BEGIN + timedelta(minutes=30)
    parts = (recording("DV1", ends=half), recording("DV2", ends=half))
    found = run("CC20", without(recordings=parts))
    (gap,) = [one for one in found.reasons if one.code == "recording-gap"]
    assert gap.values == {"from": half.isoformat(), "to": END.isoformat()}
    assert set(gap.evidence) == {one.evidence_id for one in parts}


@pytest.mark.parametrize(
    ("begin", "end", "applies"),
    [
        (timedelta(hours=0), timedelta(hours=1), False),
        (timedelta(hours=11), timedelta(hours=12, minutes=1), True),  # until 22:01
        (timedelta(hours=-4, minutes=-1), timedelta(hours=1), True),  # from 05:59
        (timedelta(hours=10), timedelta(hours=21), True),  # through the night
    ],
)
def test_night_is_by_the_courts_clock(begin: timedelta, end: timedelta, applies: bool) -> None:
    given = without(begins_at=BEGIN + begin, ends_at=BEGIN + end, on_holiday=False)
    outcome = run("CC21", given).outcome
    assert outcome is (Outcome.PASS if applies else Outcome.NOT_APPLICABLE)


@pytest.mark.parametrize("seconds", [0, 3])
def test_an_action_that_was_over_at_once_is_not_recorded_by_that(seconds: int) -> None:
    """A device that lets an action end where it began has shown nothing."""
    given = facts("seal", ends_at=BEGIN + timedelta(seconds=seconds), recordings=())
    found = run("CC20", given)
    assert (found.outcome, found.reasons[0].code) == (Outcome.WARN, "too-few-recorders")
