"""Reading courts, people, devices and bookings; every query names its court."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from client_sdk.protocol.keys import PublicKey
from server.core.context import Context
from server.core.paging import Page, decode_id, page_of
from server.core.permissions import Permission
from server.core.problem import Kind, Problem, not_found
from server.identity.commands import BookingFilter, DeviceFilter, UserFilter
from server.identity.kinds import KEYLESS_KINDS, READER_KINDS
from server.identity.models import Court, Device, DutyBooking, SignIn, UploadGrant, User

# Built once: every request of a device asks this, and building costs more than asking.
_DEVICE = sa.select(Device).where(
    Device.id == sa.bindparam("device"), Device.court_id == sa.bindparam("court")
)

_SPEAKS = "tiezheng.speaking-device"  # key in a session's ``info``
_USER = sa.select(User).where(
    User.id == sa.bindparam("user"), User.court_id == sa.bindparam("court")
)
_GRANT = sa.select(UploadGrant).where(
    UploadGrant.id == sa.bindparam("grant"), UploadGrant.court_id == sa.bindparam("court")
)
# Without what it covers, which may be long and is not asked for at each request.
_GRANT_STANDING = (
    sa.select(
        UploadGrant.device_id,
        UploadGrant.user_id,
        UploadGrant.expires_at,
        UploadGrant.revoked_at.label("grant_revoked_at"),
        Device.id.label("known_device_id"),
        Device.revoked_at.label("device_revoked_at"),
        User.id.label("known_user_id"),
        User.disabled_at,
    )
    .outerjoin(
        Device,
        sa.and_(Device.id == UploadGrant.device_id, Device.court_id == UploadGrant.court_id),
    )
    .outerjoin(User, sa.and_(User.id == UploadGrant.user_id, User.court_id == UploadGrant.court_id))
    .where(UploadGrant.id == sa.bindparam("grant"), UploadGrant.court_id == sa.bindparam("court"))
)


@dataclass(frozen=True, slots=True)
class GrantStanding:
    """Whether an upload grant, its device and its person still count."""

    device_id: uuid.UUID
    user_id: uuid.UUID
    expires_at: datetime
    grant_revoked_at: datetime | None
    known_device_id: uuid.UUID | None
    device_revoked_at: datetime | None
    known_user_id: uuid.UUID | None
    disabled_at: datetime | None


# ---------------------------------------------------------------- for the slices above


def device_in_court(session: Session, court_id: uuid.UUID, device_id: uuid.UUID) -> Device | None:
    """The device, revoked or not, within one court."""
    wanted = {"device": device_id, "court": court_id}
    return session.execute(_DEVICE, wanted).scalar_one_or_none()


def speaking_device(session: Session, court_id: uuid.UUID, device_id: uuid.UUID) -> Device | None:
    """As :func:`device_in_court`, without asking again for the device that was authenticated."""
    found: Device | None = session.info.get(_SPEAKS)
    if found is not None and (found.id, found.court_id) == (device_id, court_id):
        return found
    found = session.info[_SPEAKS] = device_in_court(session, court_id, device_id)
    return found


def public_key_of(device: Device) -> PublicKey:
    """The key bound at enrolment; 409 for a camera or recorder, which has none."""
    if device.public_jwk is None:
        raise Problem(Kind.CONFLICT, "this device has no key; a dock signs for it")
    return PublicKey.from_jwk(device.public_jwk)


def user_in_court(session: Session, court_id: uuid.UUID, user_id: uuid.UUID) -> User | None:
    """The person, disabled or not, within one court."""
    return session.execute(_USER, {"user": user_id, "court": court_id}).scalar_one_or_none()


def grant_in_court(
    session: Session, court_id: uuid.UUID, grant_id: uuid.UUID
) -> UploadGrant | None:
    """What an upload token may carry."""
    return session.execute(_GRANT, {"grant": grant_id, "court": court_id}).scalar_one_or_none()


def grant_standing(
    session: Session, court_id: uuid.UUID, grant_id: uuid.UUID
) -> GrantStanding | None:
    """Whether the grant still counts, with its device and person, in one statement."""
    found = session.connection().execute(_GRANT_STANDING, {"grant": grant_id, "court": court_id})
    row = found.first()
    return None if row is None else GrantStanding(*row)


def booking_at(
    session: Session, court_id: uuid.UUID, device_id: uuid.UUID, at: datetime
) -> DutyBooking | None:
    """Who carried the device at a moment: ``starts_at <= at < ends_at``."""
    statement = (
        sa.select(DutyBooking)
        .where(
            DutyBooking.court_id == court_id,
            DutyBooking.device_id == device_id,
            DutyBooking.starts_at <= at,
            DutyBooking.ends_at > at,
        )
        .order_by(DutyBooking.starts_at.desc())
        .limit(1)
    )
    return session.execute(statement).scalar_one_or_none()


def bookings_for(
    session: Session,
    court_id: uuid.UUID,
    user_id: uuid.UUID | None = None,
    device_id: uuid.UUID | None = None,
    *,
    ends_after: datetime | None = None,
    ids: Sequence[uuid.UUID] | None = None,
) -> list[DutyBooking]:
    """Bookings that concern the person *or* the device, by their start.

    A dock or workstation is also concerned by every booking of a camera or recorder, since it
    reads their cards.  The same bookings whose changes are noticed to these recipients.

    :param ends_after: leave out those that ended earlier.
    :param ids: only these.
    """
    concerned: list[sa.ColumnElement[bool]] = [sa.false()]
    if user_id is not None:
        concerned.append(DutyBooking.user_id == user_id)
    if device_id is not None:
        concerned.append(DutyBooking.device_id == device_id)
        device = device_in_court(session, court_id, device_id)
        if device is not None and device.kind in READER_KINDS:
            keyless = sa.select(Device.id).where(
                Device.court_id == court_id, Device.kind.in_(KEYLESS_KINDS)
            )
            concerned.append(DutyBooking.device_id.in_(keyless))
    statement = sa.select(DutyBooking).where(DutyBooking.court_id == court_id, sa.or_(*concerned))
    if ends_after is not None:
        statement = statement.where(DutyBooking.ends_at > ends_after)
    if ids is not None:
        statement = statement.where(DutyBooking.id.in_(ids))
    ordered = statement.order_by(DutyBooking.starts_at, DutyBooking.id)
    return list(session.execute(ordered).scalars().all())


def court(session: Session, court_id: uuid.UUID) -> Court:
    """A court that is known to exist."""
    return session.get_one(Court, court_id)


# ---------------------------------------------------------------- for authentication


def device_by_key(session: Session, jkt: str) -> Device | None:
    """The device enrolled with a key, in whatever court: its key is its name."""
    return session.execute(sa.select(Device).where(Device.jkt == jkt)).scalar_one_or_none()


def user_by_login(session: Session, login: str) -> User | None:
    """The person with a login, in whatever court; for signing in."""
    return session.execute(sa.select(User).where(User.login == login)).scalar_one_or_none()


def sign_in_with_owner(session: Session, sign_in_id: uuid.UUID) -> tuple[SignIn, User] | None:
    """A sign-in and its person, in one statement."""
    statement = (
        sa.select(SignIn, User).join(User, User.id == SignIn.user_id).where(SignIn.id == sign_in_id)
    )
    row = session.execute(statement).one_or_none()
    return None if row is None else (row[0], row[1])


def sign_in_by_refresh(session: Session, refresh_hash: str) -> tuple[SignIn, User] | None:
    """A sign-in and its person by the hash of a refresh token."""
    statement = (
        sa.select(SignIn, User)
        .join(User, User.id == SignIn.user_id)
        .where(SignIn.refresh_hash == refresh_hash)
    )
    row = session.execute(statement).one_or_none()
    return None if row is None else (row[0], row[1])


# ---------------------------------------------------------------- for this slice's routes


def visible_user(ctx: Context, user_id: uuid.UUID, *, to_change: bool = False) -> User:
    """A person of the caller's court; 404 otherwise.

    :param to_change: lock the row, so that the version compared is the version changed.
    """
    statement = sa.select(User).where(User.id == user_id, User.court_id == ctx.actor.court_id)
    if to_change:
        statement = statement.with_for_update().execution_options(populate_existing=True)
    found = ctx.session.execute(statement).scalar_one_or_none()
    if found is None:
        raise not_found("user")
    return found


def visible_device(ctx: Context, device_id: uuid.UUID, *, to_change: bool = False) -> Device:
    """A device of the caller's court; 404 otherwise.

    :param to_change: lock the row; bookings of one device take turns by it.
    """
    statement = sa.select(Device).where(
        Device.id == device_id, Device.court_id == ctx.actor.court_id
    )
    if to_change:
        statement = statement.with_for_update().execution_options(populate_existing=True)
    found = ctx.session.execute(statement).scalar_one_or_none()
    if found is None:
        raise not_found("device")
    return found


def visible_booking(ctx: Context, booking_id: uuid.UUID) -> DutyBooking:
    """A booking the caller may see: all of the court, or what concerns them; 404 otherwise."""
    statement = sa.select(DutyBooking).where(DutyBooking.id == booking_id, *_booking_scope(ctx))
    found = ctx.session.execute(statement.with_for_update()).scalar_one_or_none()
    if found is None:
        raise not_found("booking")
    return found


def list_users(ctx: Context, wanted: UserFilter) -> Page[User]:
    """People of the court, the newest last."""
    rules: list[sa.ColumnElement[bool]] = [User.court_id == ctx.actor.court_id]
    if wanted.active is not None:
        rules.append(User.disabled_at.is_(None) if wanted.active else User.disabled_at.is_not(None))
    if wanted.cursor:
        rules.append(User.id > decode_id(wanted.cursor))
    statement = sa.select(User).where(*rules).order_by(User.id)
    if wanted.role is None:
        rows = ctx.session.execute(statement.limit(wanted.limit + 1)).scalars().all()
    else:
        # A court has some hundred people at most, and roles are a list inside the row.
        everybody = ctx.session.execute(statement).scalars().all()
        rows = [user for user in everybody if wanted.role in user.roles][: wanted.limit + 1]
    return page_of(rows, wanted.limit, lambda row: (str(row.id),))


def list_devices(ctx: Context, wanted: DeviceFilter) -> Page[Device]:
    """Devices of the court, the newest last."""
    rules: list[sa.ColumnElement[bool]] = [Device.court_id == ctx.actor.court_id]
    if wanted.kind is not None:
        rules.append(Device.kind == wanted.kind)
    if wanted.holder_id is not None:
        rules.append(Device.holder_id == wanted.holder_id)
    if wanted.revoked is not None:
        revoked = Device.revoked_at
        rules.append(revoked.is_not(None) if wanted.revoked else revoked.is_(None))
    if wanted.cursor:
        rules.append(Device.id > decode_id(wanted.cursor))
    statement = sa.select(Device).where(*rules).order_by(Device.id).limit(wanted.limit + 1)
    rows = ctx.session.execute(statement).scalars().all()
    return page_of(rows, wanted.limit, lambda row: (str(row.id),))


def list_bookings(ctx: Context, wanted: BookingFilter) -> Page[DutyBooking]:
    """Bookings the caller may see, the latest made first."""
    rules = _booking_scope(ctx)
    if wanted.device_id is not None:
        rules.append(DutyBooking.device_id == wanted.device_id)
    if wanted.user_id is not None:
        rules.append(DutyBooking.user_id == wanted.user_id)
    if wanted.mission_id is not None:
        rules.append(DutyBooking.mission_id == wanted.mission_id)
    if wanted.overlaps_from is not None:
        rules.append(DutyBooking.ends_at > wanted.overlaps_from)
    if wanted.overlaps_to is not None:
        rules.append(DutyBooking.starts_at < wanted.overlaps_to)
    if wanted.cursor:
        rules.append(DutyBooking.id < decode_id(wanted.cursor))
    statement = sa.select(DutyBooking).where(*rules).order_by(DutyBooking.id.desc())
    rows = ctx.session.execute(statement.limit(wanted.limit + 1)).scalars().all()
    return page_of(rows, wanted.limit, lambda row: (str(row.id),))


def overlapping_booking(
    session: Session,
    device: Device,
    starts_at: datetime,
    ends_at: datetime,
) -> DutyBooking | None:
    """A booking of the device that shares a moment with the window."""
    statement = (
        sa.select(DutyBooking)
        .where(
            DutyBooking.court_id == device.court_id,
            DutyBooking.device_id == device.id,
            DutyBooking.starts_at < ends_at,
            DutyBooking.ends_at > starts_at,
        )
        .order_by(DutyBooking.starts_at)
        .limit(1)
    )
    return session.execute(statement).scalar_one_or_none()


def readers_of_cards(session: Session, court_id: uuid.UUID) -> list[uuid.UUID]:
    """Docks and workstations in use: who has to learn of a camera's bookings."""
    statement = sa.select(Device.id).where(
        Device.court_id == court_id, Device.kind.in_(READER_KINDS), Device.revoked_at.is_(None)
    )
    return list(session.execute(statement).scalars().all())


def _booking_scope(ctx: Context) -> list[sa.ColumnElement[bool]]:
    actor = ctx.actor
    rules: list[sa.ColumnElement[bool]] = [DutyBooking.court_id == actor.court_id]
    if not (actor.sees_whole_court or actor.may(Permission.DUTY_BOOK)):
        own: list[sa.ColumnElement[bool]] = [DutyBooking.user_id == actor.user_id]
        if actor.device_id is not None:
            own.append(DutyBooking.device_id == actor.device_id)
        rules.append(sa.or_(*own))
    return rules
