"""Writing the clock ledger."""

from __future__ import annotations

import uuid

import sqlalchemy as sa

from client_sdk.protocol.clock import ClockOffset
from client_sdk.protocol.errors import StatementError
from client_sdk.protocol.keys import PublicKey
from client_sdk.protocol.parts import ClockObservation as Exchange
from client_sdk.protocol.payloads import Instant
from client_sdk.protocol.statements import ClockReading, StatementKind, verify
from client_sdk.protocol.times import parse_rfc3339, unix_ms
from server.clocks.correction import Reading
from server.clocks.models import ClockObservation
from server.core.context import Context
from server.core.keyring import EVENT, KeyRing

# Between the answer and the record the wall clock may have been set: later than this, the
# exchange says nothing about the record's own clocks any more.
RECORDED_WITHIN_MS = 60_000


class ServerKeys:
    """The server's own event keys, for statements that come back to it."""

    def __init__(self, keyring: KeyRing) -> None:
        self._keyring = keyring

    def event_key(self, kid: str) -> PublicKey | None:
        """The key with this id, if it is still in use."""
        found = self._keyring.find(EVENT, kid)
        return None if found is None else found.public


def observe(
    ctx: Context,
    device_id: uuid.UUID,
    reading: Reading,
    *,
    court_id: uuid.UUID | None = None,
    record_hid: str | None = None,
) -> ClockObservation:
    """Add one reading of a device's clock; the same reading again is the same row.

    :param record_hid: the device record that reported it, if one did.
    """
    known = ctx.session.execute(
        sa.select(ClockObservation).where(
            ClockObservation.device_id == device_id,
            ClockObservation.device_wall_ms == reading.device_wall_ms,
            ClockObservation.source == reading.source,
            ClockObservation.true_ms == reading.true_ms,
        )
    ).scalars()
    row = known.first()
    if row is not None:
        return row
    row = ClockObservation(
        id=ctx.new_id(),
        court_id=court_id or ctx.actor.court_id,
        device_id=device_id,
        source=reading.source,
        boot=reading.boot,
        mono_ms=reading.mono_ms,
        through_suspend=reading.through_suspend,
        device_wall_ms=reading.device_wall_ms,
        true_ms=reading.true_ms,
        offset_ms=reading.offset_ms,
        error_ms=reading.error_ms,
        record_hid=record_hid,
        observed_at=ctx.clock.now(),
    )
    ctx.session.add(row)
    ctx.session.flush()  # the readings of a batch are asked for right after
    return row


def reading_of_exchange(
    ctx: Context, device_id: uuid.UUID, exchange: Exchange, instant: Instant
) -> Reading:
    """The reading that a ``clock.observed`` record holds; nothing is stored.

    The wall and monotonic clocks of the record are read together, so the offset carries over to
    the monotonic clock.  Raises ``ProtocolError`` (``StatementError``) when the statement is not
    this server's answer to this device, or the four times are impossible.
    """
    body = verify(StatementKind.CLOCK, exchange.statement, ServerKeys(ctx.runtime.keyring))
    answer = ClockReading.from_body(body)
    if answer.device != str(device_id):
        raise StatementError("the clock statement was given to another device")
    offset = ClockOffset.from_exchange(answer.t1, answer.t2, answer.t3, exchange.t4_ms)
    wall_ms = unix_ms(parse_rfc3339(instant.wall))
    late_ms = wall_ms - exchange.t4_ms
    if 0 <= late_ms <= RECORDED_WITHIN_MS:
        return Reading(
            device_wall_ms=wall_ms,
            offset_ms=offset.offset_ms,
            error_ms=offset.error_ms,
            boot=instant.boot,
            mono_ms=instant.mono_ms,
            through_suspend=instant.suspend,
        )
    return Reading(exchange.t4_ms, offset.offset_ms, offset.error_ms)
