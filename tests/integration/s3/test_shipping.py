"""Bytes get their second copy in S3, whatever happens in between; nothing else waits for it."""

from __future__ import annotations

import dataclasses
import threading
from datetime import timedelta
from pathlib import Path

import sqlalchemy as sa
from flask import Flask

from server.app import create_app
from server.audit.models import Event
from server.core.clock import FixedClock
from server.core.db import db
from server.core.transactions import EVERY_COURT, unit_of_work
from server.core.units import system_units
from server.evidence import examination, shipping
from server.evidence.models import Derivative
from server.evidence.sandbox import Limits, Sandbox
from server.evidence.shipping import Outcome, Shipper
from server.settings import Settings
from storage.digest import Digest
from tests.factories.commands import run
from tests.factories.identity import runtime_of
from tests.factories.shipping import Place, key_of
from tests.factories.uploads import sha256_of
from tests.support import media
from tests.support.s3 import Bucket

DATA = "查封清单(虚构)".encode() * 5_000


def test_uploaded_bytes_reach_the_bucket_and_the_custody_of_their_item(
    place: Place, own_bucket: Bucket
) -> None:
    place.take(DATA)
    assert (place.copies(DATA), own_bucket.keys()) == ([1], [])
    place.work()
    assert own_bucket.content(key_of(DATA)) == DATA
    assert own_bucket.keys() == [key_of(DATA)]
    assert place.copies(DATA) == [2]
    item = place.item(DATA)
    with unit_of_work(EVERY_COURT, write=False) as session:
        event = session.execute(sa.select(Event).where(Event.kind == "blob.shipped")).scalar_one()
        assert event.subject_id == str(item.id)
        assert event.case_id == place.case_id
        assert event.court_id == place.world.first.id
        assert '"copies":2' in (event.p or "")
    place.work()
    assert place.events() == ["blob.shipped"]


def test_bytes_without_a_record_are_shipped_as_well(place: Place, own_bucket: Bucket) -> None:
    place.sender.send(DATA)
    place.work()
    assert own_bucket.content(key_of(DATA)) == DATA
    place.phone.push([place.phone.capture(DATA, case=str(place.case_id))])
    place.work()
    with unit_of_work(EVERY_COURT, write=False) as session:
        kind = Event.kind == "evidence.verified"
        event = session.execute(sa.select(Event).where(kind)).scalar_one()
        assert '"copies":2' in (event.p or "")


def test_while_s3_is_away_everything_else_goes_on(
    place: Place, own_bucket: Bucket, clock: FixedClock
) -> None:
    own_bucket.server.stop_gateway()
    try:
        place.take(DATA)
        place.work()
        assert place.item(DATA).state == "verified"
        assert place.copies(DATA) == [1]
        assert place.download(DATA).data == DATA
        assert place.readiness()["degraded"] is False
        clock.advance(timedelta(seconds=301))
        place.work()
        found = place.readiness()
        assert (found["degraded"], found["waiting"]) == (True, 1)
        assert "S3" in found["detail"]
        place.sender.send(b"more")
    finally:
        own_bucket.server.start_gateway()
    clock.advance(timedelta(seconds=shipping.BACK_OFF_SECONDS_MAX))
    place.work()
    assert place.copies(DATA, b"more") == [2, 2]
    assert own_bucket.content(key_of(DATA)) == DATA
    assert place.readiness()["waiting"] == 0
    assert place.readiness()["degraded"] is False


def test_it_is_asked_ever_less_often_while_it_is_away(
    place: Place, own_bucket: Bucket, clock: FixedClock
) -> None:
    place.take(DATA)
    shipper = Shipper(runtime_of(place.app))
    own_bucket.server.stop_gateway()
    try:
        shipper.turn()
    finally:
        own_bucket.server.start_gateway()
    clock.advance(timedelta(seconds=1))
    assert 0 < shipper.turn() <= 1
    assert place.copies(DATA) == [1]
    clock.advance(timedelta(seconds=1))
    assert shipper.turn() == 0
    assert place.copies(DATA) == [2]


def test_a_blob_with_a_trouble_of_its_own_does_not_hold_up_the_others(
    place: Place, clock: FixedClock
) -> None:
    place.take(b"first", b"second", b"third")
    path = place.near(b"first")
    path.unlink()
    path.mkdir()  # cannot be read, and is not gone either
    shipper = Shipper(runtime_of(place.app))
    for _ in range(3):
        shipper.turn()
        clock.advance(timedelta(seconds=3))
    assert place.copies(b"first", b"second", b"third") == [1, 2, 2]
    path.rmdir()
    path.write_bytes(b"first")
    clock.advance(timedelta(seconds=shipping.BACK_OFF_SECONDS_MAX))
    shipper.turn()
    assert place.copies(b"first") == [2]


def test_what_was_shipped_but_not_written_down_is_counted_next_time(place: Place) -> None:
    place.take(DATA)
    assert runtime_of(place.app).stores.blobs.ship(Digest.of(DATA)) == 2  # type: ignore[attr-defined]
    assert place.copies(DATA) == [1]
    place.work()
    assert place.copies(DATA) == [2]
    assert place.events() == ["blob.shipped"]


def test_several_workers_ship_every_blob_once(place: Place, own_bucket: Bucket) -> None:
    photos = [f"{number}".encode() * 1_000 for number in range(9)]
    place.take(*photos)
    start = threading.Barrier(3)
    errors: list[BaseException] = []

    def run() -> None:
        with place.app.app_context():
            shipper = Shipper(runtime_of(place.app))
            try:
                start.wait()
                while place.copies(*photos) != [2] * 9:
                    shipper.turn()
            except BaseException as error:  # noqa: BLE001  shown to the test
                errors.append(error)

    threads = [threading.Thread(target=run) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert place.events() == ["blob.shipped"] * 9
    assert own_bucket.keys() == sorted(key_of(data) for data in photos)


def test_a_blob_in_another_workers_hands_is_left_alone(place: Place) -> None:
    place.take(DATA)
    tools = runtime_of(place.app)
    with tools.stores.locker.acquire(f"ship:{sha256_of(DATA)}", 0):
        outcome = shipping.ship(system_units(tools), tools.stores, sha256_of(DATA))
    assert outcome is Outcome.ELSEWHERE
    assert place.copies(DATA) == [1]


def test_what_was_stored_before_there_was_s3_is_shipped(
    app: Flask, settings: Settings, clock: FixedClock, own_bucket: Bucket
) -> None:
    earlier = create_app(dataclasses.replace(settings, blob_store="local"), clock=clock)
    with earlier.app_context():
        place = Place.build(earlier)
        place.take(DATA)
        assert not Shipper(runtime_of(earlier)).is_needed
        tools = runtime_of(earlier)
        outcome = shipping.ship(system_units(tools), tools.stores, sha256_of(DATA))
        assert outcome is Outcome.ALREADY
        db.session.remove()
        db.engine.dispose()
    assert own_bucket.keys() == []
    assert Shipper(runtime_of(app)).turn() == 0
    assert own_bucket.content(key_of(DATA)) == DATA


def test_the_worker_of_the_product_ships(place: Place, own_bucket: Bucket) -> None:
    place.take(DATA)
    assert run(place.app, "worker", "--once").exit_code == 0
    assert own_bucket.content(key_of(DATA)) == DATA
    assert place.copies(DATA) == [2]


def test_what_the_worker_makes_of_bytes_is_shipped_as_well(
    place: Place, own_bucket: Bucket, tmp_path: Path
) -> None:
    now = runtime_of(place.app).clock.now()
    photo = media.gps_photo(tmp_path / "a.jpg", 38.21, 104.41, now).read_bytes()
    place.take(photo)
    with Sandbox(Limits(wall_seconds=30, stage_seconds=10)) as sandbox:
        units = system_units(runtime_of(place.app))
        examination.examine(units, sandbox, str(place.item(photo).id))
    place.work()
    with unit_of_work(EVERY_COURT, write=False) as session:
        made = set(session.execute(sa.select(Derivative.sha256)).scalars())
    assert made
    bucket_keys = own_bucket.keys()
    shipped = {key.rpartition("/")[2] for key in bucket_keys}
    assert shipped == made | {sha256_of(photo)}
