from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from client_sdk.models import Booking, Mission
from client_sdk.protocol import matching
from client_sdk.protocol.matching import Certainty, Duty, Match, Reason, match_file, told
from client_sdk.protocol.times import format_rfc3339, parse_rfc3339

DAY = parse_rfc3339("2026-11-23T00:00:00+08:00")


def at(hour: float) -> datetime:
    return DAY + timedelta(hours=hour)


def booking(name: str, user: str, start: float, end: float | None, **more: Any) -> Booking:
    facts = {"device": "cam", "mission": None, **more}
    ends = None if end is None else at(end)
    return Booking(name, facts["device"], user, facts["mission"], at(start), ends)


def mission(name: str, *cases: str, start: float = 0, end: float = 24, **more: Any) -> Mission:
    window = {"starts_at": format_rfc3339(at(start)), "ends_at": format_rfc3339(at(end))}
    return Mission(name, {"title": name, "case_ids": list(cases), **window, **more})


MORNING = booking("b1", "liu", 8, 12, mission="m1")
AFTERNOON = booking("b2", "wang", 12, 18, mission="m2")
DUTY = Duty((MORNING, AFTERNOON), (mission("m1", "c1"), mission("m2", "c2", "c3")))


def summary(match: Match) -> tuple[Reason, str | None, str | None, str | None]:
    return match.reason, match.officer, match.mission, match.case


def test_the_officer_is_who_carried_the_camera_then() -> None:
    match = match_file(at(9), "cam", DUTY)
    assert summary(match) == (Reason.BOOKED, "liu", "m1", "c1")
    assert match.certainty is Certainty.SURE
    assert match.booking == "b1"


def test_a_hand_over_divides_the_day_exactly() -> None:
    assert match_file(at(12), "cam", DUTY).officer == "wang"
    assert match_file(at(12) - timedelta(milliseconds=1), "cam", DUTY).officer == "liu"


def test_several_cases_are_asked_and_offered() -> None:
    match = match_file(at(13), "cam", DUTY)
    assert summary(match) == (Reason.MANY_CASES, "wang", "m2", None)
    assert match.case_choices == ("c2", "c3")
    assert not match.complete
    answered = told(match, "c3", None, DUTY)
    assert summary(answered) == (Reason.TOLD_BOOKED, "wang", "m2", "c3")
    assert answered.complete


def test_a_slightly_wrong_camera_clock_is_near() -> None:
    match = match_file(at(7.9), "cam", DUTY)
    assert (match.certainty, match.reason) == (Certainty.NEAR, Reason.BOOKED_NEAR)
    assert match_file(at(7), "cam", DUTY).reason is Reason.NO_BOOKING


def test_nobody_booked() -> None:
    match = match_file(at(20), "cam", DUTY)
    assert summary(match) == (Reason.NO_BOOKING, None, None, None)
    answered = told(match, "c9", None, DUTY)
    assert summary(answered) == (Reason.TOLD, None, None, "c9")


def test_another_camera_does_not_count() -> None:
    assert match_file(at(9), "other", DUTY).reason is Reason.NO_BOOKING


def test_without_a_named_camera_a_single_booked_one_is_found() -> None:
    assert match_file(at(9), None, DUTY).camera == "cam"


def test_two_cameras_at_once_are_asked() -> None:
    both = Duty((MORNING, booking("b3", "zhao", 8, 12, device="cam2")), DUTY.missions)
    match = match_file(at(9), None, both)
    assert match.reason is Reason.MANY_OFFICERS
    assert match.case_choices == ("c1", "c2", "c3")
    assert match_file(at(9), "cam", both).complete


def test_one_officer_with_two_cameras_is_known_the_camera_is_not() -> None:
    duty = Duty((MORNING, booking("b3", "liu", 8, 12, device="cam2", mission="m1")), DUTY.missions)
    match = match_file(at(9), None, duty)
    assert summary(match) == (Reason.BOOKED, "liu", "m1", "c1")
    assert (match.camera, match.booking) == (None, None)


def test_a_booking_without_a_mission_finds_the_officers_mission() -> None:
    duty = Duty(
        (booking("b", "liu", 8, 18),),
        (
            mission("m1", "c1", start=8, end=10, officer_ids=["liu"]),
            mission("m2", "c2", start=10, end=12, device_ids=["cam"]),
            mission("m3", "c3", start=8, end=12, officer_ids=["wang"]),
        ),
    )
    assert match_file(at(9), "cam", duty).case == "c1"
    assert match_file(at(10), "cam", duty).case == "c2"
    assert match_file(at(14), "cam", duty).reason is Reason.NO_MISSION


def test_overlapping_missions_are_asked() -> None:
    missions = tuple(mission(f"m{n}", f"c{n}", officer_ids=["liu"]) for n in (1, 2))
    match = match_file(at(9), "cam", Duty((booking("b", "liu", 8, 18),), missions))
    assert match.reason is Reason.MANY_MISSIONS
    assert match.case_choices == ("c1", "c2")


def test_a_mission_that_was_not_pulled_keeps_its_name() -> None:
    match = match_file(at(9), "cam", Duty((MORNING,), ()))
    assert summary(match) == (Reason.NO_CASE, "liu", "m1", None)


def test_an_open_booking_goes_on() -> None:
    duty = Duty((booking("b", "liu", 8, None, mission="m1"),), DUTY.missions)
    assert match_file(at(500), "cam", duty).officer == "liu"


def test_telling_nothing_changes_nothing() -> None:
    match = match_file(at(20), "cam", DUTY)
    assert told(match, None, None, DUTY) is match


def test_telling_a_mission_brings_its_only_case() -> None:
    assert told(match_file(at(20), "cam", DUTY), None, "m1", DUTY).case == "c1"
    assert told(match_file(at(20), "cam", DUTY), None, "m2", DUTY).case is None


def test_the_record_says_why() -> None:
    assert match_file(at(9), "cam", DUTY).to_payload() == {
        "certainty": "sure",
        "reason": "booked",
        "file_time": "2026-11-23T09:00:00.000+08:00",
        "time_source": "file",
        "booking": "b1",
    }


@given(st.floats(-48, 72))
def test_an_officer_is_only_ever_one_who_was_booked_near_that_time(hour: float) -> None:
    match = match_file(at(hour), "cam", DUTY)
    near = {b.user_id for b in DUTY.bookings if _near(b, at(hour))}
    assert match.officer is None or match.officer in near
    assert match.complete <= (match.officer is not None)


def _near(candidate: matching.Booking, when: datetime) -> bool:
    slack = timedelta(minutes=15)
    assert candidate.ends_at is not None
    return candidate.starts_at - slack <= when <= candidate.ends_at + slack


@pytest.mark.parametrize("value", [{}, {"device_id": "d"}, {"starts_at": "x", "device_id": "d"}])
def test_a_booking_that_lacks_what_matching_needs_is_passed_over(value: dict[str, Any]) -> None:
    assert Booking.from_data("b", value) is None
