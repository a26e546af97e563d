"""Who may begin which upload: keys, cover by a token, room on the spool.

Reads the database and writes nothing; the caller holds the transaction.
"""

from __future__ import annotations

import dataclasses
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import sqlalchemy as sa

from server.core.context import Context
from server.core.permissions import TokenKind
from server.core.problem import Kind, Problem
from server.core.transactions import take_turns
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
_FRESH: Final = "fresh:"
# Built once, since every creation runs them.
_UNDER_WAY: Final = sa.select(
    sa.func.count(), sa.func.coalesce(sa.func.sum(Upload.size_bytes), 0)
).where(Upload.device_id == sa.bindparam("device"), Upload.state == RECEIVING)
_BY_KEY: Final = sa.select(Upload).where(
    Upload.principal == sa.bindparam("principal"), Upload.idempotency_key == sa.bindparam("key")
)


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


@dataclass(frozen=True, slots=True)
class Planned:
    """An upload that has an id and was found admissible, but has no row yet."""

    facts: UploadFacts
    columns: Mapping[str, Any]

    def row(self) -> Upload:
        """A new row; one that went down with its transaction is not used again."""
        return Upload(**self.columns)


def admit(ctx: Context, wanted: Creation) -> UploadFacts | Planned:
    """The upload that this declaration made before, or a new one; raises :class:`Problem`."""
    if wanted.concat == PARTIAL:
        wanted = dataclasses.replace(wanted, sha256=None)  # it is of the whole, if anything
    principal, grant = principal_of(ctx), grant_of(ctx)
    key = _key(ctx, wanted, grant)
    take_turns(ctx.session, f"upload:{principal}:{key}")
    found = by_key(ctx, principal, key)
    if found is not None and found.state in {RECEIVING, COMPLETE}:
        _require_same(found, wanted)
        return facts_of(found)
    size_bytes = wanted.size_bytes
    if wanted.concat == FINAL:
        size_bytes = sum(_part_sizes(ctx, principal, wanted.parts))
        if size_bytes > ctx.settings.upload_size_bytes_max:
            raise Problem(Kind.UPLOAD_TOO_LARGE, f"the parts have {size_bytes} bytes")
    _require_covered(wanted, size_bytes, grant)
    columns = _columns(ctx, wanted, principal, key, grant)
    planned = {**columns, "size_bytes": size_bytes}
    require_room(ctx, planned["device_id"], size_bytes)
    return Planned(facts_of(Upload(**planned)), planned)


def principal_of(ctx: Context) -> str:
    """Whose upload it is: the grant of an upload token, else the device that speaks."""
    actor = ctx.actor
    if actor.token is TokenKind.UPLOAD:
        return f"grant:{actor.grant_id}"
    return f"device:{actor.device()}"


def grant_of(ctx: Context) -> UploadGrant | None:
    """What an upload token may carry; ``None`` for a device."""
    if ctx.actor.token is not TokenKind.UPLOAD:
        return None
    grant_id = ctx.actor.grant_id
    grant = grant_id and identity.grant_in_court(ctx.session, ctx.actor.court_id, grant_id)
    if not grant:
        raise Problem(Kind.TOKEN_INVALID, "the upload token names no grant")
    return grant


def _key(ctx: Context, wanted: Creation, grant: UploadGrant | None) -> str:
    if wanted.key is not None:
        return f"given:{wanted.key}"
    if grant is not None and wanted.sha256 is not None:
        return f"bytes:{wanted.sha256}:{wanted.size_bytes}"
    return f"{_FRESH}{ctx.new_id()}"


def _require_same(found: Upload, wanted: Creation) -> None:
    same_parts = tuple(found.parts or ()) == tuple(part.lower() for part in wanted.parts)
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
        require_declared(grant, wanted.sha256, size_bytes)


def require_declared(grant: UploadGrant, sha256: str, size_bytes: int | None) -> None:
    """403 unless the token covers these bytes; a deferred length is compared later."""
    sizes = {int(entry["size_bytes"]) for entry in grant.objects if entry["sha256"] == sha256}
    if not sizes or (size_bytes is not None and size_bytes not in sizes):
        raise Problem(Kind.DIGEST_NOT_DECLARED)


def require_room(
    ctx: Context, device_id: uuid.UUID, size_bytes: int | None, *, new: int = 1
) -> None:
    """Keep one device from filling the spool with what it never finishes."""
    found = ctx.session.connection().execute(_UNDER_WAY, {"device": device_id})
    count, total = found.one()
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


def _columns(
    ctx: Context, wanted: Creation, principal: str, key: str, grant: UploadGrant | None
) -> dict[str, Any]:
    now = ctx.clock.now()
    return {
        "id": ctx.new_id(),
        "court_id": ctx.actor.court_id,
        "device_id": ctx.actor.device() if grant is None else grant.device_id,
        "user_id": ctx.actor.user_id if grant is None else grant.user_id,
        "grant_id": None if grant is None else grant.id,
        "case_id": None if grant is None else grant.case_id,
        "mission_id": None if grant is None else grant.mission_id,
        "principal": principal,
        "idempotency_key": key,
        "sha256": wanted.sha256,
        "filename": wanted.filename,
        "filetype": wanted.filetype,
        "metadata_text": wanted.metadata_text,
        "concat": wanted.concat,
        "parts": [str(uuid.UUID(part)) for part in wanted.parts] or None,
        "state": RECEIVING,
        "created_at": now,
        "expires_at": now + timedelta(seconds=ctx.settings.upload_expire_seconds),
    }


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


def by_key(ctx: Context, principal: str, key: str) -> Upload | None:
    """The upload that has this key now."""
    if key.startswith(_FRESH):
        return None
    wanted = {"principal": principal, "key": key}
    return ctx.session.execute(_BY_KEY, wanted).scalar_one_or_none()


def facts_of(row: Upload) -> UploadFacts:
    """What stays known of a row when its transaction has ended."""
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
