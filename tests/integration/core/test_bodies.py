"""A body that comes slowly keeps nobody else waiting: it is read before any transaction begins."""

from __future__ import annotations

import io

import pytest
from flask import Flask

from server.core.db import db

FORM = "application/x-www-form-urlencoded"
JSON = "application/json"


class Slow(io.BytesIO):
    """A body that remembers whether anybody read it with a transaction open."""

    def __init__(self, data: bytes) -> None:
        super().__init__(data)
        self.reads: list[bool] = []

    def _look(self) -> None:
        self.reads.append(db.session.registry.has() and db.session().in_transaction())

    def read(self, size: int | None = -1, /) -> bytes:
        self._look()
        return super().read(size)

    def readinto(self, buffer: bytearray, /) -> int:  # type: ignore[override]
        self._look()
        return super().readinto(buffer)


@pytest.mark.parametrize(
    ("path", "mimetype", "data"),
    [
        pytest.param("/look", FORM, b"theme=dark", id="form-of-anybody"),
        pytest.param("/g", FORM, b"agree=1&code=000000", id="form-of-an-observer"),
        pytest.param("/s", FORM, b"agree=1&code=000000", id="form-of-an-outsider"),
        pytest.param("/api/v1/sync/push", JSON, b'{"records": []}', id="json-of-a-device"),
    ],
)
def test_a_body_is_read_outside_transactions(
    app: Flask, path: str, mimetype: str, data: bytes
) -> None:
    body = Slow(data)
    app.test_client().post(path, input_stream=body, content_length=len(data), content_type=mimetype)
    assert body.reads
    assert not any(body.reads)
