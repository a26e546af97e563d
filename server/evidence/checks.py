"""Five things that are checked of an item whenever somebody looks at it.

Each is *pass*, *warn*, *fail* or *unknown*, with a code whose words the console has and the values
they name.  What was not looked at is unknown, never a pass.

1. ``signature``: the record's signature verifies now, with the key that the chain had at its place,
   over exactly the bytes in the log; the chain before it has no gap.
2. ``digest``: when the bytes in the store were last re-read and hashed to the record's digest.
3. ``log``: how well the record's entry is secured (L1 signed, L2 witnessed, L3 timestamped).
4. ``clock``: the class of the corrected time (04 §4.5) and what contradicts it.
5. ``place``: where it was, and who answers for it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from typing import Any, Final

import sqlalchemy as sa

from client_sdk.protocol.errors import ProtocolError
from client_sdk.protocol.keys import PublicKey
from client_sdk.protocol.records import open_record, verify_signature
from server.audit import binding, device_keys, log
from server.audit.models import Event
from server.core.context import Context
from server.evidence.models import Blob, Evidence
from server.identity import queries as identity

REREAD_WITHIN: Final = timedelta(days=35)  # a scrub reads everything once a month
_TIME_FINDINGS: Final = frozenset(
    {"media-time-differs", "time-invalid", "clock-in-future", "clock-step", "clock-contradiction",
     "clock-mono-regression", "clock-invalid"}
)  # fmt: skip
_PLACE_FINDINGS: Final = frozenset(
    {"media-position-differs", "officer-differs", "officer-not-found", "officer-corrected"}
)


class Outcome(StrEnum):
    """What a check found."""

    PASS = "pass"  # noqa: S105  no password
    WARN = "warn"
    FAIL = "fail"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Check:
    """One check: ``code`` has words, ``values`` go into them."""

    name: str
    outcome: Outcome
    code: str
    values: Mapping[str, Any] = field(default_factory=dict)


def checks_of(ctx: Context, item: Evidence) -> tuple[Check, ...]:
    """The five checks of a visible item, in their order."""
    event = _entry(ctx, item)
    return (
        _signature(ctx, item, event),
        _digest(ctx, item),
        _log(ctx, event),
        _clock(item),
        _place(item),
    )


def _entry(ctx: Context, item: Evidence) -> Event | None:
    statement = sa.select(Event).where(
        Event.court_id == item.court_id,
        Event.src == str(item.device_id),
        Event.ep == item.ep,
        Event.seq == item.seq,
    )
    return ctx.session.execute(statement).scalar_one_or_none()


def _signature(ctx: Context, item: Evidence, event: Event | None) -> Check:
    name = "signature"
    if event is None:
        return Check(name, Outcome.UNKNOWN, "not_in_log")
    if event.p is None or event.salt is None:
        return Check(name, Outcome.UNKNOWN, "erased")
    key = _key_at(ctx, item)
    if key is None:
        return Check(name, Outcome.UNKNOWN, "no_key")
    if not _verifies(event, item, key):
        return Check(name, Outcome.FAIL, "signature_wrong")
    if "suspect" in _codes(item):
        return Check(name, Outcome.FAIL, "device_revoked")
    gaps = binding.gaps(ctx.session, item.device_id, item.ep, item.seq)
    if gaps:
        missing = sum(gap.last - gap.first + 1 for gap in gaps)
        return Check(name, Outcome.WARN, "chain_gap", {"n": missing, "seq": item.seq})
    return Check(name, Outcome.PASS, "chain_whole", {"seq": item.seq})


def _key_at(ctx: Context, item: Evidence) -> PublicKey | None:
    device = identity.device_in_court(ctx.session, item.court_id, item.device_id)
    if device is None or device.public_jwk is None:
        return None
    enrolled = device_keys.identity_key(ctx.session, item.device_id, item.ep)
    if enrolled is None:
        enrolled = identity.public_key_of(device)
    keys = device_keys.chain_keys(ctx.session, item.device_id, item.ep, [item.seq], enrolled)
    return keys.line.key_at(item.seq)


def _verifies(event: Event, item: Evidence, key: PublicKey) -> bool:
    wire = {"h": event.h, "p": event.p, "salt": event.salt, "sig": event.sig}
    try:
        opened = open_record(wire)
        return opened.hid == item.record_hid and verify_signature(opened, key)
    except ProtocolError:
        return False


def _digest(ctx: Context, item: Evidence) -> Check:
    name = "digest"
    if item.state != "verified":
        return Check(name, Outcome.UNKNOWN, f"bytes_{item.state}")
    blob = ctx.session.get(Blob, item.sha256)
    if blob is None:
        return Check(name, Outcome.UNKNOWN, "bytes_missing")
    if blob.copies < 1:
        return Check(name, Outcome.FAIL, "no_sound_copy")
    values = {"at": blob.verified_at, "copies": blob.copies}
    if "size-differs" in _codes(item):
        return Check(name, Outcome.WARN, "size_differs", values)
    if ctx.clock.now() - blob.verified_at > REREAD_WITHIN:
        return Check(name, Outcome.WARN, "reread_long_ago", values)
    return Check(name, Outcome.PASS, "reread", values)


def _log(ctx: Context, event: Event | None) -> Check:
    name = "log"
    if event is None:
        return Check(name, Outcome.UNKNOWN, "not_in_log")
    level = log.level_of(ctx.session, event.log_index)
    values = {"level": level, "index": event.log_index}
    outcome = Outcome.PASS if level in {"L2", "L3"} else Outcome.WARN
    return Check(name, outcome, f"level_{level.lower()}", values)


def _clock(item: Evidence) -> Check:
    name = "clock"
    against = sorted(_codes(item) & _TIME_FINDINGS)
    values = {"error_ms": item.error_ms, "findings": against}
    if item.clock_class == "D" or "clock-mono-regression" in against:
        return Check(name, Outcome.FAIL, "clock_contradicts", values)
    if against:
        return Check(name, Outcome.WARN, "clock_differs", values)
    if item.clock_class in {"A", "B"}:
        return Check(name, Outcome.PASS, f"clock_{item.clock_class.lower()}", values)
    return Check(name, Outcome.WARN, "clock_c", values)


def _place(item: Evidence) -> Check:
    name = "place"
    against = sorted(_codes(item) & _PLACE_FINDINGS)
    values = {"findings": against, "reason": item.geo_reason, "source": item.geo_source}
    if "media-position-differs" in against:
        return Check(name, Outcome.FAIL, "position_contradicts", values)
    if against:
        return Check(name, Outcome.WARN, "officer_differs", values)
    if item.officer_id is None:
        return Check(name, Outcome.WARN, "nobody", values)
    if item.lat is None:
        return Check(name, Outcome.WARN, "no_position", values)
    return Check(name, Outcome.PASS, "placed", values)


def _codes(item: Evidence) -> set[str]:
    return {str(one.get("code")) for one in item.findings}


__all__ = ["Check", "Outcome", "checks_of"]
