"""A ground of two courts that many tests of one module stand on."""

from __future__ import annotations

import random
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from server.app import create_app
from server.audit import sequencer
from server.core.clock import FixedClock
from server.core.db import db
from server.core.transactions import EVERY_COURT, unit_of_work
from server.settings import Settings
from tests.conftest import START
from tests.factories.ground import Ground
from tests.support.postgres import Postgres


def standing(
    request: pytest.FixtureRequest, kind: str, factory: pytest.TempPathFactory
) -> Iterator[Ground]:
    """Build it on a fresh database of the named kind; for fixtures wider than one test."""
    folder = factory.mktemp("ground")
    with database(request, kind, folder) as url:
        settings = Settings(
            data_dir=folder / "data", database_url=url, public_url="http://localhost",
            log_level="critical",
        )  # fmt: skip
        app = create_app(settings, clock=FixedClock(START), randbytes=random.Random(7).randbytes)
        app.extensions["tiezheng"].keyring.initialise()
        with app.app_context():
            with unit_of_work(EVERY_COURT) as session:
                sequencer.initialise(session, "matrix")
            yield Ground.build(app)
            db.session.remove()
            db.engine.dispose()


@contextmanager
def database(request: pytest.FixtureRequest, kind: str, folder: Path) -> Iterator[str]:
    """Address of a fresh migrated database, for as long as the module needs it."""
    if kind == "sqlite":
        path = folder / "tiezheng.db"
        shutil.copy(request.getfixturevalue("sqlite_template"), path)
        yield f"sqlite:///{path}"
        return
    server: Postgres = request.getfixturevalue("postgres")
    made = server.create_database(request.getfixturevalue("postgres_template"))
    try:
        yield made.url
    finally:
        server.drop_database(made)
