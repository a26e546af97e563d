"""The table of clocks says what the design says."""

from __future__ import annotations

from datetime import date

import pytest

from client_sdk.protocol.entries import kinds
from server.cases import deadlines
from server.cases.calendar import national
from server.cases.clock_table import standard
from server.cases.deadlines import Limit, Unit

CLOCKS = {clock.id: clock for clock in standard()}


def test_every_clock_has_a_name_two_events_and_a_source() -> None:
    for clock in CLOCKS.values():
        assert clock.zh
        assert clock.en
        assert clock.starts != clock.stops
        assert clock.basis
        assert all(one.law_version for one in clock.basis if one.confirmed), clock.id


def test_preservations_have_no_six_months() -> None:
    assert CLOCKS["complete"].runs_in("执")
    assert not CLOCKS["complete"].runs_in("执保")
    assert CLOCKS["begin_preservation"].runs_in("执保")
    assert CLOCKS["verify_lead"].runs_in("执监")


@pytest.mark.parametrize(
    ("clock", "urgent", "begins", "ends"),
    [
        ("verify_lead", False, "2025-08-25", "2025-09-01"),
        ("verify_lead", True, "2025-07-10", "2025-07-13"),
        ("finish_petition", False, "2025-09-01", "2025-10-17"),
        ("police_review", False, "2025-09-17", "2025-09-24"),
        ("recheck", False, "2025-08-15", "2026-02-15"),
        ("disburse", False, "2025-07-03", "2025-08-02"),
        ("complete", True, "2025-03-31", "2025-09-30"),
    ],
)
def test_limits_end_where_the_sample_cases_say(
    clock: str, urgent: bool, begins: str, ends: str
) -> None:
    limit = CLOCKS[clock].limit_for(urgent=urgent)
    found = deadlines.end_of(date.fromisoformat(begins), limit, national())
    assert found == date.fromisoformat(ends)


def test_hours_are_for_people_who_are_held() -> None:
    hours = {clock.id for clock in CLOCKS.values() if clock.limit.unit is Unit.HOURS}
    assert hours == {"summons_questioning", "family_told"}
    assert CLOCKS["police_review"].extended == Limit(30, Unit.DAYS)


def test_events_are_such_as_entries_stand_for() -> None:
    """Of every limit both ends can be written down, and what extends or ends it as well."""
    known = {mark.event for kind in kinds().values() for mark in kind.marks} | {"filed"}
    known |= set(kinds()["case.node"].fields["node"].options)
    expiries = {"freeze_expires", "impound_expires", "seal_expires"}  # by the measure's own term
    for clock in CLOCKS.values():
        named = {clock.starts, clock.stops, *clock.ended_by}
        named |= {clock.extended_by} if clock.extended_by else set()
        assert clock.id in expiries or named <= known, (clock.id, named - known)
