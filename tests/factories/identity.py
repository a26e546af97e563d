"""Two courts with people of every role, devices with keys, and headers that speak for them.

``world = World.build(app)`` writes rows; ``world.first.officer`` … are people with known
passwords, ``world.first.phone`` and ``.dock`` are enrolled devices with their private keys,
``.camera`` is a keyless camera, ``.booking_id`` a duty booking of the camera by the officer.
``world.caller(person)`` is a client that signs each request.  All names are fictional (虚构).
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from flask import Flask
from werkzeug.test import TestResponse

from client_sdk.protocol.encoding import b64url_encode
from client_sdk.protocol.keys import Algorithm, PrivateKey
from server.core.context import Runtime
from server.core.permissions import Role
from server.core.transactions import EVERY_COURT, unit_of_work
from server.identity import bonds, compact, dpop, tokens
from server.identity.models import SignIn, UploadGrant
from server.identity.tokens import Claims, TokenType
from tests.factories.identity_rows import (
    PASSWORD,
    CourtWorld,
    FieldDevice,
    Person,
    booking_row,
    court_rows,
    device_row,
    person_row,
)

API = "/api/v1"


@dataclass
class Caller:
    """A test client that carries a token and signs every request."""

    app: Flask
    token: str
    key: PrivateKey
    headers: dict[str, str] = field(default_factory=dict)

    def request(self, method: str, path: str, **arguments: Any) -> TestResponse:
        """Send one request; ``path`` with or without ``/api/v1``, a query string is fine."""
        path = path if path.startswith((API + "/", "/time-qr")) else API + path
        signed = auth_headers(self.app, self.key, self.token, method, path)
        headers = {**self.headers, **signed, **arguments.pop("headers", {})}
        return self.app.test_client().open(path, method=method, headers=headers, **arguments)

    def get(self, path: str, **arguments: Any) -> TestResponse:
        return self.request("GET", path, **arguments)

    def head(self, path: str, **arguments: Any) -> TestResponse:
        return self.request("HEAD", path, **arguments)

    def post(self, path: str, **arguments: Any) -> TestResponse:
        return self.request("POST", path, **arguments)

    def patch(self, path: str, **arguments: Any) -> TestResponse:
        return self.request("PATCH", path, **arguments)

    def delete(self, path: str, **arguments: Any) -> TestResponse:
        return self.request("DELETE", path, **arguments)


@dataclass
class World:
    """Two courts."""

    app: Flask
    first: CourtWorld
    second: CourtWorld

    @classmethod
    def build(cls, app: Flask) -> World:
        """Write the rows of both courts."""
        runtime = runtime_of(app)
        with unit_of_work(EVERY_COURT) as session:
            first = court_rows(session, runtime, "样0101", "one")
            second = court_rows(session, runtime, "样0102", "two")
        return cls(app, first, second)

    def court_of(self, person: Person) -> CourtWorld:
        return self.first if person.court_id == self.first.id else self.second

    def caller(self, person: Person, device: FieldDevice | None = None) -> Caller:
        """The person, signed in on ``device`` (the court's phone unless told)."""
        device = device or self.court_of(person).phone
        return Caller(self.app, access_token(self.app, person, device), device.key)

    def device_caller(self, device: FieldDevice) -> Caller:
        """A device with nobody signed in."""
        return Caller(self.app, device_token(self.app, device), device.key)


def runtime_of(app: Flask) -> Runtime:
    """The process' tools."""
    found: Runtime = app.extensions["tiezheng"]
    return found


def sign_proof(
    key: PrivateKey,
    claims: Mapping[str, Any],
    header: Mapping[str, Any] | None = None,
) -> str:
    """A DPoP proof of exactly these claims; ``header`` changes members of the usual one."""
    usual = {"typ": "dpop+jwt", "alg": key.alg.jose, "jwk": key.public.to_jwk()}
    signed = compact.write({**usual, **(header or {})}, dict(claims))
    return f"{signed}.{b64url_encode(key.sign(signed.encode()))}"


def proof_claims(app: Flask, method: str, path: str, token: str | None = None) -> dict[str, Any]:
    """Claims of a good proof for a request."""
    runtime = runtime_of(app)
    claims = {
        "jti": uuid.uuid4().hex,
        "htm": method,
        "htu": runtime.settings.public_url.rstrip("/") + path.partition("?")[0],
        "iat": 1_000_000_000,  # field clocks are wrong, and that is fine
        "nonce": dpop.make_nonce(runtime),
    }
    return claims if token is None else {**claims, "ath": dpop.token_hash(token)}


def proof_headers(app: Flask, key: PrivateKey, method: str, path: str) -> dict[str, str]:
    """A proof without a token, as ``POST /auth/token`` wants it."""
    return {"DPoP": sign_proof(key, proof_claims(app, method, path))}


def auth_headers(
    app: Flask, device_key: PrivateKey, token: str, method: str, path: str
) -> dict[str, str]:
    """``Authorization`` and ``DPoP`` for one request (a fresh proof each time)."""
    claims = proof_claims(app, method, path, token)
    return {"Authorization": f"DPoP {token}", "DPoP": sign_proof(device_key, claims)}


def sign_in(app: Flask, person: Person, device: FieldDevice, **grant: Any) -> TestResponse:
    """Ask ``POST /auth/token`` with the person's password; the answer as it comes."""
    path = f"{API}/auth/token"
    body = {"grant": "password", "login": person.login, "password": person.password, **grant}
    headers = proof_headers(app, device.key, "POST", path)
    return app.test_client().post(path, json=body, headers=headers)


def access_token(app: Flask, person: Person, device: FieldDevice) -> str:
    """An access token of a sign-in written straight to the database (no password hashing)."""
    runtime = runtime_of(app)
    now = runtime.clock.now()
    sign_in_id = runtime.ids()
    jkt = device.key.public.thumbprint
    with unit_of_work(EVERY_COURT) as session:
        session.add(
            bonds.bind(
                runtime.keyring,
                SignIn(
                    id=sign_in_id,
                    court_id=person.court_id,
                    user_id=person.id,
                    device_id=device.id if device.court_id == person.court_id else None,
                    jkt=jkt,
                    refresh_hash=uuid.uuid4().hex,
                    created_at=now,
                    expires_at=now + timedelta(seconds=runtime.settings.sign_in_seconds),
                ),
            )
        )
    life = timedelta(seconds=runtime.settings.access_token_seconds)
    claims = Claims(
        TokenType.ACCESS, person.id, person.court_id, now + life, jkt, sign_in_id=sign_in_id
    )
    return tokens.issue(runtime, claims)


def device_token(app: Flask, device: FieldDevice) -> str:
    """A device token, for unattended sync."""
    runtime = runtime_of(app)
    life = timedelta(seconds=runtime.settings.access_token_seconds)
    expires_at = runtime.clock.now() + life
    jkt = device.key.public.thumbprint
    return tokens.issue(
        runtime, Claims(TokenType.DEVICE, device.id, device.court_id, expires_at, jkt, ep=1)
    )


def upload_token(
    app: Flask,
    person: Person,
    device: FieldDevice,
    case_id: uuid.UUID,
    objects: list[dict[str, Any]],
    *,
    mission_id: uuid.UUID | None = None,
    life_seconds: int = 3600,
) -> str:
    """An upload token; use it as ``Authorization: Bearer``, without a proof."""
    runtime = runtime_of(app)
    now = runtime.clock.now()
    grant_id = runtime.ids()
    expires_at = now + timedelta(seconds=life_seconds)
    with unit_of_work(EVERY_COURT) as session:
        session.add(
            UploadGrant(
                id=grant_id,
                court_id=person.court_id,
                device_id=device.id,
                user_id=person.id,
                case_id=case_id,
                mission_id=mission_id,
                objects=objects,
                created_at=now,
                expires_at=expires_at,
            )
        )
    return tokens.issue(runtime, Claims(TokenType.UPLOAD, grant_id, person.court_id, expires_at))


def add_person(app: Flask, court_id: uuid.UUID, login: str, *roles: Role) -> Person:
    """One more user with :data:`PASSWORD`."""
    with unit_of_work(EVERY_COURT) as session:
        return person_row(session, runtime_of(app), court_id, login, *roles)


def add_device(
    app: Flask,
    court_id: uuid.UUID,
    kind: str = "phone",
    *,
    alg: Algorithm | None = Algorithm.ES256,
    holder_id: uuid.UUID | None = None,
) -> FieldDevice:
    """One more device, enrolled with a new key; ``alg=None`` makes it keyless."""
    with unit_of_work(EVERY_COURT) as session:
        return device_row(session, runtime_of(app), court_id, kind, alg, holder_id)


def add_booking(
    app: Flask,
    device: FieldDevice,
    person: Person,
    *,
    starts_in: timedelta = timedelta(hours=-1),
    hours: float = 10,
    mission_id: uuid.UUID | None = None,
) -> uuid.UUID:
    """Book the device for the person around now."""
    runtime = runtime_of(app)
    starts_at = runtime.clock.now() + starts_in
    ends_at = starts_at + timedelta(hours=hours)
    with unit_of_work(EVERY_COURT) as session:
        return booking_row(session, runtime, device, person, (starts_at, ends_at), mission_id)


__all__ = [
    "API", "PASSWORD", "Caller", "CourtWorld", "FieldDevice", "Person", "World", "access_token",
    "add_booking", "add_device", "add_person", "auth_headers", "device_token", "proof_claims",
    "proof_headers", "runtime_of", "sign_in", "sign_proof", "upload_token",
]  # fmt: skip
