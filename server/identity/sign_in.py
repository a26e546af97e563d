"""Getting a token: by password, by the device's key alone, or by a refresh token.

The attempt is counted in a transaction of its own, the password is hashed outside of any, and
only then is the sign-in written: hashing takes a tenth of a second on purpose, and on SQLite a
transaction would make every other writer wait for it.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

import sqlalchemy as sa
from sqlalchemy.orm import Session

from client_sdk.protocol.encoding import b64url_encode
from server.audit import service as audit
from server.audit.events import EventKind
from server.audit.service import Subject
from server.core.context import Context, Runtime
from server.core.problem import Kind, Problem
from server.core.transactions import EVERY_COURT, unit_of_work
from server.identity import bonds, dpop, lockout, queries, tokens, totp
from server.identity.commands import TokenRequest
from server.identity.lockout import Attempt
from server.identity.models import Court, Device, SignIn, User
from server.identity.passwords import verify_password
from server.identity.policy import live_device
from server.identity.tokens import Claims, TokenType

_REFRESH_BYTES: Final = 32
_REFRESH_CONTEXT: Final = "refresh-token"
_NOBODY: Final = uuid.UUID(int=0)
BROWSER: Final = "browser"  # in place of a key's thumbprint, which it can never equal


@dataclass(frozen=True, slots=True)
class Issued:
    """A token and how long it is good."""

    access_token: str
    expires_in: int
    refresh_token: str | None = None
    password_change_required: bool = False
    token_type: str = "DPoP"  # noqa: S105  the name of a scheme


@dataclass(frozen=True, slots=True)
class Opened:
    """A sign-in, and when it is new the secret that proves it: refresh token, or cookie."""

    sign_in_id: uuid.UUID
    user_id: uuid.UUID
    court_id: uuid.UUID
    jkt: str
    expires_at: datetime
    password_temporary: bool
    secret: str | None


@dataclass(frozen=True, slots=True)
class _Claimed:
    """Who somebody says they are, as it was read before the password was looked at."""

    attempt: Attempt
    jkt: str
    device_id: uuid.UUID | None
    user_id: uuid.UUID | None
    password_hash: str | None


def issue(ctx: Context, asked: dpop.Asked, command: TokenRequest) -> Issued:
    """A token for one of the three grants; ``ctx`` has no transaction open."""
    if command.grant == "password":
        claimed = _count_attempt(ctx, asked, command.login)
        good = verify_password(claimed.password_hash, command.password)
        return _access(ctx, _sign_in(ctx, claimed, command.totp, password_good=good))
    with unit_of_work(EVERY_COURT) as session:
        jkt = dpop.verify(session, ctx.runtime, asked).thumbprint
        inner = replace(ctx, session=session)
        if command.grant == "device":
            return _for_device(inner, jkt)
        return _refresh(inner, jkt, command.refresh_token)


def open_in_browser(ctx: Context, login: str, password: str, code: str | None) -> Opened:
    """Sign a person in on a browser, which has no key: a secret in a cookie stands for it.

    ``ctx`` has no transaction open.  Refuses, counts and locks as for a token.
    """
    claimed = _count_attempt(ctx, None, login)
    good = verify_password(claimed.password_hash, password)
    return _sign_in(ctx, claimed, code, password_good=good)


def sign_out(ctx: Context) -> None:
    """End the caller's sign-in: its access and refresh tokens are good no more."""
    sign_in = ctx.session.get(SignIn, ctx.actor.sign_in_id)
    if sign_in is None:
        raise Problem(Kind.SESSION_REVOKED)
    sign_in.revoked_at = ctx.clock.now()
    audit.record(ctx, EventKind.SIGNED_OUT, Subject("user", ctx.actor.user()))


def end_all(ctx: Context, user_id: uuid.UUID, *, except_for: uuid.UUID | None = None) -> None:
    """End every sign-in of a person."""
    statement = sa.update(SignIn).where(SignIn.user_id == user_id, SignIn.revoked_at.is_(None))
    if except_for is not None:
        statement = statement.where(SignIn.id != except_for)
    ctx.session.execute(statement.values(revoked_at=ctx.clock.now()))


# ---------------------------------------------------------------- by password


def _count_attempt(ctx: Context, asked: dpop.Asked | None, login: str) -> _Claimed:
    with unit_of_work(EVERY_COURT) as session:
        jkt = dpop.verify(session, ctx.runtime, asked).thumbprint if asked else BROWSER
        device = queries.device_by_key(session, jkt) if asked else None
        if device is not None:
            live_device(device)
        attempt = lockout.begin(session, ctx.runtime, login)
        user = queries.user_by_login(session, login)
        if isinstance(attempt, Attempt):
            return _Claimed(
                attempt=attempt,
                jkt=jkt,
                device_id=device.id if device else None,
                user_id=user.id if user else None,
                password_hash=user.password_hash if user else None,
            )
    raise attempt


def _sign_in(ctx: Context, claimed: _Claimed, code: str | None, *, password_good: bool) -> Opened:
    with unit_of_work(EVERY_COURT) as session:
        inner = replace(ctx, session=session)
        user = _reloaded(session, claimed) if password_good else None
        if user is None:
            _note_failure(inner, claimed, "password")
            refusal = Problem(Kind.CREDENTIALS_INVALID)
        else:
            outcome = _second_factor(inner, claimed, user, code) or _opened(inner, claimed, user)
            if isinstance(outcome, Opened):
                return outcome
            refusal = outcome
    raise refusal


def _reloaded(session: Session, claimed: _Claimed) -> User | None:
    """The person under a lock, unless disabled or given a new password meanwhile."""
    statement = sa.select(User).where(User.id == claimed.user_id).with_for_update()
    user = session.execute(statement).scalar_one_or_none()
    if user is None or user.disabled_at or user.password_hash != claimed.password_hash:
        return None
    return user


def _second_factor(ctx: Context, claimed: _Claimed, user: User, code: str | None) -> Problem | None:
    if user.totp_secret is None or user.totp_confirmed_at is None:
        return None
    if not code:
        lockout.refund(ctx.session, claimed.attempt)
        return Problem(Kind.TOTP_REQUIRED, "send totp as well")
    secret = totp.unseal(ctx.runtime.keyring, user.id, user.totp_secret)
    step = totp.matching_step(secret, code, ctx.clock.now(), user.totp_last_step)
    if step is None:
        _note_failure(ctx, claimed, "totp")
        return Problem(Kind.CREDENTIALS_INVALID)
    user.totp_last_step = step
    return None


def _opened(ctx: Context, claimed: _Claimed, user: User) -> Opened | Problem:
    if claimed.device_id is not None:
        device = queries.device_in_court(ctx.session, user.court_id, claimed.device_id)
        if device is None:
            lockout.refund(ctx.session, claimed.attempt)
            return Problem(Kind.FORBIDDEN, "this device belongs to another court")
    lockout.succeeded(ctx.session, claimed.attempt)
    now = ctx.clock.now()
    refresh = b64url_encode(ctx.runtime.randbytes(_REFRESH_BYTES))
    sign_in = SignIn(
        id=ctx.new_id(),
        court_id=user.court_id,
        user_id=user.id,
        device_id=claimed.device_id,
        jkt=claimed.jkt,
        refresh_hash=_refresh_hash(ctx, refresh),
        created_at=now,
        expires_at=now + timedelta(seconds=ctx.settings.sign_in_seconds),
    )
    ctx.session.add(bonds.bind(ctx.runtime.keyring, sign_in))
    audit.record(
        ctx,
        EventKind.SIGNED_IN,
        Subject("user", user.id),
        {
            "sign_in": str(sign_in.id),
            "device": str(claimed.device_id) if claimed.device_id else None,
            "jkt": claimed.jkt,
            "failed_before": claimed.attempt.number - 1,
        },
        court_id=user.court_id,
    )
    return _plain(sign_in, user, refresh)


def _note_failure(ctx: Context, claimed: _Claimed, reason: str) -> None:
    """Record a failed attempt; a login that does not exist costs the same and leaves nothing."""
    user = ctx.session.get(User, claimed.user_id or _NOBODY)
    somewhere = sa.select(Court.id).order_by(Court.id).limit(1)
    court_id = ctx.session.execute(somewhere).scalar_one_or_none()
    if court_id is None:
        return
    subject = Subject("user", user.id if user else claimed.attempt.login_key)
    facts = {"reason": reason, "attempt": claimed.attempt.number}
    court_id = user.court_id if user else court_id
    savepoint = ctx.session.begin_nested()
    audit.record(ctx, EventKind.SIGN_IN_FAILED, subject, facts, court_id=court_id)
    if claimed.attempt.locks:
        seconds = ctx.settings.sign_in_lock_seconds
        locked = {"failures": claimed.attempt.number, "seconds": seconds}
        audit.record(ctx, EventKind.ACCOUNT_LOCKED, subject, locked, court_id=court_id)
    ctx.session.flush()  # the same statements for both, before one of them is undone
    if user is None:
        savepoint.rollback()
    else:
        savepoint.commit()


# ---------------------------------------------------------------- by key, by refresh token


def _for_device(ctx: Context, jkt: str) -> Issued:
    device = queries.device_by_key(ctx.session, jkt)
    if device is None:
        raise Problem(Kind.CREDENTIALS_INVALID, "this key is not enrolled")
    return _device_token(ctx, live_device(device), jkt)


def _device_token(ctx: Context, device: Device, jkt: str) -> Issued:
    seconds = ctx.settings.access_token_seconds
    expires_at = ctx.clock.now() + timedelta(seconds=seconds)
    claims = Claims(TokenType.DEVICE, device.id, device.court_id, expires_at, jkt, ep=device.ep)
    return Issued(tokens.issue(ctx.runtime, claims), seconds)


def _refresh(ctx: Context, jkt: str, refresh: str) -> Issued:
    """Another access token for a sign-in that lasts.

    The refresh token stays the same: it is bound to the key (RFC 9700 §4.14.2), and a device
    whose answer got lost on the way must not be signed out by that.
    """
    found = queries.sign_in_by_refresh(ctx.session, _refresh_hash(ctx, refresh))
    if found is None:
        raise Problem(Kind.TOKEN_INVALID, "the refresh token is not known")
    sign_in, user = found
    if not bonds.holds(ctx.runtime.keyring, sign_in):
        raise Problem(Kind.TOKEN_INVALID, "the sign-in is not as it was made")
    if sign_in.jkt != jkt:
        raise dpop.refused("the refresh token is bound to another key")
    ended = sign_in.revoked_at is not None or sign_in.expires_at <= ctx.clock.now()
    if ended or user.disabled_at is not None:
        raise Problem(Kind.SESSION_REVOKED, "sign in again")
    if sign_in.device_id is not None:
        live_device(queries.device_in_court(ctx.session, user.court_id, sign_in.device_id))
    return _access(ctx, _plain(sign_in, user, None))


def _plain(sign_in: SignIn, user: User, secret: str | None) -> Opened:
    return Opened(
        sign_in_id=sign_in.id,
        user_id=user.id,
        court_id=user.court_id,
        jkt=sign_in.jkt,
        expires_at=sign_in.expires_at,
        password_temporary=user.password_temporary,
        secret=secret,
    )


def _access(ctx: Context, opened: Opened) -> Issued:
    now = ctx.clock.now()
    life = timedelta(seconds=ctx.settings.access_token_seconds)
    expires_at = min(now + life, opened.expires_at)
    claims = Claims(
        TokenType.ACCESS,
        opened.user_id,
        opened.court_id,
        expires_at,
        opened.jkt,
        sign_in_id=opened.sign_in_id,
    )
    return Issued(
        access_token=tokens.issue(ctx.runtime, claims),
        expires_in=(expires_at - now) // timedelta(seconds=1),
        refresh_token=opened.secret,
        password_change_required=opened.password_temporary,
    )


def _refresh_hash(ctx: Context, refresh: str) -> str:
    return secret_hash(ctx.runtime, refresh)


def secret_hash(runtime: Runtime, secret: str) -> str:
    """Keyed digest under which a sign-in's secret is stored."""
    return runtime.keyring.mac(secret.encode(), _REFRESH_CONTEXT)
