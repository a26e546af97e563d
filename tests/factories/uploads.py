"""A device of a court that uploads through the application, by device token or upload token."""

from __future__ import annotations

import base64
import hashlib
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from flask import Flask
from werkzeug.test import TestResponse

from server.audit.models import OutboxRow
from server.core.context import Context, Runtime, system_actor
from server.core.db import db
from server.core.transactions import EVERY_COURT, unit_of_work
from server.evidence.models import Blob, Upload
from tests.factories.identity import Caller, CourtWorld, World, runtime_of, upload_token

UPLOADS = "/api/v1/uploads"
OFFSET_TYPE = "application/offset+octet-stream"


def sha256_of(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def metadata(**pairs: bytes | str) -> str:
    """``Upload-Metadata`` of these pairs."""
    values = {k: v.encode() if isinstance(v, str) else v for k, v in pairs.items()}
    return ",".join(f"{key} {base64.b64encode(value).decode()}" for key, value in values.items())


def checksum(algorithm: str, data: bytes) -> str:
    """``Upload-Checksum`` of a chunk."""
    digest = hashlib.new(algorithm, data, usedforsecurity=False).digest()
    return f"{algorithm} {base64.b64encode(digest).decode()}"


@dataclass
class Sender:
    """One device of ``court``, speaking tus with ``headers_for`` as its credentials."""

    app: Flask
    court: CourtWorld
    caller: Caller | None = None
    token: str | None = None

    def request(self, method: str, path: str, **arguments: Any) -> TestResponse:
        """One request with Tus-Resumable; ``headers`` may take it away by ``None``."""
        headers = {"Tus-Resumable": "1.0.0", **arguments.pop("headers", {})}
        headers = {name: value for name, value in headers.items() if value is not None}
        if self.caller is not None:
            return self.caller.request(method, path, headers=headers, **arguments)
        headers["Authorization"] = f"Bearer {self.token}"
        return self.app.test_client().open(path, method=method, headers=headers, **arguments)

    def create(
        self, size: int | None, sha256: str | None, body: Any = None, **headers: Any
    ) -> TestResponse:
        """POST; header names with underscores."""
        wanted = {"Upload-Length": str(size)} if size is not None else {}
        if sha256 is not None:
            wanted["Upload-Metadata"] = metadata(sha256=sha256)
        if body is not None:
            wanted["Content-Type"] = OFFSET_TYPE
        return self.request("POST", UPLOADS, headers={**wanted, **_named(headers)}, data=body)

    def begin(self, data: bytes, **headers: Any) -> str:
        """Create an upload for ``data`` and return its path."""
        answer = self.create(len(data), sha256_of(data), **headers)
        assert answer.status_code == 201, answer.get_json()
        return answer.headers["Location"]

    def patch(self, path: str, offset: int, body: bytes, **headers: Any) -> TestResponse:
        wanted = {"Upload-Offset": str(offset), "Content-Type": OFFSET_TYPE, **_named(headers)}
        return self.request("PATCH", path, headers=wanted, data=body)

    def head(self, path: str) -> TestResponse:
        return self.request("HEAD", path)

    def offset(self, path: str) -> int:
        answer = self.head(path)
        assert answer.status_code == 200, answer.status
        return int(answer.headers["Upload-Offset"])

    def delete(self, path: str) -> TestResponse:
        return self.request("DELETE", path)

    def send(self, data: bytes) -> str:
        """Create and fill an upload; returns its path."""
        path = self.begin(data)
        answer = self.patch(path, 0, data)
        assert answer.status_code == 204, answer.get_json()
        return path

    # what the server made of it

    @property
    def runtime(self) -> Runtime:
        return runtime_of(self.app)

    def row(self, path: str) -> Upload:
        with unit_of_work(EVERY_COURT) as session:
            upload = session.get(Upload, uuid.UUID(path.rpartition("/")[2]))
            assert upload is not None
            session.expunge(upload)
            return upload

    def rows(self) -> int:
        with unit_of_work(EVERY_COURT) as session:
            return session.execute(sa.select(sa.func.count()).select_from(Upload)).scalar_one()

    def blobs(self) -> set[str]:
        """Digests with a row; each must be in the store, byte for byte."""
        with unit_of_work(EVERY_COURT) as session:
            return set(session.execute(sa.select(Blob.sha256)).scalars())

    def stored(self, data: bytes) -> bool:
        """Whether exactly these bytes lie in the store."""
        path = self.runtime.settings.data_dir / "sha256"
        found: list[Path] = list(path.rglob(sha256_of(data)))
        return len(found) == 1 and found[0].read_bytes() == data

    def events(self, kind: str) -> int:
        with unit_of_work(EVERY_COURT) as session:
            statement = sa.select(sa.func.count()).where(OutboxRow.kind == kind)
            return session.execute(statement).scalar_one()

    def quarantined(self) -> dict[str, str]:
        """Reasons by upload id."""
        return {
            entry.upload_id: entry.reason for entry in self.runtime.stores.uploads.quarantined()
        }

    def worker(self) -> Context:
        """The worker's context, for functions that open their own transactions."""
        return Context(actor=system_actor(), session=db.session(), runtime=self.runtime)


def device_sender(world: World) -> Sender:
    """The first court's phone with nobody signed in."""
    court = world.first
    return Sender(world.app, court, caller=world.device_caller(court.phone))


def token_sender(world: World, *files: bytes) -> Sender:
    """An unmodified client with an upload token for ``files``."""
    court = world.first
    objects = [{"sha256": sha256_of(data), "size_bytes": len(data)} for data in files]
    case_id = runtime_of(world.app).ids()
    token = upload_token(world.app, court.officer, court.phone, case_id, objects)
    return Sender(world.app, court, token=token)


def _named(headers: dict[str, Any]) -> dict[str, Any]:
    return {name.replace("_", "-").title(): value for name, value in headers.items()}
