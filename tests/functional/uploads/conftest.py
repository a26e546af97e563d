"""A real server of two processes on loopback, one for each database and each kind of process."""

from __future__ import annotations

import dataclasses
import random
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.conftest import fresh_database
from tests.factories.identity import CourtWorld, World, upload_token
from tests.factories.uploads import UPLOADS, Sender, sha256_of
from tests.support.live import LiveServer, running
from tests.support.raw_tus import RawTus

STALL_SECONDS = 2


@dataclass
class Field:
    """The live server and what a test needs to upload to it."""

    server: LiveServer
    court: CourtWorld
    clients: list[RawTus] = dataclasses.field(default_factory=list)

    def headers(self, *files: bytes) -> dict[str, str]:
        """Credentials of an upload token for these files."""
        objects = [{"sha256": sha256_of(data), "size_bytes": len(data)} for data in files]
        app, court = self.server.app, self.court
        case_id = app.extensions["tiezheng"].ids()
        token = upload_token(app, court.officer, court.phone, case_id, objects)
        return {"Authorization": f"Bearer {token}"}

    def client(self, headers: dict[str, str], port: int | None = None) -> RawTus:
        """One more connection."""
        client = RawTus(port or self.server.port, UPLOADS, headers)
        self.clients.append(client)
        return client

    def hang_up(self) -> None:
        """Close every connection of this test."""
        while self.clients:
            self.clients.pop().close()

    def sees(self, path: str) -> Sender:
        """Rows and bytes as this process finds them; not over HTTP."""
        return Sender(self.server.app, self.court, token=path)


@pytest.fixture(scope="module", params=["sqlite", "postgresql", "gevent"])
def field(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Field]:
    """Two processes of threads on each database, and gevent on one."""
    folder: Path = tmp_path_factory.mktemp(f"live-{request.param}")
    kind = "postgresql" if request.param == "gevent" else request.param
    worker_class = "gevent" if request.param == "gevent" else "gthread"
    with running(
        folder,
        fresh_database(request, kind, folder),
        web_processes=2,
        web_threads=64,
        web_worker_class=worker_class,
        upload_stall_seconds=STALL_SECONDS,
    ) as server:
        yield Field(server, World.build(server.app).first)


@pytest.fixture(autouse=True)
def _hang_up(field: Field) -> Iterator[None]:
    yield
    field.hang_up()


@pytest.fixture
def file() -> bytes:
    """Bytes that never repeat, so that one in the wrong place is seen."""
    return random.Random(7).randbytes(3_000_000)


def other(data: bytes, number: int) -> bytes:
    """Bytes of the same length that hash otherwise."""
    return number.to_bytes(8, "big") + data[8:]


__all__ = ["Field", "other"]
