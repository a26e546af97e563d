"""Accounts: one's own, and what an administrator does with others'."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any

import pyotp
from flask import Flask

from server.core.clock import FixedClock, unix_ms
from server.core.permissions import Role
from server.core.transactions import EVERY_COURT, unit_of_work
from server.identity.models import User
from server.identity.passwords import hash_password, verify_password
from tests.factories.identity import (
    PASSWORD,
    Caller,
    World,
    runtime_of,
    sign_in,
)
from tests.integration.identity.helpers import outbox, payload, recorded, slug

NEW = {
    "login": "new.officer",
    "name": "新虚构",
    "post": "enforcement_officer",
    "roles": ["officer"],
}


def test_an_added_person_signs_in_with_the_temporary_password(app: Flask, world: World) -> None:
    administrator = world.caller(world.first.administrator)
    response = administrator.post("/users", json={**NEW, "login": " New.Officer"[1:]})
    assert response.status_code == 201
    body = response.get_json()
    assert (body["login"], body["roles"]) == ("new.officer", ["officer"])
    assert response.headers["ETag"] == '"1"'
    temporary = body["temporary_password"]
    answer = sign_in(
        app, world.first.officer, world.first.phone, login="new.officer", password=temporary
    )
    assert answer.get_json()["password_change_required"] is True
    (event,) = outbox(app, "user.added")
    assert temporary not in payload(event)
    assert event.court_id == world.first.id
    shown = administrator.get(f"/users/{body['id']}").get_json()
    assert "temporary_password" not in shown


def test_a_login_is_taken_in_every_court(app: Flask, world: World) -> None:
    for court in (world.first, world.second):
        administrator = world.caller(court.administrator)
        taken = administrator.post("/users", json={**NEW, "login": world.first.officer.login})
        assert taken.status_code == 409
        assert slug(taken) == "conflict"
    assert "user.added" not in recorded(app)


def test_only_listed_fields_are_stored(app: Flask, world: World) -> None:
    administrator = world.caller(world.first.administrator)
    for extra in (
        {"court_id": str(world.second.id)},
        {"id": str(uuid.uuid4())},
        {"password_hash": "x"},
        {"password_temporary": False},
        {"version": 7},
        {"totp_secret": None},
    ):
        assert slug(administrator.post("/users", json={**NEW, **extra})) == "validation"
    several: tuple[Any, ...] = (
        {"login": "a b"},
        {"login": "x"},
        {"login": "nobody\n"},
        {"login": 5},
        {"name": "\u202e反"},
        {"name": "a\0"},
        {"name": " "},
        {"name": "x" * 101},
        {"post": "king"},
        {"roles": []},
        {"roles": ["root"]},
        {"roles": "officer"},
    )
    for wrong in several:
        assert slug(administrator.post("/users", json={**NEW, **wrong})) == "validation", wrong


def test_people_of_another_court_do_not_exist(app: Flask, world: World) -> None:
    administrator = world.caller(world.first.administrator)
    foreign = world.second.officer.id
    unknown = uuid.uuid4()
    for one in (foreign, unknown):
        for method, path, body in (
            ("GET", f"/users/{one}", None),
            ("PATCH", f"/users/{one}", {"name": "改名"}),
            ("POST", f"/users/{one}/password-reset", None),
            ("POST", f"/users/{one}/totp-reset", None),
            ("POST", f"/users/{one}/unlock", None),
        ):
            response = administrator.request(method, path, json=body)
            assert slug(response) == "not-found", (method, path)
    listed = {one["id"] for one in administrator.get("/users?limit=100").get_json()["items"]}
    assert listed == {str(person.id) for person in world.first.people.values()}


def test_only_administrators_manage_and_leaders_look(app: Flask, world: World) -> None:
    court = world.first
    for name, person in court.people.items():
        caller = world.caller(person)
        manages = name == "administrator"
        looks = name in {"administrator", "supervisor", "president"}
        assert (caller.get("/users").status_code == 200) is looks, name
        assert (caller.post("/users", json={**NEW, "login": name}).status_code == 201) is manages
        reset = caller.post(f"/users/{court.liaison.id}/totp-reset")
        assert (reset.status_code == 204) is manages
    seen = world.caller(court.supervisor).get(f"/users/{court.officer.id}").get_json()
    assert seen["name"] == court.officer.name
    assert not {"login", "totp", "locked_until", "password_temporary"} & seen.keys()


def test_lists_are_paged_and_narrowed(app: Flask, world: World) -> None:
    administrator = world.caller(world.first.administrator)
    found: list[str] = []
    path = "/users?limit=3"
    while path:
        response = administrator.get(path)
        body = response.get_json()
        found += [one["id"] for one in body["items"]]
        cursor = body["next_cursor"]
        assert bool(cursor) == ("Link" in response.headers)
        path = f"/users?limit=3&cursor={cursor}" if cursor else ""
    assert len(found) == len(set(found)) == len(world.first.people)
    officers = administrator.get("/users?role=officer&limit=1").get_json()
    assert [one["roles"] for one in officers["items"]] == [["officer"]]
    assert officers["next_cursor"]
    assert administrator.get("/users?active=false").get_json()["items"] == []
    assert slug(administrator.get("/users?cursor=nonsense")) == "cursor-invalid"
    assert slug(administrator.get("/users?colour=red")) == "validation"
    assert slug(administrator.get("/users?limit=501")) == "validation"


def test_changes_need_the_version_that_was_read(app: Flask, world: World) -> None:
    administrator = world.caller(world.first.administrator)
    path = f"/users/{world.first.officer.id}"
    assert slug(administrator.patch(path, json={"name": "改名"})) == "precondition-required"
    etag = administrator.get(path).headers["ETag"]
    changed = administrator.patch(path, json={"name": "改名"}, headers={"If-Match": etag})
    assert changed.get_json()["name"] == "改名"
    stale = administrator.patch(path, json={"name": "再改"}, headers={"If-Match": etag})
    assert slug(stale) == "precondition-failed"
    etag = changed.headers["ETag"]
    same = administrator.patch(path, json={"name": "改名"}, headers={"If-Match": etag})
    assert same.headers["ETag"] == etag
    assert recorded(app) == ["user.changed"]


def test_roles_take_effect_at_once(app: Flask, world: World) -> None:
    court = world.first
    officer = world.caller(court.officer)
    assert slug(officer.get("/users")) == "forbidden"
    patch(world, court.officer.id, roles=["officer", "supervisor"])
    assert officer.get("/users").status_code == 200
    patch(world, court.officer.id, roles=["observer"])
    assert slug(officer.get("/devices")) == "forbidden"


def patch(world: World, user_id: uuid.UUID, **fields: Any) -> Any:
    administrator = world.caller(world.first.administrator)
    etag = administrator.get(f"/users/{user_id}").headers["ETag"]
    return administrator.patch(f"/users/{user_id}", json=fields, headers={"If-Match": etag})


def test_disabling_ends_everything_and_enabling_revives_no_sign_in(
    app: Flask, world: World
) -> None:
    officer, phone = world.first.officer, world.first.phone
    token = sign_in(app, officer, phone).get_json()["access_token"]
    caller = Caller(app, token, phone.key)
    assert patch(world, officer.id, disabled=True).get_json()["active"] is False
    assert slug(caller.get("/me")) == "session-revoked"
    assert slug(sign_in(app, officer, phone)) == "credentials-invalid"
    assert patch(world, officer.id, disabled=False).get_json()["active"] is True
    assert slug(caller.get("/me")) == "session-revoked"
    assert sign_in(app, officer, phone).status_code == 200


def test_nobody_raises_or_disables_themselves(world: World) -> None:
    own = world.first.administrator.id
    assert slug(patch(world, own, roles=["administrator", "president"])) == "forbidden"
    assert slug(patch(world, own, disabled=True)) == "forbidden"
    assert patch(world, own, name="自己改名").status_code == 200


def test_a_chosen_password_is_a_good_one(app: Flask, world: World) -> None:
    officer = world.caller(world.first.officer)
    for new in (
        "short",
        "aaaaaaaaaaaaaaa",
        f"x{world.first.officer.login}x",
        PASSWORD,
        "x" * 201,
    ):
        body = {"old": PASSWORD, "new": new}
        assert slug(officer.post("/me/password", json=body)) == "validation", new
    wrong = officer.post("/me/password", json={"old": "wrong", "new": "a long new password"})
    assert slug(wrong) == "credentials-invalid"
    assert recorded(app) == ["session.failed"]


def test_a_new_password_ends_other_sign_ins(app: Flask, world: World) -> None:
    officer, court = world.first.officer, world.first
    phone, dock = world.caller(officer, court.phone), world.caller(officer, court.dock)
    body = {"old": PASSWORD, "new": "a long new password"}
    assert phone.post("/me/password", json=body).status_code == 204
    assert phone.get("/me").status_code == 200
    assert slug(dock.get("/me")) == "session-revoked"
    assert slug(sign_in(app, officer, court.phone)) == "credentials-invalid"
    assert sign_in(app, officer, court.phone, password=body["new"]).status_code == 200


def test_guessing_the_old_password_locks(app: Flask, world: World) -> None:
    officer = world.caller(world.first.officer)
    answers = [
        slug(officer.post("/me/password", json={"old": "guess", "new": "a long new password"}))
        for _ in range(6)
    ]
    assert answers == ["credentials-invalid"] * 5 + ["account-locked"]
    assert slug(sign_in(app, world.first.officer, world.first.phone)) == "account-locked"


def test_setting_up_the_second_factor(app: Flask, world: World, clock: FixedClock) -> None:
    officer = world.caller(world.first.officer)
    assert slug(officer.post("/me/totp/confirm", json={"code": "123456"})) == "conflict"
    offer = officer.post("/me/totp").get_json()
    assert offer["uri"].startswith("otpauth://totp/")
    assert f"secret={offer['secret']}" in offer["uri"]
    # Not in force before it is confirmed.
    assert sign_in(app, world.first.officer, world.first.phone).status_code == 200
    assert slug(officer.post("/me/totp/confirm", json={"code": "000000"})) == "validation"
    code = pyotp.TOTP(offer["secret"]).generate_otp(unix_ms(clock.now()) // 30_000)
    assert officer.post("/me/totp/confirm", json={"code": code}).status_code == 204
    assert officer.get("/me").get_json()["user"]["totp"] is True
    assert slug(sign_in(app, world.first.officer, world.first.phone)) == "totp-required"
    # The code that confirmed is used up.
    replayed = sign_in(app, world.first.officer, world.first.phone, totp=code)
    assert slug(replayed) == "credentials-invalid"
    assert slug(officer.post("/me/totp")) == "conflict"
    with unit_of_work(EVERY_COURT, write=False) as session:
        sealed = session.get_one(User, world.first.officer.id).totp_secret
    assert sealed is not None
    assert offer["secret"] not in sealed
    clock.advance(timedelta(seconds=60))
    administrator = world.caller(world.first.administrator)
    path = f"/users/{world.first.officer.id}/totp-reset"
    assert administrator.post(path).status_code == 204
    assert sign_in(app, world.first.officer, world.first.phone).status_code == 200
    assert [k for k in recorded(app) if k.startswith("totp")] == ["totp.enabled", "totp.reset"]


def test_what_each_role_may_do_is_in_me(app: Flask, world: World) -> None:
    may = {
        name: set(world.caller(person).get("/me").get_json()["permissions"])
        for name, person in world.first.people.items()
    }
    assert "users.manage" in may["administrator"]
    assert not any(one.startswith(("cases", "evidence")) for one in may["administrator"])
    assert may["supervisor"] > may["officer"]
    assert may["observer"] == may["liaison"] == {"signed-in"}
    assert set(world.first.people) >= {role.value for role in Role}


def test_hashes_of_passwords_are_salted_and_slow_on_purpose(app: Flask) -> None:
    first, second = hash_password("马 pass word"), hash_password("马 pass word")
    assert first != second
    assert first.startswith("$argon2id$v=19$m=65536,t=3,p=4$")
    assert verify_password(first, "马 pass word")
    assert not verify_password(first, "马 pass word ")
    assert not verify_password(None, "the password of nobody")
    assert not verify_password("not a hash", "x")
    assert verify_password(hash_password("e\u0301tude secrete"), "\u00e9tude secrete")


def test_the_audit_trail_knows_no_secret(app: Flask, world: World) -> None:
    administrator = world.caller(world.first.administrator)
    body = administrator.post("/users", json=NEW).get_json()
    reset = administrator.post(f"/users/{body['id']}/password-reset").get_json()
    offer = world.caller(world.first.officer).post("/me/totp").get_json()
    runtime_of(app)
    for kind in set(recorded(app)):
        for event in outbox(app, kind):
            for secret in (body["temporary_password"], reset["temporary_password"]):
                assert secret not in payload(event)
            assert offer["secret"] not in payload(event)
