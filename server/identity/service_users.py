"""Accounts: added, changed, released and reset by an administrator or the operator."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy.exc import IntegrityError

from server.audit import service as audit
from server.audit.events import EventKind
from server.audit.service import Subject
from server.core.context import Context
from server.core.permissions import Permission
from server.core.problem import Kind, Problem
from server.identity import lockout, policy, sign_in
from server.identity.commands import AddUser, ChangeUser
from server.identity.models import User
from server.identity.passwords import hash_password, temporary_password


@dataclass(frozen=True, slots=True)
class Account:
    """A person as the caller may see them; what only administrators see is ``None`` otherwise."""

    user: User
    for_administrator: bool
    locked_until: datetime | None = None
    temporary_password: str | None = field(default=None, repr=False)

    @property
    def version(self) -> int:
        """For the ETag."""
        return self.user.version


def seen(ctx: Context, user: User, temporary: str | None = None) -> Account:
    """The account as the caller sees it."""
    if not ctx.actor.may(Permission.USERS_MANAGE):
        return Account(user, for_administrator=False)
    until = lockout.locked_until(ctx.session, ctx.runtime, user.login)
    return Account(user, for_administrator=True, locked_until=until, temporary_password=temporary)


@dataclass(frozen=True, slots=True)
class FirstPassword:
    """A password that was hashed already; ``temporary`` is its text when nobody chose it."""

    hash: str = field(repr=False)
    temporary: str | None = field(default=None, repr=False)


def first_password(ctx: Context, chosen: str | None = None, login: str = "") -> FirstPassword:
    """Hash ``chosen``, or a temporary password; web requests do so outside of a transaction."""
    if chosen is None:
        temporary = temporary_password(ctx.runtime.randbytes)
        return FirstPassword(hash_password(temporary), temporary)
    policy.require_good_password(chosen, login)
    return FirstPassword(hash_password(chosen))


def add(ctx: Context, command: AddUser, password: FirstPassword | None = None) -> Account:
    """Make an account; its first password is temporary unless the operator chose one."""
    password = password or first_password(ctx, command.password, command.login)
    user = User(
        id=ctx.new_id(),
        court_id=ctx.actor.court_id,
        login=command.login,
        name=command.name,
        post=command.post,
        roles=sorted(set(command.roles)),
        password_hash=password.hash,
        password_temporary=password.temporary is not None,
        version=1,
        created_at=ctx.clock.now(),
    )
    try:
        with ctx.session.begin_nested():  # the login may be taken, in whatever court
            ctx.session.add(user)
    except IntegrityError:
        raise Problem(Kind.CONFLICT, f"the login {command.login} is taken") from None
    facts = {"login": user.login, "name": user.name, "post": user.post, "roles": user.roles}
    audit.record(ctx, EventKind.USER_ADDED, Subject("user", user.id), facts)
    return seen(ctx, user, password.temporary)


def change(ctx: Context, user: User, command: ChangeUser) -> Account:
    """Change name, post, roles, or disable and enable the account."""
    policy.may_change_user(ctx.actor, user, roles=command.roles, disabled=command.disabled)
    changed = _changed(user, command)
    if command.disabled is not None and command.disabled != (user.disabled_at is not None):
        user.disabled_at = ctx.clock.now() if command.disabled else None
        changed["disabled"] = command.disabled
        if command.disabled:
            sign_in.end_all(ctx, user.id)
    if changed:
        user.version += 1
        audit.record(ctx, EventKind.USER_CHANGED, Subject("user", user.id), changed)
    return seen(ctx, user)


def reset_password(ctx: Context, user: User, password: FirstPassword | None = None) -> str:
    """A temporary password; every sign-in of the person ends and a lock is released."""
    password = password or first_password(ctx)
    user.password_hash = password.hash
    user.password_temporary = True
    user.version += 1
    sign_in.end_all(ctx, user.id)
    lockout.release(ctx.session, ctx.runtime, user.login)
    audit.record(ctx, EventKind.PASSWORD_RESET, Subject("user", user.id))
    return password.temporary or ""


def reset_totp(ctx: Context, user: User) -> None:
    """Take the second factor away; the person sets up a new one."""
    user.totp_secret = user.totp_confirmed_at = user.totp_last_step = None
    user.version += 1
    sign_in.end_all(ctx, user.id)
    audit.record(ctx, EventKind.TOTP_RESET, Subject("user", user.id))


def unlock(ctx: Context, user: User) -> None:
    """Release the lock that failed sign-ins led to."""
    was_locked = lockout.release(ctx.session, ctx.runtime, user.login)
    audit.record(ctx, EventKind.USER_UNLOCKED, Subject("user", user.id), {"was_locked": was_locked})


def _changed(user: User, command: ChangeUser) -> dict[str, Any]:
    """Set what differs; returns it for the log."""
    wanted: dict[str, Any] = {"name": command.name, "post": command.post}
    if command.roles is not None:
        wanted["roles"] = sorted(set(command.roles))
    changed = {
        name: value
        for name, value in wanted.items()
        if value is not None and value != getattr(user, name)
    }
    for name, value in changed.items():
        setattr(user, name, value)
    return changed
