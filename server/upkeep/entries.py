"""One entry of the log against itself: header, payload, signature, columns."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.orm import Session

from client_sdk.protocol.encoding import b64url_decode
from client_sdk.protocol.epochs import KEY_NEXT, KeyNext
from client_sdk.protocol.errors import ProtocolError
from client_sdk.protocol.keys import PublicKey
from client_sdk.protocol.records import FIRST_SEQ, header_id, payload_commitment
from server.audit.chain import RECORD_SUBJECT
from server.audit.events import EventKind
from server.audit.service import SERVER_SOURCE
from server.core.keyring import KeyRing
from server.identity.models import Device
from server.upkeep.findings import Code

HEADER_DOMAIN: Final = b"tiezheng.hdr.v1\0"
Wrong = tuple[Code, str]


@dataclass(slots=True)
class Keys:
    """Public keys by id: the server's from its folder, the devices' from their rows and the log.

    The rows of devices are compared with the log by themselves.
    """

    keyring: KeyRing
    _devices: dict[str, dict[str, PublicKey]] = field(default_factory=dict)
    _server: dict[str, PublicKey | None] = field(default_factory=dict)
    # (device, ep, from seq) → (kid, hid of the record that certified it, court)
    bound: dict[tuple[str, int, int], tuple[str, str | None, str]] = field(default_factory=dict)

    def load(self, session: Session) -> None:
        """Read the devices' keys."""
        statement = sa.select(Device.id, Device.public_jwk).where(Device.public_jwk.is_not(None))
        for device_id, jwk in session.execute(statement):
            try:
                self.learn(str(device_id), PublicKey.from_jwk(jwk))
            except ProtocolError:
                continue  # the row is reported; its records have no key

    def learn(self, src: str, key: PublicKey) -> None:
        """A device speaks with this key, too (its next epoch)."""
        self._devices.setdefault(src, {})[key.thumbprint] = key

    def learn_from(self, row: Any, payload: Mapping[str, Any]) -> None:
        """Learn the keys that an entry binds: at enrolment, or a next key of a chain."""
        court = str(row.court_id)
        try:
            if row.kind == KEY_NEXT and row.src != SERVER_SOURCE:
                key = KeyNext.from_value(payload.get("key")).key
                self.learn(row.src, key)
                self.bound[row.src, row.ep, row.seq + 1] = (key.thumbprint, row.hid, court)
            elif row.kind == EventKind.DEVICE_ENROLLED:
                self._enrolled(row.subject_id, payload["facts"], court)
        except ProtocolError:
            return

    def _enrolled(self, src: str, facts: Mapping[str, Any], court: str) -> None:
        for name, place in (("jwk", FIRST_SEQ), ("identity_jwk", 0)):
            if name in facts:
                key = PublicKey.from_jwk(facts[name])
                self.learn(src, key)
                self.bound[src, facts.get("ep", 1), place] = (key.thumbprint, None, court)

    def of(self, src: str, kid: str) -> PublicKey | None:
        """The key with this id that may speak for the source."""
        if src != SERVER_SOURCE:
            return self._devices.get(src, {}).get(kid)
        if kid not in self._server:
            self._server[kid] = self.keyring.event_key(kid)
        return self._server[kid]


def judge(row: Any, payload: Mapping[str, Any] | None, keys: Keys) -> Iterator[Wrong]:
    """Everything about an entry that can be said without its neighbours.

    :param payload: what ``row.p`` says, or ``None`` when it is gone or no JSON object.
    """
    header = json_object(row.h)
    if header is None or header_id(row.h) != row.hid:
        yield Code.HEADER, "hid is not that of the header"
        return
    yield from _committed(row, payload, header)
    yield from _signed(row, keys)
    numbers = {name: header.get(name) for name in ("src", "ep", "seq")}
    yield from _columns(row, numbers)
    if payload is None:
        return
    if row.src == SERVER_SOURCE:
        yield from _columns(row, _server_columns(payload))
        if _actor_of(payload) != _text(row.actor_id):
            yield Code.COLUMN, "actor_id"
    else:
        said = {"kind": payload.get("act"), "subject_type": RECORD_SUBJECT, "subject_id": row.hid}
        yield from _columns(row, said)


def json_object(text: str | None) -> dict[str, Any] | None:
    """The object a text holds, if it does."""
    try:
        found = json.loads(text or "")
    except ValueError:
        return None
    return found if isinstance(found, dict) else None


def _committed(
    row: Any, payload: Mapping[str, Any] | None, header: Mapping[str, Any]
) -> Iterator[Wrong]:
    if row.p is None and row.salt is None:
        return  # whether it was erased lawfully is asked at the end of the log
    try:
        commitment = payload_commitment(row.p or "", bytes.fromhex(row.salt or ""))
    except ValueError:
        commitment = ""
    if payload is None or commitment != header.get("pc"):
        yield Code.COMMITMENT, "the payload is not the one that was signed"


def _signed(row: Any, keys: Keys) -> Iterator[Wrong]:
    key = keys.of(row.src, row.k)
    if key is None:
        yield Code.KEY_UNKNOWN, f"no key {row.k} of {row.src} is known"
        return
    try:
        good = key.verify(b64url_decode(row.sig), HEADER_DOMAIN + row.h.encode())
    except ProtocolError:
        good = False
    if not good:
        yield Code.SIGNATURE, "the signature does not verify"


def _server_columns(payload: Mapping[str, Any]) -> dict[str, Any]:
    subject = payload.get("subject") or {}
    return {
        "kind": payload.get("act"), "court_id": payload.get("court"), "rx": payload.get("at"),
        "case_id": payload.get("case"), "mission_id": payload.get("mission"),
        "subject_type": subject.get("type"), "subject_id": subject.get("id"),
    }  # fmt: skip


def _actor_of(payload: Mapping[str, Any]) -> str | None:
    by = payload.get("by") or {}
    found = by.get("user") or by.get("device") or by.get("guest")
    return found if isinstance(found, str) else None


def _columns(row: Any, said: Mapping[str, Any]) -> Iterator[Wrong]:
    for name, value in said.items():
        held = getattr(row, name)
        if value != (str(held) if isinstance(held, uuid.UUID) else held):
            yield Code.COLUMN, f"{name} is not what the signed text says"


def _text(value: uuid.UUID | None) -> str | None:
    return None if value is None else str(value)
