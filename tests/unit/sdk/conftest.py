"""A client on a temporary store, a server in memory, and a clock that tests move."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from client_sdk._link import Options
from client_sdk._transport.mock import MockTransport
from client_sdk.client import FieldClient
from tests.unit.sdk.cli_support import enrolled, run
from tests.unit.sdk.fake_clock import FakeClock
from tests.unit.sdk.fake_server import CODE, FakeServer
from tests.unit.sdk.fake_tus import BASE_URL


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def server() -> FakeServer:
    return FakeServer()


@pytest.fixture
def transport(server: FakeServer, clock: FakeClock) -> MockTransport:
    def handle(request: Any) -> Any:
        server.now = clock.now
        return server.handle(request)

    return MockTransport(handle)


__all__ = ["enrolled", "run"]  # fixtures of another file

Opener = Callable[..., FieldClient]


@pytest.fixture
def open_client(tmp_path: Path, transport: MockTransport, clock: FakeClock) -> Iterator[Opener]:
    opened: list[FieldClient] = []
    generator = random.Random(7)

    def opener(name: str = "store", **changes: Any) -> FieldClient:
        settings: dict[str, Any] = {
            "transport": transport,
            "clock": clock,
            "secrets": None,
            "options": Options(uniform=generator.uniform, ballast_bytes=0),
            **changes,
        }
        client = FieldClient(BASE_URL, store=tmp_path / name, **settings)
        opened.append(client)
        return client

    yield opener
    for client in opened:
        client.close()


@pytest.fixture
def client(open_client: Opener) -> FieldClient:
    made = open_client()
    made.enrol(CODE, name="phone")
    return made
