"""The server is killed at random moments: no acknowledged byte is lost, nothing comes twice."""

from __future__ import annotations

import os
import random
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.conftest import fresh_database
from tests.factories.identity import World
from tests.factories.uploads import sha256_of
from tests.functional.uploads.conftest import Field
from tests.support.live import running
from tests.support.raw_tus import RawTus

KILLS = 60 if os.environ.get("TIEZHENG_FAULTS") == "full" else 3
PIECE_BYTES = 50_000


@pytest.fixture(params=["sqlite", "postgresql"])
def field(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Field]:
    with running(tmp_path, fresh_database(request, request.param, tmp_path)) as server:
        yield Field(server, World.build(server.app).first)


def test_a_killed_server_loses_no_acknowledged_byte(field: Field) -> None:
    random_ = random.Random("kill -9")
    data = random_.randbytes(4_000_000)
    headers = field.headers(data)
    client = field.client(headers)
    address = client.create(len(data), sha256_of(data))
    acknowledged = 0
    for _ in range(KILLS):
        timer = threading.Timer(random_.uniform(0.0, 0.15), field.server.kill)
        timer.start()
        with suppress(OSError, AssertionError, ValueError):
            client = field.client(headers)
            offset = client.head(address)
            while offset < len(data):
                size = min(PIECE_BYTES, len(data) - offset)
                client.patch(address, offset, [memoryview(data)[offset : offset + size]], size)
                offset += size
                acknowledged = offset
        timer.join()
        field.server.restart()
        offset = field.client(headers).head(address)
        assert offset >= acknowledged
        # The wire is ahead of the answers: bytes of a PATCH under way stay as well.
        partial = field.server.settings.data_dir / "partials" / address.rpartition("/")[2]
        if partial.exists():
            assert partial.read_bytes() == data[:offset]
    client = field.client(headers)
    offset = client.head(address)
    if offset < len(data):
        client.patch(address, offset, [memoryview(data)[offset:]], len(data) - offset)
    seen = field.sees(address)
    assert seen.stored(data)
    assert seen.row(address).state == "complete"


def test_killed_while_finishing_and_asked_again(field: Field) -> None:
    """Creation with all bytes, answer lost, asked again: one upload, one blob, one event."""
    random_ = random.Random("finish")
    files = [random_.randbytes(random_.randrange(1, 300_000)) for _ in range(10 * KILLS)]
    headers = field.headers(*files)
    waiting = list(files)
    for _ in range(KILLS):
        timer = threading.Timer(random_.uniform(0.0, 0.12), field.server.kill)
        timer.start()
        with suppress(OSError):
            client = field.client(headers)
            while waiting:
                _send(client, waiting[0])
                waiting.pop(0)
        timer.join()
        field.server.restart()
    client = field.client(headers)
    for data in waiting:
        _send(client, data)
    seen = field.sees("")
    assert all(seen.stored(data) for data in files)
    assert seen.blobs() == {sha256_of(data) for data in files}
    assert seen.events("evidence.unclaimed") == len(files)
    assert seen.rows() == len(files)


def test_a_stopping_server_keeps_what_came_and_ends_soon(field: Field) -> None:
    data = random.Random("stop").randbytes(2_000_000)
    headers = field.headers(data)
    client = field.client(headers)
    address = client.create(len(data), sha256_of(data))
    client.begin_patch(address, 0, len(data))
    client.socket.sendall(data[:700_000])
    time.sleep(0.3)
    assert field.server.process is not None
    os.kill(field.server.process.pid, signal.SIGTERM)
    status, answer = client.answer()
    assert (status, answer["upload-offset"]) == (503, "700000")
    assert int(answer["retry-after"]) > 0
    assert field.server.process.wait(15) == 0
    field.server.restart()
    second = field.client(headers)
    assert second.head(address) == 700_000
    second.patch(address, 700_000, [memoryview(data)[700_000:]], len(data) - 700_000)
    assert field.sees(address).stored(data)


def _send(client: RawTus, data: bytes) -> None:
    client.create_with(memoryview(data), sha256_of(data))
