"""A ground of two courts that many tests of one module stand on."""

from __future__ import annotations

import random
from collections.abc import Iterator

import pytest

from server.app import create_app
from server.audit import sequencer
from server.core.clock import FixedClock
from server.core.db import db
from server.core.transactions import EVERY_COURT, unit_of_work
from server.settings import Settings
from tests.conftest import START, fresh_database
from tests.factories.ground import Ground


def standing(
    request: pytest.FixtureRequest, kind: str, factory: pytest.TempPathFactory
) -> Iterator[Ground]:
    """Build it on a fresh database of the named kind; for fixtures wider than one test."""
    folder = factory.mktemp("ground")
    settings = Settings(
        data_dir=folder / "data", database_url=fresh_database(request, kind, folder),
        public_url="http://localhost", log_level="critical",
    )  # fmt: skip
    app = create_app(settings, clock=FixedClock(START), randbytes=random.Random(7).randbytes)
    app.extensions["tiezheng"].keyring.initialise()
    with app.app_context():
        with unit_of_work(EVERY_COURT) as session:
            sequencer.initialise(session, "matrix")
        yield Ground.build(app)
        db.session.remove()
        db.engine.dispose()
