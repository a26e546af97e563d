"""Who sent this request: token, proof of the key, and whether both still count.

Sign-in, person and device are looked at in the database at each request, so a revocation works
from the next request on.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Final

import sqlalchemy as sa
from flask import Response, current_app, request
from sqlalchemy.orm import Session

from server.core.context import Actor, Runtime
from server.core.cookies import Kind as Cookie
from server.core.cookies import read_cookie
from server.core.keyring import KeyRingError
from server.core.permissions import TokenKind
from server.core.problem import Kind, Problem
from server.identity import bonds, dpop, queries, tokens
from server.identity.models import Device, SignIn, User
from server.identity.policy import live_device, require_live, roles_of
from server.identity.sign_in import BROWSER, secret_hash
from server.identity.tokens import Claims, TokenType

SEEN_EVERY_SECONDS: Final = 60
WITH_TEMPORARY_PASSWORD: Final = frozenset(
    {
        "identity.change_password",
        "identity.sign_out",
        "console_account.show_password",
        "console_account.change_password",
        "console_session.sign_out",
    }
)
_UNAUTHORIZED: Final = 401


def authenticate(session: Session, runtime: Runtime) -> Actor:
    """The caller of the current request; raises a 401 problem."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    scheme, token = scheme.lower(), token.strip()
    if scheme not in {"dpop", "bearer"}:
        raise _bad(Kind.TOKEN_INVALID, "send Authorization: DPoP, or Bearer for an upload token")
    claims = _claims(runtime, token)
    bearer = claims.type is TokenType.UPLOAD
    if bearer != (scheme == "bearer"):
        raise _bad(Kind.TOKEN_WRONG_TYPE, "only an upload token is a bearer token")
    if bearer:
        return _by_grant(session, runtime, claims)
    key = dpop.verify(session, runtime, asked(token))
    if key.thumbprint != claims.jkt:
        raise dpop.refused("the token is bound to another key")
    if claims.type is TokenType.DEVICE:
        return _by_device(session, runtime, claims)
    return _by_sign_in(session, runtime, claims)


def asked(token: str | None = None) -> dpop.Asked:
    """What a proof of the current request has to fit."""
    return dpop.Asked(request.method, request.path, request.headers.get("DPoP"), token)


def offer_nonce(response: Response) -> Response:
    """Put a fresh nonce on every answer (RFC 9449 §8.2), and a challenge on every 401."""
    runtime: Runtime = current_app.extensions["tiezheng"]
    try:
        response.headers["DPoP-Nonce"] = dpop.make_nonce(runtime)
    except KeyRingError:
        return response  # before `init` nobody can sign in anyway
    if response.status_code == _UNAUTHORIZED and "WWW-Authenticate" not in response.headers:
        response.headers["WWW-Authenticate"] = f'DPoP algs="{dpop.ALGORITHMS}"'
    return response


def _claims(runtime: Runtime, token: str) -> Claims:
    try:
        return tokens.read(runtime, token)
    except tokens.TokenExpired:
        raise _bad(Kind.TOKEN_EXPIRED, "get a new one at /auth/token") from None
    except tokens.TokenError as error:
        raise _bad(Kind.TOKEN_INVALID, str(error)) from None


def _by_sign_in(session: Session, runtime: Runtime, claims: Claims) -> Actor:
    found = claims.sign_in_id and queries.sign_in_with_owner(session, claims.sign_in_id)
    if not found or found[0].jkt != claims.jkt or found[1].court_id != claims.court_id:
        raise _bad(Kind.TOKEN_INVALID, "the sign-in is not known")
    if found[1].id != claims.subject or not bonds.holds(runtime.keyring, found[0]):
        raise _bad(Kind.TOKEN_INVALID, "the sign-in is not known")
    sign_in, user = found
    if not _counts(sign_in, user, runtime):
        raise _bad(Kind.SESSION_REVOKED, "sign in again")
    if sign_in.device_id is not None:
        device = queries.speaking_device(session, user.court_id, sign_in.device_id)
        _seen(session, runtime, live_device(device))
    _only_change_of_password(user)
    return _person(sign_in, user)


def by_cookie(session: Session, runtime: Runtime) -> Actor | None:
    """The person whose browser this is; ``None`` when its sign-in is unknown or over."""
    secret = read_cookie(runtime.settings, Cookie.STAFF)
    if secret is None:
        return None
    found = queries.sign_in_by_refresh(session, secret_hash(runtime, secret))
    if found is None or found[0].jkt != BROWSER or not bonds.holds(runtime.keyring, found[0]):
        return None
    if not _counts(*found, runtime):
        return None
    _only_change_of_password(found[1])
    return _person(*found)


def _counts(sign_in: SignIn, user: User, runtime: Runtime) -> bool:
    over = sign_in.revoked_at is not None or sign_in.expires_at <= runtime.clock.now()
    return not over and user.disabled_at is None


def _person(sign_in: SignIn, user: User) -> Actor:
    return Actor(
        token=TokenKind.ACCESS,
        court_id=user.court_id,
        user_id=user.id,
        device_id=sign_in.device_id,
        roles=roles_of(user),
        sign_in_id=sign_in.id,
        address=request.remote_addr,
    )


def _by_device(session: Session, runtime: Runtime, claims: Claims) -> Actor:
    device = live_device(queries.speaking_device(session, claims.court_id, claims.subject))
    if device.jkt != claims.jkt or device.ep != claims.ep:
        raise _bad(Kind.TOKEN_INVALID, "the device was enrolled anew")
    _seen(session, runtime, device)
    return Actor(
        token=TokenKind.DEVICE,
        court_id=device.court_id,
        device_id=device.id,
        address=request.remote_addr,
    )


def _by_grant(session: Session, runtime: Runtime, claims: Claims) -> Actor:
    grant = queries.grant_standing(session, claims.court_id, claims.subject)
    if grant is None or grant.grant_revoked_at is not None:
        raise _bad(Kind.TOKEN_INVALID, "the grant has ended")
    if grant.expires_at <= runtime.clock.now():
        raise _bad(Kind.TOKEN_EXPIRED, "ask for a new grant")
    require_live(known=grant.known_device_id is not None, revoked_at=grant.device_revoked_at)
    if grant.known_user_id is None or grant.disabled_at is not None:
        raise _bad(Kind.SESSION_REVOKED, "the person's account is disabled")
    return Actor(
        token=TokenKind.UPLOAD,
        court_id=claims.court_id,
        user_id=grant.user_id,
        device_id=grant.device_id,
        grant_id=claims.subject,
        address=request.remote_addr,
    )


def _only_change_of_password(user: User) -> None:
    if user.password_temporary and request.endpoint not in WITH_TEMPORARY_PASSWORD:
        raise Problem(Kind.PASSWORD_CHANGE_REQUIRED, "POST /api/v1/me/password")


def _seen(session: Session, runtime: Runtime, device: Device) -> None:
    """Remember that the device spoke, at most once a minute, without touching its version."""
    now = runtime.clock.now()
    before = now - timedelta(seconds=SEEN_EVERY_SECONDS)
    if device.last_seen_at is not None and before < device.last_seen_at <= now:
        return
    session.execute(sa.update(Device).where(Device.id == device.id).values(last_seen_at=now))


def _bad(kind: Kind, detail: str) -> Problem:
    """A refused token (RFC 6750 §3.1, RFC 9449 §7.1)."""
    challenge = f'DPoP error="invalid_token", algs="{dpop.ALGORITHMS}"'
    return Problem(kind, detail, headers={"WWW-Authenticate": challenge})
