"""Lawful erasure: one person asks, another decides, and what was said is gone for good.

Payload and salt of the record leave the log, its bytes leave every place unless another record
uses them, and so does what was made from them.  The header stays, and so do its place in the
device's chain, its leaf and every proof over it: that there was a record, and that it was erased,
when, by whom and why, remains provable.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import sqlalchemy as sa

from server.audit import sealing, seals
from server.audit.events import EventKind
from server.audit.models import Event, OutboxRow
from server.audit.service import SERVER_SOURCE, Subject, record
from server.core.context import Context
from server.core.db import Base, table_of
from server.core.problem import Kind, Problem, not_found
from server.evidence import erasure_bytes, erasure_shown, queries, redaction_erasure
from server.evidence.erasure_bytes import ERASED
from server.evidence.erasure_guard import guard_of
from server.evidence.erasure_models import Erasure
from server.evidence.models import Derivative, Evidence, Examination

# What the server itself wrote down of the content: its findings, and people's words about it.
_TELLING: Final = (
    EventKind.EVIDENCE_EXAMINED, EventKind.REVIEW_RETURNED, EventKind.REVIEW_QUERIED,
    EventKind.REVIEW_COMMENTED, EventKind.REVIEW_REVERSED, EventKind.REVIEW_MARKED,
    EventKind.REVIEW_SECOND_LOOKED, EventKind.REDACTION_ASKED, EventKind.REDACTION_DISCARDED,
    EventKind.LIVE_HELD, EventKind.LIVE_REDACTED, EventKind.LIVE_RELEASED, EventKind.LIVE_WITHDRAWN,
)  # fmt: skip
# The slice stands on the same floor; only the packages that it keeps are of interest here.
_PACKAGES: Final = sa.table(
    "exports", sa.column("case_id", sa.Uuid()), sa.column("sha256", sa.Text()),
    sa.column("size_bytes", sa.BigInteger()), sa.column("state", sa.Text()),
    sa.column("problem", sa.Text()),
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class AskErasure:
    """Command: erase the record of this item."""

    legal_basis: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DecideErasure:
    """Command: agree or refuse, with a note."""

    note: str | None = None


def ask(ctx: Context, evidence_id: uuid.UUID, command: AskErasure) -> Erasure:
    """Ask for the erasure of an item's record; nothing is erased yet."""
    item = queries.visible_evidence(ctx, evidence_id)
    if item.state == ERASED:
        raise Problem(Kind.CONFLICT, "it was erased before")
    guard_of(ctx).require_erasable(ctx, _items_of_record(ctx, item))
    row = Erasure(
        id=ctx.new_id(), court_id=item.court_id, evidence_id=item.id,
        legal_basis=command.legal_basis, reason=command.reason,
        requested_by=ctx.actor.user(), requested_at=ctx.clock.now(), state="requested",
    )  # fmt: skip
    ctx.session.add(row)
    facts = {"erasure": str(row.id), "legal_basis": row.legal_basis, "reason": row.reason}
    _happened(ctx, EventKind.ERASURE_REQUESTED, item, facts)
    return row


def refuse(ctx: Context, erasure_id: uuid.UUID, command: DecideErasure) -> Erasure:
    """Refuse; the item stays as it is."""
    row, item = _undecided(ctx, erasure_id)
    _decided(ctx, row, "refused", command.note)
    facts = {"erasure": str(row.id), "note": row.note}
    _happened(ctx, EventKind.ERASURE_REFUSED, item, facts)
    return row


def approve(ctx: Context, erasure_id: uuid.UUID, command: DecideErasure) -> Erasure:
    """Agree, and erase: texts and rows now, bytes right after the commit.

    What forbids it is judged anew, behind whoever places a hold or changes a rule just now.
    """
    guard = guard_of(ctx)
    guard.take_turn(ctx)
    row, item = _undecided(ctx, erasure_id)
    entry = _entry(ctx, item)
    items = _items_of_record(ctx, item, to_change=True)
    guard.require_erasable(ctx, items)
    entries = erasure_shown.live_entries(ctx, items)
    carried = erase_told(ctx, [*(one.id for one in items), *entries])
    ctx.session.execute(
        sa.update(table_of(Event)).where(Event.hid == entry.hid).values(p=None, salt=None)
    )
    for one in items:
        _empty(one)
    _empty_lines(ctx, item, [one.id for one in items])
    erasure_shown.empty(ctx, entries)
    ctx.session.flush()  # whether a digest is used elsewhere is read from the tables
    erasure_shown.forget_pictures(ctx, items)
    copies = redaction_erasure.forget(ctx, [one.id for one in items])
    unlinked, kept = _forget_bytes(ctx, sorted({one.sha256 for one in items}), copies)
    packages = _withdraw_packages(ctx, item.case_id)
    for asked in _open_requests(ctx, items):
        _decided(ctx, asked, ERASED, command.note)
    facts = {
        "erasure": str(row.id), "legal_basis": row.legal_basis, "reason": row.reason,
        "requested_by": str(row.requested_by), "note": command.note,
        "hids": [entry.hid, *carried.hids], "items": [str(one.id) for one in items],
        "unlinked": unlinked, "kept": kept, "packages": packages,
    }  # fmt: skip
    _happened(ctx, EventKind.EVIDENCE_ERASED, item, facts, rows=carried.rows)
    ctx.after_commit.append(lambda: finish(ctx))
    return row


def erasures(ctx: Context, state: str | None, limit: int) -> Sequence[Erasure]:
    """The court's erasures, newest first."""
    statement = sa.select(Erasure).where(Erasure.court_id == ctx.actor.court_id)
    if state is not None:
        statement = statement.where(Erasure.state == state)
    found = ctx.session.execute(statement.order_by(Erasure.id.desc()).limit(limit))
    return found.scalars().all()


def finish(ctx: Context) -> None:
    """Unlink what was erased and is still there; the worker repeats it after a crash."""
    erasure_bytes.unlink_due(ctx)


@dataclass(frozen=True, slots=True)
class Carried:
    """Entries whose words went, and the seals that were in them."""

    hids: list[str]
    rows: dict[str, str]  # seals of the texts that go, to be kept by the entry of the erasure


def _undecided(ctx: Context, erasure_id: uuid.UUID) -> tuple[Erasure, Evidence]:
    statement = sa.select(Erasure).where(
        Erasure.id == erasure_id, Erasure.court_id == ctx.actor.court_id
    )
    row = ctx.session.execute(statement.with_for_update()).scalar_one_or_none()
    if row is None:
        raise not_found()
    item = queries.visible_evidence(ctx, row.evidence_id)
    if row.state != "requested":
        raise Problem(Kind.CONFLICT, f"it is {row.state} already")
    if row.requested_by == ctx.actor.user():
        raise Problem(Kind.FORBIDDEN, "someone else has to decide on what you asked for")
    return row, item


def _open_requests(ctx: Context, items: Sequence[Evidence]) -> Sequence[Erasure]:
    """Everybody who asked for it has been heard."""
    statement = sa.select(Erasure).where(
        Erasure.evidence_id.in_([one.id for one in items]), Erasure.state == "requested"
    )
    return ctx.session.execute(statement).scalars().all()


def _decided(ctx: Context, row: Erasure, state: str, note: str | None) -> None:
    row.state, row.note = state, note
    row.decided_by, row.decided_at = ctx.actor.user(), ctx.clock.now()


def _entry(ctx: Context, item: Evidence) -> Any:
    statement = sa.select(Event.hid, Event.p).where(
        Event.src == str(item.device_id), Event.ep == item.ep, Event.seq == item.seq
    )
    entry = ctx.session.execute(statement).first()
    if entry is None:
        raise Problem(Kind.CONFLICT, "the record is not in the log yet; try again in a moment")
    return entry


def _items_of_record(ctx: Context, item: Evidence, *, to_change: bool = False) -> list[Evidence]:
    statement = sa.select(Evidence).where(
        Evidence.device_id == item.device_id, Evidence.ep == item.ep, Evidence.seq == item.seq
    )
    statement = statement.order_by(Evidence.obj_index)
    if to_change:  # somebody may be moving it to another case
        statement = statement.with_for_update().execution_options(populate_existing=True)
    return list(ctx.session.execute(statement).scalars())


def _require_sequenced(ctx: Context, ids: Iterable[uuid.UUID]) -> None:
    """Words that are on their way into the log would get there after the erasure."""
    waiting = sa.select(OutboxRow.id).where(
        OutboxRow.subject_id.in_([str(one) for one in ids]),
        OutboxRow.kind.in_([kind.value for kind in _TELLING]),
    )
    if ctx.session.execute(waiting.limit(1)).first() is not None:
        raise Problem(Kind.CONFLICT, "something was said of it just now; try again in a moment")


def erase_told(ctx: Context, ids: Iterable[uuid.UUID]) -> Carried:
    """Erase what the server's entries told of these subjects; the seals in them are carried on.

    Conflict while such an entry is still on its way into the log.
    """
    statement = sa.select(Event.log_index, Event.hid, Event.p).where(
        Event.subject_id.in_([str(one) for one in ids]),
        Event.src == SERVER_SOURCE,
        Event.kind.in_([kind.value for kind in _TELLING]),
        Event.p.is_not(None),
    )
    _require_sequenced(ctx, ids)
    found = ctx.session.execute(statement).all()
    rows = seals.folded(json.loads(row.p) for row in found)
    ctx.session.execute(
        sa.update(table_of(Event))
        .where(Event.log_index.in_([row.log_index for row in found]))
        .values(p=None, salt=None)
    )
    carried = {name: seals.as_text(digest) for name, digest in sorted(rows.items()) if digest}
    return Carried([row.hid for row in found], carried)


def _empty(item: Evidence) -> None:
    """Leave of an item what its header and the fact of its erasure need."""
    item.state, item.name, item.media_wall = ERASED, None, None
    item.lat = item.lon = item.geo_accuracy_m = item.geo_datum = item.geo_source = None
    item.geo_reason, item.findings = ERASED, []
    item.version += 1


def _empty_lines(ctx: Context, item: Evidence, ids: Sequence[uuid.UUID]) -> None:
    """What the log book and the reviews say of the content."""
    names = ("log_entries", "review_entries", "review_markers", "review_samples")
    lines, reviews, markers, samples = (Base.metadata.tables[name] for name in names)
    of_record = sa.and_(
        lines.c.device_id == item.device_id, lines.c.ep == item.ep, lines.c.seq == item.seq
    )
    place = dict.fromkeys(("lat", "lon", "geo_datum", "geo_accuracy_m", "geo_source"))
    gone = {"text": None, "details": None, **place, "geo_reason": ERASED}
    sealing.update_rows(ctx, lines, of_record, gone)
    sealing.update_rows(ctx, reviews, reviews.c.evidence_id.in_(ids), {"text": None})
    sealing.update_rows(ctx, samples, samples.c.evidence_id.in_(ids), {"text": None})
    marked = {"text": "", "region": None}
    sealing.update_rows(ctx, markers, markers.c.evidence_id.in_(ids), marked)


def _forget_bytes(
    ctx: Context, digests: Sequence[str], copies: Sequence[str]
) -> tuple[list[str], list[str]]:
    """Rows of the bytes and of what was made from them; digests to unlink, and those kept."""
    unlinked = [name for name in copies if not erasure_bytes.is_used(ctx, name)]
    kept: list[str] = []
    for sha256 in digests:
        if erasure_bytes.is_used(ctx, sha256):
            kept.append(sha256)
            continue
        made = ctx.session.execute(
            sa.select(Derivative).where(Derivative.source_sha256 == sha256)
        ).scalars()
        gone = [sha256]
        for one in made.all():
            ctx.session.delete(one)
            gone.append(one.sha256)
        examination = ctx.session.get(Examination, sha256)
        if examination is not None:
            ctx.session.delete(examination)
        ctx.session.flush()
        unlinked += [name for name in gone if not erasure_bytes.is_used(ctx, name)]
    unlinked = list(dict.fromkeys(unlinked))
    for sha256 in unlinked:
        erasure_bytes.forget(ctx, sha256)
    return unlinked, kept


def _withdraw_packages(ctx: Context, case_id: uuid.UUID | None) -> list[str]:
    """Packages of the case that were kept for download: what was handed over is out of reach."""
    mine = sa.and_(_PACKAGES.c.case_id == case_id, _PACKAGES.c.sha256.is_not(None))
    found = list(ctx.session.execute(sa.select(_PACKAGES.c.sha256).where(mine)).scalars())
    for sha256 in found:
        erasure_bytes.forget(ctx, sha256)
    problem = "an item in it was erased by law; export again"
    values = {"sha256": None, "size_bytes": None, "state": "failed", "problem": problem}
    ctx.session.execute(sa.update(_PACKAGES).where(mine).values(values))
    return found


def _happened(
    ctx: Context,
    kind: EventKind,
    item: Evidence,
    facts: dict[str, Any],
    rows: dict[str, str] | None = None,
) -> None:
    record(
        ctx, kind, Subject("evidence", item.id), facts, case_id=item.case_id,
        mission_id=item.mission_id, court_id=item.court_id, rows=rows,
    )  # fmt: skip
