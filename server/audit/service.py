"""Recording what happened, in the transaction of its cause.

A server event is a signed header over a salted payload, like a device's record, but without
sequence and predecessor: its order comes from the log (00, "One stream of events").
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from client_sdk.protocol import jcs
from client_sdk.protocol.encoding import b64url_encode
from client_sdk.protocol.records import SALT_BYTES, header_id, payload_commitment
from server.audit.events import EventKind
from server.audit.models import OutboxRow
from server.audit.outbox import mac_key, row_mac
from server.core.clock import rfc3339
from server.core.context import Actor, Context
from server.core.keyring import EVENT
from server.core.transactions import is_writing

SERVER_SOURCE = "server"
_HEADER_DOMAIN = b"tiezheng.hdr.v1\0"


@dataclass(frozen=True, slots=True)
class Notice:
    """That a recipient has something to pull.

    ``recipient`` is ``device:<id>``, ``user:<id>`` or ``court:<id>``; ``topic`` is what kind of
    thing changed, ``op`` is ``put`` or ``drop``.
    """

    recipient: str
    topic: str
    entity_id: str
    op: str = "put"

    def as_list(self) -> list[str]:
        """Form stored in the outbox."""
        return [self.recipient, self.topic, self.entity_id, self.op]


@dataclass(frozen=True, slots=True)
class Subject:
    """What an event is about."""

    type: str
    id: uuid.UUID | str


def record(  # noqa: PLR0913  facts about one event, all by name
    ctx: Context,
    kind: EventKind,
    subject: Subject,
    facts: Mapping[str, Any] | None = None,
    *,
    case_id: uuid.UUID | None = None,
    mission_id: uuid.UUID | None = None,
    court_id: uuid.UUID | None = None,
    notices: Iterable[Notice] = (),
    rows: Mapping[str, str] | None = None,
) -> str:
    """Write one event into the outbox and return its ``hid``.

    :param facts: JSON of strings, booleans, integers below 2^53, lists and objects.
    :param court_id: the court concerned when it is not the actor's own.
    :param rows: seals of changed rows (see ``sealing``, which adds them by itself).
    :raises RuntimeError: in a transaction that only reads (see ``core.recording``).
    """
    if not is_writing(ctx.session):
        raise RuntimeError("a transaction that only reads records nothing")
    court = court_id or ctx.actor.court_id
    rx = rfc3339(ctx.clock.now())
    changes = [notice.as_list() for notice in notices]
    payload: dict[str, Any] = {
        "act": kind.value,
        "by": _actor_facts(ctx.actor, ctx.purpose),
        "court": str(court),
        "case": _text(case_id),
        "mission": _text(mission_id),
        "subject": {"type": subject.type, "id": str(subject.id)},
        "facts": dict(facts or {}),
        "request": ctx.request_id,
        "at": rx,
    }
    payload |= {"tell": changes} if changes else {}
    payload |= {"rows": dict(rows)} if rows else {}
    row = OutboxRow(
        court_id=court,
        kind=kind.value,
        src=SERVER_SOURCE,
        salt=ctx.runtime.randbytes(SALT_BYTES).hex(),
        rx=rx,
        actor_id=ctx.actor.user_id or ctx.actor.device_id or ctx.actor.guest_id,
        subject_type=subject.type,
        subject_id=str(subject.id),
        case_id=case_id,
        mission_id=mission_id,
        changes=changes,
    )
    sign_entry(ctx, row, payload, str(ctx.new_id()))
    ctx.session.add(row)
    return row.hid


def sign_entry(ctx: Context, row: OutboxRow, payload: Mapping[str, Any], entry_id: str) -> None:
    """Give a row of the outbox this payload: text, header, ``hid`` and signature."""
    row.p = jcs.dumps(dict(payload))
    commitment = payload_commitment(row.p, bytes.fromhex(row.salt or ""))
    row.h = jcs.dumps({"v": 1, "src": SERVER_SOURCE, "id": entry_id, "pc": commitment})
    key = ctx.runtime.keyring.active(EVENT)
    row.hid, row.k = header_id(row.h), key.kid
    row.sig = b64url_encode(key.private.sign(_HEADER_DOMAIN + row.h.encode()))
    row.mac = row_mac(mac_key(ctx.runtime.keyring), row)


def _actor_facts(actor: Actor, purpose: str | None) -> dict[str, str | None]:
    facts = {
        "token": actor.token.value,
        "user": _text(actor.user_id),
        "device": _text(actor.device_id),
        "address": actor.address,
        "purpose": purpose,
    }
    return facts if actor.guest_id is None else {**facts, "guest": str(actor.guest_id)}


def _text(value: uuid.UUID | None) -> str | None:
    return None if value is None else str(value)
