"""Tokens: pinned algorithm, own keys, one kind never for another, revocation at once."""

from __future__ import annotations

import hashlib
import hmac
import json
import uuid
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask

from client_sdk.protocol.encoding import b64url_decode, b64url_encode
from client_sdk.protocol.keys import Algorithm, PrivateKey
from server.core.clock import FixedClock
from server.core.keyring import EVENT, TOKEN
from server.core.transactions import EVERY_COURT, unit_of_work
from server.identity import compact, tokens
from server.identity.models import Device, SignIn, UploadGrant, User
from server.identity.tokens import Claims, TokenExpired, TokenMalformed, TokenType
from tests.factories.identity import (
    API,
    World,
    access_token,
    auth_headers,
    device_token,
    runtime_of,
    upload_token,
)
from tests.integration.identity.helpers import slug

ME = f"{API}/me"


def claims_of(token: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(b64url_decode(token.split(".")[1]))
    return found


def forge(key: PrivateKey, header: Mapping[str, Any], body: Mapping[str, Any]) -> str:
    signed = compact.write(dict(header), dict(body))
    return f"{signed}.{b64url_encode(key.sign(signed.encode()))}"


@pytest.fixture
def token(app: Flask, world: World) -> str:
    """An officer's access token on the court's phone."""
    return access_token(app, world.first.officer, world.first.phone)


def send(app: Flask, world: World, token: str) -> Any:
    headers = auth_headers(app, world.first.phone.key, token, "GET", ME)
    return app.test_client().get(ME, headers=headers)


def test_no_kind_of_token_passes_for_another(app: Flask, world: World) -> None:
    """4 kinds of credential × 4 uses: only the matching ones are let in."""
    court = world.first
    key = court.phone.key
    case_id = runtime_of(app).ids()
    given = {
        "access": access_token(app, court.officer, court.phone),
        "device": device_token(app, court.phone),
        "upload": upload_token(app, court.officer, court.phone, case_id, []),
        "statement": runtime_of(app).keyring.statement().sig,
    }
    answers = {}
    for name, text in given.items():
        bound = auth_headers(app, key, text, "GET", ME)
        answers[name, "DPoP"] = slug_or_ok(app.test_client().get(ME, headers=bound))
        bearer = {"Authorization": f"Bearer {text}"}
        answers[name, "Bearer"] = slug_or_ok(app.test_client().get(ME, headers=bearer))
    assert answers == {
        ("access", "DPoP"): "ok",
        ("access", "Bearer"): "token-wrong-type",
        ("device", "DPoP"): "token-wrong-type",  # known, but not for a person's account
        ("device", "Bearer"): "token-wrong-type",
        ("upload", "DPoP"): "token-wrong-type",
        ("upload", "Bearer"): "token-wrong-type",  # known, but only for uploads
        ("statement", "DPoP"): "token-invalid",
        ("statement", "Bearer"): "token-invalid",
    }


def slug_or_ok(response: Any) -> str:
    return "ok" if response.status_code == 200 else slug(response)


def test_types_and_audiences_differ(app: Flask, world: World, token: str) -> None:
    """A token of one kind, re-labelled and re-signed by the very key, is still refused."""
    runtime = runtime_of(app)
    key = runtime.keyring.active(TOKEN)
    body = claims_of(token)
    for kind in (TokenType.DEVICE, TokenType.UPLOAD):
        header = {"alg": "EdDSA", "typ": kind.typ, "kid": key.kid}
        with pytest.raises(TokenMalformed):
            tokens.read(runtime, forge(key.private, header, body))
        header["typ"] = TokenType.ACCESS.typ
        with pytest.raises(TokenMalformed):
            tokens.read(runtime, forge(key.private, header, {**body, "aud": kind.audience}))
    assert len({kind.typ for kind in TokenType}) == len({kind.audience for kind in TokenType}) == 3


ANOTHER_FORM: list[dict[str, Any]] = [
    {"iss": "http://evil.example"},
    {"iss": None},
    {"aud": None},
    {"aud": ["urn:tiezheng:device"]},
    {"sub": "not an id"},
    {"sub": None},
    {"court": None},
    {"exp": None},
    {"exp": "tomorrow"},
    {"exp": -1},
    {"exp": True},
    {"exp": 10**15},
    {"jti": None},
    {"sid": None},
    {"sid": 5},
    {"cnf": None},
    {"cnf": "text"},
    {"cnf": {"jkt": 5}},
    {"iat": None},
]


def test_claims_of_another_form_are_refused(app: Flask, token: str) -> None:
    for changed in ANOTHER_FORM:
        runtime = runtime_of(app)
        key = runtime.keyring.active(TOKEN)
        body = {k: v for k, v in {**claims_of(token), **changed}.items() if v is not None}
        header = {"alg": "EdDSA", "typ": "at+jwt", "kid": key.kid}
        with pytest.raises(TokenMalformed):
            tokens.read(runtime, forge(key.private, header, body))


def test_algorithms_are_not_chosen_by_the_sender(app: Flask, world: World, token: str) -> None:
    runtime = runtime_of(app)
    key = runtime.keyring.active(TOKEN)
    body = claims_of(token)

    def header(alg: object) -> dict[str, Any]:
        return {"alg": alg, "typ": "at+jwt", "kid": key.kid}

    def attempt(text: str) -> str:
        return slug(send(app, world, text))

    for alg in ("none", "None", "NONE", "nOnE", ""):
        unsigned = compact.write(header(alg), body)
        assert attempt(f"{unsigned}.") == "token-invalid"
        assert attempt(forge(key.private, header(alg), body)) == "token-invalid"
    # RFC 8725 §2.1: the public key as the secret of an HMAC.
    public = key.public.raw
    pem = key.public.to_jwk()["x"].encode()
    for secret in (public, pem, b"", key.kid.encode()):
        signed = compact.write(header("HS256"), body)
        mac = hmac.digest(secret, signed.encode(), hashlib.sha256)
        assert attempt(f"{signed}.{b64url_encode(mac)}") == "token-invalid"
    es256 = PrivateKey.generate(Algorithm.ES256)
    assert attempt(forge(es256, header("ES256"), body)) == "token-invalid"
    for name in (["EdDSA"], None, 5, "eddsa", "Ed25519"):
        assert attempt(forge(key.private, header(name), body)) == "token-invalid"


def test_only_keys_of_the_folder_count(app: Flask, world: World, token: str) -> None:
    runtime = runtime_of(app)
    own = runtime.keyring.active(TOKEN)
    foreign = PrivateKey.generate(Algorithm.ED25519)
    body = claims_of(token)
    jwk = foreign.public.to_jwk()
    event = runtime.keyring.active(EVENT)
    headers: list[dict[str, Any]] = [
        {"kid": foreign.public.thumbprint},
        {"kid": own.kid},  # the right id, another signature
        {"kid": own.kid, "jku": "http://127.0.0.1:1/jwks.json"},
        {"kid": own.kid, "x5u": "http://127.0.0.1:1/cert.pem"},
        {"kid": own.kid, "jwk": jwk},
        {"kid": own.kid, "x5c": ["AAAA"]},
        {"kid": own.kid, "crit": ["exp"]},
        {"kid": own.kid, "b64": False, "crit": ["b64"]},
        {"kid": own.kid, "zip": "DEF"},
        {"kid": "../../../../dev/null"},
        {"kid": "' OR 1=1 --"},
        {"kid": "token-*"},
        {"kid": ""},
        {"kid": None},
        {"kid": [own.kid]},
        {"kid": {"$ne": ""}},
        {"kid": 5},
        {},
    ]
    for extra in headers:
        header = {"alg": "EdDSA", "typ": "at+jwt", **extra}
        response = send(app, world, forge(foreign, header, body))
        assert slug(response) == "token-invalid", extra
        assert 'error="invalid_token"' in response.headers["WWW-Authenticate"]
    # Even our own signature does not excuse a header with more in it.
    header = {"alg": "EdDSA", "typ": "at+jwt", "kid": own.kid, "jku": "http://127.0.0.1:1/"}
    assert slug(send(app, world, forge(own.private, header, body))) == "token-invalid"
    # The key that signs receipts signs no tokens.
    header = {"alg": "EdDSA", "typ": "at+jwt", "kid": event.kid}
    assert slug(send(app, world, forge(event.private, header, body))) == "token-invalid"


def test_mangled_tokens_are_refused(app: Flask, world: World, token: str) -> None:
    head, body, signature = token.split(".")
    flipped = ("A" if body[5] != "A" else "B") + body[6:]
    for text in (
        "",
        "x",
        f"{head}.{body}",
        f"{head}.{body}.",
        f"{head}.{body}.{signature}=",
        f"{head}.{body[:5]}{flipped}.{signature}",
        f"{head}.{body}.{signature[:-2]}",
        f"{head}.{body}.{signature}.{signature}",
        f"{head}. {body}.{signature}",
        f"{head}.{body}.{signature}\u00e9",
        f".{body}.{signature}",
        "..",
        "a" * 9000,
    ):
        assert slug(send(app, world, text)) == "token-invalid"
    for scheme in ("Basic", "Digest", "", "DPoPx"):
        headers = auth_headers(app, world.first.phone.key, token, "GET", ME)
        headers["Authorization"] = f"{scheme} {token}"
        assert slug(app.test_client().get(ME, headers=headers)) == "token-invalid"


def test_a_token_expires_by_the_servers_clock(
    app: Flask, world: World, token: str, clock: FixedClock
) -> None:
    clock.advance(timedelta(seconds=599))
    assert send(app, world, token).status_code == 200
    clock.advance(timedelta(seconds=1))
    assert slug(send(app, world, token)) == "token-expired"
    with pytest.raises(TokenExpired):
        tokens.read(runtime_of(app), token)


def test_rotation_overlaps_and_retiring_ends_it(app: Flask, world: World, token: str) -> None:
    runtime = runtime_of(app)
    old = runtime.keyring.active(TOKEN)
    new = runtime.keyring.add(TOKEN)
    assert runtime.keyring.active(TOKEN).kid == new.kid != old.kid
    assert send(app, world, token).status_code == 200
    newer = access_token(app, world.first.officer, world.first.phone)
    header = json.loads(b64url_decode(newer.split(".")[0]))
    assert header == {"alg": "EdDSA", "typ": "at+jwt", "kid": new.kid}
    runtime.keyring.retire(old.kid)
    assert slug(send(app, world, token)) == "token-invalid"
    assert send(app, world, newer).status_code == 200


def test_a_stolen_token_is_useless_without_the_key(app: Flask, world: World, token: str) -> None:
    thief = PrivateKey.generate(Algorithm.ES256)
    headers = auth_headers(app, thief, token, "GET", ME)
    assert slug(app.test_client().get(ME, headers=headers)) == "proof-invalid"
    headers = auth_headers(app, world.first.dock.key, token, "GET", ME)
    assert slug(app.test_client().get(ME, headers=headers)) == "proof-invalid"


def test_revocations_work_from_the_next_request_on(app: Flask, world: World, token: str) -> None:
    court = world.first
    now = runtime_of(app).clock.now()
    assert send(app, world, token).status_code == 200
    sign_in_id = uuid.UUID(claims_of(token)["sid"])

    def set_row(table: type[Any], key: uuid.UUID, **values: Any) -> None:
        with unit_of_work(EVERY_COURT) as session:
            row = session.get_one(table, key)
            for name, value in values.items():
                setattr(row, name, value)

    set_row(Device, court.phone.id, revoked_at=now)
    assert slug(send(app, world, token)) == "device-revoked"
    unattended = auth_headers(app, court.phone.key, device_token(app, court.phone), "GET", ME)
    assert slug(app.test_client().get(ME, headers=unattended)) == "device-revoked"
    set_row(Device, court.phone.id, revoked_at=None)

    set_row(User, court.officer.id, disabled_at=now)
    assert slug(send(app, world, token)) == "session-revoked"
    set_row(User, court.officer.id, disabled_at=None)

    set_row(SignIn, sign_in_id, revoked_at=now)
    assert slug(send(app, world, token)) == "session-revoked"


def test_an_upload_token_ends_with_grant_device_and_person(app: Flask, world: World) -> None:
    court = world.first
    runtime = runtime_of(app)
    now = runtime.clock.now()
    text = upload_token(app, court.officer, court.phone, runtime.ids(), [])
    grant_id = tokens.read(runtime, text).subject

    def attempt() -> str:
        headers = {"Authorization": f"Bearer {text}"}
        return slug(app.test_client().get(ME, headers=headers))

    assert attempt() == "token-wrong-type"
    for table, key, column, expected in (
        (UploadGrant, grant_id, "revoked_at", "token-invalid"),
        (Device, court.phone.id, "revoked_at", "device-revoked"),
        (User, court.officer.id, "disabled_at", "session-revoked"),
    ):
        with unit_of_work(EVERY_COURT) as session:
            setattr(session.get_one(table, key), column, now)
        assert attempt() == expected
        with unit_of_work(EVERY_COURT) as session:
            setattr(session.get_one(table, key), column, None)
    assert attempt() == "token-wrong-type"


def test_a_token_for_a_foreign_court_finds_nothing(app: Flask, world: World) -> None:
    """Even a token that the server signed counts only together with its row."""
    runtime = runtime_of(app)
    phone = world.first.phone
    life = runtime.clock.now() + timedelta(minutes=5)
    jkt = phone.key.public.thumbprint
    claims = Claims(TokenType.DEVICE, phone.id, world.second.id, life, jkt, ep=1)
    headers = auth_headers(app, phone.key, tokens.issue(runtime, claims), "GET", ME)
    assert slug(app.test_client().get(ME, headers=headers)) == "token-invalid"
    claims = replace(claims, court_id=world.first.id, ep=2)
    headers = auth_headers(app, phone.key, tokens.issue(runtime, claims), "GET", ME)
    assert slug(app.test_client().get(ME, headers=headers)) == "token-invalid"


def test_a_device_is_seen_at_most_once_a_minute(
    app: Flask, world: World, clock: FixedClock
) -> None:
    caller = world.caller(world.first.officer)

    def last_seen() -> Any:
        with unit_of_work(EVERY_COURT, write=False) as session:
            device = session.get_one(Device, world.first.phone.id)
            return device.last_seen_at, device.version

    assert caller.get("/me").status_code == 200
    first = last_seen()
    assert first == (clock.now(), 1)
    clock.advance(timedelta(seconds=30))
    caller.get("/me")
    assert last_seen() == first
    clock.advance(timedelta(seconds=31))
    caller.get("/me")
    assert last_seen() == (clock.now(), 1)
