"""Uploads as rows: who declared what, and what became of it.

The row says everything but the offset, which is the durable length of the partial.  Each function
is one short transaction of its own: bytes never wait inside one.
"""

from __future__ import annotations

import dataclasses
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import sqlalchemy as sa

from server.audit.events import EventKind
from server.audit.service import Subject, record
from server.core.context import NOBODY_COURT, Context
from server.core.problem import Kind, Problem, not_found
from server.core.transactions import EVERY_COURT, take_turns, unit_of_work
from server.evidence import service
from server.evidence.models import Upload
from server.evidence.tus import Creation
from server.evidence.upload_admission import (
    COMPLETE,
    EXPIRED,
    FINAL,
    PARTIAL,
    QUARANTINED,
    RECEIVING,
    TERMINATED,
    Planned,
    UploadFacts,
    admit,
    by_key,
    facts_of,
    grant_of,
    principal_of,
    require_declared,
    require_room,
)


@contextmanager
def transaction(ctx: Context, *, write: bool = True) -> Iterator[Context]:
    """The context with a session of its own; what waits for the commit runs after it."""
    court = EVERY_COURT if ctx.actor.court_id == NOBODY_COURT else ctx.actor.court_id
    with unit_of_work(court, write=write) as session:
        inner = dataclasses.replace(ctx, session=session, after_commit=[])
        yield inner
    for callback in inner.after_commit:
        callback()


def create(ctx: Context, wanted: Creation) -> UploadFacts:
    """Insert the upload, or return the one that this declaration made before.

    Idempotent by principal and key.  An upload that came to nothing (quarantined, expired,
    terminated) gives its key to the next one.
    """
    with transaction(ctx) as inner:
        found = admit(inner, wanted)
        if isinstance(found, Planned):
            row = _inserted(inner, found)
            if row.sha256 is not None:
                service.receiving(inner, row.device_id, row.sha256)
            return found.facts
        return found


def plan(ctx: Context, wanted: Creation) -> UploadFacts | Planned:
    """As ``create``, but without writing: for an upload whose bytes come along.

    ``complete`` or ``keep`` writes the row afterwards, so that a photo costs one commit, not two.
    """
    with transaction(ctx, write=False) as inner:
        return admit(inner, wanted)


def keep(ctx: Context, planned: Planned) -> None:
    """Write the row of a planned upload that was not completed, unless it has one."""
    with transaction(ctx) as inner:
        if inner.session.get(Upload, planned.facts.id) is None:
            _inserted(inner, planned)


def find(ctx: Context, upload_id: str) -> UploadFacts:
    """The caller's own upload; another's does not exist for it.  410 for one that has ended."""
    try:
        row_id = uuid.UUID(upload_id)
    except ValueError:
        raise not_found("no such upload") from None
    with transaction(ctx, write=False) as inner:
        upload = inner.session.get(Upload, row_id)
        mine = upload is not None and upload.court_id == inner.actor.court_id
        if upload is None or not mine or upload.principal != principal_of(inner):
            raise not_found("no such upload")
        if upload.state not in {RECEIVING, COMPLETE}:
            raise Problem(Kind.UPLOAD_GONE, upload.problem or f"the upload is {upload.state}")
        return facts_of(upload)


def declare_length(ctx: Context, upload: UploadFacts, size_bytes: int) -> UploadFacts:
    """Fix a length that was deferred; it cannot change afterwards."""
    if upload.size_bytes is not None:
        if upload.size_bytes == size_bytes:
            return upload
        raise Problem(Kind.CONFLICT, f"the length is {upload.size_bytes} already")
    with transaction(ctx) as inner:
        row = _locked(inner, upload.id)
        grant = grant_of(inner)
        if grant is not None and row.sha256 is not None:
            require_declared(grant, row.sha256, size_bytes)
        require_room(inner, row.device_id, size_bytes, new=0)
        row.size_bytes = size_bytes
        return facts_of(row)


def complete(ctx: Context, upload: UploadFacts | Planned, sha256: str, size_bytes: int) -> None:
    """The blob is durable: finish the row and tie the bytes to their records.

    Does nothing when that happened before, so that it can be repeated after a lost commit.
    """
    with transaction(ctx) as inner:
        row = _row_to_finish(inner, upload)
        if row.state != RECEIVING:
            return
        row.state = COMPLETE
        row.completed_at = inner.clock.now()
        row.sha256, row.size_bytes = sha256, size_bytes
        if row.parts:
            _finish_parts(inner, row)
        service.bytes_arrived(inner, row, sha256, size_bytes)


def quarantine(ctx: Context, upload: UploadFacts, reason: str) -> None:
    """The bytes are not what was declared: never used, never dropped, shown to people."""
    with transaction(ctx) as inner:
        row = _ended(inner, upload.id, QUARANTINED, reason)
        if row is not None:
            _happened(inner, EventKind.UPLOAD_QUARANTINED, row, reason)
            if row.sha256 is not None:
                service.spoiled(inner, row.device_id, row.sha256)


def terminate(ctx: Context, upload: UploadFacts) -> None:
    """The client gives an unfinished upload up (tus, "Termination")."""
    with transaction(ctx) as inner:
        row = _ended(inner, upload.id, TERMINATED, "terminated by the client")
        if row is not None:
            _happened(inner, EventKind.UPLOAD_TERMINATED, row, "terminated by the client")


def expire(ctx: Context, upload: UploadFacts) -> None:
    """Nobody finished it in time."""
    with transaction(ctx) as inner:
        row = _ended(inner, upload.id, EXPIRED, "not finished in time")
        if row is not None:
            _happened(inner, EventKind.UPLOAD_QUARANTINED, row, "not finished in time")


def overdue(ctx: Context, limit: int) -> list[UploadFacts]:
    """Unfinished uploads past their time, of every court when the worker asks."""
    with transaction(ctx, write=False) as inner:
        statement = (
            sa.select(Upload)
            .where(Upload.state == RECEIVING, Upload.expires_at < inner.clock.now())
            .order_by(Upload.expires_at)
            .limit(limit)
        )
        return [facts_of(row) for row in inner.session.execute(statement).scalars()]


def states(ctx: Context, ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, str]:
    """States of those uploads that have a row."""
    with transaction(ctx, write=False) as inner:
        statement = sa.select(Upload.id, Upload.state).where(Upload.id.in_(ids))
        return {row.id: row.state for row in inner.session.execute(statement)}


def _inserted(ctx: Context, planned: Planned) -> Upload:
    """Add the row; one that ended badly lets go of the key, one that lives wins."""
    row = planned.row()
    take_turns(ctx.session, f"upload:{row.principal}:{row.idempotency_key}")
    found = by_key(ctx, row.principal, row.idempotency_key)
    if found is not None:
        if found.state in {RECEIVING, COMPLETE}:
            raise Problem(Kind.UPLOAD_BUSY, "another request with this key was faster; ask again")
        found.idempotency_key = f"{row.idempotency_key}#{found.id}"
        ctx.session.flush()  # the old row lets go of the key before the new one takes it
    ctx.session.add(row)
    return row


def _finish_parts(ctx: Context, final: Upload) -> None:
    ctx.session.execute(
        sa.update(Upload)
        .where(
            Upload.id.in_([uuid.UUID(part) for part in final.parts or ()]),
            Upload.state == RECEIVING,
        )
        .values(state=COMPLETE, completed_at=ctx.clock.now())
    )


def _locked(ctx: Context, upload_id: uuid.UUID) -> Upload:
    row = ctx.session.get(Upload, upload_id, with_for_update=True)
    if row is None:
        raise not_found("no such upload")
    return row


def _row_to_finish(ctx: Context, upload: UploadFacts | Planned) -> Upload:
    if isinstance(upload, Planned):
        return _inserted(ctx, upload)
    return _locked(ctx, upload.id)


def _ended(ctx: Context, upload_id: uuid.UUID, state: str, problem: str) -> Upload | None:
    """End an upload that is still under way; ``None`` when it was over before."""
    row = _locked(ctx, upload_id)
    if row.state != RECEIVING:
        return None
    row.state, row.problem = state, problem
    return row


def _happened(ctx: Context, kind: EventKind, row: Upload, reason: str) -> None:
    record(
        ctx,
        kind,
        Subject("upload", row.id),
        {"device": str(row.device_id), "sha256": row.sha256, "reason": reason},
        case_id=row.case_id,
        mission_id=row.mission_id,
        court_id=row.court_id,
    )


__all__ = [
    "COMPLETE",
    "FINAL",
    "PARTIAL",
    "RECEIVING",
    "Planned",
    "UploadFacts",
    "complete",
    "create",
    "declare_length",
    "expire",
    "find",
    "keep",
    "overdue",
    "plan",
    "quarantine",
    "states",
    "terminate",
    "transaction",
]
