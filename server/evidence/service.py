"""Evidence comes into being from a signed record, and is verified by its bytes.

Record and bytes arrive in either order; whoever comes second ties the two together.  Rows are
never merged: two records that name the same digest stay two pieces of evidence over one blob.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from operator import attrgetter
from typing import Any

import sqlalchemy as sa

from client_sdk.protocol.bundle import MEDIA_TYPE as BUNDLE_TYPE
from client_sdk.protocol.encoding import b64url_decode
from client_sdk.protocol.errors import ProtocolError
from client_sdk.protocol.payloads import Instant
from server.audit import seals
from server.audit.chain import OBJECT_KINDS, FieldRecord
from server.audit.events import EventKind
from server.audit.service import Subject, record
from server.cases import queries as cases
from server.clocks import queries as clocks
from server.clocks.correction import Reading, correct
from server.core.bulk import insert_rows
from server.core.context import Context
from server.core.db import table_of
from server.core.transactions import take_turns
from server.evidence import attribution, erasure_bytes, listing, policy, queries, reuse
from server.evidence.commands import Rebind
from server.evidence.models import Blob, Evidence, Upload, code_of
from server.identity import queries as identity

_MEDIA = {"image": "photo", "video": "video", "audio": "audio"}


_SHARED = (
    "court_id", "case_id", "mission_id", "device_id", "captured_by", "ep", "seq", "officer_id",
    "officer_source", "booking_id", "wall", "mono_ms", "boot", "through_suspend", "gnss_at",
    "error_ms", "clock_class", "zone_source", "lat", "lon", "geo_datum", "geo_accuracy_m",
    "geo_source", "geo_reason",
)  # fmt: skip
_shared = attrgetter(*_SHARED)


def declare(ctx: Context, records: Sequence[FieldRecord]) -> None:
    """Make one row for each declared object; bytes that are here already are tied to it.

    Records of one device only; the caller has entered them into the device's chain.
    """
    now = ctx.clock.now()
    rows = [
        _row(ctx, entry, index, thing, now)
        for entry in records
        if entry.act in OBJECT_KINDS
        for index, thing in enumerate(entry.payload.get("obj", ()))
    ]
    if not rows:
        return
    device_id = rows[0]["device_id"]
    take_turns(ctx.session, f"bytes:{device_id}")
    insert_rows(ctx.session, table_of(Evidence), rows)
    here = queries.digests_uploaded_by(ctx.session, device_id, (row["sha256"] for row in rows))
    if here:
        queries.claim(ctx.session, device_id, here)
    for sha256 in sorted(here):
        blob = ctx.session.get(Blob, sha256)
        if blob is not None:
            _tie(ctx, queries.awaiting_bytes(ctx.session, device_id, sha256), blob)


def bytes_arrived(ctx: Context, upload: Upload, sha256: str, size_bytes: int) -> None:
    """The bytes of ``sha256`` are durable and hashed: tie them to the records that name them.

    Called in the transaction that completes the upload.  Without a record they are *unclaimed*
    until one comes.
    """
    take_turns(ctx.session, f"bytes:{upload.device_id}")
    erasure_bytes.still_there(ctx, sha256)
    blob = _blob(ctx, sha256, size_bytes)
    waiting = queries.awaiting_bytes(ctx.session, upload.device_id, sha256)
    upload.claimed = bool(waiting) or queries.is_declared(ctx.session, upload.device_id, sha256)
    if waiting:
        _tie(ctx, waiting, blob)
        return
    is_bundle = upload.filetype == BUNDLE_TYPE
    record(
        ctx,
        EventKind.BUNDLE_RECEIVED if is_bundle else EventKind.EVIDENCE_UNCLAIMED,
        Subject("upload", upload.id),
        {"device": str(upload.device_id), "sha256": sha256, "size": str(size_bytes)},
        case_id=upload.case_id,
        mission_id=upload.mission_id,
        court_id=upload.court_id,
    )


def receiving(ctx: Context, device_id: uuid.UUID, sha256: str) -> None:
    """The first bytes of a declared item are on their way."""
    ctx.session.execute(
        sa.update(Evidence)
        .where(
            Evidence.device_id == device_id,
            Evidence.sha256 == sha256,
            Evidence.state.in_(("declared", "missing")),
        )
        .values(state="receiving")
    )


def spoiled(ctx: Context, device_id: uuid.UUID, sha256: str) -> None:
    """An upload for a declared item was quarantined; the device will send it again."""
    ctx.session.execute(
        sa.update(Evidence)
        .where(
            Evidence.device_id == device_id,
            Evidence.sha256 == sha256,
            Evidence.state.in_(("declared", "receiving", "missing")),
        )
        .values(state="quarantined")
    )


def mark_missing(ctx: Context) -> int:
    """Declared items past their due time count as missing from now on; returns how many."""
    statement = sa.select(Evidence).where(
        Evidence.state.in_(("declared", "receiving")), Evidence.due_at < ctx.clock.now()
    )
    overdue = ctx.session.execute(statement.limit(500)).scalars().all()
    for item in overdue:
        item.state = "missing"
        _happened(ctx, EventKind.EVIDENCE_MISSING, item, {"sha256": item.sha256})
    return len(overdue)


def recorrect(ctx: Context, device_id: uuid.UUID, boot: str | None) -> None:
    """New readings of a device's clock came: compute its items' times again.

    :param boot: only items of this boot; ``None`` for every item of the device.
    """
    statement = sa.select(Evidence).where(Evidence.captured_by == device_id)
    if boot is not None:
        statement = statement.where(Evidence.boot == boot)
    items = ctx.session.execute(statement).scalars().all()
    if not items:
        return
    readings = clocks.readings_of(ctx.session, device_id)
    for item in items:
        _correct(item, readings)
    attribution.follow_time(ctx, device_id, items)


def recorrect_one(ctx: Context, item: Evidence) -> None:
    """Compute one item's time again, by the ledger of the clock that made it."""
    _correct(item, clocks.readings_of(ctx.session, item.captured_by))
    attribution.follow_time(ctx, item.captured_by, [item])


def _correct(item: Evidence, readings: Sequence[Reading]) -> None:
    corrected = correct(_instant(item), readings)
    item.captured_at = corrected.at
    item.error_ms = corrected.error_ms
    item.clock_class = corrected.clock_class
    item.zone_source = corrected.zone_source


def set_review_state(item: Evidence, state: str, reason: str | None) -> None:
    """Show the outcome of the newest decision; the decisions themselves are appended elsewhere."""
    item.review_state = state
    item.review_reason = reason
    item.version += 1


def rebind(ctx: Context, evidence_id: uuid.UUID, command: Rebind) -> Evidence:
    """Bind an item to the right case, mission or officer; shown in both cases' chains."""
    item = queries.visible_evidence(ctx, evidence_id)
    policy.may_rebind(ctx.actor, item)
    before = {"case": item.case_id, "mission": item.mission_id, "officer": item.officer_id}
    old_case = item.case_id
    if command.case_id is not None:
        item.case_id = cases.visible_case(ctx, command.case_id).id
    if command.mission_id is not None:
        item.mission_id = cases.visible_mission(ctx, command.mission_id).id
    if command.officer_id is not None:
        policy.officer_exists(
            identity.user_in_court(ctx.session, ctx.actor.court_id, command.officer_id)
        )
        item.officer_id, item.officer_source = command.officer_id, "rebound"
    item.version += 1
    after = {"case": item.case_id, "mission": item.mission_id, "officer": item.officer_id}
    facts = {"reason": command.reason, "before": _texts(before), "after": _texts(after)}
    _happened(ctx, EventKind.EVIDENCE_REBOUND, item, facts)
    if old_case is not None and old_case != item.case_id:
        _happened(ctx, EventKind.EVIDENCE_REBOUND, item, facts, case_id=old_case)
    if item.state == "verified":
        reuse.look(ctx, item)
    return item


def read(ctx: Context, item: Evidence, kind: EventKind) -> None:
    """Record that the caller sees the item; ranges within ten minutes are one event."""
    if not queries.read_recently(ctx, item.id, kind):
        _happened(ctx, kind, item, {"sha256": item.sha256})


def listed(ctx: Context, case_id: uuid.UUID, items: Iterable[Evidence]) -> None:
    """Record that a page of a case's evidence was listed: one event for the page."""
    ids = [item.id for item in items]
    listing.let_through(ctx, ids)
    facts = {"items": [str(one) for one in ids]}
    record(ctx, EventKind.EVIDENCE_LISTED, Subject("case", case_id), facts, case_id=case_id)


def _row(
    ctx: Context, entry: FieldRecord, index: int, thing: dict[str, Any], now: datetime
) -> dict[str, Any]:
    identifier = ctx.new_id()
    row = {
        **dict(zip(_SHARED, _shared(entry), strict=True)),
        "id": identifier,
        "code": code_of(identifier),
        "obj_index": index,
        "record_hid": entry.hid,
        "sha256": thing["sha256"],
        "size_bytes": thing["size"],
        "media": entry.payload.get("media") or _MEDIA.get(thing["mime"].split("/")[0], "document"),
        "mime": thing["mime"],
        "name": _name(thing.get("name_b64")),
        "state": "declared",
        "due_at": now + timedelta(hours=ctx.settings.missing_after_hours),
        "captured_at": entry.happened_at,
        "findings": list(entry.findings),
        "review_state": _first_review_state(entry),
        "version": 1,
        "created_at": now,
    }
    key = seals.seal_key(ctx.runtime.keyring)
    return {**row, "seal": seals.first_seal(key, table_of(Evidence), row)}


def _first_review_state(entry: FieldRecord) -> str:
    """What entered after its device was revoked waits for a person as *suspect*."""
    suspect = any(finding["code"] == "suspect" for finding in entry.findings)
    return "suspect" if suspect else "pending"


def _instant(item: Evidence) -> Instant:
    """The moment as its own clock showed it: a camera's is in the file, the dock's is not its."""
    if item.captured_by != item.device_id and item.media_wall is not None:
        return Instant(wall=item.media_wall, mono_ms=0, boot="", suspend=False)
    return Instant(
        wall=item.wall,
        mono_ms=item.mono_ms or 0,
        boot=item.boot or "",
        suspend=item.through_suspend,
        gnss=item.gnss_at,
    )


def _name(encoded: object) -> bytes | None:
    try:
        return b64url_decode(encoded) if encoded else None
    except ProtocolError:
        return None


def _blob(ctx: Context, sha256: str, size_bytes: int) -> Blob:
    blob = ctx.session.get(Blob, sha256)
    now = ctx.clock.now()
    if blob is None:
        blob = Blob(sha256=sha256, size_bytes=size_bytes, copies=1, stored_at=now, verified_at=now)
        ctx.session.add(blob)
        ctx.session.flush()  # two uploads of the same bytes meet here, not at the commit
    elif blob.copies == 0 or blob.evicted_at is not None:
        # The local copy was damaged or let go; now it is here again, and sound.
        blob.copies, blob.verified_at, blob.evicted_at = 1, now, None
    return blob


def _tie(ctx: Context, waiting: Sequence[Evidence], blob: Blob) -> None:
    for item in waiting:
        item.state = "verified"
        item.verified_at = ctx.clock.now()
        if item.size_bytes != blob.size_bytes:
            item.findings = [
                *item.findings,
                {"code": "size-differs", "detail": f"{item.size_bytes} declared"},
            ]
        facts = {
            "device": str(item.device_id), "ep": item.ep, "seq": item.seq,
            "hid": item.record_hid, "sha256": item.sha256,
            "size": str(blob.size_bytes), "copies": blob.copies,
        }  # fmt: skip
        _happened(ctx, EventKind.EVIDENCE_VERIFIED, item, facts)


def _happened(
    ctx: Context,
    kind: EventKind,
    item: Evidence,
    facts: dict[str, Any],
    *,
    case_id: uuid.UUID | None = None,
) -> None:
    record(
        ctx,
        kind,
        Subject("evidence", item.id),
        facts,
        case_id=case_id or item.case_id,
        mission_id=item.mission_id,
        court_id=item.court_id,
    )


def _texts(values: dict[str, uuid.UUID | None]) -> dict[str, str | None]:
    return {name: None if value is None else str(value) for name, value in values.items()}
