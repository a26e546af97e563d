"""Devices, duty, people and the own account, by plain forms."""

from __future__ import annotations

import re
from datetime import timedelta

import pyotp
import pytest
import sqlalchemy as sa
from flask import Flask

from server.core.clock import FixedClock
from server.core.transactions import EVERY_COURT, unit_of_work
from server.identity.models import Device, DutyBooking, EnrolmentCode, SignIn, User
from tests.factories.console import Desk, desk
from tests.factories.field import Recorder
from tests.factories.identity import World, add_person
from tests.factories.identity_rows import PASSWORD


@pytest.fixture
def world(app: Flask) -> World:
    return World.build(app)


@pytest.fixture
def admin(world: World) -> Desk:
    return desk(world.app, world.first.administrator)


def devices_named(name: str) -> list[Device]:
    with unit_of_work(EVERY_COURT, write=False) as session:
        found = list(session.execute(sa.select(Device).where(Device.name == name)).scalars())
        session.expunge_all()
        return found


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_every_page_opens_in_both_languages(world: World, lang: str) -> None:
    here = desk(world.app, world.first.administrator, lang)
    court = world.first
    for path in (
        "/devices", "/devices?kind=camera&state=in-use&silent=true&text=x", "/devices/new",
        f"/devices/{court.phone.id}", f"/devices/{court.camera.id}",
        f"/devices/{court.phone.id}/lost", f"/devices/{court.camera.id}/lost", "/duty",
        "/duty?by=officer", f"/duty/{court.booking_id}", "/admin/users",
        "/admin/users?role=officer&active=true", f"/admin/users/{court.officer.id}", "/me",
        "/me/password",
    ):  # fmt: skip
        answer = here.get(path)
        assert answer.status_code == 200, (path, answer.text[-500:])


def test_what_is_another_courts_is_absent(world: World, admin: Desk) -> None:
    other = world.second
    for path in (
        f"/devices/{other.phone.id}", f"/devices/{other.phone.id}/lost",
        f"/duty/{other.booking_id}", f"/admin/users/{other.officer.id}",
    ):  # fmt: skip
        assert admin.get(path).status_code == 404, path
    reason = {"reason": "x", "lost_at": "2026-03-02T08:00", "confirmed": "true"}
    for path, form in (
        (f"/devices/{other.phone.id}/lost", reason),
        (f"/devices/{other.phone.id}/revoke", {"reason": "x"}),
        (f"/admin/users/{other.officer.id}/disable", {}),
        (f"/admin/users/{other.officer.id}/password", {}),
    ):
        assert admin.post(path, form).status_code == 404, path
    book = {"device_id": str(other.camera.id), "user_id": str(world.first.officer.id)}
    window = {"starts_at": "2026-03-05T08:00", "ends_at": "2026-03-05T09:00"}
    assert admin.post("/duty", book | window).status_code == 404


def test_officers_see_devices_and_change_nothing(world: World) -> None:
    here = desk(world.app, world.first.officer)
    assert here.get("/devices").status_code == 200
    assert here.get("/devices/new").status_code == 403
    assert here.get("/admin/users").status_code == 403
    answer = here.post(f"/devices/{world.first.phone.id}/revoke", {"reason": "x"})
    assert answer.status_code == 403


def test_a_code_is_shown_once_with_address_and_fingerprint(world: World, admin: Desk) -> None:
    answer = admin.post(
        "/devices/enrolment", {"kind": "workstation", "name": "导入工作站(虚构)", "holder_id": ""}
    )
    assert answer.status_code == 200
    assert answer.headers["Cache-Control"] == "no-store"
    text = re.search(r'id="qr-text">([^<]+)<', answer.text)
    assert text is not None
    assert re.fullmatch(r"TZE1\|http://localhost\|[0-9A-Z-]+\|[\w-]{43}", text[1])
    assert "<svg" in answer.text
    with unit_of_work(EVERY_COURT, write=False) as session:
        row = session.execute(sa.select(EnrolmentCode)).scalar_one()
        assert (row.kind, row.name) == ("workstation", "导入工作站(虚构)")


def test_a_camera_is_registered_and_filtered_for(world: World, admin: Desk) -> None:
    form = {"kind": "camera", "name": "二号相机(虚构)", "model": "", "serial": "SN-7"}
    answer = admin.post("/devices/registration", form)
    assert answer.status_code == 303
    assert "已登记" in admin.get(answer.headers["Location"]).text
    (device,) = devices_named("二号相机(虚构)")
    assert (device.serial, device.model, device.jkt) == ("SN-7", None, None)
    assert "二号相机(虚构)" in admin.get("/devices?text=SN-7").text
    assert "二号相机(虚构)" not in admin.get("/devices?kind=phone").text


def test_silent_devices_are_found(world: World, admin: Desk, clock: FixedClock) -> None:
    phone = devices_named(f"phone {world.first.phone.id.hex[-4:]}")[0].name
    assert phone not in admin.get("/devices?silent=true").text
    clock.advance(timedelta(hours=73))
    late = desk(world.app, world.first.administrator)
    answer = late.get("/devices?silent=true").text
    assert phone in answer
    assert f"camera {world.first.camera.id.hex[-4:]}" not in answer


def test_a_lost_device_is_handled_in_one_confirmed_step(
    world: World, admin: Desk, clock: FixedClock
) -> None:
    phone = Recorder(world.app, world.first.phone)
    clock.advance(timedelta(hours=1))
    assert phone.outcomes([phone.capture(b"after")]) == ["accepted"]
    path = f"/devices/{phone.device.id}/lost"
    assert "遗失处理" in admin.get(path).text
    form = {"lost_at": "2026-03-02T09:30", "reason": "外出遗失(虚构)"}
    assert admin.post(path, form).status_code == 422
    assert devices_named(f"phone {phone.device.id.hex[-4:]}")[0].revoked_at is None
    done = admin.post(path, form | {"confirmed": "true"})
    assert done.status_code == 303
    shown = admin.get(done.headers["Location"]).text
    assert "1 件内容标为存疑" in shown
    assert "外出遗失(虚构)" in shown
    assert "第 1 号为止" in shown
    boss = desk(world.app, world.first.supervisor).get(f"{path}?since=2026-03-02T09:30").text
    assert "存疑" in boss
    assert "/e/" in boss


def test_held_records_are_shown_and_released_with_a_reason(world: World, admin: Desk) -> None:
    phone = Recorder(world.app, world.first.phone)
    wires = [phone.note() for _ in range(4)]
    phone.push([wires[0], wires[2], wires[3]])
    boss = desk(world.app, world.first.supervisor)
    path = f"/devices/{phone.device.id}"
    shown = boss.get(path).text
    assert "第 2 号尚未到达" in shown
    assert "放行至第 4 号" in shown
    release = f"{path}/held/1/4/release"
    assert admin.post(release, {"reason": "x"}).status_code == 403
    done = boss.post(release, {"reason": "设备损坏(虚构)"})
    assert "已放行 2 条记录" in boss.get(done.headers["Location"]).text
    assert "#2–#2" in boss.get(path).text
    assert boss.post(release, {"reason": "x"}).status_code == 404


def test_a_conflict_says_who_has_the_device_and_leads_to_the_hand_over(
    world: World, admin: Desk
) -> None:
    court = world.first
    form = {
        "device_id": str(court.camera.id), "user_id": str(court.second_officer.id),
        "mission_id": "", "starts_at": "2026-03-02T12:00", "ends_at": "2026-03-02T20:00",
    }  # fmt: skip
    refused = admin.post("/duty", form)
    assert refused.status_code == 409
    assert court.officer.name in refused.text
    assert f"/duty/{court.booking_id}" in refused.text
    assert 'value="2026-03-02T12:00"' in refused.text
    to = {"to_user_id": str(court.second_officer.id), "at": "2026-03-02T12:00", "reason": "换班"}
    assert admin.post(f"/duty/{court.booking_id}/hand-over", to).status_code == 403
    boss = desk(world.app, court.supervisor)
    over = boss.post(f"/duty/{court.booking_id}/hand-over", to)
    assert over.status_code == 303
    week = admin.get(over.headers["Location"]).text
    assert f"12:00–18:00 {court.second_officer.name}" in week
    later = form | {"starts_at": "2026-03-03T08:00", "ends_at": "2026-03-03T18:00"}
    assert admin.post("/duty", later).status_code == 303
    assert admin.post("/duty", form | {"ends_at": "2026-03-02T11:00"}).status_code == 422
    with unit_of_work(EVERY_COURT, write=False) as session:
        count = sa.select(sa.func.count()).where(DutyBooking.device_id == court.camera.id)
        assert session.execute(count).scalar_one() == 3


def test_a_new_person_gets_a_password_once_and_has_to_change_it(world: World, admin: Desk) -> None:
    form = {
        "login": "new.officer", "name": "新虚构", "post": "enforcement_officer",
        "roles": ["officer", "judicial_police"],
    }  # fmt: skip
    answer = admin.post("/admin/users", form)
    assert answer.status_code == 200
    found = re.search(r'id="temporary-password">([^<]+)<', answer.text)
    assert found is not None
    assert admin.post("/admin/users", form).status_code == 409
    assert "已被使用" in admin.post("/admin/users", form).text
    assert admin.post("/admin/users", form | {"roles": []}).status_code == 422
    here = desk(world.app)
    entered = here.post("/sign-in", {"login": "new.officer", "password": found[1]})
    assert entered.headers["Location"] == "/me/password"
    assert here.get("/me").headers["Location"] == "/me/password"
    assert "临时密码" in here.get("/me/password").text
    new = {"old": found[1], "new": "山高水长 一二三四五六", "again": "山高水长 一二三四五七"}
    assert "不一致" in here.post("/me/password", new).text
    wrong = new | {"old": "wrong", "again": new["new"]}
    assert "原密码不正确" in here.post("/me/password", wrong).text
    assert here.post("/me/password", new | {"again": new["new"]}).status_code == 303
    assert here.get("/me").status_code == 200


def test_a_person_is_changed_disabled_reset_and_nobody_changes_their_own_roles(
    world: World, admin: Desk
) -> None:
    court = world.first
    place = f"/admin/users/{court.officer.id}"
    form = {"name": "改虚构", "post": "enforcement_judge", "roles": ["supervisor"], "version": "1"}
    assert admin.post(place, form).status_code == 303
    assert admin.post(place, form).status_code == 412
    theirs = desk(world.app, court.officer)
    assert theirs.get("/me").status_code == 200
    assert admin.post(f"{place}/disable").status_code == 303
    assert theirs.get("/me").headers["Location"].startswith("/sign-in")
    assert admin.post(f"{place}/enable").status_code == 303
    assert admin.post(f"{place}/unlock").status_code == 303
    assert admin.post(f"{place}/second-factor").status_code == 303
    assert "temporary-password" in admin.post(f"{place}/password").text
    own = f"/admin/users/{court.administrator.id}"
    assert admin.post(f"{own}/disable").status_code == 403
    roles = {"name": "x", "post": "clerk", "roles": ["president"], "version": "1"}
    assert admin.post(own, roles).status_code == 403


def test_a_second_factor_is_set_up_with_a_code_of_it(world: World, clock: FixedClock) -> None:
    here = desk(world.app, world.first.officer)
    offered = here.post("/me/second-factor")
    found = re.search(r'id="totp-secret">([^<]+)<', offered.text)
    assert found is not None
    assert "<svg" in offered.text
    again = here.post("/me/second-factor/confirm", {"code": "000000"})
    assert again.status_code == 422
    assert found[1] in again.text
    code = pyotp.TOTP(found[1].replace(" ", "")).at(int(clock.now().timestamp()))
    assert here.post("/me/second-factor/confirm", {"code": code}).status_code == 303
    assert "已启用" in here.get("/me").text
    assert here.post("/me/second-factor").status_code == 409


def test_own_sign_ins_are_listed_and_ended_and_nobody_elses(world: World) -> None:
    first, second = desk(world.app, world.first.officer), desk(world.app, world.first.officer)
    foreign = desk(world.app, world.first.second_officer)
    shown = first.get("/me").text
    (other,) = re.findall(r'action="(/me/sign-ins/[0-9a-f-]+/end)"', shown)
    assert foreign.post(other).status_code == 404
    assert second.get("/me").status_code == 200
    assert first.post(other).status_code == 303
    assert second.get("/me").headers["Location"].startswith("/sign-in")
    assert first.post(other).status_code == 404
    with unit_of_work(EVERY_COURT, write=False) as session:
        ended = sa.select(sa.func.count(SignIn.id)).where(SignIn.revoked_at.is_not(None))
        assert session.execute(ended).scalar_one() == 1


def test_forms_of_other_sites_are_refused(world: World, admin: Desk) -> None:
    path = f"/devices/{world.first.phone.id}/revoke"
    answer = admin.post(path, {"reason": "x"}, headers={"Origin": "https://evil.example"})
    assert answer.status_code == 403


def test_a_supervisor_looks_people_up_without_their_logins(world: World) -> None:
    add_person(world.app, world.first.id, "hidden.login", *world.first.officer.roles)
    here = desk(world.app, world.first.supervisor)
    text = here.get("/admin/users").text
    assert "hidden.login(虚构)" in text
    assert "<td>hidden.login</td>" not in text
    assert PASSWORD not in text
    with unit_of_work(EVERY_COURT, write=False) as session:
        assert session.execute(sa.select(sa.func.count(User.id))).scalar_one() > 0
