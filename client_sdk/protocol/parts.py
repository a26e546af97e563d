"""Parts of a payload that only some kinds of record have."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Final, Self
from uuid import UUID

from client_sdk.protocol._members import Members, without_none
from client_sdk.protocol.errors import PayloadError, ProtocolError
from client_sdk.protocol.statements import SignedStatement

REASON: Final = re.compile(r"[a-z][a-z0-9-]{0,63}")
MAX_WITNESS_CHARS: Final = 200


@dataclass(frozen=True, slots=True)
class ClockObservation:
    """act=clock.observed: the server's signed reading and the device's t4 (Unix ms)."""

    statement: SignedStatement
    t4_ms: int

    def to_dict(self) -> dict[str, Any]:
        """Members of `clock`."""
        return {"statement": self.statement.to_dict(), "t4": str(self.t4_ms)}

    @classmethod
    def from_value(cls, value: object) -> Self:
        """Checked `clock`; the statement's signature is judged elsewhere."""
        members = Members(value, "clock")
        t4_ms = int(members.unsigned_integer("t4"))
        raw = members.take("statement")
        members.done()
        try:
            return cls(SignedStatement.from_dict(raw), t4_ms)
        except ProtocolError as error:
            raise PayloadError(f"clock.statement: {error}") from error


@dataclass(frozen=True, slots=True)
class CaptureRef:
    """act=capture.lost|recovered|deleted: the capture that is meant, and why."""

    sha256: str
    reason: str
    seq: int | None = None

    def to_dict(self) -> dict[str, Any]:
        """Members of `ref`."""
        return without_none(sha256=self.sha256, seq=self.seq, reason=self.reason)

    @classmethod
    def from_value(cls, value: object) -> Self:
        """Checked `ref`."""
        members = Members(value, "ref")
        ref = cls(
            sha256=members.digest("sha256"),
            reason=members.pattern("reason", REASON),
            seq=members.optional("seq", members.count),
        )
        members.done()
        return ref


@dataclass(frozen=True, slots=True)
class HandOver:
    """act=duty.handover: the booking that ends and who takes the device."""

    to: UUID
    booking: UUID | None = None


@dataclass(frozen=True, slots=True)
class Closing:
    """act=mission.closed: how many records of the mission there are, and the head before it.

    `witness`: who saw count and head on the screen, or why nobody did.
    """

    count: int
    head: str
    witness: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """Members of `closing`."""
        return without_none(count=self.count, head=self.head, witness=self.witness)

    @classmethod
    def from_value(cls, value: object) -> Self:
        """Checked `closing`."""
        members = Members(value, "closing")
        closing = cls(
            count=members.count("count"),
            head=members.digest("head"),
            witness=members.optional("witness", lambda n: members.text(n, MAX_WITNESS_CHARS)),
        )
        members.done()
        return closing
