"""Evidence, the bytes behind it, and uploads under way."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine.default import DefaultExecutionContext
from sqlalchemy.orm import Mapped, mapped_column

from server.core.db import Base, BigId, CourtOfChain, CourtScoped
from server.evidence.rules import has_findings, is_absent, is_odd, is_unclaimed, partial_index

CODE_BITS = 40  # of an id's random end, which its short code shows


def code_of(identifier: uuid.UUID) -> int:
    """The number behind an id's short code."""
    return identifier.int & ((1 << CODE_BITS) - 1)


def _code(context: DefaultExecutionContext) -> int:
    identifier: uuid.UUID = context.get_current_parameters()["id"]  # type: ignore[no-untyped-call]
    return code_of(identifier)


class Blob(Base):
    """Finished bytes in the store; shared by every record that names the digest."""

    __tablename__ = "blobs"
    __table_args__ = (sa.Index(None, "copies", "stored_at"),)

    sha256: Mapped[str] = mapped_column(primary_key=True)
    size_bytes: Mapped[int] = mapped_column(BigId)
    copies: Mapped[int] = mapped_column(default=1)  # verified by re-reading; 0: none is sound
    stored_at: Mapped[datetime]
    verified_at: Mapped[datetime]
    evicted_at: Mapped[datetime | None]  # since then only the far copy is kept


class Upload(CourtScoped, Base):
    """One tus upload; its offset is the durable length of the partial, not a column."""

    __tablename__ = "uploads"
    __table_args__ = (
        sa.UniqueConstraint("principal", "idempotency_key"),
        sa.Index(None, "device_id", "sha256"),
        sa.Index(None, "court_id", "state"),
        sa.Index(None, "expires_at"),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    device_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey("devices.id"))
    user_id: Mapped[uuid.UUID | None]
    grant_id: Mapped[uuid.UUID | None] = mapped_column(sa.ForeignKey("upload_grants.id"))
    case_id: Mapped[uuid.UUID | None]
    mission_id: Mapped[uuid.UUID | None]
    principal: Mapped[str]  # device:<id> or grant:<id>
    idempotency_key: Mapped[str]
    size_bytes: Mapped[int | None] = mapped_column(BigId)  # none while the length is deferred
    sha256: Mapped[str | None]  # declared; none for a partial of a concatenation
    filename: Mapped[bytes | None] = mapped_column(sa.LargeBinary)
    filetype: Mapped[str | None]
    metadata_text: Mapped[str]  # Upload-Metadata as received
    concat: Mapped[str | None]  # "partial", or "final" with ``parts``
    parts: Mapped[list[Any] | None]
    state: Mapped[str]  # receiving | complete | quarantined | terminated | expired
    problem: Mapped[str | None]
    claimed: Mapped[bool] = mapped_column(default=False)  # a record of the device names the bytes
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    completed_at: Mapped[datetime | None]


partial_index("ix_uploads_unclaimed", is_unclaimed(Upload), Upload.court_id, Upload.id)


class Evidence(CourtOfChain, Base):
    """One object of one capture record; two records of the same bytes stay two rows."""

    __tablename__ = "evidence"
    __table_args__ = (
        sa.UniqueConstraint("device_id", "ep", "seq", "obj_index"),
        sa.Index(None, "court_id", "case_id", "id"),
        # With the kind, so that a case's overview is counted in the index alone.
        sa.Index(None, "court_id", "case_id", "captured_at", "id", "media"),
        sa.Index(None, "court_id", "state", "due_at"),
        sa.Index(None, "device_id", "sha256"),
        sa.Index(None, "sha256"),
        sa.Index(None, "mission_id"),
        # Queues for review: each a range of one of these (server/review/queue.py).
        sa.Index(None, "court_id", "review_state", "captured_at", "id"),
        sa.Index(None, "officer_id", "review_state", "captured_at", "id"),
        sa.Index(None, "captured_by", "review_state", "captured_at", "id"),
        sa.Index(None, "court_id", "code"),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    code: Mapped[int | None] = mapped_column(BigId, default=_code)  # to find the short code by
    case_id: Mapped[uuid.UUID | None]
    mission_id: Mapped[uuid.UUID | None]
    device_id: Mapped[uuid.UUID]  # signer (src)
    captured_by: Mapped[uuid.UUID]  # the camera behind a dock, else the signer
    ep: Mapped[int]
    seq: Mapped[int] = mapped_column(BigId)
    obj_index: Mapped[int]
    record_hid: Mapped[str]
    sha256: Mapped[str]
    size_bytes: Mapped[int] = mapped_column(BigId)
    media: Mapped[str]  # photo | video | audio | document
    mime: Mapped[str]
    name: Mapped[bytes | None] = mapped_column(sa.LargeBinary)  # as on the device, any bytes
    state: Mapped[str]  # declared | receiving | verified | missing | quarantined | erased
    due_at: Mapped[datetime]
    verified_at: Mapped[datetime | None]

    officer_id: Mapped[uuid.UUID | None]
    officer_source: Mapped[str]  # booking | record | rebound | none
    booking_id: Mapped[uuid.UUID | None]

    wall: Mapped[str]  # as the device claims, with its zone
    mono_ms: Mapped[int | None] = mapped_column(BigId)
    boot: Mapped[str | None]
    through_suspend: Mapped[bool] = mapped_column(default=False)
    gnss_at: Mapped[str | None]  # the satellites' time, as the device read it
    media_wall: Mapped[str | None]  # the camera's own clock, from the file's metadata
    captured_at: Mapped[datetime]  # corrected
    error_ms: Mapped[int | None] = mapped_column(BigId)
    clock_class: Mapped[str]  # A | B | C | D of 04 §4.5
    zone_source: Mapped[str]

    lat: Mapped[str | None]  # decimal text, as given
    lon: Mapped[str | None]
    geo_datum: Mapped[str | None]
    geo_accuracy_m: Mapped[str | None]
    geo_source: Mapped[str | None]  # gnss | network | exif | sidecar | people
    geo_reason: Mapped[str | None]  # why there is no position

    findings: Mapped[list[Any]]  # [{"code", "detail"}]
    review_state: Mapped[str]  # pending | suspect | accepted | returned | queried
    review_reason: Mapped[str | None]
    version: Mapped[int] = mapped_column(default=1)
    created_at: Mapped[datetime]
    seal: Mapped[str | None]  # first digest of the row, see server/audit/seals.py


partial_index(
    "ix_evidence_absent",
    is_absent(Evidence),
    Evidence.court_id,
    Evidence.case_id,
    Evidence.due_at,
    Evidence.id,
)
partial_index("ix_evidence_odd", is_odd(Evidence), Evidence.court_id, Evidence.case_id)
partial_index(
    "ix_evidence_found",
    has_findings(Evidence),
    Evidence.court_id,
    Evidence.review_state,
    Evidence.captured_at,
    Evidence.id,
)


class Examination(Base):
    """What the worker found in the bytes of a digest; one per digest, whoever sent it."""

    __tablename__ = "examinations"

    sha256: Mapped[str] = mapped_column(primary_key=True)
    state: Mapped[str]  # pending | done | failed
    attempts: Mapped[int] = mapped_column(default=0)
    findings: Mapped[dict[str, Any] | None]
    problem: Mapped[str | None]
    examined_at: Mapped[datetime | None]


class Derivative(Base):
    """A thumbnail, poster, sprite sheet or waveform made from a digest; never evidence itself."""

    __tablename__ = "derivatives"

    source_sha256: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(primary_key=True)
    mime: Mapped[str]
    sha256: Mapped[str]
    size_bytes: Mapped[int] = mapped_column(BigId)
    created_at: Mapped[datetime]
