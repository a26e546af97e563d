"""An administrator's journeys on a browser: enrolment, a lost device, duty, a new colleague."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pyotp
import pytest
import sqlalchemy as sa
from playwright.sync_api import Page, expect

from server.core.transactions import EVERY_COURT, unit_of_work
from server.identity.models import Device, EnrolmentCode, User
from tests.factories.identity import add_device
from tests.functional.console.conftest import Console

HERE = ZoneInfo("Asia/Shanghai")


def field(page: Page, label: str, text: str) -> None:
    """Fill a field as a keyboard does."""
    page.get_by_label(label, exact=True).focus()
    page.keyboard.press("Control+A")
    page.keyboard.insert_text(text)


def pressed(page: Page, button: str) -> None:
    page.get_by_role("button", name=button, exact=True).focus()
    page.keyboard.press("Enter")


@pytest.mark.parametrize(
    ("lang", "make", "name", "valid"),
    [("zh", "生成注册码", "名称", "剩余"), ("en", "Make the code", "Name", "left")],
    ids=["zh", "en"],
)
def test_an_enrolment_code_is_shown_with_its_qr_and_counts_down(
    console: Console, lang: str, make: str, name: str, valid: str
) -> None:
    with console.page_as("administrator", lang=lang) as page:
        page.goto("/devices/new?kind=phone")
        form = page.locator("form[action='/devices/enrolment']")
        form.get_by_label(name).focus()
        page.keyboard.insert_text(f"外勤手机(虚构){lang}")
        pressed(page, make)
        code = page.locator("#enrolment-code").inner_text()
        assert re.fullmatch(r"[0-9A-Z]{4}(-[0-9A-Z]{4}){3}", code)
        assert page.locator("#qr-text").text_content() == (
            f"TZE1|{console.server.url}|{code}|{page.locator('dd').nth(1).inner_text()}"
        )
        expect(page.get_by_role("img").locator("svg")).to_be_visible()
        timer = page.get_by_role("timer")
        expect(timer).to_contain_text(valid)
        first = timer.inner_text()
        expect(timer).not_to_have_text(first)
    with unit_of_work(EVERY_COURT, write=False) as session:
        named = sa.select(EnrolmentCode.kind).where(EnrolmentCode.name == f"外勤手机(虚构){lang}")
        assert session.execute(named).scalar_one() == "phone"


def test_a_lost_device_is_handled_on_one_page(console: Console) -> None:
    world = console.ground.first.world
    phone = add_device(console.server.app, world.id, holder_id=world.officer.id)
    with console.page_as("administrator") as page:
        page.goto(f"/devices/{phone.id}")
        page.get_by_role("link", name="处理遗失").focus()
        page.keyboard.press("Enter")
        expect(page.get_by_role("heading", name="遗失处理")).to_be_visible()
        expect(page.get_by_text("服务器收到第 0 号为止的记录")).to_be_visible()
        field(page, "理由", "下车时遗失，已报警(虚构)")
        pressed(page, "吊销并隔离")  # without the tick the browser or the server refuses
        page.wait_for_load_state("networkidle")
        assert _revoked(phone.id) is None
        page.goto(f"/devices/{phone.id}/lost")
        field(page, "理由", "下车时遗失，已报警(虚构)")
        page.get_by_label("我确认该设备已遗失").focus()
        page.keyboard.press("Space")
        pressed(page, "吊销并隔离")
        expect(page.locator("#said")).to_contain_text("设备已吊销")
        expect(page.get_by_text("下车时遗失，已报警(虚构)").first).to_be_visible()
        page.get_by_role("link", name="注册替代设备").click()
        form = page.locator("form[action='/devices/enrolment']")
        assert form.get_by_label("类型").input_value() == "phone"
        assert form.get_by_label("持有人").input_value() == str(world.officer.id)
    assert _revoked(phone.id) == "下车时遗失，已报警(虚构)"


def _revoked(device_id: object) -> str | None:
    with unit_of_work(EVERY_COURT, write=False) as session:
        return session.get_one(Device, device_id).revoked_reason


def test_a_device_is_booked_and_a_conflict_is_explained(console: Console) -> None:
    world = console.ground.first.world
    camera = add_device(console.server.app, world.id, "camera", alg=None)
    morning = (datetime.now(HERE) + timedelta(days=7)).replace(hour=8, minute=30)
    with console.page_as("supervisor") as page:
        for person, hours, shown in (
            (world.officer, 4, page.locator("#said")),
            (world.second_officer, 2, page.get_by_role("alert")),
        ):
            page.goto("/duty")
            page.get_by_label("设备", exact=True).select_option(str(camera.id))
            page.get_by_label("携带人", exact=True).select_option(str(person.id))
            ends = morning + timedelta(hours=hours)
            for label, at in (("开始", morning), ("结束", ends)):
                page.get_by_label(label, exact=True).fill(f"{at:%Y-%m-%dT%H:%M}")
            pressed(page, "登记")
            expect(shown).to_be_visible()
        expect(page.get_by_role("alert")).to_contain_text("这段时间设备已有人携带")
        expect(page.get_by_role("alert")).to_contain_text(world.officer.name)
        page.get_by_role("link", name="办理交接").focus()
        page.keyboard.press("Enter")
        page.get_by_label("交给").select_option(str(world.second_officer.id))
        page.get_by_label("交接时间").fill(f"{morning + timedelta(hours=1):%Y-%m-%dT%H:%M}")
        pressed(page, "交接")
        row = page.get_by_role("row").filter(has_text=camera.id.hex[-4:])
        expect(row).to_contain_text(f"08:30–09:30 {world.officer.name}")
        expect(row).to_contain_text(f"09:30–12:30 {world.second_officer.name}")


def test_a_new_colleague_signs_in_changes_the_password_and_sets_up_a_second_factor(
    console: Console,
) -> None:
    with console.page_as("administrator") as page:
        page.goto("/admin/users")
        field(page, "账号", "liu.new")
        field(page, "姓名", "刘虚构")
        pressed(page, "添加")
        expect(page.get_by_role("heading", name="已添加 刘虚构")).to_be_visible()
        temporary = page.locator("#temporary-password").inner_text()
        page.goto("/admin/users")
        assert temporary not in page.content()
    with console.context() as context:
        page = context.new_page()
        page.goto("/sign-in")
        field(page, "账号", "liu.new")
        field(page, "密码", temporary)
        page.keyboard.press("Enter")
        page.wait_for_url("**/me/password")
        page.goto("/devices")
        page.wait_for_url("**/me/password")
        field(page, "临时密码", temporary)
        field(page, "新密码", "青山 依旧在 几度夕阳红")
        field(page, "再输入一次新密码", "青山 依旧在 几度夕阳红")
        page.keyboard.press("Enter")
        expect(page.locator("#said")).to_contain_text("密码已修改")
        pressed(page, "设置动态验证码")
        secret = page.locator("#totp-secret").inner_text().replace(" ", "")
        field(page, "验证码", pyotp.TOTP(secret).now())
        page.keyboard.press("Enter")
        expect(page.locator("#said")).to_contain_text("动态验证码已启用")
    with unit_of_work(EVERY_COURT, write=False) as session:
        row = session.execute(sa.select(User).where(User.login == "liu.new")).scalar_one()
        assert row.totp_confirmed_at is not None
        assert not row.password_temporary
