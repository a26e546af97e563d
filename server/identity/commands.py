"""What callers ask of this slice, already checked for shape; frozen."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from datetime import datetime

from server.core.paging import LIMIT_DEFAULT


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenRequest:
    """Command: a token, by password, by the device's key alone, or by a refresh token."""

    grant: str
    login: str = ""
    password: str = field(default="", repr=False)
    totp: str | None = field(default=None, repr=False)
    refresh_token: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangePassword:
    """Command: a password of one's own choice."""

    old: str = field(repr=False)
    new: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class AddUser:
    """Command: an account; without a password a temporary one is made."""

    login: str
    name: str
    post: str
    roles: tuple[str, ...]
    password: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeUser:
    """Command: what is not ``None`` changes."""

    name: str | None = None
    post: str | None = None
    roles: tuple[str, ...] | None = None
    disabled: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OfferEnrolment:
    """Command: a one-time code for one device."""

    kind: str
    name: str
    holder_id: uuid.UUID | None = None
    device_id: uuid.UUID | None = None  # the device that is enrolled anew


@dataclass(frozen=True, slots=True, kw_only=True)
class Enrol:
    """Command: bind this key, which ``proof`` shows to be held, with this code.

    ``record_jwk`` is the first key that signs records, where that is another one.
    """

    code: str = field(repr=False)
    alg: str
    public_jwk: dict[str, object]
    proof: str = field(repr=False)
    name: str | None = None
    model: str | None = None
    serial: str | None = None
    record_jwk: dict[str, object] | None = None
    record_proof: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class RegisterDevice:
    """Command: a camera or recorder, which has no key."""

    kind: str
    name: str
    model: str | None = None
    serial: str | None = None
    holder_id: uuid.UUID | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Revoke:
    """Command: a device speaks no more."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Book:
    """Command: who carries which device from when to when."""

    device_id: uuid.UUID
    user_id: uuid.UUID
    starts_at: datetime
    ends_at: datetime
    mission_id: uuid.UUID | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class HandOver:
    """Command: somebody else carries the device from ``at`` on (now, unless told)."""

    to_user_id: uuid.UUID
    at: datetime | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class DeclaredObject:
    """Bytes that a grant covers."""

    sha256: str
    size_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class GrantUpload:
    """Command: a bearer token for these bytes, of this device, for this case."""

    case_id: uuid.UUID
    objects: tuple[DeclaredObject, ...]
    mission_id: uuid.UUID | None = None
    expires_in_seconds: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class UserFilter:
    """What a list of people is narrowed to."""

    role: str | None = None
    active: bool | None = None
    cursor: str | None = None
    limit: int = LIMIT_DEFAULT


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceFilter:
    """What a list of devices is narrowed to."""

    kind: str | None = None
    holder_id: uuid.UUID | None = None
    revoked: bool | None = None
    cursor: str | None = None
    limit: int = LIMIT_DEFAULT


@dataclass(frozen=True, slots=True, kw_only=True)
class BookingFilter:
    """What a list of bookings is narrowed to; the window is that of an overlap."""

    device_id: uuid.UUID | None = None
    user_id: uuid.UUID | None = None
    mission_id: uuid.UUID | None = None
    overlaps_from: datetime | None = None
    overlaps_to: datetime | None = None
    cursor: str | None = None
    limit: int = LIMIT_DEFAULT
