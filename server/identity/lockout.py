"""Failed sign-ins lock a login, whether or not it exists, so that both answer alike.

An attempt counts before the password is looked at, so that attempts at the same moment count.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from server.core.clock import rfc3339
from server.core.context import Runtime
from server.core.problem import Kind, Problem
from server.identity.models import SignInGuard

FORGOTTEN_AFTER: Final = timedelta(hours=24)
_CONTEXT: Final = "sign-in-guard"


@dataclass(frozen=True, slots=True)
class Attempt:
    """One counted attempt; ``locks``: the account is locked if this one fails."""

    login_key: str
    number: int
    locks: bool


def begin(session: Session, runtime: Runtime, login: str) -> Attempt | Problem:
    """Count an attempt, or the problem ``account-locked``, which the caller raises."""
    now = runtime.clock.now()
    guard = _locked_row(session, runtime, login)
    if guard.locked_until is not None and now < guard.locked_until:
        return locked(guard.locked_until, now)
    if guard.locked_until is not None or guard.updated_at < now - FORGOTTEN_AFTER:
        guard.failed_count, guard.locked_until = 0, None
    guard.failed_count += 1
    guard.updated_at = now
    locks = guard.failed_count >= runtime.settings.sign_in_failures_max
    if locks:
        guard.locked_until = now + timedelta(seconds=runtime.settings.sign_in_lock_seconds)
    return Attempt(guard.login_key, guard.failed_count, locks)


def succeeded(session: Session, attempt: Attempt) -> None:
    """Forget the failures."""
    session.execute(sa.delete(SignInGuard).where(SignInGuard.login_key == attempt.login_key))


def refund(session: Session, attempt: Attempt) -> None:
    """The attempt was no failure, but no success either; earlier ones go on counting."""
    guard = session.get(SignInGuard, attempt.login_key, with_for_update=True)
    if guard is None:
        return
    guard.failed_count = max(0, guard.failed_count - 1)
    if attempt.locks:
        guard.locked_until = None


def release(session: Session, runtime: Runtime, login: str) -> bool:
    """Unlock; returns whether the login was locked."""
    guard = session.get(SignInGuard, _key(runtime, login))
    if guard is None:
        return False
    was_locked = guard.locked_until is not None and runtime.clock.now() < guard.locked_until
    session.delete(guard)
    return was_locked


def locked_until(session: Session, runtime: Runtime, login: str) -> datetime | None:
    """When a login is free again; ``None`` when it is not locked."""
    guard = session.get(SignInGuard, _key(runtime, login))
    if guard is None or guard.locked_until is None or guard.locked_until <= runtime.clock.now():
        return None
    return guard.locked_until


def locked(until: datetime, now: datetime) -> Problem:
    """The answer while the lock lasts."""
    seconds = max(1, -(-(until - now) // timedelta(seconds=1)))
    return Problem(
        Kind.ACCOUNT_LOCKED,
        "wait, or ask an administrator of your court to release it",
        headers={"Retry-After": str(seconds)},
        locked_until=rfc3339(until),
    )


def _key(runtime: Runtime, login: str) -> str:
    return runtime.keyring.mac(login.encode(), _CONTEXT)


def _locked_row(session: Session, runtime: Runtime, login: str) -> SignInGuard:
    """The row of the login under its lock, made when missing."""
    key, now = _key(runtime, login), runtime.clock.now()
    insert = postgresql.insert if session.get_bind().dialect.name == "postgresql" else sqlite.insert
    values = {"login_key": key, "failed_count": 0, "updated_at": now}
    session.execute(insert(SignInGuard).values(values).on_conflict_do_nothing())
    if key.startswith("00"):
        stale = SignInGuard.updated_at < now - FORGOTTEN_AFTER
        session.execute(sa.delete(SignInGuard).where(stale, SignInGuard.login_key != key))
    return session.get_one(SignInGuard, key, with_for_update=True, populate_existing=True)
