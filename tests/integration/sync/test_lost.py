"""A lost device: revoked, its open end said, and what came since the loss set apart."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from server.audit.models import OutboxRow
from server.core.clock import FixedClock, rfc3339
from server.core.context import Actor, Context
from server.core.permissions import Role, TokenKind
from server.core.problem import Problem
from server.core.transactions import EVERY_COURT, unit_of_work
from server.evidence.models import Evidence
from server.identity import queries
from server.sync import lost
from server.sync.lost import ReportLoss
from server.upkeep.scrub import Options, scrub
from tests.factories.field import Recorder, object_of, sequence
from tests.factories.identity import Person, World, runtime_of
from tests.factories.upkeep import Installation

HOUR = timedelta(hours=1)


@pytest.fixture
def world(app: Flask) -> World:
    return World.build(app)


class as_person:  # noqa: N801  reads as a function where it is used
    """``with as_person(world, person) as ctx``: a committed unit of work of a person."""

    def __init__(self, world: World, person: Person, *roles: Role) -> None:
        self._runtime = runtime_of(world.app)
        self._actor = Actor(
            TokenKind.ACCESS, person.court_id, user_id=person.id, roles=frozenset(roles)
        )
        self._unit = unit_of_work(person.court_id)

    def __enter__(self) -> Context:
        return Context(self._actor, self._unit.__enter__(), self._runtime)

    def __exit__(self, *error: object) -> None:
        self._unit.__exit__(*error)  # type: ignore[arg-type]


def items() -> dict[str, tuple[str, list[str]]]:
    """Review state and findings by the last hexadecimal digits of the content's name."""
    with unit_of_work(EVERY_COURT, write=False) as session:
        rows = session.execute(sa.select(Evidence).order_by(Evidence.seq)).scalars()
        return {
            (one.name or b"").decode(): (one.review_state, [f["code"] for f in one.findings])
            for one in rows
        }


def facts_of(kind: str) -> list[str]:
    with unit_of_work(EVERY_COURT, write=False) as session:
        texts = session.execute(sa.select(OutboxRow.p).where(OutboxRow.kind == kind)).scalars()
        return [text for text in texts if text is not None]


def captured(phone: Recorder, name: str) -> None:
    thing = object_of(name.encode(), name)
    wire = phone.seal(phone.payload("capture.recorded", obj=[thing], media="photo"))
    assert phone.outcomes([wire]) == ["accepted"]


def test_what_came_before_the_loss_stays_and_what_came_after_is_suspect(
    world: World, clock: FixedClock
) -> None:
    phone = Recorder(world.app, world.first.phone)
    captured(phone, "before")
    clock.advance(HOUR)
    lost_at = clock.now()
    captured(phone, "after")
    clock.advance(HOUR)
    admin = world.first.administrator
    with as_person(world, admin, Role.ADMINISTRATOR) as ctx:
        handled = lost.report(
            ctx, phone.device.id, ReportLoss(lost_at=lost_at, reason="遗失(虚构)")
        )
        assert (handled.newly_revoked, handled.marked) == (True, 1)
    assert items() == {"before": ("pending", []), "after": ("suspect", ["suspect"])}
    with as_person(world, admin, Role.ADMINISTRATOR) as ctx:
        seen = lost.view(ctx, queries.visible_device(ctx, phone.device.id), lost_at)
        assert seen.device.revoked_reason == "遗失(虚构)"
        assert seen.chain is not None
        assert (seen.chain.last_seq, seen.chain.gaps, seen.waiting) == (2, [], 2)
        assert [one.seq for one in seen.suspects] == [2]
        assert seen.suspect_count == 1


def test_an_acceptance_since_the_loss_is_taken_back_and_a_return_stays(
    world: World, clock: FixedClock
) -> None:
    phone = Recorder(world.app, world.first.phone)
    for name in ("accepted", "returned"):
        captured(phone, name)
    with unit_of_work(EVERY_COURT) as session:
        Context(Actor(TokenKind.SYSTEM, world.first.id), session, runtime_of(world.app))
        for one in session.execute(sa.select(Evidence)).scalars():
            one.review_state = (one.name or b"").decode()
    boss = world.first.supervisor
    with as_person(world, boss, Role.SUPERVISOR) as ctx:
        command = ReportLoss(lost_at=clock.now() - HOUR, reason="被盗(虚构)")
        assert lost.report(ctx, phone.device.id, command).marked == 2
        assert lost.report(ctx, phone.device.id, command).marked == 0
    assert items() == {"accepted": ("suspect", ["suspect"]), "returned": ("returned", ["suspect"])}


def test_records_that_come_after_the_revocation_are_refused(
    world: World, clock: FixedClock
) -> None:
    phone = Recorder(world.app, world.first.phone)
    caller = world.caller(world.first.officer)
    with as_person(world, world.first.administrator, Role.ADMINISTRATOR) as ctx:
        lost.report(ctx, phone.device.id, ReportLoss(lost_at=clock.now(), reason="遗失(虚构)"))
    answer = caller.post("/sync/push", json={"records": [phone.note()]})
    assert answer.get_json()["type"].endswith("device-revoked")


def test_a_foreign_device_is_absent_and_a_loss_lies_in_the_past(
    world: World, clock: FixedClock
) -> None:
    command: Any = ReportLoss(lost_at=clock.now(), reason="遗失(虚构)")
    for device_id in (world.second.phone.id, uuid.uuid4()):
        admin = as_person(world, world.first.administrator, Role.ADMINISTRATOR)
        with pytest.raises(Problem, match="not-found"), admin as ctx:
            lost.report(ctx, device_id, command)
    later = ReportLoss(lost_at=clock.now() + HOUR, reason="遗失(虚构)")
    admin = as_person(world, world.first.administrator, Role.ADMINISTRATOR)
    with pytest.raises(Problem, match="lies in the future"), admin as ctx:
        lost.report(ctx, world.first.phone.id, later)


def test_a_lost_camera_has_no_chain_and_its_files_are_those_taken_with_it(
    world: World, clock: FixedClock
) -> None:
    dock = Recorder(world.app, world.first.dock)
    wire = dock.capture(b"card", captured_by=str(world.first.camera.id))
    assert dock.outcomes([wire]) == ["accepted"]
    with as_person(world, world.first.administrator, Role.ADMINISTRATOR) as ctx:
        camera = queries.visible_device(ctx, world.first.camera.id)
        seen = lost.view(ctx, camera, clock.now() - HOUR)
        assert seen.chain is None
        assert seen.suspect_count == 1
        assert [one.user_id for one in seen.bookings] == [world.first.officer.id]


def test_the_scrubber_finds_every_row_as_the_log_knows_it(app: Flask, clock: FixedClock) -> None:
    installation = Installation.build(app)
    world = installation.ground.first.world
    actor = Actor(
        TokenKind.ACCESS, world.id, user_id=world.administrator.id,
        roles=frozenset({Role.ADMINISTRATOR}),
    )  # fmt: skip
    with unit_of_work(world.id) as session:
        ctx = Context(actor, session, runtime_of(app))
        command = ReportLoss(lost_at=clock.now() - HOUR, reason="遗失(虚构)")
        assert lost.report(ctx, world.phone.id, command).marked > 0
    sequence(app)
    report = scrub(runtime_of(app), Options(resume=False))
    assert report.to_dict()["findings"] == []


def test_over_http_a_loss_is_looked_at_and_reported(world: World, clock: FixedClock) -> None:
    phone = Recorder(world.app, world.first.phone)
    captured(phone, "before")
    clock.advance(HOUR)
    lost_at = rfc3339(clock.now())
    captured(phone, "after")
    path = f"/devices/{phone.device.id}/loss"
    on_dock = world.caller(world.first.supervisor, world.first.dock)
    loss = on_dock.get(f"{path}?since={lost_at}").get_json()
    assert (loss["suspect_count"], len(loss["suspects"]), loss["chain"]["last_seq"]) == (1, 1, 2)
    done = on_dock.post(path, json={"lost_at": lost_at, "reason": "遗失(虚构)"}).get_json()
    assert (done["newly_revoked"], done["marked"]) == (True, 1)
    assert done["device"]["revoked_reason"] == "遗失(虚构)"
    assert items() == {"before": ("pending", []), "after": ("suspect", ["suspect"])}
    again = on_dock.post(path, json={"lost_at": lost_at, "reason": "遗失(虚构)"}).get_json()
    assert (again["newly_revoked"], again["marked"]) == (False, 0)


def test_over_http_administrators_learn_the_number_of_suspects_alone(
    world: World, clock: FixedClock
) -> None:
    phone = Recorder(world.app, world.first.phone)
    captured(phone, "after")
    since = rfc3339(clock.now() - HOUR)
    keeper = world.caller(world.first.administrator, world.first.dock)
    loss = keeper.get(f"/devices/{phone.device.id}/loss?since={since}").get_json()
    assert (loss["suspect_count"], loss["suspects"]) == (1, [])
    assert keeper.get(f"/devices/{world.second.phone.id}/loss").status_code == 404
    officer = world.caller(world.first.officer)
    assert officer.get(f"/devices/{phone.device.id}/loss").status_code == 403
    body = {"lost_at": "2026-03-02T01:00:00", "reason": "遗失(虚构)"}
    assert keeper.post(f"/devices/{phone.device.id}/loss", json=body).status_code == 422
