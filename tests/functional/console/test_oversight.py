"""The agenda on paper, a plan's way to the meeting, an alert's way to its end: without scripts."""

from __future__ import annotations

from datetime import date, timedelta

from server.oversight import watching, weeks
from tests.factories.cases import add_case
from tests.factories.identity import runtime_of
from tests.functional.console.conftest import Console


def today(console: Console) -> date:
    runtime = runtime_of(console.server.app)
    return weeks.local_day(runtime.clock.now(), runtime.settings.time_zone)


def test_the_agenda_is_printed_without_scripts(console: Console) -> None:
    week = weeks.week_of(today(console))
    with console.page_as("supervisor", java_script_enabled=False) as page:
        page.goto(f"/oversight/agenda?week={week}")
        page.emulate_media(media="print")
        assert page.locator("h1").is_visible()
        assert page.get_by_text("清单不全(虚构)").is_visible()
        for hidden in ("header.top", "form", "button", "nav.no-print"):
            assert not any(one.is_visible() for one in page.locator(hidden).all()), hidden
        assert page.pdf(prefer_css_page_size=True).startswith(b"%PDF")


def test_a_plan_reaches_the_agenda_and_a_task_is_done(console: Console) -> None:
    meets_on = today(console) + timedelta(days=28)
    agenda = f"/oversight/agenda?week={weeks.week_of(meets_on)}"
    with console.page_as("officer", java_script_enabled=False) as page:
        page.goto(agenda)
        page.get_by_label("计划", exact=True).fill("变卖苗木(虚构)\n送审计(虚构)")
        page.get_by_role("button", name="保存计划").click()
        assert page.get_by_text("计划已保存。").is_visible()
    with console.page_as("supervisor", java_script_enabled=False) as page:
        page.goto(agenda)
        assert page.locator("ol li").all_inner_texts() == ["变卖苗木(虚构)", "送审计(虚构)"]
        page.get_by_label("开会日期").fill(meets_on.isoformat())
        page.get_by_role("button", name="召集").click()
        assert page.get_by_text("督办会已召集。").is_visible()
        page.get_by_label("任务内容").fill("报告变卖结果(虚构)")
        page.get_by_label("责任人").select_option(str(console.ground.first.world.officer.id))
        page.get_by_role("button", name="交办任务").click()
        assert page.get_by_text("任务已交办。").is_visible()
    with console.page_as("officer", java_script_enabled=False) as page:
        page.goto("/oversight/tasks")
        page.get_by_role("link", name="报告变卖结果(虚构)").click()
        page.get_by_label("结果").fill("已变卖(虚构)")
        page.get_by_role("button", name="完成").click()
        assert page.get_by_text("任务已完成。").is_visible()


def test_an_alert_is_explained_and_cleared_by_somebody_else(console: Console) -> None:
    app, court = console.server.app, console.ground.first.world
    with app.app_context():
        add_case(app, court.id, serial=900, handler_id=court.officer.id, filed_on=date(2024, 1, 2))
        watching.watch_court(runtime_of(app), court.id)
    with console.page_as("officer", java_script_enabled=False) as page:
        page.goto("/oversight/alerts?kind=idle")
        page.locator("tbody a").first.click()
        page.get_by_label("说明", exact=True).fill("等待拍卖(虚构)")
        page.get_by_role("button", name="提交说明").click()
        assert page.get_by_text("说明已提交。").is_visible()
        alert = page.url.partition("?")[0]
    with console.page_as("president", java_script_enabled=False) as page:
        page.goto("/oversight/dashboard")
        page.locator("section", has_text="未解除的预警").get_by_role("link").first.click()
        assert page.url.endswith("/oversight/alerts?kind=idle")
        page.goto(alert)
        page.locator("form[action$='/clear'] textarea").fill("情况属实(虚构)")
        page.get_by_role("button", name="解除预警").click()
        assert page.get_by_text("预警已解除。").is_visible()
