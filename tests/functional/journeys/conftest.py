"""One running server for each file of journeys, a court of its own for each test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from server.upkeep.scrub import Options, scrub
from tests.conftest import fresh_database
from tests.factories.identity import runtime_of
from tests.factories.upkeep import sealed_sessions
from tests.support.bureau import Bureau, bureau
from tests.support.live import LiveServer, running


@pytest.fixture(scope="module")
def running_server(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[LiveServer]:
    """Server and worker on the database that the file names in ``DATABASE``."""
    folder = tmp_path_factory.mktemp("server")
    url = fresh_database(request, request.module.DATABASE, folder)
    with running(folder, url, worker=True, worker_jobs=1) as server:
        yield server


@pytest.fixture
def office(running_server: LiveServer, tmp_path: Path) -> Iterator[Bureau]:
    """An enforcement bureau with its supervisor at the desk."""
    with sealed_sessions(running_server.app), bureau(running_server, tmp_path) as made:
        yield made
        # Whatever happened in a journey, what is stored agrees with the log.
        report = scrub(runtime_of(running_server.app), Options(resume=False))
        assert [one.to_dict() for one in report.findings] == []
