"""What a batch proves, and contradicts, about chains: attested heads, closings, recordings.

Findings are added before the records enter the log; nothing is refused here.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from typing import Any, Final

import sqlalchemy as sa

from client_sdk.protocol.errors import PayloadError
from client_sdk.protocol.heads import HeadText
from client_sdk.protocol.keys import PublicKey
from client_sdk.protocol.parts import Closing
from client_sdk.protocol.payloads import RecordKind
from client_sdk.protocol.streams import StreamMark
from server.audit import attestations, device_keys
from server.audit.chain import FieldRecord, Line
from server.audit.events import EventKind
from server.audit.models import Event, OutboxRow
from server.audit.ordering import Accepted
from server.audit.service import Subject, record
from server.core.clock import rfc3339
from server.core.context import Context
from server.identity import queries as identity
from server.identity.models import Device
from server.sync.reading import finding

SUSPECT: Final = "suspect"
_STREAMED: Final = (RecordKind.MEDIA_OPEN, RecordKind.MEDIA_PROGRESS, RecordKind.MEDIA_CLOSE)


def judge(
    ctx: Context, line: Line, accepted: Sequence[Accepted], records: Sequence[FieldRecord]
) -> None:
    """Add what these records' places in their own and other chains make remarkable."""
    if not records:
        return
    _contradicted(ctx, line, records)
    _suspect(ctx, line, records)
    for position, (one, entry) in enumerate(zip(accepted, records, strict=True)):
        if entry.act == RecordKind.HEAD_ATTEST:
            _attested(ctx, line, entry)
        elif entry.act == RecordKind.MISSION_CLOSED:
            prev = one.entry.opened.header.prev
            _closed(ctx, entry, prev, records[:position])
        elif entry.act in _STREAMED:
            _streamed(ctx, line, entry, records[:position])


def _add(entry: FieldRecord, code: str, detail: str) -> None:
    entry.findings.append(finding(code, detail))  # type: ignore[attr-defined]  # made as a list


# ---------------------------------------------------------------- revocation


def _suspect(ctx: Context, line: Line, records: Sequence[FieldRecord]) -> None:
    """What enters after the device was revoked is kept, shown, and trusted by nobody."""
    device = ctx.session.get(Device, line.device_id)  # push has read it already
    if device is None or device.revoked_at is None:
        return
    for entry in records:
        _add(entry, SUSPECT, f"the device was revoked at {rfc3339(device.revoked_at)}")


# ---------------------------------------------------------------- heads


def _contradicted(ctx: Context, line: Line, records: Sequence[FieldRecord]) -> None:
    """Records that differ from what another device recorded of this chain's head."""
    places = {entry.seq: entry for entry in records}
    known = attestations.between(ctx.session, line.device_id, line.ep, min(places), max(places))
    for one in known:
        entry = places.get(one.seq)
        if entry is not None and entry.hid != one.hid:
            _add(entry, "head-contradicted", f"device {one.by_device_id} recorded {one.hid}")
            _tell(ctx, line.court_id, one.device_id, (one.ep, one.seq, entry.hid, one.hid))


def _attested(ctx: Context, line: Line, entry: FieldRecord) -> None:
    """Another device's head in this chain: kept if that device signed it."""
    try:
        head = HeadText.from_value(entry.payload.get("head"))
    except PayloadError as error:
        _add(entry, "head-invalid", str(error)[:200])
        return
    key = _shown_with(ctx, line.court_id, head)
    if head.device == line.device_id:
        _add(entry, "head-own", "a device does not bind its own chain")
    elif key is None:
        _add(entry, "head-unknown", f"no such device of the court: {head.device} {head.ep}")
    elif not head.signed_by(key):
        _add(entry, "head-invalid", "the device did not sign it")
    else:
        attestations.keep(ctx, entry, head)
        known = attestations.hid_at(ctx.session, head.device, head.ep, head.seq)
        if known is not None and known != head.hid:
            _add(entry, "head-contradicted", f"the log has {known} there")
            _tell(ctx, line.court_id, head.device, (head.ep, head.seq, known, head.hid))


def _shown_with(ctx: Context, court_id: uuid.UUID, head: HeadText) -> PublicKey | None:
    """The identity key of the attested device's generation."""
    device = identity.device_in_court(ctx.session, court_id, head.device)
    if device is None or device.public_jwk is None:
        return None
    kept = device_keys.identity_key(ctx.session, device.id, head.ep)
    if kept is not None:
        return kept
    return identity.public_key_of(device) if head.ep == device.ep else None


def _tell(
    ctx: Context, court_id: uuid.UUID, device_id: uuid.UUID, what: tuple[int, int, str, str]
) -> None:
    ep, seq, in_log, attested = what
    facts = {"ep": ep, "seq": seq, "log": in_log, "attested": attested}
    subject = Subject("device", device_id)
    record(ctx, EventKind.HEAD_CONTRADICTED, subject, facts, court_id=court_id)


# ---------------------------------------------------------------- closings


def _closed(ctx: Context, entry: FieldRecord, prev: str, before: Sequence[FieldRecord]) -> None:
    """Count and head must be those of the chain."""
    try:
        closing = Closing.from_value(entry.payload.get("closing"))
    except PayloadError as error:
        _add(entry, "closing-invalid", str(error)[:200])
        return
    if closing.head != prev:
        _add(entry, "closing-mismatch", f"it names the head {closing.head}")
    mission = entry.mission_id
    if mission is None:
        return
    count = sum(one.mission_id == mission for one in before) + _logged(ctx, entry, mission)
    if count != closing.count:
        _add(entry, "closing-mismatch", f"{closing.count} records are named, {count} are known")


def _logged(ctx: Context, entry: FieldRecord, mission: uuid.UUID) -> int:
    """Records of the mission that entered the log before this batch."""
    total = 0
    for table in (OutboxRow, Event):
        statement = (
            sa.select(sa.func.count())
            .select_from(table)
            .where(
                table.src == str(entry.device_id),
                table.ep == entry.ep,
                table.seq < entry.seq,
                table.mission_id == mission,
            )
        )
        total += ctx.session.execute(statement).scalar_one()
    return total


# ---------------------------------------------------------------- recordings


def _streamed(ctx: Context, line: Line, entry: FieldRecord, before: Sequence[FieldRecord]) -> None:
    """A recording grows, within one boot, from its ``media.open`` on."""
    try:
        mark = StreamMark.from_value(entry.payload.get("stream"))
    except PayloadError as error:
        _add(entry, "stream-invalid", str(error)[:200])
        return
    if entry.act == RecordKind.MEDIA_OPEN:
        return
    last = _last_mark(before, mark.id) or _last_logged(ctx, line, mark.id)
    if last is None:
        _add(entry, "stream-without-open", str(mark.id))
        return
    earlier, boot = last
    if boot is not None and entry.boot is not None and boot != entry.boot:
        _add(entry, "stream-across-reboot", "the device was switched on again in between")
    if mark.chunks < earlier.chunks or mark.size_bytes < earlier.size_bytes:
        _add(entry, "stream-shrinks", f"{earlier.chunks} chunks were stated before")


def _last_mark(
    before: Sequence[FieldRecord], stream: uuid.UUID
) -> tuple[StreamMark, str | None] | None:
    for entry in reversed(before):
        mark = _mark(entry.payload) if entry.act in _STREAMED else None
        if mark is not None and mark.id == stream:
            return mark, entry.boot
    return None


def _last_logged(
    ctx: Context, line: Line, stream: uuid.UUID
) -> tuple[StreamMark, str | None] | None:
    newest = attestations.marks_of(
        ctx.session, line.device_id, line.ep, [k.value for k in _STREAMED]
    )
    for payload in newest:
        mark = _mark(payload)
        if mark is not None and mark.id == stream:
            instant = payload.get("t")
            return mark, instant.get("boot") if isinstance(instant, Mapping) else None
    return None


def _mark(payload: Mapping[str, Any]) -> StreamMark | None:
    try:
        return StreamMark.from_value(payload.get("stream"))
    except PayloadError:
        return None
