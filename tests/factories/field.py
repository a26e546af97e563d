"""A device in the field: it seals records as the SDK does and sends them as a client would.

``Recorder`` keeps a chain; its methods return wire records, which a test may reorder, repeat or
spoil before ``push``.  Nothing here touches the tables.
"""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Any

from flask import Flask

from client_sdk.protocol import records
from client_sdk.protocol.encoding import b64url_encode
from client_sdk.protocol.keys import PrivateKey
from server.audit import receipts, sequencer
from server.audit.models import Event
from server.core.context import Actor, Context, system_actor
from server.core.permissions import TokenKind
from server.core.transactions import EVERY_COURT, unit_of_work
from server.evidence import service as evidence
from server.evidence.models import Upload
from server.sync import push
from tests.factories.identity import FieldDevice, runtime_of

CHINA = timezone(timedelta(hours=8))
Wire = dict[str, str]


@dataclass
class Recorder:
    """One device's chain."""

    app: Flask
    device: FieldDevice
    ep: int = 1
    seq: int = 0
    prev: str = records.GENESIS
    boot: str = "boot-1"
    mono_offset_ms: int = 0
    wall_offset: timedelta = timedelta(0)
    signs_with: PrivateKey | None = None  # after a `key.next`

    def now(self) -> datetime:
        """What the device's wall clock shows."""
        return (runtime_of(self.app).clock.now() + self.wall_offset).astimezone(CHINA)

    def times(self, **changes: Any) -> dict[str, Any]:
        """Member ``t``."""
        true_ms = int(runtime_of(self.app).clock.now().timestamp() * 1000)
        usual = {
            "wall": self.now().isoformat(timespec="milliseconds"),
            "mono": true_ms % 10**9 + self.mono_offset_ms,
            "boot": self.boot,
            "suspend": True,
        }
        return usual | changes

    def payload(self, act: str, /, **changes: Any) -> dict[str, Any]:
        """A payload of a kind; any member may be replaced, and removed with ``...``."""
        usual: dict[str, Any] = {
            "act": act,
            "who": None,
            "case": None,
            "mission": None,
            "geo": {"none": "no-fix"},
            "obj": [],
            "t": self.times(),
        }
        return {name: value for name, value in (usual | changes).items() if value is not ...}

    def note(self, text: str = "到达现场(虚构)", **changes: Any) -> Wire:
        """The next record: a line of the log."""
        return self.seal(self.payload("log.note", text=text, **changes))

    def capture(self, data: bytes, **changes: Any) -> Wire:
        """The next record: a photo of these bytes."""
        thing = object_of(data)
        return self.seal(self.payload("capture.recorded", obj=[thing], media="photo", **changes))

    def seal(self, payload: Mapping[str, Any]) -> Wire:
        """The next record of the chain."""
        sealed = self.sealed(payload, self.seq + 1, self.prev)
        self.seq, self.prev = sealed.header.seq, sealed.hid
        return sealed.record.to_dict()

    def sealed(
        self, payload: Mapping[str, Any], seq: int, prev: str, **changes: Any
    ) -> records.Sealed:
        """A record at any place, valid in itself; the chain stays as it is."""
        values: dict[str, Any] = {
            "src": str(self.device.id), "ep": self.ep, "seq": seq, "prev": prev,
            "salt": runtime_of(self.app).randbytes(records.SALT_BYTES),
            "key": self.signs_with or self.device.key,
        }  # fmt: skip
        return records.seal(payload, **(values | changes))

    def push(self, wires: Sequence[object]) -> dict[str, Any]:
        """Send records without HTTP, in a transaction of their own."""
        with field_unit(self.app, self.device) as ctx:
            return push.push(ctx, wires)

    def outcomes(self, wires: Sequence[object]) -> list[str]:
        """What became of each."""
        return [result["outcome"] for result in self.push(wires)["results"]]

    def bring(self, data: bytes) -> None:
        """A finished upload of these bytes by the device, without the store."""
        sha256 = hashlib.sha256(data).hexdigest()
        with field_unit(self.app, self.device) as ctx:
            now = ctx.clock.now()
            upload = Upload(
                id=ctx.new_id(), court_id=self.device.court_id, device_id=self.device.id,
                principal=f"device:{self.device.id}", idempotency_key=str(ctx.new_id()),
                sha256=sha256, size_bytes=len(data), metadata_text="", state="complete",
                created_at=now, expires_at=now + timedelta(days=1), completed_at=now,
            )  # fmt: skip
            ctx.session.add(upload)
            ctx.session.flush()
            evidence.bytes_arrived(ctx, upload, sha256, len(data))


class field_unit:  # noqa: N801  reads as a function where it is used
    """``with field_unit(app, device) as ctx``: a committed unit of work of a device."""

    def __init__(self, app: Flask, device: FieldDevice, user_id: uuid.UUID | None = None) -> None:
        self._runtime = runtime_of(app)
        kind = TokenKind.DEVICE if user_id is None else TokenKind.ACCESS
        self._actor = Actor(kind, device.court_id, user_id=user_id, device_id=device.id)
        self._unit = unit_of_work(device.court_id)

    def __enter__(self) -> Context:
        return Context(self._actor, self._unit.__enter__(), self._runtime)

    def __exit__(self, *error: object) -> None:
        self._unit.__exit__(*error)  # type: ignore[arg-type]


def object_of(data: bytes, name: str = "现场.jpg", mime: str = "image/jpeg") -> dict[str, Any]:
    """Member of ``obj`` for these bytes."""
    return {
        "sha256": hashlib.sha256(data).hexdigest(),
        "size": len(data),
        "mime": mime,
        "name_b64": b64url_encode(name.encode()),
    }


def spoiled(wire: Wire, **changes: str) -> Wire:
    """The record with some of its texts replaced."""
    return {**wire, **changes}


def sequence(app: Flask) -> int:
    """Move the whole outbox into the log; returns how many entries."""
    total = 0
    while True:
        with unit_of_work(EVERY_COURT) as session:
            moved = sequencer.sequence(session, runtime_of(app))
        total += moved
        if not moved:
            return total


def issue_receipts(app: Flask, after: int = -1) -> int:
    """Issue what is due beyond an index, to the end of the log, and sequence that as well."""
    sequence(app)
    while True:
        with unit_of_work(EVERY_COURT) as session:
            ctx = Context(system_actor(), session, runtime_of(app))
            reached = receipts.issue_pending(ctx, after)
        sequence(app)
        if reached == after:
            return reached
        after = reached


def log_of(app: Flask, device: FieldDevice) -> list[tuple[int, str]]:
    """(seq, hid) of the device's records in log order."""
    sequence(app)
    with unit_of_work(EVERY_COURT, write=False) as session:
        rows = (
            session.query(Event.seq, Event.hid)
            .filter(Event.src == str(device.id))
            .order_by(Event.log_index)
        )
        return [(seq or 0, hid) for seq, hid in rows]
