"""What doctor says of the second place, with the real server behind it."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from server.app import create_app
from server.commands.checks import places
from server.commands.checks.finding import Finding, Level
from server.core.clock import FixedClock
from server.core.db import db
from server.settings import Settings
from tests.conftest import fresh_database
from tests.support.s3 import Bucket


@pytest.fixture
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """One kind is enough: the database is not what is tested."""
    return fresh_database(request, "sqlite", tmp_path)


def s3_finding(settings: Settings) -> Finding:
    (found,) = [one for one in places.stores(settings) if one.check == "s3"]
    return found


@contextmanager
def gateway_away(bucket: Bucket) -> Iterator[None]:
    bucket.server.stop_gateway()
    try:
        yield
    finally:
        bucket.server.start_gateway()


def test_a_bucket_that_can_be_written_and_read(app: Flask, settings: Settings) -> None:
    assert s3_finding(settings).level is Level.OK


@pytest.mark.parametrize("changes", [{"s3_secret_key": "wrong"}, {"s3_bucket": "not-there"}])
def test_a_setting_that_is_wrong(settings: Settings, changes: dict[str, Any]) -> None:
    assert s3_finding(dataclasses.replace(settings, **changes)).level is Level.FAIL


def test_a_server_that_is_away_leaves_the_local_store_sound(
    settings: Settings, own_bucket: Bucket
) -> None:
    with gateway_away(own_bucket):
        found = {one.check: one.level for one in places.stores(settings)}
    assert (found["blobs"], found["s3"]) == (Level.OK, Level.FAIL)


def test_the_application_starts_while_it_is_away(
    settings: Settings, own_bucket: Bucket, clock: FixedClock
) -> None:
    with gateway_away(own_bucket):
        app = create_app(settings, clock=clock)
        assert app.test_client().get("/healthz").status_code == 200
        with app.app_context():
            db.engine.dispose()
