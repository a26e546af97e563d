"""Courts, people and devices from the command line."""

from __future__ import annotations

import json

import pytest
import sqlalchemy as sa
from flask import Flask

from client_sdk.protocol.enrolment import enrolment_proof
from client_sdk.protocol.ids import short_code
from client_sdk.protocol.keys import Algorithm, PrivateKey
from server.audit.models import OutboxRow
from server.core.transactions import EVERY_COURT, unit_of_work
from server.identity import lockout
from server.identity.models import Court, Device, SignIn, User
from server.identity.passwords import verify_password
from tests.factories.commands import asked, run
from tests.factories.identity import Person, World, access_token, runtime_of

COURT = ("--name", "云溪县人民法院(虚构)", "--code", "样0101")


def add_court(app: Flask) -> None:
    asked(app, "court", "add", *COURT)


def add_officer(app: Flask, login: str = "li.yanshi") -> str:
    made = asked(
        app, "user", "add", "--court", "样0101", "--login", login, "--name", "李演示(虚构)",
        "--role", "officer",
    )  # fmt: skip
    password: str = made["temporary_password"]
    return password


def user(login: str) -> User:
    with unit_of_work(EVERY_COURT, write=False) as session:
        found = session.execute(sa.select(User).where(User.login == login)).scalar_one()
        session.expunge(found)
        return found


def events(kind: str) -> list[dict[str, object]]:
    with unit_of_work(EVERY_COURT, write=False) as session:
        rows = session.execute(sa.select(OutboxRow.p).where(OutboxRow.kind == kind))
        return [json.loads(text) for text in rows.scalars() if text]


def test_a_court_is_added_and_listed(app: Flask) -> None:
    made = asked(app, "court", "add", *COURT, "--region", "990101")
    assert asked(app, "court", "list")["courts"] == [made]
    assert made["code"] == "样0101"
    shown = run(app, "court", "list").stdout.splitlines()
    assert shown[0].split() == ["code", "name", "region", "id"]
    assert shown[1].split() == ["样0101", "云溪县人民法院(虚构)", "990101", made["id"]]


def test_the_log_says_who_typed(app: Flask) -> None:
    add_court(app)
    (event,) = events("court.added")
    by = event["by"]
    assert isinstance(by, dict)
    assert by["token"] == "system"
    assert by["purpose"].startswith("command line of ")


def test_a_court_code_is_taken_once(app: Flask) -> None:
    add_court(app)
    refused = asked(app, "court", "add", *COURT, code=1)
    assert refused["error"] == "conflict"


@pytest.mark.parametrize("code", ["", "0106", "粤 0106", "粤01066", "Yue"])
def test_a_court_code_has_a_form(app: Flask, code: str) -> None:
    done = run(app, "court", "add", "--name", "甲(虚构)", "--code", code)
    assert done.exit_code == 1
    assert "粤0106" in done.stderr
    assert done.stdout == ""


def test_a_person_gets_a_temporary_password(app: Flask) -> None:
    add_court(app)
    password = add_officer(app)
    row = user("li.yanshi")
    assert verify_password(row.password_hash, password)
    assert row.password_temporary
    assert (row.post, row.roles) == ("enforcement_officer", ["officer"])
    (shown,) = asked(app, "user", "list")["users"]
    assert (shown["state"], shown["court"], shown["totp"]) == (
        "temporary-password",
        "样0101",
        False,
    )


def test_a_password_comes_from_standard_input_only(app: Flask) -> None:
    add_court(app)
    made = asked(
        app, "user", "add", "--court", "样0101", "--login", "qian", "--name", "钱虚构",
        "--role", "supervisor", "--role", "administrator", "--password-stdin",
        typed="nine 样例 words of it\n",
    )  # fmt: skip
    assert made["temporary_password"] is None
    row = user("qian")
    assert verify_password(row.password_hash, "nine 样例 words of it")
    assert not row.password_temporary
    weak = run(
        app, "user", "add", "--court", "样0101", "--login", "sun", "--name", "孙样例",
        "--role", "officer", "--password-stdin", typed="short\n",
    )  # fmt: skip
    assert weak.exit_code == 1
    assert "characters" in weak.stderr


def test_one_login_however_it_is_typed(app: Flask) -> None:
    add_court(app)
    add_officer(app, "Li.Yanshi")
    again = run(
        app, "user", "add", "--court", "样0101", "--login", "ｌｉ.yanshi", "--name", "李二(虚构)",
        "--role", "officer",
    )  # fmt: skip
    assert again.exit_code == 1
    assert "is taken" in again.stderr
    assert asked(app, "user", "unlock", " LI.YANSHI ")["locked"] is False


@pytest.mark.parametrize(
    "wrong", [("--login", "a b"), ("--login", "x"), ("--name", " "), ("--name", "李\u202e演示")]
)
def test_odd_names_are_refused(app: Flask, wrong: tuple[str, str]) -> None:
    add_court(app)
    given = {"--login": "li.yanshi", "--name": "李演示(虚构)", wrong[0]: wrong[1]}
    flat = [part for pair in given.items() for part in pair]
    asked(app, "user", "add", "--court", "样0101", "--role", "officer", *flat, code=1)
    assert asked(app, "user", "list")["users"] == []


def test_an_unknown_role_is_an_error_of_the_command_line(app: Flask) -> None:
    done = run(
        app, "user", "add", "--court", "样0101", "--login", "li", "--name", "李", "--role", "king"
    )
    assert done.exit_code == 2


def test_an_unknown_court_or_login_says_what_to_ask(app: Flask) -> None:
    lost = run(app, "user", "list", "--court", "样9999")
    assert (lost.exit_code, "court list" in lost.stderr) == (1, True)
    lost = run(app, "user", "unlock", "nobody")
    assert (lost.exit_code, "user list" in lost.stderr) == (1, True)
    zh = run(app, "user", "unlock", "nobody", lang="zh")
    assert "没有账号" in zh.stderr


def officer_with_sign_in(app: Flask) -> Person:
    world = World.build(app)
    access_token(app, world.first.officer, world.first.phone)
    return world.first.officer


def live_sign_ins(person: Person) -> int:
    with unit_of_work(EVERY_COURT, write=False) as session:
        live = sa.select(SignIn).where(SignIn.user_id == person.id, SignIn.revoked_at.is_(None))
        return len(session.execute(live).all())


def test_a_reset_password_ends_every_sign_in(app: Flask) -> None:
    person = officer_with_sign_in(app)
    assert live_sign_ins(person) == 1
    reset = asked(app, "user", "reset-password", person.login)
    assert verify_password(user(person.login).password_hash, reset["temporary_password"])
    assert live_sign_ins(person) == 0
    assert len(events("password.reset")) == 1


def test_a_second_factor_is_taken_away(app: Flask) -> None:
    person = officer_with_sign_in(app)
    with unit_of_work(EVERY_COURT) as session:
        row = session.get_one(User, person.id)
        row.totp_secret, row.totp_confirmed_at = "sealed", runtime_of(app).clock.now()
    assert asked(app, "user", "reset-totp", person.login)["totp"] is False
    assert user(person.login).totp_secret is None
    assert live_sign_ins(person) == 0


def test_a_lock_is_shown_and_released(app: Flask) -> None:
    person = officer_with_sign_in(app)
    with unit_of_work(EVERY_COURT) as session:
        for _ in range(runtime_of(app).settings.sign_in_failures_max):
            lockout.begin(session, runtime_of(app), person.login)
    states = {one["login"]: one["state"] for one in asked(app, "user", "list")["users"]}
    assert states.pop(person.login) == "locked"
    assert set(states.values()) == {"active"}
    asked(app, "user", "unlock", person.login)
    states = {one["login"]: one["state"] for one in asked(app, "user", "list")["users"]}
    assert set(states.values()) == {"active"}


def test_an_account_is_disabled_and_enabled(app: Flask) -> None:
    person = officer_with_sign_in(app)
    asked(app, "user", "disable", person.login)
    assert user(person.login).disabled_at is not None
    assert live_sign_ins(person) == 0
    asked(app, "user", "disable", person.login, "--enable")
    assert user(person.login).disabled_at is None


def test_people_of_one_court_are_listed(app: Flask) -> None:
    world = World.build(app)
    own = asked(app, "user", "list", "--court", world.first.code)["users"]
    assert {one["login"] for one in own} == {one.login for one in world.first.people.values()}
    assert len(asked(app, "user", "list")["users"]) == 2 * len(own)


def test_a_code_lets_one_device_enrol(app: Flask) -> None:
    world = World.build(app)
    court, officer = world.first.code, world.first.officer
    offer = asked(
        app, "device", "code", "--court", court, "--name", "手机 3", "--holder", officer.login
    )
    assert offer["kind"] == "phone"
    assert offer["qr"].startswith(f"TZE1|http://localhost|{offer['code']}|")
    assert len(events("enrolment.offered")) == 1
    shown = run(app, "device", "code", "--court", court, "--name", "扫描台", "--kind", "dock")
    assert "█" in shown.stdout
    assert "tiezheng --server http://localhost enrol " in shown.stdout


def test_the_code_is_taken_by_the_server(app: Flask) -> None:
    world = World.build(app)
    offer = asked(app, "device", "code", "--court", world.first.code, "--name", "手机 3")
    key = PrivateKey.generate(Algorithm.ES256)
    body = {
        "code": offer["code"].lower().replace("-", " "), "alg": "ES256",
        "public_jwk": key.public.to_jwk(), "name": "x", "model": "样机", "serial": "1",
    }  # fmt: skip
    body["proof"] = enrolment_proof(body["code"], key)
    answer = app.test_client().post("/api/v1/devices/enrol", json=body)
    assert answer.status_code == 201, answer.text
    enrolled = answer.get_json()["device_id"]
    assert enrolled in {one["id"] for one in asked(app, "device", "list")["devices"]}


def test_a_holder_is_of_the_same_court(app: Flask) -> None:
    world = World.build(app)
    foreign = world.second.officer.login
    refused = asked(
        app, "device", "code", "--court", world.first.code, "--name", "手机", "--holder", foreign,
        code=1,
    )  # fmt: skip
    assert refused["error"] == "conflict"
    assert events("enrolment.offered") == []


def test_devices_are_listed_and_revoked_by_id_or_short_code(app: Flask) -> None:
    world = World.build(app)
    first = world.first
    listed = {one["id"]: one for one in asked(app, "device", "list")["devices"]}
    assert listed[str(first.phone.id)]["state"] == "enrolled"
    assert listed[str(first.camera.id)]["state"] == "keyless"
    assert len(asked(app, "device", "list", "--court", first.code)["devices"]) == 3
    asked(app, "device", "revoke", str(first.phone.id), "--reason", "遗失")
    asked(app, "device", "revoke", short_code(first.dock.id).lower(), "--reason", "报废")
    with unit_of_work(EVERY_COURT, write=False) as session:
        reasons = [
            session.get_one(Device, one).revoked_reason for one in (first.phone.id, first.dock.id)
        ]
    assert reasons == ["遗失", "报废"]
    states = {one["id"]: one["state"] for one in asked(app, "device", "list")["devices"]}
    assert states[str(first.phone.id)] == "revoked"


def test_an_unknown_device_is_refused(app: Flask) -> None:
    World.build(app)
    for text in ("nonsense", "0000-0000", "00000000-0000-0000-0000-000000000000"):
        refused = asked(app, "device", "revoke", text, "--reason", "x", code=1)
        assert refused["error"] == "not-found"


def test_nothing_is_left_of_a_refused_command(app: Flask) -> None:
    add_court(app)
    run(app, "court", "add", *COURT)
    with unit_of_work(EVERY_COURT, write=False) as session:
        assert session.execute(sa.select(sa.func.count()).select_from(Court)).scalar_one() == 1
    assert len(events("court.added")) == 1
