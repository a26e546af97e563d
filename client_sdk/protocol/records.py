r"""Device records: signed, hash-chained entries.

    pc  = SHA256("tiezheng.pl.v1\0" ‖ salt ‖ JCS(P))
    h   = {v, src, ep, seq, prev, pc}
    hid = SHA256("tiezheng.hdr.v1\0" ‖ JCS(h))
    prev = hid of seq-1 (hex), GENESIS for seq 1
    sig over "tiezheng.hdr.v1\0" ‖ JCS(h)

Header and payload travel as text, so that the bytes that were signed survive.
A record's identity is its `hid`; signatures are not part of it (ES256 has many
valid ones for the same header).
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Self

from client_sdk.protocol import jcs
from client_sdk.protocol.encoding import b64url_decode, b64url_encode, is_sha256_hex
from client_sdk.protocol.errors import (
    CanonicalError,
    CommitmentError,
    ProtocolError,
    RecordHeaderError,
    RecordPayloadError,
    RecordShapeError,
)
from client_sdk.protocol.keys import SIGNATURE_BYTES, PrivateKey, PublicKey

VERSION: Final = 1
GENESIS: Final = "0" * 64
FIRST_SEQ: Final = 1
SALT_BYTES: Final = 32
MAX_PUSH_RECORDS: Final = 500
MAX_PAYLOAD_BYTES: Final = 64 * 1024
MAX_HEADER_BYTES: Final = 1024

_PAYLOAD_DOMAIN: Final = b"tiezheng.pl.v1\0"
_HEADER_DOMAIN: Final = b"tiezheng.hdr.v1\0"
_HEADER_KEYS: Final = frozenset({"v", "src", "ep", "seq", "prev", "pc"})
_WIRE_KEYS: Final = frozenset({"h", "p", "salt", "sig"})
_SOURCE: Final = re.compile(r"[0-9a-z][0-9a-z._:-]{0,63}")
# Canonical text of a valid header; numbers of up to fifteen digits, which no chain exceeds.
_HEADER: Final = re.compile(
    r'\{"ep":([1-9][0-9]{0,14}),"pc":"([0-9a-f]{64})","prev":"([0-9a-f]{64})",'
    r'"seq":([1-9][0-9]{0,14}),"src":"([0-9a-z][0-9a-z._:-]{0,63})","v":1\}',
    re.ASCII,
)


@dataclass(frozen=True, slots=True)
class Header:
    """What is chained and signed. `src` device id, `ep` enrolment generation."""

    v: int
    src: str
    ep: int
    seq: int
    prev: str
    pc: str

    def to_dict(self) -> dict[str, Any]:
        """Members of the canonical header."""
        return {
            "v": self.v,
            "src": self.src,
            "ep": self.ep,
            "seq": self.seq,
            "prev": self.prev,
            "pc": self.pc,
        }

    @classmethod
    def from_dict(cls, value: Mapping[str, Any]) -> Self:
        """Checked header; RecordHeaderError names the member that is wrong."""
        if value.keys() != _HEADER_KEYS:
            raise RecordHeaderError("a header has exactly v, src, ep, seq, prev, pc")
        if type(value["v"]) is not int or value["v"] != VERSION:
            raise RecordHeaderError("unknown record version", code="record-version")
        for name in ("ep", "seq"):
            if type(value[name]) is not int or value[name] < FIRST_SEQ:
                raise RecordHeaderError(f"{name} is an integer from 1")
        if not isinstance(value["src"], str) or not _SOURCE.fullmatch(value["src"]):
            raise RecordHeaderError("src is the id of a device")
        if not is_sha256_hex(value["prev"]) or not is_sha256_hex(value["pc"]):
            raise RecordHeaderError("prev and pc are 64 lower-case hexadecimal digits")
        if (value["seq"] == FIRST_SEQ) != (value["prev"] == GENESIS):
            raise RecordHeaderError("only the first record has no predecessor")
        return cls(**value)


@dataclass(frozen=True, slots=True)
class WireRecord:
    """A record as it travels: canonical texts `h` and `p`, hex `salt`, base64url `sig`."""

    h: str
    p: str
    salt: str
    sig: str

    def to_dict(self) -> dict[str, str]:
        """JSON members of the envelope."""
        return {"h": self.h, "p": self.p, "salt": self.salt, "sig": self.sig}

    @classmethod
    def from_dict(cls, value: object) -> Self:
        """Envelope of exactly four texts; RecordShapeError otherwise."""
        if not isinstance(value, Mapping) or value.keys() != _WIRE_KEYS:
            raise RecordShapeError("a record has exactly h, p, salt, sig")
        h, p, salt, sig = (value[name] for name in ("h", "p", "salt", "sig"))
        if not (
            isinstance(h, str)
            and isinstance(p, str)
            and isinstance(salt, str)
            and isinstance(sig, str)
        ):
            raise RecordShapeError("h, p, salt and sig are texts")
        return cls(h, p, salt, sig)

    @property
    def signed_bytes(self) -> bytes:
        """What the signature is over."""
        return _HEADER_DOMAIN + self.h.encode()

    @property
    def signature(self) -> bytes:
        """The 64 raw signature bytes."""
        return b64url_decode(self.sig, size_bytes=SIGNATURE_BYTES)


@dataclass(frozen=True, slots=True)
class Sealed:
    """A new record and its id (the next record's `prev`)."""

    record: WireRecord
    header: Header
    hid: str


@dataclass(frozen=True, slots=True)
class OpenedRecord:
    """A record whose structure and commitment hold; the signature is not yet judged."""

    header: Header
    payload: jcs.JsonObject
    hid: str
    wire: WireRecord


def payload_commitment(payload_text: str, salt: bytes) -> str:
    """`pc`, hex."""
    return hashlib.sha256(_PAYLOAD_DOMAIN + salt + payload_text.encode()).hexdigest()


def header_id(header_text: str) -> str:
    """`hid`, hex."""
    return hashlib.sha256(_HEADER_DOMAIN + header_text.encode()).hexdigest()


def seal(
    payload: Mapping[str, Any],
    *,
    src: str,
    ep: int,
    seq: int,
    prev: str,
    salt: bytes,
    key: PrivateKey,
) -> Sealed:
    """Sign `payload` as record `seq` of source `src`; `salt` is 32 random bytes."""
    if len(salt) != SALT_BYTES:
        raise RecordShapeError(f"the salt has {SALT_BYTES} bytes")
    payload_text = jcs.dumps(dict(payload))
    header = Header.from_dict(
        {
            "v": VERSION,
            "src": src,
            "ep": ep,
            "seq": seq,
            "prev": prev,
            "pc": payload_commitment(payload_text, salt),
        }
    )
    header_text = jcs.dumps(header.to_dict())
    signature = key.sign(_HEADER_DOMAIN + header_text.encode())
    record = WireRecord(header_text, payload_text, salt.hex(), b64url_encode(signature))
    return Sealed(record, header, header_id(header_text))


def open_record(wire: object, *, max_payload_bytes: int = MAX_PAYLOAD_BYTES) -> OpenedRecord:
    """Check everything that needs no key: shape, canonical texts, header rules, commitment."""
    record = WireRecord.from_dict(wire)
    if not is_sha256_hex(record.salt):
        raise RecordShapeError("salt is 64 lower-case hexadecimal digits")
    try:
        b64url_decode(record.sig, size_bytes=SIGNATURE_BYTES)
    except ProtocolError as error:
        raise RecordShapeError(f"sig: {error}") from error
    header = _plain_header(record.h)
    if header is None:
        try:
            header = Header.from_dict(jcs.loads_object(record.h, max_bytes=MAX_HEADER_BYTES))
        except CanonicalError as error:
            raise RecordHeaderError(f"h: {error}") from error
    try:
        payload = jcs.loads_object(record.p, max_bytes=max_payload_bytes)
    except CanonicalError as error:
        raise RecordPayloadError(f"p: {error}") from error
    if payload_commitment(record.p, bytes.fromhex(record.salt)) != header.pc:
        raise CommitmentError("the payload is not the one that was signed")
    return OpenedRecord(header, payload, header_id(record.h), record)


def _plain_header(text: str) -> Header | None:
    """Header of a text in the one form that a valid one has; None says nothing about why not."""
    match = _HEADER.fullmatch(text)
    if match is None:
        return None
    ep, pc, prev, seq, src = match.groups()
    if (seq == "1") != (prev == GENESIS):
        return None
    return Header(VERSION, src, int(ep), int(seq), prev, pc)


def verify_signature(opened: OpenedRecord, key: PublicKey) -> bool:
    """Whether the record is signed by `key` (the key enrolled for its `src` and `ep`)."""
    return key.verify(opened.wire.signature, opened.wire.signed_bytes)
