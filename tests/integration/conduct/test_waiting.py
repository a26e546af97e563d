"""Nothing is judged missing while it may still come: holes of chains, devices not heard of."""

from __future__ import annotations

import hashlib
import uuid
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask

from server.core.context import Context, system_actor
from server.core.transactions import EVERY_COURT, unit_of_work
from server.sync import service as sync
from tests.factories.acting import HOUR, Acting
from tests.factories.cases import add_mission
from tests.factories.field import Recorder
from tests.factories.identity import runtime_of


@pytest.fixture
def acting(app: Flask) -> Acting:
    return Acting.build(app)


def entry(phone: Recorder, acting: Acting, act: str, data: dict[str, Any]) -> dict[str, str]:
    told = {"data": data, "action": str(acting.action)}
    return phone.seal(phone.payload(act, case=str(acting.case), entry=told))


def on_the_phone(acting: Acting) -> list[dict[str, str]]:
    """A sealing of an hour, recorded offline from now on, with a photo of the notice."""
    phone = Recorder(acting.app, acting.court.phone)
    wires = [phone.note("出发(虚构)"), entry(phone, acting, "action.started", {"type": "seal"})]
    photo = phone.capture(b"notice", case=str(acting.case))
    acting.clock.advance(HOUR)
    digest = hashlib.sha256(b"notice").hexdigest()
    tag = entry(phone, acting, "action.tag", {"evidence": [digest], "tag": "seal_notice"})
    return [*wires, photo, tag, entry(phone, acting, "action.ended", {})]


def test_a_hole_in_the_chain_keeps_it_unknown(acting: Acting) -> None:
    start, begun, photo, tag, ended = on_the_phone(acting)
    phone = Recorder(acting.app, acting.court.phone)
    phone.push([start, begun])
    assert acting.outcome("CC14") == "unknown"  # it still runs
    assert phone.outcomes([tag, ended]) == ["held", "held"]
    phone.push([photo])
    assert acting.outcome("CC14") == "unknown"  # declared, and its bytes are on their way
    phone.bring(b"notice")
    assert acting.outcome("CC14") == "pass"


def test_held_records_mean_that_something_is_missing(acting: Acting) -> None:
    wires = on_the_phone(acting)
    phone = Recorder(acting.app, acting.court.phone)
    phone.push(wires[:2])
    acting.write("action.ended")
    assert acting.outcome("CC14") == "fail"
    phone.push([wires[3]])
    assert acting.outcome("CC14") == "unknown"


def test_a_hole_from_before_the_action_says_nothing(acting: Acting) -> None:
    """Records that were lost long ago, and given up, have nothing to do with today."""
    phone = Recorder(acting.app, acting.court.phone)
    first, _lost, second = phone.note(), phone.note(), phone.note()
    phone.push([first, second])
    acting.clock.advance(timedelta(days=31))
    with unit_of_work(EVERY_COURT) as session:
        sync.release_overdue(Context(system_actor(), session, runtime_of(acting.app)))
    third = phone.note()
    begun = entry(phone, acting, "action.started", {"type": "seal"})
    acting.clock.advance(HOUR)
    phone.push([third, begun, entry(phone, acting, "action.ended", {})])
    assert acting.outcome("CC14") == "fail"


def test_a_device_of_the_mission_is_waited_for_as_long_as_it_may_bring_something(
    acting: Acting,
) -> None:
    acting.mission = add_mission(
        acting.app, acting.court.id, case_ids=[acting.case], device_ids=[acting.court.phone.id]
    )
    acting.run("seal")
    assert acting.outcome("CC14") == "unknown"
    acting.clock.advance(timedelta(hours=25))
    assert acting.outcome("CC14") == "fail"


def test_a_device_that_was_heard_of_is_not_waited_for(acting: Acting) -> None:
    acting.mission = add_mission(
        acting.app, acting.court.id, case_ids=[acting.case], device_ids=[acting.court.phone.id]
    )
    acting.run("seal")
    phone = Recorder(acting.app, acting.court.phone)
    phone.push([phone.note("收队(虚构)")])
    assert acting.outcome("CC14") == "fail"


def test_a_tag_of_something_that_no_record_names_is_waited_for(acting: Acting) -> None:
    acting.run("seal")
    assert acting.outcome("CC14") == "fail"
    acting.write("action.tag", evidence=["ab" * 32], tag="seal_notice")
    assert acting.outcome("CC14") == "unknown"


def test_an_action_whose_begin_has_not_come_is_unknown(acting: Acting) -> None:
    dock = Recorder(acting.app, acting.court.dock)
    dock.push([entry(dock, acting, "action.ended", {})])
    assert {one.outcome.value for one in acting.judgement().checks} == {"unknown"}
    assert acting.judgement().covering is None


def test_an_action_of_another_id_is_not_known(acting: Acting) -> None:
    acting.action = uuid.uuid4()
    acting.run("visit")
    assert len(acting.judgement().checks) == 27
