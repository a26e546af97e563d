"""Uploads as rows: who declared what, and what became of it.

The row says everything but the offset, which is the durable length of the partial.  Each function
is one short transaction of its own: bytes never wait inside one.
"""

from __future__ import annotations

import dataclasses
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import sqlalchemy as sa

from server.audit.events import EventKind
from server.audit.service import Subject, record
from server.core.context import NOBODY_COURT, Context
from server.core.permissions import TokenKind
from server.core.problem import Kind, Problem, not_found
from server.core.transactions import EVERY_COURT, take_turns, unit_of_work
from server.evidence import service
from server.evidence.models import Upload
from server.evidence.tus import Creation
from server.identity import queries as identity
from server.identity.models import UploadGrant

RECEIVING: Final = "receiving"
COMPLETE: Final = "complete"
QUARANTINED: Final = "quarantined"
TERMINATED: Final = "terminated"
EXPIRED: Final = "expired"
PARTIAL: Final = "partial"
FINAL: Final = "final"


@dataclass(frozen=True, slots=True)
class UploadFacts:
    """An upload as its row stood at the end of a transaction."""

    id: uuid.UUID
    court_id: uuid.UUID
    device_id: uuid.UUID
    principal: str
    size_bytes: int | None
    sha256: str | None
    metadata_text: str
    concat: str | None
    parts: tuple[str, ...]
    state: str
    expires_at: datetime

    @property
    def name(self) -> str:
        """Name of the partial and of the lock."""
        return str(self.id)


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
    if wanted.concat == PARTIAL:
        wanted = dataclasses.replace(wanted, sha256=None)  # it is of the whole, if anything
    with transaction(ctx) as inner:
        principal, grant = _principal(inner)
        key = _key(inner, wanted, grant)
        take_turns(inner.session, f"upload:{principal}:{key}")
        found = inner.session.execute(
            sa.select(Upload).where(Upload.principal == principal, Upload.idempotency_key == key)
        ).scalar_one_or_none()
        if found is not None and found.state in {RECEIVING, COMPLETE}:
            _require_same(found, wanted)
            return _facts(found)
        if found is not None:
            found.idempotency_key = f"{key}#{found.id}"
            inner.session.flush()  # the old row lets go of the key before the new one takes it
        size_bytes = wanted.size_bytes
        if wanted.concat == FINAL:
            size_bytes = sum(_part_sizes(inner, principal, wanted.parts))
        _require_covered(wanted, size_bytes, grant)
        upload = _new(inner, wanted, principal, key, grant)
        upload.size_bytes = size_bytes
        _require_room(inner, upload.device_id, size_bytes)
        inner.session.add(upload)
        if upload.sha256 is not None:
            service.receiving(inner, upload.device_id, upload.sha256)
        return _facts(upload)


def find(ctx: Context, upload_id: str) -> UploadFacts:
    """The caller's own upload; another's does not exist for it.  410 for one that has ended."""
    try:
        row_id = uuid.UUID(upload_id)
    except ValueError:
        raise not_found("no such upload") from None
    with transaction(ctx, write=False) as inner:
        principal, _ = _principal(inner)
        upload = inner.session.get(Upload, row_id)
        mine = upload is not None and upload.court_id == inner.actor.court_id
        if upload is None or not mine or upload.principal != principal:
            raise not_found("no such upload")
        if upload.state not in {RECEIVING, COMPLETE}:
            raise Problem(Kind.UPLOAD_GONE, upload.problem or f"the upload is {upload.state}")
        return _facts(upload)


def declare_length(ctx: Context, upload: UploadFacts, size_bytes: int) -> UploadFacts:
    """Fix a length that was deferred; it cannot change afterwards."""
    if upload.size_bytes is not None:
        if upload.size_bytes == size_bytes:
            return upload
        raise Problem(Kind.CONFLICT, f"the length is {upload.size_bytes} already")
    with transaction(ctx) as inner:
        row = _locked(inner, upload.id)
        _, grant = _principal(inner)
        if grant is not None and row.sha256 is not None:
            _require_declared(grant, row.sha256, size_bytes)
        _require_room(inner, row.device_id, size_bytes, new=0)
        row.size_bytes = size_bytes
        return _facts(row)


def complete(ctx: Context, upload: UploadFacts, sha256: str, size_bytes: int) -> None:
    """The blob is durable: finish the row and tie the bytes to their records.

    Does nothing when that happened before, so that it can be repeated after a lost commit.
    """
    with transaction(ctx) as inner:
        row = _locked(inner, upload.id)
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
        return [_facts(row) for row in inner.session.execute(statement).scalars()]


def states(ctx: Context, ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, str]:
    """States of those uploads that have a row."""
    with transaction(ctx, write=False) as inner:
        statement = sa.select(Upload.id, Upload.state).where(Upload.id.in_(ids))
        return {row.id: row.state for row in inner.session.execute(statement)}


def _principal(ctx: Context) -> tuple[str, UploadGrant | None]:
    actor = ctx.actor
    if actor.token is not TokenKind.UPLOAD:
        return f"device:{actor.device()}", None
    grant = (
        identity.grant_in_court(ctx.session, actor.court_id, actor.grant_id)
        if actor.grant_id is not None
        else None
    )
    if grant is None:
        raise Problem(Kind.TOKEN_INVALID, "the upload token names no grant")
    return f"grant:{grant.id}", grant


def _key(ctx: Context, wanted: Creation, grant: UploadGrant | None) -> str:
    if wanted.key is not None:
        return f"given:{wanted.key}"
    if grant is not None and wanted.sha256 is not None:
        return f"bytes:{wanted.sha256}:{wanted.size_bytes}"
    return f"fresh:{ctx.new_id()}"


def _require_same(found: Upload, wanted: Creation) -> None:
    same_parts = tuple(found.parts or ()) == wanted.parts
    same_size = wanted.size_bytes in {None, found.size_bytes}
    if (found.sha256, found.concat) != (wanted.sha256, wanted.concat) or not (
        same_parts and same_size
    ):
        raise Problem(Kind.IDEMPOTENCY_KEY_REUSED, "it was used for other bytes")


def _require_covered(wanted: Creation, size_bytes: int | None, grant: UploadGrant | None) -> None:
    if wanted.sha256 is None:
        if wanted.concat == PARTIAL:
            return
        raise Problem(Kind.DIGEST_REQUIRED)
    if grant is not None:
        _require_declared(grant, wanted.sha256, size_bytes)


def _require_declared(grant: UploadGrant, sha256: str, size_bytes: int | None) -> None:
    sizes = {int(entry["size_bytes"]) for entry in grant.objects if entry["sha256"] == sha256}
    if not sizes or (size_bytes is not None and size_bytes not in sizes):
        raise Problem(Kind.DIGEST_NOT_DECLARED)


def _require_room(
    ctx: Context, device_id: uuid.UUID, size_bytes: int | None, *, new: int = 1
) -> None:
    """Keep one device from filling the spool with what it never finishes."""
    statement = sa.select(
        sa.func.count(), sa.func.coalesce(sa.func.sum(Upload.size_bytes), 0)
    ).where(Upload.device_id == device_id, Upload.state == RECEIVING)
    count, total = ctx.session.execute(statement).one()
    under_way_bytes = int(total or 0)  # PostgreSQL adds up to a decimal
    settings = ctx.settings
    if under_way_bytes + (size_bytes or 0) > settings.device_quota_bytes:
        raise Problem(
            Kind.QUOTA_EXCEEDED,
            "finish or terminate uploads under way first",
            limit_bytes=settings.device_quota_bytes,
            under_way_bytes=under_way_bytes,
        )
    if count + new > settings.device_uploads_max:
        raise Problem(Kind.QUOTA_EXCEEDED, "too many uploads are under way")


def _new(
    ctx: Context, wanted: Creation, principal: str, key: str, grant: UploadGrant | None
) -> Upload:
    now = ctx.clock.now()
    return Upload(
        id=ctx.new_id(),
        court_id=ctx.actor.court_id,
        device_id=ctx.actor.device() if grant is None else grant.device_id,
        user_id=ctx.actor.user_id if grant is None else grant.user_id,
        grant_id=None if grant is None else grant.id,
        case_id=None if grant is None else grant.case_id,
        mission_id=None if grant is None else grant.mission_id,
        principal=principal,
        idempotency_key=key,
        sha256=wanted.sha256,
        filename=wanted.filename,
        filetype=wanted.filetype,
        metadata_text=wanted.metadata_text,
        concat=wanted.concat,
        parts=list(wanted.parts) or None,
        state=RECEIVING,
        created_at=now,
        expires_at=now + timedelta(seconds=ctx.settings.upload_expire_seconds),
    )


def _part_sizes(ctx: Context, principal: str, parts: Sequence[str]) -> list[int]:
    """Declared sizes of the caller's partial uploads, in order; 400 for any other."""
    try:
        ids = [uuid.UUID(part) for part in parts]
    except ValueError:
        raise Problem(Kind.CONCAT_INVALID, "a part is not an upload of this server") from None
    statement = sa.select(Upload).where(
        Upload.id.in_(ids), Upload.principal == principal, Upload.concat == PARTIAL
    )
    found = {row.id: row for row in ctx.session.execute(statement).scalars()}
    sizes = []
    for part in ids:
        row = found.get(part)
        if row is None or row.state != RECEIVING or row.size_bytes is None:
            raise Problem(Kind.CONCAT_INVALID, f"{part} is no finished partial upload of yours")
        sizes.append(row.size_bytes)
    return sizes


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


def _facts(row: Upload) -> UploadFacts:
    return UploadFacts(
        id=row.id,
        court_id=row.court_id,
        device_id=row.device_id,
        principal=row.principal,
        size_bytes=row.size_bytes,
        sha256=row.sha256,
        metadata_text=row.metadata_text,
        concat=row.concat,
        parts=tuple(row.parts or ()),
        state=row.state,
        expires_at=row.expires_at,
    )
