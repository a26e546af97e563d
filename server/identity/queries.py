"""Reading people, devices and bookings of one court."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from client_sdk.protocol.keys import PublicKey
from server.identity.models import Device, DutyBooking, UploadGrant, User


def device_in_court(session: Session, court_id: uuid.UUID, device_id: uuid.UUID) -> Device | None:
    """The device, if this court has it."""
    statement = sa.select(Device).where(Device.court_id == court_id, Device.id == device_id)
    return session.execute(statement).scalar_one_or_none()


def public_key_of(device: Device) -> PublicKey:
    """The key bound at enrolment; a keyless device has none."""
    if device.public_jwk is None:
        raise ValueError("a keyless device signs nothing")
    return PublicKey.from_jwk(device.public_jwk)


def user_in_court(session: Session, court_id: uuid.UUID, user_id: uuid.UUID) -> User | None:
    """The person, if this court has them."""
    statement = sa.select(User).where(User.court_id == court_id, User.id == user_id)
    return session.execute(statement).scalar_one_or_none()


def grant_in_court(
    session: Session, court_id: uuid.UUID, grant_id: uuid.UUID
) -> UploadGrant | None:
    """The upload grant, if this court gave it."""
    statement = sa.select(UploadGrant).where(
        UploadGrant.court_id == court_id, UploadGrant.id == grant_id
    )
    return session.execute(statement).scalar_one_or_none()


def booking_at(
    session: Session, court_id: uuid.UUID, device_id: uuid.UUID, at: datetime
) -> DutyBooking | None:
    """Who carried the device at that moment; the latest booking that covers it."""
    statement = (
        sa.select(DutyBooking)
        .where(
            DutyBooking.court_id == court_id,
            DutyBooking.device_id == device_id,
            DutyBooking.starts_at <= at,
            DutyBooking.ends_at > at,
        )
        .order_by(DutyBooking.starts_at.desc(), DutyBooking.id.desc())
        .limit(1)
    )
    return session.execute(statement).scalar_one_or_none()


def bookings_for(
    session: Session,
    court_id: uuid.UUID,
    user_id: uuid.UUID | None = None,
    device_id: uuid.UUID | None = None,
) -> Sequence[DutyBooking]:
    """Bookings of a person or a device, oldest first."""
    statement = sa.select(DutyBooking).where(DutyBooking.court_id == court_id)
    if user_id is not None:
        statement = statement.where(DutyBooking.user_id == user_id)
    if device_id is not None:
        statement = statement.where(DutyBooking.device_id == device_id)
    return session.execute(statement.order_by(DutyBooking.starts_at)).scalars().all()
