"""Fixtures every test may use: a migrated database of either kind, an app on it, a moving clock.

A database is a copy of a migrated template, so a test never sees another's rows.
"""

from __future__ import annotations

import gc
import random
import shutil
import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import hypothesis
import pytest
import sqlalchemy as sa
from flask import Flask

from server.app import create_app
from server.audit import sequencer
from server.core.clock import FixedClock
from server.core.db import db
from server.core.transactions import EVERY_COURT, engine_options, prepare_engine, unit_of_work
from server.schema import upgrade
from server.settings import Settings
from tests.support.need import in_ci
from tests.support.postgres import Database, Postgres, running_postgres
from tests.support.routing import keep_compiled_routes
from tests.support.s3 import bucket, own_bucket, rgw, s3_client

# A slow machine is no failure; continuous integration repeats the same examples.
hypothesis.settings.register_profile("local", deadline=None)
hypothesis.settings.register_profile("ci", deadline=None, derandomize=True)
hypothesis.settings.load_profile("ci" if in_ci() else "local")

keep_compiled_routes()
__all__ = ["bucket", "own_bucket", "rgw", "s3_client"]  # fixtures of the S3 server, for all tests

START = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)  # 09:00 in China


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """A PostgreSQL server of this test run's own."""
    with running_postgres() as server:
        yield server


@pytest.fixture(scope="session")
def postgres_template(postgres: Postgres) -> Database:
    """A migrated database to copy."""
    template = postgres.create_database()
    _migrate(template.url)
    return template


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated SQLite file to copy, without a journal beside it."""
    path = tmp_path_factory.mktemp("template") / "template.db"
    _migrate(f"sqlite:///{path}")
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA journal_mode=DELETE")
    connection.close()
    return path


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Address of a fresh migrated database; each test that asks runs on both."""
    return fresh_database(request, request.param, tmp_path)


def fresh_database(request: pytest.FixtureRequest, kind: str, folder: Path) -> str:
    """A fresh migrated database of the named kind, for fixtures with a matrix of their own.

    It is dropped with the fixture that asked: thousands of them would fill the disk.
    """
    if kind == "sqlite":
        path = folder / "tiezheng.db"
        shutil.copy(request.getfixturevalue("sqlite_template"), path)
        return f"sqlite:///{path}"
    server: Postgres = request.getfixturevalue("postgres")
    database = server.create_database(request.getfixturevalue("postgres_template"))
    request.addfinalizer(lambda: server.drop_database(database))
    return database.url


@pytest.fixture
def clock() -> FixedClock:
    """A clock that stands at the start of a working day until it is moved."""
    return FixedClock(START)


@pytest.fixture
def settings(database_url: str, tmp_path: Path) -> Settings:
    """Settings of the app under test."""
    return Settings(
        data_dir=tmp_path / "data",
        database_url=database_url,
        public_url="http://localhost",
        log_level="error",
    )


@pytest.fixture
def app(settings: Settings, clock: FixedClock) -> Iterator[Flask]:
    """The application, initialised, with seeded randomness."""
    app = create_app(settings, clock=clock, randbytes=random.Random(7).randbytes)
    app.extensions["tiezheng"].keyring.initialise()
    with app.app_context():
        with unit_of_work(EVERY_COURT) as session:
            sequencer.initialise(session, "test-generation")
        yield app
        db.session.remove()
        db.engine.dispose()


def _migrate(url: str) -> None:
    engine = sa.create_engine(url, **engine_options(url))
    prepare_engine(engine)
    upgrade(engine)
    engine.dispose()


def pytest_collection_finish() -> None:
    """What was collected stays to the end: no collection of garbage looks through it again."""
    gc.collect()
    gc.freeze()
