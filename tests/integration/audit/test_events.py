"""The court's log over HTTP: its own entries, whole, and only for those who lead."""

from __future__ import annotations

from flask import Flask

from client_sdk.protocol.records import header_id, payload_commitment
from server.audit import sequencer
from server.audit.events import EventKind
from server.audit.service import Subject, record
from server.core.context import Context, system_actor
from server.core.transactions import EVERY_COURT, unit_of_work
from tests.factories.identity import CourtWorld, World, runtime_of


def fill(app: Flask, court: CourtWorld, count: int) -> None:
    """Some events of a court, in the log."""
    with unit_of_work(EVERY_COURT) as session:
        actor = system_actor(court.id)
        ctx = Context(actor=actor, session=session, runtime=app.extensions["tiezheng"])
        for number in range(count):
            record(ctx, EventKind.USER_CHANGED, Subject("user", str(number)))
    with unit_of_work(EVERY_COURT) as session:
        sequencer.sequence(session, runtime_of(app))


def test_a_supervisor_reads_the_log_of_their_court_in_stretches(app: Flask) -> None:
    world = World.build(app)
    fill(app, world.second, 3)
    fill(app, world.first, 5)
    caller = world.caller(world.first.supervisor)
    seen, after = [], -1
    while True:
        answer = caller.get(f"/api/v1/events?after={after}&limit=2").get_json()
        seen += answer["events"]
        after = answer["next_after"]
        if not answer["has_more"]:
            break
    assert [event["subject_id"] for event in seen] == ["0", "1", "2", "3", "4"]
    first = seen[0]
    assert header_id(first["h"]) == first["hid"]
    assert payload_commitment(first["p"], bytes.fromhex(first["salt"])) in first["h"]


def test_an_officer_may_not_read_the_log(app: Flask) -> None:
    world = World.build(app)
    answer = world.caller(world.first.officer).get("/api/v1/events")
    assert answer.status_code == 403
