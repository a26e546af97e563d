"""A small world that keeps a log: keys, witnesses, devices, a case, everything signed for real.

Pure: no server, no database. `World.sealed` is the log before its tree is built, so that an
attacker of a test may change it, sign what his keys allow, and have all above it built anew.
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from client_sdk.protocol import jcs
from client_sdk.protocol.encoding import b64url_encode
from client_sdk.protocol.epochs import certify
from client_sdk.protocol.heads import show
from client_sdk.protocol.keylist import KeyEntry, KeyPurpose, successor
from client_sdk.protocol.keys import Algorithm, PrivateKey, PublicKey
from client_sdk.protocol.records import GENESIS, header_id, payload_commitment
from client_sdk.protocol.times import format_rfc3339
from client_sdk.protocol.tlog.cosignatures import CosignatureKey
from client_sdk.protocol.tlog.notes import NoteSigner
from client_sdk.protocol.vouching import vouch

START = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)
ORIGIN = "log.example.test/tiezheng"
CASE_NO = "（2026）虚0106执1号"
_DOMAIN = b"tiezheng.hdr.v1\0"


def sign_header(key: PrivateKey, text: str) -> str:
    """Signature of a header text."""
    return b64url_encode(key.sign(_DOMAIN + text.encode()))


@dataclass
class Sealed:
    """A signed header in the order of the log; `case` names the case it is filed under."""

    h: str
    s: str
    k: str
    rx: str
    p: str
    salt: str
    case: str | None = None
    device: Device | None = None

    @property
    def hid(self) -> str:
        return header_id(self.h)

    @property
    def header(self) -> dict[str, Any]:
        return dict(jcs.loads_object(self.h))

    @property
    def payload(self) -> dict[str, Any]:
        return dict(jcs.loads_object(self.p, max_bytes=1 << 24))

    @property
    def act(self) -> str:
        return str(self.payload["act"])


@dataclass
class Device:
    """A device that seals its own chain."""

    world: World
    id: UUID
    key: PrivateKey
    ep: int = 1
    seq: int = 0
    prev: str = GENESIS
    boot: str = "boot-1"
    boot_ms: int = 5000
    ticket: str | None = None
    identity: PrivateKey = field(init=False)
    enrolled: Sealed = field(init=False)

    def __post_init__(self) -> None:
        self.identity = self.key

    def record(self, act: str, *, case: str | None = "", **members: Any) -> Sealed:
        """Seal the next record; `case` "" is the world's case, None is none."""
        case = self.world.case_id if case == "" else case
        since_ms = int((self.world.now - START).total_seconds() * 1000)
        wall, mono = format_rfc3339(self.world.now), self.boot_ms + since_ms
        t = {"wall": wall, "mono": mono, "boot": self.boot, "suspend": True}
        payload: dict[str, Any] = {
            "act": act, "who": str(self.world.officer), "case": case, "mission": None,
            "geo": {"none": "no-fix"}, "obj": [], "t": t,
        }  # fmt: skip
        if self.ticket is not None:
            payload["ticket"] = self.ticket
        return self.seal(payload | members, case=case)

    def seal(self, payload: dict[str, Any], *, case: str | None, add: bool = True) -> Sealed:
        """Seal a payload as the next record of the chain."""
        text, salt = jcs.dumps(payload), self.world.random.randbytes(32)
        self.seq += 1
        header: dict[str, Any] = {
            "v": 1, "src": str(self.id), "ep": self.ep, "seq": self.seq, "prev": self.prev,
            "pc": payload_commitment(text, salt),
        }  # fmt: skip
        h = jcs.dumps(header)
        found = Sealed(
            h, sign_header(self.key, h), self.key.public.thumbprint, self.world.tick(), text,
            salt.hex(), case, self,
        )  # fmt: skip
        self.prev = found.hid
        if add:
            self.world.sealed.append(found)
        return found

    def capture(self, data: bytes, *, act: str = "capture.recorded", **members: Any) -> Sealed:
        """A record with one original, kept by the world."""
        digest = self.world.keep(data)
        thing = {"sha256": digest, "size": len(data), "mime": "image/jpeg", "name_b64": ""}
        return self.record(act, obj=[thing], **members)

    def next_key(self, new: PrivateKey | None = None) -> Sealed:
        """Certify the next key and use it from the following record on."""
        new = new or PrivateKey.generate(self.key.alg)
        claim = certify(new, src=str(self.id), ep=self.ep, seq=self.seq + 1, prev=self.prev)
        found = self.record("key.next", case=None, key=claim.to_dict())
        self.key = new
        return found

    def head_text(self) -> dict[str, Any]:
        """The device's head as its screen shows it."""
        at = int(self.world.now.timestamp() * 1000)
        shown = show(
            self.identity, device=self.id, ep=self.ep, seq=self.seq, hid=self.prev, unix_ms=at
        )
        return shown.to_dict()


@dataclass
class World:
    """Everybody's keys and the log so far."""

    random: random.Random = field(default_factory=lambda: random.Random(7))
    now: datetime = START
    sealed: list[Sealed] = field(default_factory=list)
    objects: dict[str, bytes] = field(default_factory=dict)
    case_no: str = CASE_NO
    mislink: int | None = None  # index of an entry whose link to the case's chain is false
    skip: int | None = None  # index of an entry before which the case's numbers leave one out

    def __post_init__(self) -> None:
        self.log = NoteSigner(ORIGIN, PrivateKey.generate(Algorithm.ED25519))
        self.witnesses = [
            CosignatureKey(f"witness{n}.example.test/w", PrivateKey.generate(Algorithm.ED25519))
            for n in (1, 2, 3)
        ]
        self.supervisor = PrivateKey.generate(Algorithm.ES256)
        self.event_key = PrivateKey.generate(Algorithm.ED25519)
        self.event_root = self.event_key.public
        first = KeyEntry(self.event_root.thumbprint, KeyPurpose.EVENT, self.event_root, self.now)
        self.key_list = [first]
        self.case_id, self.other_case = str(self.uuid()), str(self.uuid())
        self.case_keys = {
            self.case_id: self.random.randbytes(32),
            self.other_case: self.random.randbytes(32),
        }
        self.court, self.officer, self.judge = self.uuid(), self.uuid(), self.uuid()

    def uuid(self) -> UUID:
        """A fresh id."""
        return UUID(bytes=self.random.randbytes(16), version=4)

    def tick(self, seconds: float = 1) -> str:
        """Time passes; the receipt time of what is sealed now."""
        self.now += timedelta(seconds=seconds)
        return format_rfc3339(self.now)

    def keep(self, data: bytes) -> str:
        """Digest of bytes that the world stores."""
        digest = hashlib.sha256(data).hexdigest()
        self.objects[digest] = data
        return digest

    def event(
        self,
        act: str,
        subject: tuple[str, object],
        facts: Mapping[str, Any] | None = None,
        *,
        case: str | None = "",
        user: UUID | None = None,
        add: bool = True,
    ) -> Sealed:
        """A server event, signed with the key in use."""
        case = self.case_id if case == "" else case
        rx = self.tick()
        payload: dict[str, Any] = {
            "act": act,
            "by": {
                "token": "access", "user": str(user or self.officer), "device": None,
                "address": "192.0.2.1", "purpose": None,
            },
            "court": str(self.court), "case": case, "mission": None,
            "subject": {"type": subject[0], "id": str(subject[1])},
            "facts": dict(facts or {}), "request": str(self.uuid()), "at": rx,
        }  # fmt: skip
        text, salt = jcs.dumps(payload), self.random.randbytes(32)
        h = jcs.dumps(
            {"v": 1, "src": "server", "id": str(self.uuid()), "pc": payload_commitment(text, salt)}
        )
        found = Sealed(
            h, sign_header(self.event_key, h), self.event_key.public.thumbprint, rx, text,
            salt.hex(), case,
        )  # fmt: skip
        if add:
            self.sealed.append(found)
        return found

    def enrol(
        self,
        alg: Algorithm,
        *,
        vouched: bool = True,
        device: UUID | None = None,
        ep: int = 1,
        facts: Mapping[str, Any] | None = None,
    ) -> Device:
        """A new device (or generation) whose key the supervisor vouches for."""
        found = Device(self, device or self.uuid(), PrivateKey.generate(alg), ep)
        public = found.key.public
        told: dict[str, Any] = {
            "kind": "phone", "name": "虚构", "alg": public.alg.value, "jwk": public.to_jwk(),
            "ep": ep,
        }  # fmt: skip
        if vouched:
            told["vouch"] = self.vouch(found, public)
        found.enrolled = self.event(
            "device.enrolled", ("device", found.id), told | dict(facts or {}), case=None
        )
        return found

    def vouch(self, device: Device, key: PublicKey) -> dict[str, str]:
        """The supervisor's signature for a device key."""
        return vouch(self.supervisor, device=str(device.id), ep=device.ep, key=key)

    def rotate_event_key(self) -> None:
        """A new server-event key, vouched for by the old one."""
        old, made = self.event_key, PrivateKey.generate(Algorithm.ED25519)
        entry = successor(self.key_list[-1], old, made.public, self.now)
        self.key_list.append(entry)
        self.event_key = made
        facts = {"kid": entry.kid, "purpose": "event", "by": entry.by, "jwk": made.public.to_jwk()}
        self.event("key.added", ("key", entry.kid), facts, case=None)

    def give_ticket(self, device: Device) -> Sealed:
        """A ticket from the device's true head; its later records name it."""
        nonce = self.random.randbytes(16).hex()
        expires = format_rfc3339(self.now + timedelta(days=1))
        body = {
            "court": str(self.court), "device": str(device.id), "mission": str(self.uuid()),
            "cases": None, "seq": device.seq, "head": device.prev, "nonce": nonce,
            "expires": expires, "checkpoint": None,
        }  # fmt: skip
        device.ticket = nonce
        return self.event("ticket.issued", ("ticket", nonce), body, case=None)

    def verify_item(self, capture: Sealed, *, case: str | None = "") -> UUID:
        """The bytes of a capture arrived: an item of evidence."""
        item = self.uuid()
        header, thing = capture.header, capture.payload["obj"][0]
        facts = {
            "device": header["src"], "ep": header["ep"], "seq": header["seq"],
            "hid": capture.hid, "sha256": thing["sha256"], "size": str(thing["size"]), "copies": 2,
        }  # fmt: skip
        self.event("evidence.verified", ("evidence", item), facts, case=case)
        return item

    def fill(self, count: int) -> None:
        """Events of nobody's concern here."""
        for _ in range(count):
            self.event("session.signed-in", ("user", self.uuid()), case=None)
