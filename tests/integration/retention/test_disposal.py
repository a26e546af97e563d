"""Disposal: one proposes, another decides, each item is judged again, nothing else ever goes."""

from __future__ import annotations

import contextlib
import threading
import uuid
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest
import sqlalchemy as sa
from flask import Flask

from server.audit.events import EventKind
from server.audit.models import CheckpointRow, TimestampRow
from server.core.clock import FixedClock
from server.core.context import Actor, Context
from server.core.permissions import Role, TokenKind
from server.core.problem import Problem
from server.core.transactions import EVERY_COURT, unit_of_work
from server.evidence.models import Blob, Evidence
from server.retention import disposal, service
from server.retention.commands import Decide, PlaceHold
from tests.factories.cases import Bench
from tests.factories.field import sequence
from tests.factories.identity import Person, runtime_of
from tests.factories.retention import Archive


@pytest.fixture
def archive(app: Flask, clock: FixedClock) -> Archive:
    return Archive.build(app, clock)


def states(archive: Archive, items: list[uuid.UUID]) -> list[str]:
    return [archive.state(one) for one in items]


def test_two_people_dispose_of_what_is_due(archive: Archive) -> None:
    items = archive.old(2)
    asked = archive.propose(*items)
    assert [one["state"] for one in asked] == ["requested"] * 2
    assert archive.due() == []
    assert states(archive, items) == ["verified"] * 2
    assert [one["state"] for one in archive.decide(asked)] == ["erased"] * 2
    assert states(archive, items) == ["erased"] * 2
    sequence(archive.app)
    with unit_of_work(EVERY_COURT, write=False) as session:
        digests = sa.select(Evidence.sha256).where(Evidence.id.in_(items))
        assert session.query(Blob).filter(Blob.sha256.in_(digests)).count() == 0


def test_nobody_decides_on_what_they_proposed(archive: Archive) -> None:
    items = archive.old(2)
    mine, theirs = archive.propose(items[0]), archive.propose(items[1], by=archive.president)
    found = archive.decide([*mine, *theirs], by=archive.president)
    assert [(one["state"], one["problem"]) for one in found] == [
        ("erased", None), ("left", "forbidden"),
    ]  # fmt: skip
    assert states(archive, items) == ["erased", "verified"]


@pytest.mark.parametrize("who", ["officer", "administrator", "police"])
def test_who_may_not(archive: Archive, who: str) -> None:
    (item,) = archive.old()
    caller = archive.world.caller(getattr(archive.court, who))
    body = {"evidence_ids": [str(item)], "reason": "x"}
    assert caller.post("/retention/disposals", json=body).status_code == 403
    assert caller.get("/retention/due").status_code == 403


def test_another_court_finds_nothing(archive: Archive) -> None:
    (item,) = archive.old()
    asked = archive.propose(item)
    other = archive.world.caller(archive.world.second.president)
    assert [one["problem"] for one in archive.decide(asked, by=other)] == ["not-found"]
    proposed = archive.propose(item, by=other)
    assert [one["problem"] for one in proposed] == ["not-found"]
    assert other.get(f"/retention/evidence/{item}").status_code == 404
    assert archive.state(item) == "verified"


def test_a_batch_goes_as_far_as_it_may(archive: Archive) -> None:
    items = archive.old(3)
    asked = archive.propose(*items)
    archive.hold(evidence_id=items[1])
    found = archive.decide(asked)
    assert [one["state"] for one in found] == ["erased", "left", "erased"]
    assert (found[1]["why"], found[1]["problem"]) == ("held", "conflict")
    assert states(archive, items) == ["erased", "verified", "erased"]


def test_a_refused_proposal_may_come_again(archive: Archive) -> None:
    (item,) = archive.old()
    refused = archive.decide(archive.propose(item), "refuse")
    assert [one["state"] for one in refused] == ["refused"]
    assert archive.due() == [str(item)]
    again = archive.propose(item)
    assert [one["state"] for one in archive.decide(again)] == ["erased"]


@pytest.mark.parametrize("why", ["period", "permanent", "unclear", "open-case", "held"])
def test_what_must_stay_cannot_even_be_asked_for(archive: Archive, why: str) -> None:
    case = archive.case()
    notes = {"permanent": "搜查(虚构)", "unclear": None}
    item = archive.item(case, note=notes.get(why, "到达现场(虚构)"))
    if why != "open-case":
        archive.close(case)
    if why != "period":
        archive.years(50)
    if why == "held":
        archive.hold(case_id=case)
    body = {"legal_basis": "个人信息保护法第四十七条", "reason": "误摄(虚构)"}
    answer = archive.supervisor.post(f"/evidence/{item}/erasures", json=body)
    assert (answer.status_code, answer.get_json()["why"]) == (409, why)
    assert "cannot be erased" in answer.get_json()["detail"]
    (outcome,) = archive.propose(item)
    assert (outcome["state"], outcome["why"]) == ("left", why)


@pytest.mark.parametrize("change", ["rule", "class", "clock"])
def test_what_changed_since_the_proposal_counts(archive: Archive, change: str) -> None:
    (item,) = archive.old()
    (asked,) = archive.propose(item)
    if change == "rule":
        body = {"category": "ordinary", "months": 240, "reason": "延长(虚构)"}
        assert archive.supervisor.post("/retention/rules", json=body).status_code == 201
    elif change == "class":
        body = {"evidence_ids": [str(item)], "category": "coercive", "reason": "抗拒(虚构)"}
        assert archive.supervisor.post("/retention/classes", json=body).status_code == 201
    else:  # the clock had jumped ahead, and was put right
        archive.clock.advance(-timedelta(days=365 * 4))
    answer = archive.president.post(f"/erasures/{asked['erasure_id']}/approve", json={})
    assert answer.status_code == 409, answer.get_json()
    assert answer.get_json()["why"] == ("permanent" if change == "class" else "period")
    assert archive.state(item) == "verified"


def test_a_clock_that_jumped_ahead_makes_nothing_due_where_others_tell_the_time(
    archive: Archive,
) -> None:
    items = archive.old()
    archive.clock.advance(-timedelta(days=int(365.25 * 5)))  # a year after the closing, truly
    runtime = runtime_of(archive.app)
    now = runtime.clock.now()
    with unit_of_work(EVERY_COURT) as session:
        session.add(CheckpointRow(size=1, root=b"r", note="n", signed_at=now))
        session.flush()
        session.add(TimestampRow(size=1, authority="tsa.example", token=b"t", gen_time=now))
    settings = replace(runtime.settings, tsa_urls="http://tsa.example")
    archive.app.extensions["tiezheng"] = replace(runtime, settings=settings)
    archive.years(5)
    assert archive.due() == []
    assert [one["why"] for one in archive.propose(*items)] == ["period"]
    later = runtime.clock.now()
    with unit_of_work(EVERY_COURT) as session:
        session.get_one(TimestampRow, (1, "tsa.example")).gen_time = later
    assert archive.due() == [str(one) for one in items]


def test_every_item_of_a_record_must_be_free(archive: Archive) -> None:
    """An erasure takes the whole record, so a hold on one of its items holds the others."""
    (item,) = archive.old()
    with unit_of_work(archive.court.id) as session:
        first = session.get_one(Evidence, item)
        values = {column.name: getattr(first, column.name) for column in Evidence.__table__.columns}
        twin = runtime_of(archive.app).ids()
        session.add(Evidence(**{**values, "id": twin, "obj_index": 1}))
    archive.hold(evidence_id=twin)
    (outcome,) = archive.propose(item)
    assert (outcome["state"], outcome["why"]) == ("left", "held")


def test_a_proposal_waits_with_what_is_known_of_it(archive: Archive) -> None:
    (item,) = archive.old()
    archive.propose(item)
    listed = archive.supervisor.get("/erasures?state=requested").get_json()["items"]
    assert [one["evidence_id"] for one in listed] == [str(item)]
    assert "ordinary, rule version 0" in listed[0]["legal_basis"]
    kinds = [one.kind for one in Bench(archive.app).events(EventKind.ERASURE_REQUESTED)]
    assert kinds == [EventKind.ERASURE_REQUESTED]


def test_pages_of_what_is_due_are_followed_to_the_end(archive: Archive) -> None:
    items = archive.old(5)
    seen: list[str] = []
    path = "/retention/due?limit=2"
    while path:
        answer = archive.supervisor.get(path)
        seen += [one["evidence_id"] for one in answer.get_json()["items"]]
        link = answer.headers.get("Link", "")
        path = link.partition(">")[0].removeprefix("<")
    assert seen == [str(one) for one in items]


def acting(archive: Archive, person: Person) -> Actor:
    return Actor(
        token=TokenKind.ACCESS, court_id=archive.court.id, user_id=person.id,
        roles=frozenset({Role.PRESIDENT}),
    )  # fmt: skip


def test_a_hold_and_an_approval_at_the_same_time_never_both_win(archive: Archive) -> None:
    """Whoever comes second sees what the first did: the item is erased, or held, never both."""
    items = archive.old(8)
    asked = archive.propose(*items)
    runtime = runtime_of(archive.app)
    ready = threading.Barrier(3)

    def approve(part: slice) -> None:
        with archive.app.app_context(), unit_of_work(archive.court.id) as session:
            ctx = Context(acting(archive, archive.court.president), session, runtime)
            ready.wait()
            ids = tuple(uuid.UUID(one["erasure_id"]) for one in asked[part])
            disposal.approve(ctx, Decide(erasure_ids=ids))

    def hold() -> None:
        ready.wait()
        for item in reversed(items):
            command = PlaceHold(evidence_id=item, reason="信访(虚构)")
            with (
                contextlib.suppress(Problem),  # it was erased before
                archive.app.app_context(),
                unit_of_work(archive.court.id) as session,
            ):
                ctx = Context(acting(archive, archive.court.supervisor), session, runtime)
                service.place_hold(ctx, command)

    if runtime.settings.database.startswith("sqlite"):
        ready = threading.Barrier(1)  # one writer at a time: who waits inside would wait for ever
    with ThreadPoolExecutor(3) as pool:
        halves = [pool.submit(approve, slice(None, 4)), pool.submit(approve, slice(4, None))]
        for task in [*halves, pool.submit(hold)]:
            task.result(timeout=60)
    bench = Bench(archive.app)
    held = {one.subject_id for one in bench.events(EventKind.HOLD_PLACED)}
    erased = {one.subject_id for one in bench.events(EventKind.EVIDENCE_ERASED)}
    assert held | erased == {str(one) for one in items}
    assert held & erased == set()
    assert {str(one) for one in items if archive.state(one) == "erased"} == erased
