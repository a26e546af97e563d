"""Signing in: by password with lock-out, by the device's key, by a refresh token."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import Any

import pyotp
import sqlalchemy as sa
from flask import Flask

from client_sdk.protocol.keys import Algorithm, PrivateKey
from server.core.clock import FixedClock, unix_ms
from server.core.transactions import EVERY_COURT, unit_of_work
from server.identity import totp
from server.identity.models import Device, SignIn, SignInGuard, User
from tests.factories.identity import (
    API,
    PASSWORD,
    Caller,
    FieldDevice,
    Person,
    World,
    add_device,
    auth_headers,
    proof_claims,
    proof_headers,
    runtime_of,
    sign_in,
    sign_proof,
)
from tests.integration.identity.helpers import outbox, payload, recorded, slug

TOKEN = f"{API}/auth/token"


def grant(app: Flask, key: PrivateKey, **body: Any) -> Any:
    headers = proof_headers(app, key, "POST", TOKEN)
    return app.test_client().post(TOKEN, json=body, headers=headers)


def with_totp(app: Flask, person: Person) -> str:
    runtime = runtime_of(app)
    secret = totp.new_secret(runtime.randbytes)
    with unit_of_work(EVERY_COURT) as session:
        user = session.get_one(User, person.id)
        user.totp_secret = totp.seal(runtime.keyring, user.id, secret)
        user.totp_confirmed_at = runtime.clock.now()
    return secret


def code_now(app: Flask, secret: str) -> str:
    return pyotp.TOTP(secret).generate_otp(unix_ms(runtime_of(app).clock.now()) // 30_000)


def test_a_password_gives_a_token_bound_to_person_and_device(app: Flask, world: World) -> None:
    officer, phone = world.first.officer, world.first.phone
    response = sign_in(app, officer, phone)
    assert response.status_code == 200
    body = response.get_json()
    assert (body["token_type"], body["expires_in"]) == ("DPoP", 600)
    assert body["password_change_required"] is False
    me = Caller(app, body["access_token"], phone.key).get("/me").get_json()
    assert me["user"]["id"] == str(officer.id)
    assert me["device"]["id"] == str(phone.id)
    assert me["court"]["id"] == str(world.first.id)
    assert "sync.push" in me["permissions"]
    assert recorded(app) == ["session.signed-in"]
    (event,) = outbox(app, "session.signed-in")
    assert event.court_id == world.first.id
    assert PASSWORD not in payload(event)


def test_a_login_is_the_same_however_it_is_typed(app: Flask, world: World) -> None:
    for login in ("OFFICER.one", " officer.one ", "ｏｆｆｉｃｅｒ．ｏｎｅ"):
        assert sign_in(app, world.first.officer, world.first.phone, login=login).status_code == 200


def test_a_key_that_is_not_enrolled_signs_in_without_a_device(app: Flask, world: World) -> None:
    key = PrivateKey.generate(Algorithm.ED25519)
    body = {"grant": "password", "login": world.first.officer.login, "password": PASSWORD}
    caller = Caller(app, grant(app, key, **body).get_json()["access_token"], key)
    assert caller.get("/me").get_json()["device"] is None
    assert slug(caller.post("/upload-grants", json=_grant_body(app))) in {"forbidden", "not-found"}


def _grant_body(app: Flask) -> dict[str, Any]:
    objects = [{"sha256": "0" * 64, "size_bytes": 1}]
    return {"case_id": str(runtime_of(app).ids()), "objects": objects}


def test_wrong_password_and_unknown_login_answer_alike(app: Flask, world: World) -> None:
    phone = world.first.phone
    wrong = sign_in(app, world.first.officer, phone, password="something else")
    unknown = sign_in(app, world.first.officer, phone, login="nobody.here")
    for response in (wrong, unknown):
        assert response.status_code == 401
        assert slug(response) == "credentials-invalid"
    first, second = wrong.get_json(), unknown.get_json()
    del first["instance"], second["instance"]
    assert first == second
    assert set(wrong.headers.keys()) == set(unknown.headers.keys())
    # Only the real account's court learns of it.
    (event,) = outbox(app, "session.failed")
    assert event.subject_id == str(world.first.officer.id)


def test_failures_lock_a_login_whether_or_not_it_exists(app: Flask, world: World) -> None:
    phone = world.first.phone
    for login in (world.first.officer.login, "nobody.here"):
        answers = [
            slug(sign_in(app, world.first.officer, phone, login=login, password="wrong password"))
            for _ in range(7)
        ]
        assert answers == ["credentials-invalid"] * 5 + ["account-locked"] * 2
    locked = sign_in(app, world.first.officer, phone)
    assert locked.status_code == 403
    assert slug(locked) == "account-locked"
    assert 0 < int(locked.headers["Retry-After"]) <= 900
    assert recorded(app) == ["session.failed"] * 5 + ["account.locked"]
    # Others are not concerned.
    assert sign_in(app, world.first.second_officer, phone).status_code == 200


def lock(app: Flask, person: Person, device: FieldDevice) -> None:
    for _ in range(5):
        assert slug(sign_in(app, person, device, password="wrong password")) == (
            "credentials-invalid"
        )
    assert slug(sign_in(app, person, device)) == "account-locked"


def test_a_lock_ends_by_time(app: Flask, world: World, clock: FixedClock) -> None:
    officer, phone = world.first.officer, world.first.phone
    lock(app, officer, phone)
    clock.advance(timedelta(seconds=899))
    assert slug(sign_in(app, officer, phone)) == "account-locked"
    clock.advance(timedelta(seconds=1))
    assert sign_in(app, officer, phone).status_code == 200
    with unit_of_work(EVERY_COURT, write=False) as session:
        assert session.execute(sa.select(SignInGuard)).first() is None


def test_a_lock_ends_by_an_administrator_of_the_court(app: Flask, world: World) -> None:
    officer, phone = world.first.officer, world.first.phone
    lock(app, officer, phone)
    administrator = world.caller(world.first.administrator)
    shown = administrator.get(f"/users/{officer.id}").get_json()
    assert shown["locked_until"] is not None
    foreign = world.caller(world.second.administrator)
    assert slug(foreign.post(f"/users/{officer.id}/unlock")) == "not-found"
    supervisor = world.caller(world.first.supervisor)
    assert slug(supervisor.post(f"/users/{officer.id}/unlock")) == "forbidden"
    assert administrator.post(f"/users/{officer.id}/unlock").status_code == 204
    assert sign_in(app, officer, phone).status_code == 200
    assert "user.unlocked" in recorded(app)


def test_an_old_failure_is_forgotten_and_a_success_clears(
    app: Flask, world: World, clock: FixedClock
) -> None:
    officer, phone = world.first.officer, world.first.phone
    for _ in range(4):
        sign_in(app, officer, phone, password="wrong password")
    clock.advance(timedelta(hours=25))
    sign_in(app, officer, phone, password="wrong password")
    assert sign_in(app, officer, phone).status_code == 200
    for _ in range(4):
        sign_in(app, officer, phone, password="wrong password")
    assert sign_in(app, officer, phone).status_code == 200


def test_attempts_at_the_same_moment_all_count(app: Flask, world: World) -> None:
    officer, phone = world.first.officer, world.first.phone
    answers: list[str] = []

    def guess() -> None:
        with app.app_context():
            answers.append(slug(sign_in(app, officer, phone, password="wrong password")))

    threads = [threading.Thread(target=guess) for _ in range(9)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers) == ["account-locked"] * 4 + ["credentials-invalid"] * 5


def test_a_disabled_account_answers_like_a_wrong_password(app: Flask, world: World) -> None:
    with unit_of_work(EVERY_COURT) as session:
        user = session.get_one(User, world.first.officer.id)
        user.disabled_at = runtime_of(app).clock.now()
    response = sign_in(app, world.first.officer, world.first.phone)
    assert slug(response) == "credentials-invalid"


def test_a_revoked_or_foreign_device_does_not_sign_in(app: Flask, world: World) -> None:
    officer, phone = world.first.officer, world.first.phone
    assert slug(sign_in(app, officer, world.second.phone)) == "forbidden"
    with unit_of_work(EVERY_COURT) as session:
        session.get_one(Device, phone.id).revoked_at = runtime_of(app).clock.now()
    assert slug(sign_in(app, officer, phone)) == "device-revoked"
    assert slug(grant(app, phone.key, grant="device")) == "device-revoked"


def test_the_second_factor(app: Flask, world: World, clock: FixedClock) -> None:
    officer, phone = world.first.officer, world.first.phone
    secret = with_totp(app, officer)
    assert slug(sign_in(app, officer, phone)) == "totp-required"
    assert slug(sign_in(app, officer, phone, totp="000000")) == "credentials-invalid"
    assert slug(sign_in(app, officer, phone, totp="١٢٣٤٥٦")) == "credentials-invalid"
    code = code_now(app, secret)
    assert sign_in(app, officer, phone, totp=code).status_code == 200
    # The same code, still within its half minute, is a replay.
    assert slug(sign_in(app, officer, phone, totp=code)) == "credentials-invalid"
    clock.advance(timedelta(seconds=30))
    assert slug(sign_in(app, officer, phone, totp=code)) == "credentials-invalid"
    assert sign_in(app, officer, phone, totp=code_now(app, secret)).status_code == 200
    clock.advance(timedelta(seconds=90))
    late = pyotp.TOTP(secret).generate_otp(unix_ms(clock.now()) // 30_000 - 2)
    assert slug(sign_in(app, officer, phone, totp=late)) == "credentials-invalid"


def test_the_second_factor_cannot_be_guessed(app: Flask, world: World) -> None:
    """A right password without code is no failure, and clears none either."""
    officer, phone = world.first.officer, world.first.phone
    with_totp(app, officer)
    answers = []
    for _ in range(5):
        answers += [
            slug(sign_in(app, officer, phone)),
            slug(sign_in(app, officer, phone, totp="000000")),
        ]
    assert answers == ["totp-required", "credentials-invalid"] * 5
    assert slug(sign_in(app, officer, phone)) == "account-locked"


def test_a_device_signs_in_by_its_key_alone(app: Flask, world: World) -> None:
    phone = world.first.phone
    body = grant(app, phone.key, grant="device").get_json()
    assert "refresh_token" not in body
    caller = Caller(app, body["access_token"], phone.key)
    assert slug(caller.get("/me")) == "token-wrong-type"
    assert slug(caller.get("/devices")) == "token-wrong-type"
    unknown = grant(app, PrivateKey.generate(Algorithm.ES256), grant="device")
    assert slug(unknown) == "credentials-invalid"


def test_a_refresh_needs_the_key_and_ends_with_the_sign_in(
    app: Flask, world: World, clock: FixedClock
) -> None:
    officer, phone = world.first.officer, world.first.phone
    first = sign_in(app, officer, phone).get_json()
    refresh = first["refresh_token"]
    clock.advance(timedelta(seconds=700))
    caller = Caller(app, first["access_token"], phone.key)
    assert slug(caller.get("/me")) == "token-expired"
    second = grant(app, phone.key, grant="refresh", refresh_token=refresh).get_json()
    assert Caller(app, second["access_token"], phone.key).get("/me").status_code == 200
    stolen = grant(app, world.first.dock.key, grant="refresh", refresh_token=refresh)
    assert slug(stolen) == "proof-invalid"
    made_up = grant(app, phone.key, grant="refresh", refresh_token="x" * 43)
    assert slug(made_up) == "token-invalid"
    clock.advance(timedelta(hours=12) - timedelta(seconds=800))
    last = grant(app, phone.key, grant="refresh", refresh_token=refresh).get_json()
    assert last["expires_in"] == 100
    clock.advance(timedelta(seconds=100))
    over = grant(app, phone.key, grant="refresh", refresh_token=refresh)
    assert slug(over) == "session-revoked"


def test_signing_out_ends_access_and_refresh(app: Flask, world: World) -> None:
    officer, phone = world.first.officer, world.first.phone
    body = sign_in(app, officer, phone).get_json()
    caller = Caller(app, body["access_token"], phone.key)
    assert caller.post("/auth/logout").status_code == 204
    assert slug(caller.get("/me")) == "session-revoked"
    again = grant(app, phone.key, grant="refresh", refresh_token=body["refresh_token"])
    assert slug(again) == "session-revoked"
    assert recorded(app)[-1] == "session.signed-out"


def test_refresh_tokens_are_not_stored(app: Flask, world: World) -> None:
    body = sign_in(app, world.first.officer, world.first.phone).get_json()
    with unit_of_work(EVERY_COURT, write=False) as session:
        stored = session.execute(sa.select(SignIn.refresh_hash)).scalars().all()
    assert body["refresh_token"] not in stored


def test_a_token_request_needs_a_proof_without_token(app: Flask, world: World) -> None:
    officer, phone = world.first.officer, world.first.phone
    body = {"grant": "password", "login": officer.login, "password": PASSWORD}
    client = app.test_client()
    assert slug(client.post(TOKEN, json=body)) == "proof-invalid"
    claims = proof_claims(app, "POST", TOKEN)
    del claims["nonce"]
    response = client.post(TOKEN, json=body, headers={"DPoP": sign_proof(phone.key, claims)})
    assert slug(response) == "use-dpop-nonce"
    proof = {"DPoP": sign_proof(phone.key, proof_claims(app, "POST", TOKEN))}
    assert client.post(TOKEN, json=body, headers=proof).status_code == 200
    assert slug(client.post(TOKEN, json=body, headers=proof)) == "proof-replayed"
    claims = proof_claims(app, "POST", TOKEN, "a token")
    response = client.post(TOKEN, json=body, headers={"DPoP": sign_proof(phone.key, claims)})
    assert slug(response) == "proof-invalid"


def test_bodies_of_another_form(app: Flask, world: World) -> None:
    key = world.first.phone.key
    for body in (
        {},
        {"grant": "magic"},
        {"grant": "password"},
        {"grant": "password", "login": "x"},
        {"grant": "password", "login": "x", "password": ""},
        {"grant": "password", "login": "x\0", "password": "y"},
        {"grant": "password", "login": "x", "password": "y" * 2000},
        {"grant": "password", "login": "x", "password": "y", "refresh_token": "z"},
        {"grant": "device", "login": "x"},
        {"grant": "refresh"},
        {"grant": "device", "role": "administrator"},
        {"grant": "device", "access_token_seconds": 999_999},
    ):
        response = grant(app, key, **body)
        assert slug(response) == "validation", body
        assert "y" * 100 not in response.get_data(as_text=True)
    headers = proof_headers(app, key, "POST", TOKEN)
    response = app.test_client().post(TOKEN, data=b"{" * 9, headers=headers)
    assert slug(response) == "unsupported-media-type"


def test_a_temporary_password_only_lets_one_choose_another(app: Flask, world: World) -> None:
    officer, phone = world.first.officer, world.first.phone
    administrator = world.caller(world.first.administrator)
    reset = administrator.post(f"/users/{officer.id}/password-reset")
    temporary = reset.get_json()["temporary_password"]
    assert slug(sign_in(app, officer, phone)) == "credentials-invalid"
    body = sign_in(app, officer, phone, password=temporary).get_json()
    assert body["password_change_required"] is True
    caller = Caller(app, body["access_token"], phone.key)
    for path in ("/me", "/devices", "/duty-bookings"):
        assert slug(caller.get(path)) == "password-change-required"
    chosen = {"old": temporary, "new": "一个新的长密码 2026"}
    assert caller.post("/me/password", json=chosen).status_code == 204
    assert caller.get("/me").status_code == 200
    assert sign_in(app, officer, phone, password=chosen["new"]).status_code == 200


def test_a_second_phone_of_the_same_person(app: Flask, world: World) -> None:
    officer = world.first.officer
    other = add_device(app, world.first.id, alg=Algorithm.ED25519)
    first = sign_in(app, officer, world.first.phone).get_json()["access_token"]
    second = sign_in(app, officer, other).get_json()["access_token"]
    crossed = auth_headers(app, other.key, first, "GET", f"{API}/me")
    assert slug(app.test_client().get(f"{API}/me", headers=crossed)) == "proof-invalid"
    me = Caller(app, second, other.key).get("/me").get_json()
    assert me["device"]["id"] == str(other.id)
