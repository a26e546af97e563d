"""Who may do what to which person, device or booking; pure."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from server.core.context import Actor
from server.core.permissions import Permission, Role
from server.core.problem import Kind, Problem, invalid
from server.identity.models import Device, DutyBooking, User

BOOKING_DAYS_MAX: Final = 366
PASSWORD_CHARACTERS_MIN: Final = 10
PASSWORD_CHARACTERS_MAX: Final = 200


def roles_of(user: User) -> frozenset[Role]:
    """The roles in the row; one that this version does not know gives nothing."""
    known = {role.value for role in Role}
    return frozenset(Role(name) for name in user.roles if name in known)


def live_device(device: Device | None) -> Device:
    """The device, unless it is unknown or revoked; raises a 401 problem."""
    if device is None:
        raise Problem(Kind.TOKEN_INVALID, "the device is not known")
    require_live(known=True, revoked_at=device.revoked_at)
    return device


def require_live(*, known: bool, revoked_at: datetime | None) -> None:
    """Raise a 401 problem for a device that is unknown or revoked."""
    if not known:
        raise Problem(Kind.TOKEN_INVALID, "the device is not known")
    if revoked_at is not None:
        raise Problem(Kind.DEVICE_REVOKED, "a supervisor can enrol it again")


def may_renew(device: Device, kind: str) -> None:
    """A device with a key, in use and of the same kind, is enrolled anew; raises ``conflict``."""
    if device.revoked_at is not None:
        raise Problem(Kind.CONFLICT, "the device has been revoked")
    if device.public_jwk is None or device.kind != kind:
        raise Problem(Kind.CONFLICT, "only a device with a key, as the same kind")


def may_change_user(
    actor: Actor, user: User, *, roles: Sequence[str] | None, disabled: bool | None
) -> None:
    """Nobody changes their own roles or locks themselves out; raises ``forbidden``."""
    if actor.user_id != user.id:
        return
    if roles is not None and set(roles) != set(user.roles):
        raise Problem(Kind.FORBIDDEN, "another administrator has to change your roles")
    if disabled:
        raise Problem(Kind.FORBIDDEN, "another administrator has to disable your account")


def may_carry(device: Device, user: User) -> None:
    """A booking joins a device in use and a person with an account; raises ``conflict``."""
    if device.revoked_at is not None:
        raise Problem(Kind.CONFLICT, "the device has been revoked")
    if user.disabled_at is not None:
        raise Problem(Kind.CONFLICT, "the person's account is disabled")


def check_window(starts_at: datetime, ends_at: datetime) -> None:
    """A booking ends after it starts, within a year; raises ``validation``."""
    if ends_at <= starts_at:
        raise invalid({"ends_at": ["is after starts_at"]})
    if ends_at - starts_at > timedelta(days=BOOKING_DAYS_MAX):
        limit = f"is at most {BOOKING_DAYS_MAX} days after starts_at"
        raise invalid({"ends_at": [limit]})


def may_hand_over(actor: Actor, booking: DutyBooking) -> None:
    """The carrier, or who books; raises ``forbidden``."""
    if actor.user_id == booking.user_id or actor.may(Permission.DUTY_BOOK):
        return
    raise Problem(Kind.FORBIDDEN, "only the carrier or a supervisor hands over")


def check_hand_over(booking: DutyBooking, to_user_id: uuid.UUID, at: datetime) -> None:
    """At a moment inside the booking, to somebody else."""
    if to_user_id == booking.user_id:
        raise Problem(Kind.CONFLICT, "this person carries the device already")
    if not booking.starts_at < at < booking.ends_at:
        raise Problem(
            Kind.CONFLICT,
            "a hand-over lies within the booking",
            starts_at=booking.starts_at.isoformat(),
            ends_at=booking.ends_at.isoformat(),
        )


def require_good_password(password: str, login: str, old: str | None = None) -> None:
    """Long enough, new, and not the login (NIST SP 800-63B §5.1.1); raises ``validation``."""
    if not PASSWORD_CHARACTERS_MIN <= len(password) <= PASSWORD_CHARACTERS_MAX:
        wrong = f"has {PASSWORD_CHARACTERS_MIN} to {PASSWORD_CHARACTERS_MAX} characters"
    elif login.casefold() in password.casefold():
        wrong = "does not hold the login"
    elif len(set(password)) < PASSWORD_CHARACTERS_MIN // 2:
        wrong = "has more different characters"
    elif password == old:
        wrong = "differs from the old one"
    else:
        return
    raise invalid({"new": [wrong]})
