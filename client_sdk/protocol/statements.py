r"""Statements signed by the server: receipts, tickets, clock readings, key lists, attendance.

On the wire `{"s": <JCS text>, "sig": base64url, "k": <id of the signing key>}`; the
signature is over `tiezheng.<kind>.v1\0 ‖ s`, so that one kind never passes for another.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final, Protocol, Self

from client_sdk.protocol import jcs
from client_sdk.protocol.encoding import b64url_decode, b64url_encode, is_sha256_hex
from client_sdk.protocol.errors import ProtocolError, StatementError
from client_sdk.protocol.keys import SIGNATURE_BYTES, PrivateKey, PublicKey
from client_sdk.protocol.times import format_rfc3339, parse_rfc3339

MAX_STATEMENT_BYTES: Final = 64 * 1024
MAX_KEY_ID_CHARS: Final = 64
LEVELS: Final = frozenset({"L1", "L2", "L3"})  # signed, witnessed, timestamped


class StatementKind(StrEnum):
    """The domain that a signature belongs to."""

    RECEIPT = "rcpt"
    TICKET = "ticket"
    CLOCK = "clock"
    KEYS = "keys"
    ATTENDANCE = "attendance"

    @property
    def domain(self) -> bytes:
        """Prefix of the signed bytes."""
        return b"tiezheng." + self.value.encode() + b".v1\0"


class KeyFinder(Protocol):
    """Gives the server-event key for a key id, or None when it is not trusted."""

    def event_key(self, kid: str) -> PublicKey | None:
        """The key that may sign statements under this id."""


@dataclass(frozen=True, slots=True)
class SignedStatement:
    """Canonical text `s`, base64url signature, id of the key."""

    s: str
    sig: str
    k: str

    def to_dict(self) -> dict[str, str]:
        """JSON members."""
        return {"s": self.s, "sig": self.sig, "k": self.k}

    @classmethod
    def from_dict(cls, value: object) -> Self:
        """Exactly three texts; StatementError otherwise."""
        if not isinstance(value, Mapping) or value.keys() != {"s", "sig", "k"}:
            raise StatementError("a statement has exactly s, sig, k")
        if not all(isinstance(item, str) for item in value.values()):
            raise StatementError("s, sig and k are texts")
        if not 0 < len(value["k"]) <= MAX_KEY_ID_CHARS:
            raise StatementError("k is the id of a key")
        return cls(value["s"], value["sig"], value["k"])

    def body(self) -> jcs.JsonObject:
        """Members of `s`, unverified: only for choosing what to verify with."""
        try:
            return jcs.loads_object(self.s, max_bytes=MAX_STATEMENT_BYTES)
        except ProtocolError as error:
            raise StatementError(f"s: {error}") from error


def sign(
    kind: StatementKind, body: Mapping[str, Any], key: PrivateKey, kid: str | None = None
) -> SignedStatement:
    """Signed statement of `body`; the key id is the key's thumbprint unless given."""
    text = jcs.dumps(dict(body))
    signature = b64url_encode(key.sign(kind.domain + text.encode()))
    return SignedStatement(text, signature, kid or key.public.thumbprint)


def verify_with(kind: StatementKind, statement: SignedStatement, key: PublicKey) -> jcs.JsonObject:
    """Body of a statement that `key` signed as `kind`; StatementError otherwise."""
    try:
        signature = b64url_decode(statement.sig, size_bytes=SIGNATURE_BYTES)
        signed = kind.domain + statement.s.encode()
    except (ProtocolError, UnicodeEncodeError) as error:
        raise StatementError(f"sig: {error}") from error
    if not key.verify(signature, signed):
        raise StatementError("the signature does not hold", code="statement-signature")
    return statement.body()


def verify(kind: StatementKind, statement: SignedStatement, keys: KeyFinder) -> jcs.JsonObject:
    """Body of a statement signed by a server-event key that `keys` trusts."""
    key = keys.event_key(statement.k)
    if key is None:
        raise StatementError("signed by a key that is not trusted", code="statement-key")
    return verify_with(kind, statement, key)


@dataclass(frozen=True, slots=True)
class Receipt:
    """Record and bytes are durable: one per (device, ep, seq, digest).

    `sha256` and `size_bytes` are None for a record without objects. A superseding receipt
    adds how well the record is secured: `level` (L1 signed, L2 witnessed), `checkpoint` (the
    signed note) and `proof` (a tlog-proof text under it); the three come together.
    """

    court: str
    device: str
    ep: int
    seq: int
    hid: str
    sha256: str | None
    size_bytes: int | None
    copies: int
    log_index: int | None
    rx: datetime
    issued: datetime
    level: str | None = None
    checkpoint: str | None = None
    proof: str | None = None

    @property
    def is_superseding(self) -> bool:
        """Whether it carries a proof."""
        return self.proof is not None

    def to_body(self) -> dict[str, Any]:
        """Members of the signed text."""
        secured = {"level": self.level, "checkpoint": self.checkpoint, "proof": self.proof}
        return {
            **{name: value for name, value in secured.items() if value is not None},
            "court": self.court,
            "device": self.device,
            "ep": self.ep,
            "seq": self.seq,
            "hid": self.hid,
            "sha256": self.sha256,
            "size": None if self.size_bytes is None else str(self.size_bytes),
            "copies": self.copies,
            "log_index": None if self.log_index is None else str(self.log_index),
            "rx": format_rfc3339(self.rx),
            "issued": format_rfc3339(self.issued),
        }

    @classmethod
    def from_body(cls, body: Mapping[str, Any]) -> Self:
        """Receipt of a verified body."""
        fields = _Fields(body)
        receipt = cls(
            court=fields.text("court"),
            device=fields.text("device"),
            ep=fields.count("ep"),
            seq=fields.count("seq"),
            hid=fields.digest("hid"),
            sha256=fields.digest("sha256") if body.get("sha256") is not None else None,
            size_bytes=fields.decimal_or_none("size"),
            copies=fields.count("copies"),
            log_index=fields.decimal_or_none("log_index"),
            rx=fields.time("rx"),
            issued=fields.time("issued"),
            level=fields.text_if_there("level"),
            checkpoint=fields.text_if_there("checkpoint"),
            proof=fields.text_if_there("proof"),
        )
        fields.exactly(receipt.to_body())
        if (receipt.sha256 is None) != (receipt.size_bytes is None):
            raise StatementError("digest and size come together")
        secured = {receipt.level is None, receipt.checkpoint is None, receipt.proof is None}
        if len(secured) > 1 or (receipt.is_superseding and receipt.log_index is None):
            raise StatementError("level, checkpoint, proof and log_index come together")
        if receipt.level is not None and receipt.level not in LEVELS:
            raise StatementError("level is one of L1, L2, L3")
        return receipt


@dataclass(frozen=True, slots=True)
class Ticket:
    """Leave to start a mission: bounds the first record from below."""

    court: str
    device: str
    mission: str
    cases: tuple[str, ...] | None
    seq: int
    head: str
    nonce: str
    expires: datetime
    checkpoint: str | None = None

    def to_body(self) -> dict[str, Any]:
        """Members of the signed text."""
        return {
            "court": self.court,
            "device": self.device,
            "mission": self.mission,
            "cases": None if self.cases is None else list(self.cases),
            "seq": self.seq,
            "head": self.head,
            "nonce": self.nonce,
            "expires": format_rfc3339(self.expires),
            "checkpoint": self.checkpoint,
        }

    @classmethod
    def from_body(cls, body: Mapping[str, Any]) -> Self:
        """Ticket of a verified body."""
        fields = _Fields(body)
        ticket = cls(
            court=fields.text("court"),
            device=fields.text("device"),
            mission=fields.text("mission"),
            cases=fields.texts_or_none("cases"),
            seq=fields.count("seq"),
            head=fields.digest("head"),
            nonce=fields.text("nonce"),
            expires=fields.time("expires"),
            checkpoint=fields.text("checkpoint") if body.get("checkpoint") is not None else None,
        )
        fields.exactly(ticket.to_body())
        return ticket


@dataclass(frozen=True, slots=True)
class ClockReading:
    """Server's half of a four-timestamp exchange; Unix milliseconds."""

    device: str
    t1: int
    t2: int
    t3: int
    nonce: str

    def to_body(self) -> dict[str, Any]:
        """Members of the signed text (decimal strings)."""
        return {
            "device": self.device,
            "t1": str(self.t1),
            "t2": str(self.t2),
            "t3": str(self.t3),
            "nonce": self.nonce,
        }

    @classmethod
    def from_body(cls, body: Mapping[str, Any]) -> Self:
        """Reading of a verified body."""
        fields = _Fields(body)
        reading = cls(
            device=fields.text("device"),
            t1=fields.decimal("t1"),
            t2=fields.decimal("t2"),
            t3=fields.decimal("t3"),
            nonce=fields.text("nonce"),
        )
        fields.exactly(reading.to_body())
        return reading


class _Fields:
    """Reads typed members; every failure is a StatementError."""

    def __init__(self, body: Mapping[str, Any]) -> None:
        self._body = body

    def exactly(self, members: Mapping[str, Any]) -> None:
        if self._body.keys() != members.keys():
            raise StatementError("a statement with missing or unknown members")

    def text(self, name: str) -> str:
        value = self._body.get(name)
        if not isinstance(value, str) or not value:
            raise StatementError(f"{name} is a text")
        return value

    def text_if_there(self, name: str) -> str | None:
        return self.text(name) if name in self._body else None

    def texts_or_none(self, name: str) -> tuple[str, ...] | None:
        value = self._body.get(name)
        if value is None:
            return None
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            raise StatementError(f"{name} is a list of texts")
        return tuple(value)

    def digest(self, name: str) -> str:
        value = self.text(name)
        if not is_sha256_hex(value):
            raise StatementError(f"{name} is a SHA-256 in hexadecimal")
        return value

    def count(self, name: str) -> int:
        value = self._body.get(name)
        if type(value) is not int or value < 0:
            raise StatementError(f"{name} is a non-negative integer")
        return value

    def decimal(self, name: str) -> int:
        value = self.text(name)
        if not (value.isascii() and value.isdecimal() and str(int(value)) == value):
            raise StatementError(f"{name} is a decimal string")
        return int(value)

    def decimal_or_none(self, name: str) -> int | None:
        return None if self._body.get(name) is None else self.decimal(name)

    def time(self, name: str) -> datetime:
        try:
            return parse_rfc3339(self._body.get(name))
        except ProtocolError as error:
            raise StatementError(f"{name}: {error}") from error
