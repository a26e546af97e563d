"""Courts, people, devices, and what lets them speak."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from server.core.db import Base, CourtScoped


class Court(Base):
    """A tenant."""

    __tablename__ = "courts"

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    name: Mapped[str]
    court_code: Mapped[str] = mapped_column(unique=True)  # 法院代字, e.g. 粤0106
    region_code: Mapped[str | None]
    created_at: Mapped[datetime]


class User(CourtScoped, Base):
    """A person: ``post`` is a fact about them, ``roles`` are what the system lets them do."""

    __tablename__ = "users"
    __table_args__ = (sa.Index(None, "court_id", "name"),)

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    login: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    post: Mapped[str]
    roles: Mapped[list[Any]]
    password_hash: Mapped[str]
    password_temporary: Mapped[bool] = mapped_column(default=False)
    totp_secret: Mapped[str | None]  # sealed with the server's data key
    totp_confirmed_at: Mapped[datetime | None]
    totp_last_step: Mapped[int | None]
    disabled_at: Mapped[datetime | None]
    version: Mapped[int] = mapped_column(default=1)
    created_at: Mapped[datetime]


class Device(CourtScoped, Base):
    """A phone or dock with a key, or a camera or recorder without one."""

    __tablename__ = "devices"
    __table_args__ = (sa.Index(None, "court_id", "kind"),)

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    kind: Mapped[str]  # phone | dock | workstation | camera | body_recorder | audio_recorder
    name: Mapped[str]
    model: Mapped[str | None]
    serial: Mapped[str | None]
    alg: Mapped[str | None]  # ES256 | Ed25519, fixed at enrolment; none for a keyless device
    public_jwk: Mapped[dict[str, Any] | None]
    jkt: Mapped[str | None] = mapped_column(unique=True)  # RFC 7638 thumbprint
    ep: Mapped[int] = mapped_column(default=1)  # enrolment generation
    holder_id: Mapped[uuid.UUID | None] = mapped_column(sa.ForeignKey("users.id"))
    enrolled_at: Mapped[datetime]
    last_seen_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]
    revoked_reason: Mapped[str | None]
    version: Mapped[int] = mapped_column(default=1)


class EnrolmentCode(CourtScoped, Base):
    """A one-time code that lets one device bind its key."""

    __tablename__ = "enrolment_codes"

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    code_hash: Mapped[str] = mapped_column(unique=True)
    kind: Mapped[str]
    name: Mapped[str]
    holder_id: Mapped[uuid.UUID | None] = mapped_column(sa.ForeignKey("users.id"))
    created_by: Mapped[uuid.UUID | None]
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]
    # Who used it; set from the beginning where it enrols a known device anew.
    device_id: Mapped[uuid.UUID | None] = mapped_column(sa.ForeignKey("devices.id"))


class SignIn(CourtScoped, Base):
    """A session: who signed in, with which key, until when."""

    __tablename__ = "sign_ins"
    __table_args__ = (sa.Index(None, "user_id"),)

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    user_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey("users.id"))
    device_id: Mapped[uuid.UUID | None] = mapped_column(sa.ForeignKey("devices.id"))
    jkt: Mapped[str]
    refresh_hash: Mapped[str] = mapped_column(unique=True)
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]
    bond: Mapped[str]  # see ``bonds``: whose it is cannot be exchanged


class SignInGuard(Base):
    """Failed attempts per login, whether or not the login exists: both lock alike (07, 33)."""

    __tablename__ = "sign_in_guards"

    login_key: Mapped[str] = mapped_column(primary_key=True)  # keyed hash of the login
    failed_count: Mapped[int] = mapped_column(default=0)
    locked_until: Mapped[datetime | None]
    updated_at: Mapped[datetime] = mapped_column(index=True)


class ProofSeen(Base):
    """DPoP proofs already used, per server nonce (RFC 9449 §11.1)."""

    __tablename__ = "proofs_seen"

    nonce: Mapped[str] = mapped_column(primary_key=True)
    jti: Mapped[str] = mapped_column(primary_key=True)
    seen_at: Mapped[datetime] = mapped_column(index=True)


class UploadGrant(CourtScoped, Base):
    """What an upload token may carry: declared digests, one device, one case."""

    __tablename__ = "upload_grants"

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    device_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey("devices.id"))
    user_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey("users.id"))
    case_id: Mapped[uuid.UUID]
    mission_id: Mapped[uuid.UUID | None]
    objects: Mapped[list[Any]]  # [{"sha256", "size_bytes"}]
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]


class DutyBooking(CourtScoped, Base):
    """Who carries which device from when to when."""

    __tablename__ = "duty_bookings"
    __table_args__ = (
        sa.Index(None, "device_id", "starts_at"),
        sa.Index(None, "user_id", "starts_at"),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    device_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey("devices.id"))
    user_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey("users.id"))
    mission_id: Mapped[uuid.UUID | None]
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    handed_over_from: Mapped[uuid.UUID | None] = mapped_column(sa.ForeignKey("duty_bookings.id"))
    reason: Mapped[str | None]
    created_by: Mapped[uuid.UUID | None]
    created_at: Mapped[datetime]
    version: Mapped[int] = mapped_column(default=1)
