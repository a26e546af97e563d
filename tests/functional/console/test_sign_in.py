"""Signing in on a real browser."""

from __future__ import annotations

from playwright.sync_api import expect

from server.core.transactions import EVERY_COURT, unit_of_work
from server.identity.models import User
from tests.factories.identity_rows import PASSWORD
from tests.functional.console.conftest import Console


def test_a_person_signs_in_and_out(console: Console) -> None:
    person = console.ground.first.world.people["president"]
    with unit_of_work(EVERY_COURT) as session:
        session.get_one(User, person.id).totp_secret = None
    with console.context() as context:
        page = context.new_page()
        page.goto("/inbox")
        expect(page).to_have_url(console.server.url + "/sign-in?next=/inbox")
        page.get_by_label("账号").fill(person.login)
        page.get_by_label("密码", exact=True).fill("wrong")
        page.keyboard.press("Enter")
        expect(page.get_by_role("alert")).to_contain_text("错误")
        page.get_by_label("密码", exact=True).fill(PASSWORD)
        page.keyboard.press("Enter")
        page.wait_for_url("**/inbox")
        cookies = {one["name"]: one for one in context.cookies()}
        kept = cookies["__Host-tz-session"]
        assert (kept["httpOnly"], kept["secure"], kept["sameSite"]) == (True, True, "Lax")
