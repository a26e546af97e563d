"""The enforcement log of a case: what officers wrote, in the order in which it happened."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask

from server.core.clock import FixedClock
from server.core.paging import encode_cursor
from tests.factories.cases import add_case
from tests.factories.field import Recorder, object_of
from tests.factories.identity import World


@pytest.fixture
def world(app: Flask) -> World:
    return World.build(app)


@pytest.fixture
def case(world: World) -> uuid.UUID:
    return add_case(world.app, world.first.id, handler_id=world.first.officer.id)


@pytest.fixture
def phone(world: World) -> Recorder:
    return Recorder(world.app, world.first.phone)


def read(world: World, case: uuid.UUID, query: str = "") -> dict[str, Any]:
    answer = world.caller(world.first.officer).get(f"/cases/{case}/log{query}")
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.get_json()
    return found


def test_lines_come_in_the_order_in_which_they_happened(
    world: World, phone: Recorder, case: uuid.UUID, clock: FixedClock
) -> None:
    early = phone.times()
    clock.advance(timedelta(hours=1))
    phone.push([phone.note("后", case=str(case)), phone.note("先", case=str(case), t=early)])
    lines = read(world, case)["items"]
    assert [line["text"] for line in lines] == ["先", "后"]
    assert lines[0]["time"]["wall"] == early["wall"]
    assert lines[0]["time"]["clock_class"] == "C"
    assert lines[0]["officer_id"] == str(world.first.officer.id)
    assert lines[0]["officer_source"] == "booking"
    assert lines[0]["kind"] == "log.note"
    assert lines[0]["place"] == {
        "lat": None, "lon": None, "datum": None, "accuracy_m": None, "source": None,
        "reason": "no-fix",
    }  # fmt: skip


def test_a_position_stays_as_it_was_recorded(
    world: World, phone: Recorder, case: uuid.UUID
) -> None:
    geo = {"lat": "38.2100000", "lon": "104.410", "acc_m": "8.0", "datum": "GCJ02", "src": "gnss"}
    phone.push([phone.note(case=str(case), geo=geo)])
    (line,) = read(world, case)["items"]
    assert line["place"] == {
        "lat": "38.2100000", "lon": "104.410", "datum": "GCJ02", "accuracy_m": "8.0",
        "source": "gnss", "reason": None,
    }  # fmt: skip


def test_the_log_is_paged_and_filtered(
    world: World, phone: Recorder, case: uuid.UUID, clock: FixedClock
) -> None:
    for number in range(5):
        phone.push([phone.note(f"{number}", case=str(case)), phone.note("x", case=str(case))])
        clock.advance(timedelta(minutes=1))
    lost = {"sha256": "0" * 64, "reason": "unreadable"}
    phone.push([phone.seal(phone.payload("capture.lost", case=str(case), ref=lost))])
    texts, query = [], "?limit=3"
    while True:
        page = read(world, case, query)
        texts += [line["text"] for line in page["items"]]
        if page["next_cursor"] is None:
            break
        query = f"?limit=3&cursor={page['next_cursor']}"
    assert texts == ["0", "x", "1", "x", "2", "x", "3", "x", "4", "x", None]
    (line,) = read(world, case, "?kind=capture.lost")["items"]
    assert line["details"] == {"ref": lost}
    window = "?from=2026-03-02T09:01:00%2B08:00&to=2026-03-02T09:03:00%2B08:00"
    assert [one["text"] for one in read(world, case, window)["items"]] == ["1", "x", "2", "x"]
    assert read(world, case, f"?officer_id={world.first.supervisor.id}")["items"] == []


def test_findings_are_shown_with_the_line(world: World, phone: Recorder, case: uuid.UUID) -> None:
    phone.push([phone.note(case=str(case), who=str(world.first.supervisor.id))])
    (line,) = read(world, case)["items"]
    assert [finding["code"] for finding in line["findings"]] == ["officer-differs"]


def test_a_case_one_may_not_see_has_no_log(world: World, phone: Recorder, case: uuid.UUID) -> None:
    phone.push([phone.note(case=str(case))])
    answers = [
        world.caller(person).get(f"/cases/{which}/log")
        for person, which in (
            (world.first.second_officer, case),
            (world.second.supervisor, case),
            (world.first.officer, uuid.UUID(int=1)),
        )
    ]
    assert [answer.status_code for answer in answers] == [404, 404, 404]
    assert len({answer.get_json()["title"] for answer in answers}) == 1
    assert world.device_caller(world.first.phone).get(f"/cases/{case}/log").status_code == 401


@pytest.mark.parametrize(
    "query",
    ["kind=clock.observed", "limit=0", "from=yesterday", "colour=red", "officer_id=x"],
)
def test_strange_filters_are_refused(world: World, case: uuid.UUID, query: str) -> None:
    answer = world.caller(world.first.officer).get(f"/cases/{case}/log?{query}")
    assert answer.status_code == 422


@pytest.mark.parametrize(
    "cursor", ["x", encode_cursor(1), encode_cursor(10**18, "x"), encode_cursor(1, "x")]
)
def test_strange_cursors_are_refused(world: World, case: uuid.UUID, cursor: str) -> None:
    answer = world.caller(world.first.officer).get(f"/cases/{case}/log?cursor={cursor}")
    assert answer.status_code == 400


def test_a_hand_over_recorded_offline_counts_from_its_own_time(
    world: World, phone: Recorder, case: uuid.UUID, clock: FixedClock
) -> None:
    second = world.first.second_officer
    wires = [phone.note("交班前", case=str(case))]
    clock.advance(timedelta(hours=1))
    wires.append(phone.seal(phone.payload("duty.handover", case=str(case), to=str(second.id))))
    clock.advance(timedelta(hours=1))
    wires.append(phone.capture(b"x", case=str(case)))
    wires.append(phone.note("交班后", case=str(case)))
    clock.advance(timedelta(hours=1))
    assert phone.outcomes(wires) == ["accepted"] * 4
    lines = read(world, case)["items"]
    first = str(world.first.officer.id)
    assert [(line["kind"], line["officer_id"]) for line in lines] == [
        ("log.note", first),
        ("duty.handover", str(second.id)),
        ("log.note", str(second.id)),
    ]
    assert lines[1]["details"] == {"to": str(second.id)}
    assert not any(line["findings"] for line in lines)


@pytest.mark.parametrize(
    ("changes", "slug"),
    [
        ({"to": str(uuid.UUID(int=9))}, "not-found"),
        ({"to": "nobody"}, "not-found"),
        ({"to": ...}, "not-found"),
        ({"booking": str(uuid.UUID(int=9))}, "not-found"),
    ],
)
def test_a_hand_over_that_is_not_possible_is_kept_with_its_reason(
    world: World, phone: Recorder, case: uuid.UUID, changes: dict[str, Any], slug: str
) -> None:
    usual = {"case": str(case), "to": str(world.first.second_officer.id)}
    (result,) = phone.push([phone.seal(phone.payload("duty.handover", **(usual | changes)))])[
        "results"
    ]
    assert result["outcome"] == "accepted"
    assert [one["code"] for one in result["findings"]] == ["operation-refused"]
    assert result["findings"][0]["detail"].startswith(slug)


def test_only_the_carrier_hands_over(world: World, phone: Recorder, case: uuid.UUID) -> None:
    wire = phone.seal(
        phone.payload(
            "duty.handover",
            case=str(case),
            who=str(world.first.second_officer.id),
            to=str(world.first.police.id),
        )
    )
    (result,) = phone.push([wire])["results"]
    codes = {one["code"]: one["detail"] for one in result["findings"]}
    assert codes["operation-refused"].startswith("forbidden")


def test_the_attachment_of_a_note_stays_in_its_case(
    world: World, phone: Recorder, case: uuid.UUID
) -> None:
    phone.push([phone.note("附图", case=str(case), obj=[object_of(b"x")])])
    answer = world.caller(world.first.officer).get(f"/cases/{case}/evidence")
    assert [item["state"] for item in answer.get_json()["items"]] == ["declared"]
