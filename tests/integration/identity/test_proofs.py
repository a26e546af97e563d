"""DPoP proofs: fresh by the server's nonce, bound to request and token, good once."""

from __future__ import annotations

import base64
import json
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from client_sdk.protocol.encoding import b64url_encode
from client_sdk.protocol.keys import Algorithm, PrivateKey
from server.core.clock import FixedClock
from server.core.transactions import EVERY_COURT, unit_of_work
from server.identity import compact, dpop
from server.identity.models import ProofSeen
from tests.factories.identity import (
    API,
    World,
    access_token,
    auth_headers,
    proof_claims,
    runtime_of,
    sign_proof,
)
from tests.integration.identity.helpers import slug

ME = f"{API}/me"


class Request:
    """A good signed request, of which a test spoils one part."""

    def __init__(self, app: Flask, world: World) -> None:
        self.app = app
        self.key = world.first.phone.key
        self.token = access_token(app, world.first.officer, world.first.phone)
        self.claims = proof_claims(app, "GET", ME, self.token)

    def send(self, header: dict[str, Any] | None = None, **claims: Any) -> Any:
        """With changed header members and claims; a claim of ``None`` is left out."""
        changed = {**self.claims, **claims}
        kept = {name: value for name, value in changed.items() if value is not None}
        return self.send_proof(sign_proof(self.key, kept, header))

    def send_proof(self, proof: str) -> Any:
        headers = {"Authorization": f"DPoP {self.token}", "DPoP": proof}
        return self.app.test_client().get(ME, headers=headers)


@pytest.fixture
def good(app: Flask, world: World) -> Request:
    """A request that would succeed."""
    return Request(app, world)


def test_a_good_proof_is_good_once(app: Flask, good: Request) -> None:
    proof = sign_proof(good.key, good.claims)
    assert good.send_proof(proof).status_code == 200
    again = good.send_proof(proof)
    assert again.status_code == 401
    assert slug(again) == "proof-replayed"
    assert good.send(jti="another").status_code == 200
    # A new signature over the same jti and nonce is a replay as well.
    assert slug(good.send(iat=5)) == "proof-replayed"


def test_another_device_cannot_use_up_a_jti(app: Flask, world: World, good: Request) -> None:
    dock = world.first.dock
    token = access_token(app, world.first.supervisor, dock)
    claims = {**good.claims, "ath": dpop.token_hash(token)}
    headers = {"Authorization": f"DPoP {token}", "DPoP": sign_proof(dock.key, claims)}
    assert app.test_client().get(ME, headers=headers).status_code == 200
    assert good.send().status_code == 200


def test_the_device_clock_is_not_judged(good: Request) -> None:
    for number, iat in enumerate((0, 4_102_444_800, 1.5)):
        assert good.send(iat=iat, jti=f"iat {number}").status_code == 200


def test_a_missing_or_foreign_nonce_is_answered_with_one(app: Flask, good: Request) -> None:
    forged = good.claims["nonce"][:-1] + ("0" if good.claims["nonce"][-1] != "0" else "1")
    foreign = (None, "", forged, "zz." + "0" * 32, "nonsense", 5, "0" * 5000, "é.f")
    for number, nonce in enumerate(foreign):
        response = good.send(nonce=nonce)
        assert slug(response) == "use-dpop-nonce"
        assert 'error="use_dpop_nonce"' in response.headers["WWW-Authenticate"]
        fresh = response.headers["DPoP-Nonce"]
        assert good.send(nonce=fresh, jti=f"after {number}").status_code == 200


def test_a_nonce_ages_by_the_servers_clock(good: Request, clock: FixedClock) -> None:
    clock.advance(timedelta(seconds=300))
    assert good.send().status_code == 200
    clock.advance(timedelta(milliseconds=1))
    assert slug(good.send(jti="late")) == "use-dpop-nonce"
    clock.advance(timedelta(hours=-1))
    assert slug(good.send(jti="from the future")) == "use-dpop-nonce"


def test_every_answer_offers_a_nonce(app: Flask, world: World) -> None:
    client = app.test_client()
    for path in (ME, f"{API}/server", "/nowhere", "/healthz"):
        nonce = client.get(path).headers["DPoP-Nonce"]
        assert dpop.nonce_is_fresh(runtime_of(app), nonce)


SOMETHING_ELSE: list[dict[str, Any]] = [
    {"htm": "POST"},
    {"htm": "get"},
    {"htm": None},
    {"htu": "http://localhost/api/v1/users"},
    {"htu": "https://localhost/api/v1/me"},
    {"htu": "http://evil.example/api/v1/me"},
    {"htu": "http://localhost:81/api/v1/me"},
    {"htu": "http://localhost@evil.example/api/v1/me"},
    {"htu": "http://user:pw@localhost/api/v1/me"},
    {"htu": "http://[::1/api/v1/me"},
    {"htu": None},
    {"htu": 5},
    {"ath": None},
    {"ath": "x"},
    {"ath": dpop.token_hash("another token")},
    {"jti": None},
    {"jti": ""},
    {"jti": "x" * 600},
    {"jti": 7},
    {"iat": None},
    {"iat": "now"},
    {"iat": True},
]


def test_a_proof_for_something_else_is_refused(good: Request) -> None:
    for claims in SOMETHING_ELSE:
        assert slug(good.send(**claims)) == "proof-invalid", claims


def test_an_address_is_compared_without_query_and_in_normal_form(good: Request) -> None:
    for number, htu in enumerate(
        (
            "http://localhost/api/v1/me?x=1#y",
            "HTTP://LOCALHOST:80/api/v1/me",
            "http://localhost/api/v1/%6De",
        )
    ):
        assert good.send(htu=htu, jti=f"htu {number}").status_code == 200


ANOTHER_KIND: list[dict[str, Any]] = [
    {"typ": "JWT"},
    {"typ": "at+jwt"},
    {"typ": None},
    {"alg": "none"},
    {"alg": "HS256"},
    {"alg": "RS256"},
    {"alg": "EdDSA"},
    {"alg": ["ES256"]},
    {"kid": "a key of mine"},
    {"jku": "http://127.0.0.1:1/keys"},
    {"x5u": "http://127.0.0.1:1/cert"},
    {"crit": ["b64"], "b64": False},
    {"jwk": {"kty": "oct", "k": "c2VjcmV0"}},
    {"jwk": {"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA"}},
    {"jwk": "a text"},
    {"jwk": None},
]


def test_a_header_of_another_kind_is_refused(good: Request) -> None:
    for header in ANOTHER_KIND:
        assert slug(good.send(header)) == "proof-invalid", header


def test_a_private_key_in_the_proof_is_refused(good: Request) -> None:
    jwk = {**good.key.public.to_jwk(), "d": "AAAA"}
    assert slug(good.send({"jwk": jwk})) == "proof-invalid"


def test_a_proof_of_another_key_is_refused(good: Request) -> None:
    for alg in Algorithm:
        other = PrivateKey.generate(alg)
        assert slug(good.send_proof(sign_proof(other, good.claims))) == "proof-invalid"
    # The embedded key is the right one, the signature somebody else's.
    other = PrivateKey.generate(Algorithm.ES256)
    header = {"typ": "dpop+jwt", "alg": "ES256", "jwk": good.key.public.to_jwk()}
    signed = compact.write(header, good.claims)
    proof = f"{signed}.{b64url_encode(other.sign(signed.encode()))}"
    assert slug(good.send_proof(proof)) == "proof-invalid"


def test_unsigned_and_mangled_proofs_are_refused(good: Request) -> None:
    proof = sign_proof(good.key, good.claims)
    head, body, signature = proof.split(".")
    twice = b64url_encode(b'{"htm":"GET","htm":"POST"}')
    for mangled in (
        f"{head}.{body}.",
        f"{head}.{body}",
        f"{head}.{body}.{signature}.",
        f"{head}.{body}.{signature}=",
        f"{head}.{body}.{base64.b64encode(b'x' * 64).decode()}",
        f"{head}.{twice}.{signature}",
        f"{head}.{b64url_encode(b'[]')}.{signature}",
        f"{head}.{b64url_encode(b'[' * 3000)}.{signature}",
        f"{head}.{b64url_encode(b'NaN')}.{signature}",
        f"{head}.{b64url_encode(bytes([255]))}.{signature}",
        f"{proof}, {proof}",
        "x" * 20_000,
        "🙂.🙂.🙂".encode().decode("latin-1"),
    ):
        assert slug(good.send_proof(mangled)) == "proof-invalid"


def test_ed25519_goes_by_both_of_its_names(app: Flask, world: World) -> None:
    dock = world.first.dock
    token = access_token(app, world.first.officer, dock)
    for alg in ("EdDSA", "Ed25519"):
        claims = proof_claims(app, "GET", ME, token)
        headers = {
            "Authorization": f"DPoP {token}",
            "DPoP": sign_proof(dock.key, claims, {"alg": alg}),
        }
        assert app.test_client().get(ME, headers=headers).status_code == 200


def test_no_proof_at_all(app: Flask, good: Request) -> None:
    response = app.test_client().get(ME, headers={"Authorization": f"DPoP {good.token}"})
    assert slug(response) == "proof-invalid"
    assert "invalid_dpop_proof" in response.headers["WWW-Authenticate"]


def test_used_proofs_are_forgotten_after_their_nonce_died(
    app: Flask, good: Request, clock: FixedClock
) -> None:
    for number in range(3):
        assert good.send(jti=f"number {number}").status_code == 200
    clock.advance(timedelta(seconds=601))
    with unit_of_work(EVERY_COURT) as session:
        dpop.prune(session, runtime_of(app))
        count = session.execute(sa.select(sa.func.count()).select_from(ProofSeen)).scalar_one()
    assert count == 0


def test_a_refused_request_still_uses_up_its_proof(app: Flask, world: World) -> None:
    phone, officer = world.first.phone, world.first.officer
    token = access_token(app, officer, phone)
    path = f"{API}/me/password"
    headers = auth_headers(app, phone.key, token, "POST", path)
    body = {"old": "not the password", "new": "something entirely new"}
    first = app.test_client().post(path, json=body, headers=headers)
    assert slug(first) == "credentials-invalid"
    second = app.test_client().post(path, json=body, headers=headers)
    assert slug(second) == "proof-replayed"


def test_the_test_proof_is_plain_json(good: Request) -> None:
    head = sign_proof(good.key, good.claims).split(".")[0]
    assert json.loads(base64.urlsafe_b64decode(head + "=="))["typ"] == "dpop+jwt"
