"""The page of the server's health: what is wrong is told with the next step; no case content."""

from __future__ import annotations

import uuid
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from flask import Flask

from server import ops
from server.audit.events import EventKind
from server.audit.models import Event
from server.clocks import service as clocks
from server.clocks.correction import Reading
from server.console import words
from server.core.clock import FixedClock, unix_ms
from server.core.context import Context, system_actor
from server.core.transactions import EVERY_COURT, unit_of_work
from server.jobs.models import Job
from server.upkeep.backup import back_up
from server.upkeep.last_backup import remember
from tests.factories.cases import Bench, add_case
from tests.factories.console import Desk, desk
from tests.factories.ground import Ground
from tests.factories.identity import CourtWorld, World, runtime_of
from tests.factories.log import enter_events, write_events

PAGE = "/admin/health"


@pytest.fixture
def world(app: Flask) -> World:
    return World.build(app)


@pytest.fixture
def admin(world: World) -> Desk:
    return desk(world.app, world.first.administrator, "en")


def failed_job(court: CourtWorld, app: Flask) -> uuid.UUID:
    """A job for the newest entry of the court."""
    enter_events(app, court.id, 1)
    runtime = runtime_of(app)
    job_id, now = runtime.ids(), runtime.clock.now()
    with unit_of_work(EVERY_COURT) as session:
        newest = sa.select(sa.func.max(Event.log_index)).where(Event.court_id == court.id)
        index = session.execute(newest).scalar_one()
        session.add(
            Job(id=job_id, handler="evidence.examine", log_index=index,
                subject_id=str(uuid.uuid4()), state="failed", attempts=10, run_after=now,
                finished_at=now, last_error="TryAgainError('secret of a case')")
        )  # fmt: skip
    return job_id


@pytest.mark.parametrize("lang", ["zh", "en"])
@pytest.mark.parametrize("who", ["administrator", "supervisor", "president"])
def test_it_opens_for_whoever_looks_after_the_server(world: World, who: str, lang: str) -> None:
    failed_job(world.first, world.app)
    answer = desk(world.app, getattr(world.first, who), lang).get(PAGE)
    assert answer.status_code == 200, answer.text[:300]
    assert 'hx-trigger="every 15s"' in answer.text
    assert f'href="{PAGE}"' in answer.text


@pytest.mark.parametrize("who", ["officer", "police"])
def test_who_may_not(world: World, who: str) -> None:
    here = desk(world.app, getattr(world.first, who))
    assert here.get(PAGE).status_code == 403
    assert here.post(f"{PAGE}/jobs/{failed_job(world.first, world.app)}/retry").status_code == 403


def test_every_part_has_words() -> None:
    parts = ("database", "blobs", "space", "keys", "audit", "log", "witnesses", "copies")
    for part in parts:
        assert {f"health.part_{part}", f"health.next_{part}"} <= set(words.texts())


def test_every_part_of_readiness_is_shown(world: World, admin: Desk) -> None:
    text = admin.get(PAGE).text
    for part in ops.readiness(runtime_of(world.app))["parts"]:
        assert words.text("en", f"health.part_{part}") in text


def test_what_is_wrong_comes_first_with_the_next_step(
    world: World, admin: Desk, clock: FixedClock
) -> None:
    write_events(world.app, world.first.id, 3)
    clock.advance(timedelta(hours=2))
    text = desk(world.app, world.first.administrator, "en").get(PAGE).text
    assert "A part is down" in text
    assert "Start flask --app wsgi worker" in text
    assert text.index("Entry into the log") < text.index("Keys of the server")
    enter_events(world.app, world.first.id, 1)
    assert "Requests are served" in admin.get(PAGE).text


def test_a_failed_job_is_tried_again_and_told_without_its_content(
    world: World, admin: Desk
) -> None:
    job = failed_job(world.first, world.app)
    text = admin.get(PAGE).text
    assert "evidence.examine" in text
    assert "TryAgainError" in text
    assert "secret of a case" not in text
    again = admin.post(f"{PAGE}/jobs/{job}/retry")
    assert again.status_code == 303
    assert "waits to be done again" in admin.get(again.headers["Location"]).text
    with unit_of_work(EVERY_COURT, write=False) as session:
        row = session.get_one(Job, job)
        assert (row.state, row.attempts, row.finished_at) == ("ready", 0, None)
    (told,) = Bench(world.app).events(EventKind.JOB_RETRIED)
    assert told.subject_id == str(job)
    assert admin.post(f"{PAGE}/jobs/{job}/retry").status_code == 404


def test_a_job_of_another_court_is_counted_and_left_to_its_administrator(
    world: World, admin: Desk
) -> None:
    job = failed_job(world.second, world.app)
    text = admin.get(PAGE).text
    assert "evidence.examine" not in text
    assert str(job) not in text
    assert "No job of this court failed" in text
    assert "Failed jobs of other courts, which their administrators try again: 1" in text
    assert admin.post(f"{PAGE}/jobs/{job}/retry").status_code == 404
    own = desk(world.app, world.second.administrator, "en")
    assert str(job) in own.get(PAGE).text
    assert own.post(f"{PAGE}/jobs/{job}/retry").status_code == 303


def test_a_clock_far_off_is_named_once_by_its_newest_reading(
    world: World, admin: Desk, clock: FixedClock
) -> None:
    with unit_of_work(EVERY_COURT) as session:
        ctx = Context(system_actor(world.first.id), session, runtime_of(world.app))
        true = unix_ms(ctx.clock.now())
        for device, offsets in (
            (world.first.phone, (0, 500_000)), (world.first.dock, (700_000, 10)),
        ):  # fmt: skip
            for number, offset in enumerate(offsets):
                reading = Reading(
                    true - offset, offset, 20, "boot", number * 1000, through_suspend=True
                )
                clocks.observe(ctx, device.id, reading)
    text = admin.get(PAGE).text
    assert "500 s" in text
    assert "700 s" not in text
    clock.advance(timedelta(days=8))
    text = desk(world.app, world.first.administrator, "en").get(PAGE).text
    assert "No device is off by more than a minute" in text
    assert "Silent for three days" in text


def test_a_backup_is_noted(world: World, admin: Desk, tmp_path: Path) -> None:
    assert "none noted" in admin.get(PAGE).text
    runtime = runtime_of(world.app)
    remember(runtime, back_up(runtime, tmp_path / "backup"))
    assert "without the keys" in admin.get(PAGE).text


def test_no_case_and_no_evidence_and_nothing_of_another_court(app: Flask) -> None:
    ground = Ground.build(app)
    add_case(app, ground.second.world.id, serial=99)
    failed_job(ground.second.world, app)
    text = desk(app, ground.first.world.administrator).get(PAGE).text
    for name in ("case", "mission", "evidence", "party", "upload", "export"):
        assert ground.first.ids[name] not in text, name
    assert [mark for mark in ground.second.marks if mark in text] == []
