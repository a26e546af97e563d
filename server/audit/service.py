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
from server.core.clock import rfc3339
from server.core.context import Actor, Context
from server.core.keyring import EVENT

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


def record(
    ctx: Context,
    kind: EventKind,
    subject: Subject,
    facts: Mapping[str, Any] | None = None,
    *,
    case_id: uuid.UUID | None = None,
    mission_id: uuid.UUID | None = None,
    court_id: uuid.UUID | None = None,
    notices: Iterable[Notice] = (),
) -> str:
    """Write one event into the outbox and return its ``hid``.

    :param facts: JSON of strings, booleans, integers below 2^53, lists and objects.
    :param court_id: the court concerned when it is not the actor's own.
    """
    court = court_id or ctx.actor.court_id
    rx = rfc3339(ctx.clock.now())
    payload = {
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
    p = jcs.dumps(payload)
    salt = ctx.runtime.randbytes(SALT_BYTES)
    h = jcs.dumps(
        {"v": 1, "src": SERVER_SOURCE, "id": str(ctx.new_id()), "pc": payload_commitment(p, salt)}
    )
    key = ctx.runtime.keyring.active(EVENT)
    hid = header_id(h)
    ctx.session.add(
        OutboxRow(
            court_id=court,
            kind=kind.value,
            src=SERVER_SOURCE,
            hid=hid,
            h=h,
            p=p,
            salt=salt.hex(),
            sig=b64url_encode(key.private.sign(_HEADER_DOMAIN + h.encode())),
            k=key.kid,
            rx=rx,
            actor_id=ctx.actor.user_id or ctx.actor.device_id,
            subject_type=subject.type,
            subject_id=str(subject.id),
            case_id=case_id,
            mission_id=mission_id,
            changes=[notice.as_list() for notice in notices],
        )
    )
    return hid


def _actor_facts(actor: Actor, purpose: str | None) -> dict[str, str | None]:
    return {
        "token": actor.token.value,
        "user": _text(actor.user_id),
        "device": _text(actor.device_id),
        "address": actor.address,
        "purpose": purpose,
    }


def _text(value: uuid.UUID | None) -> str | None:
    return None if value is None else str(value)
