"""What people do with their own account."""

from __future__ import annotations

import uuid
from dataclasses import dataclass

from server.audit import service as audit
from server.audit.events import EventKind
from server.audit.service import Subject
from server.core.context import Context
from server.core.permissions import TOKEN_PERMISSIONS, Permission, permissions_of
from server.core.problem import Kind, Problem, invalid, not_found
from server.identity import lockout, queries, sign_in, totp
from server.identity.commands import ChangePassword
from server.identity.models import Court, Device, SignIn, User
from server.identity.passwords import hash_password, verify_password
from server.identity.policy import require_good_password
from server.identity.steps import transaction

ISSUER = "Tiezheng 铁证"


@dataclass(frozen=True, slots=True)
class Me:
    """The caller, as they see themselves."""

    user: User
    court: Court
    device: Device | None
    sign_in: SignIn
    permissions: list[Permission]


@dataclass(frozen=True, slots=True)
class TotpOffer:
    """What an authenticator app needs; shown once."""

    secret: str
    uri: str


def me(ctx: Context) -> Me:
    """Person, court, device and what they may ask for."""
    actor = ctx.actor
    device = actor.device_id and queries.device_in_court(
        ctx.session, actor.court_id, actor.device_id
    )
    return Me(
        user=_self(ctx),
        court=queries.court(ctx.session, actor.court_id),
        device=device or None,
        sign_in=ctx.session.get_one(SignIn, actor.sign_in_id),
        permissions=sorted(TOKEN_PERMISSIONS.get(actor.token, permissions_of(actor.roles))),
    )


def change_password(ctx: Context, command: ChangePassword) -> None:
    """Set a new password; every other sign-in of the person ends.

    ``ctx`` has no transaction open: hashing waits, and nobody waits inside a transaction.
    """
    with transaction(ctx) as inner:
        user = _self(inner)
        require_good_password(command.new, user.login, command.old)
        attempt = lockout.begin(inner.session, inner.runtime, user.login)
        stored = user.password_hash
    if isinstance(attempt, Problem):
        raise attempt
    changed = verify_password(stored, command.old) and hash_password(command.new)
    with transaction(ctx) as inner:
        user = _self(inner)
        if changed and user.password_hash == stored:
            _set_password(inner, user, changed)
            lockout.succeeded(inner.session, attempt)
            return
        facts = {"reason": "old password", "attempt": attempt.number}
        audit.record(inner, EventKind.SIGN_IN_FAILED, Subject("user", user.id), facts)
    raise Problem(Kind.CREDENTIALS_INVALID, "the old password is wrong")


def _set_password(ctx: Context, user: User, password_hash: str) -> None:
    user.password_hash = password_hash
    user.password_temporary = False
    user.version += 1
    sign_in.end_all(ctx, user.id, except_for=ctx.actor.sign_in_id)
    audit.record(ctx, EventKind.PASSWORD_CHANGED, Subject("user", user.id))


def offer_totp(ctx: Context) -> TotpOffer:
    """A new secret, in force once a code of it was confirmed."""
    user = _self(ctx)
    if user.totp_confirmed_at is not None:
        raise Problem(Kind.CONFLICT, "a second factor is in force; an administrator can reset it")
    secret = totp.new_secret(ctx.runtime.randbytes)
    user.totp_secret = totp.seal(ctx.runtime.keyring, user.id, secret)
    user.totp_last_step = None
    return TotpOffer(secret, totp.uri(secret, user.login, ISSUER))


def pending_totp(ctx: Context) -> TotpOffer | None:
    """The secret that was offered and waits for its first code."""
    user = _self(ctx)
    if user.totp_secret is None or user.totp_confirmed_at is not None:
        return None
    secret = totp.unseal(ctx.runtime.keyring, user.id, user.totp_secret)
    return TotpOffer(secret, totp.uri(secret, user.login, ISSUER))


def end_sign_in(ctx: Context, sign_in_id: uuid.UUID) -> None:
    """End one of the caller's own sign-ins; 404 for any other."""
    found = ctx.session.get(SignIn, sign_in_id, with_for_update=True)
    if found is None or found.user_id != ctx.actor.user() or found.revoked_at is not None:
        raise not_found("sign-in")
    found.revoked_at = ctx.clock.now()
    facts = {"sign_in": str(found.id)}
    audit.record(ctx, EventKind.SIGNED_OUT, Subject("user", found.user_id), facts)


def confirm_totp(ctx: Context, code: str) -> None:
    """Put the second factor in force."""
    user = _self(ctx)
    if user.totp_secret is None or user.totp_confirmed_at is not None:
        raise Problem(Kind.CONFLICT, "ask for a secret first")
    secret = totp.unseal(ctx.runtime.keyring, user.id, user.totp_secret)
    step = totp.matching_step(secret, code, ctx.clock.now(), None)
    if step is None:
        wrong = ["is not the present code of the secret"]
        raise invalid({"code": wrong})
    user.totp_confirmed_at = ctx.clock.now()
    user.totp_last_step = step
    user.version += 1
    audit.record(ctx, EventKind.TOTP_ENABLED, Subject("user", user.id))


def _self(ctx: Context) -> User:
    return queries.visible_user(ctx, ctx.actor.user(), to_change=True)
