"""Cases in a real browser: finding, one cursor for timeline, map and media, what is missing."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Page, expect

from client_sdk.protocol.ids import short_code
from server.console.words import LANGUAGES, text
from server.core.transactions import unit_of_work
from server.evidence.models import Evidence
from tests.factories.cases import add_case, add_mission
from tests.factories.field import CHINA, Recorder
from tests.factories.identity import add_device, runtime_of
from tests.functional.console.conftest import Console

DAYS = 10
A_DAY = 32
CAUSE = "虚构的大案"


@dataclass(frozen=True)
class Big:
    """A case with some hundred items over ten days, and one of them."""

    case: str
    item: str
    code: str
    day: str
    other: str


@pytest.fixture(scope="module")
def big(console: Console) -> Big:
    app, court = console.server.app, console.ground.first.world
    with app.app_context():
        case = add_case(app, court.id, serial=901, handler_id=court.officer.id, cause=CAUSE)
        start = runtime_of(app).clock.now() - timedelta(days=DAYS)
        add_mission(app, court.id, [case], officer_ids=[court.officer.id], starts_at=start)
        recorder = Recorder(app, add_device(app, court.id))
        midnight = (start.astimezone(CHINA)).replace(hour=8, minute=0, second=0)
        wires = []
        for day in range(DAYS):
            for number in range(A_DAY):
                at = midnight + timedelta(days=day, minutes=number)
                geo = {"lat": f"{38.2 + day / 1000:.7f}", "lon": f"{104.4 + number / 1000:.7f}",
                       "datum": "WGS84", "src": "gnss"}  # fmt: skip
                times = recorder.times(wall=at.isoformat(timespec="milliseconds"), suspend=False)
                about = {"case": str(case), "who": str(court.officer.id), "geo": geo, "t": times}
                wires.append(recorder.capture(b"%d-%d" % (day, number), **about))
        for first in range(0, len(wires), 100):
            recorder.push(wires[first : first + 100])
        with unit_of_work(court.id, write=False) as session:
            rows = session.query(Evidence).filter(Evidence.case_id == case)
            found = rows.order_by(Evidence.captured_at).all()
            item, other = found[A_DAY * 3 + 5], found[A_DAY * 3 + 20]
            on = f"{item.captured_at.astimezone(CHINA):%Y-%m-%d}"
            made = Big(str(case), str(item.id), short_code(item.id), on, str(other.id))
    return made


def moment(page: Page) -> tuple[str, str]:
    """The cursor as the address keeps it: when, and about which item."""
    query = parse_qs(urlsplit(page.url).query)
    return query.get("at", [""])[0], query.get("item", [""])[0]


@pytest.mark.parametrize("lang", LANGUAGES)
def test_a_known_item_is_found_in_three_steps(console: Console, big: Big, lang: str) -> None:
    with console.page_as(lang=lang) as page:
        page.goto("/cases")
        page.get_by_label(text(lang, "cases.search"), exact=True).fill(CAUSE)  # type: ignore[arg-type]
        page.keyboard.press("Enter")  # 1
        page.get_by_role("link", name="901号").click()  # 2
        stretch = page.locator(".chips a", has_text=big.day).first
        stretch.click()  # 3
        expect(page.locator(f"#e-{big.item}")).to_be_visible()
        expect(page.locator(f"#e-{big.item}")).to_contain_text(big.code)


def test_the_living_map_shows_its_places(console: Console, big: Big) -> None:
    with console.page_as() as page:
        page.goto(f"/cases/{big.case}")
        drawn = page.locator("map-pane .leaflet-host canvas")
        drawn.wait_for(state="attached")
        page.wait_for_function(
            """() => {
              const canvas = document.querySelector("map-pane canvas");
              const [whole, shown] = [canvas.parentElement.closest(".leaflet-host"), canvas]
                .map((one) => one.getBoundingClientRect());
              if (shown.width < whole.width) return false;
              const { width, height } = canvas;
              const pixels = canvas.getContext("2d").getImageData(0, 0, width, height);
              return pixels.data.some((value, at) => at % 4 === 3 && value > 0);
            }"""
        )


def test_timeline_map_and_media_share_one_cursor(console: Console, big: Big) -> None:
    with console.page_as() as page:
        page.goto(f"/cases/{big.case}?item={big.item}")
        expect(page.locator("#entries > li[aria-current]")).to_have_attribute("data-item", big.item)
        expect(page.locator(".media-body")).to_have_attribute("data-item", big.item)
        page.locator(f"#e-{big.other} a.pick").click()
        expect(page.locator(".media-body")).to_have_attribute("data-item", big.other)
        expect(page.locator("#entries > li[aria-current]")).to_have_attribute(
            "data-item", big.other
        )
        expect(page.locator("map-pane")).to_have_attribute("data-chosen", big.other)
        at, item = moment(page)
        assert item == big.other
        assert page.locator("case-timeline output").inner_text().startswith(big.day)
        assert page.locator(".cursor-line").first.evaluate("line => line.style.left !== ''")
        page.reload()
        expect(page.locator(".media-body")).to_have_attribute("data-item", big.other)
        assert moment(page) == (at, item)


def test_the_cursor_moves_by_keyboard(console: Console, big: Big) -> None:
    with console.page_as() as page:
        page.goto(f"/cases/{big.case}?item={big.item}")
        slider = page.locator("#time-cursor")
        slider.focus()
        before = slider.input_value()
        page.keyboard.press("ArrowRight")
        page.keyboard.press("ArrowRight")
        assert int(slider.input_value()) > int(before)
        expect(slider).to_have_attribute("aria-valuetext", re.compile(big.day))
        assert moment(page)[0] > ""
        page.keyboard.press("End")
        last = page.locator("#entries > li[data-item]").last
        expect(last).to_have_attribute("aria-current", "true")
        link = page.locator(f"#e-{big.item} a.pick")
        link.focus()
        page.keyboard.press("Enter")
        expect(page.locator(".media-body")).to_have_attribute("data-item", big.item)


def test_a_click_on_the_lanes_moves_the_cursor(console: Console, big: Big) -> None:
    with console.page_as() as page:
        page.goto(f"/cases/{big.case}?item={big.item}")
        track = page.locator(".lane:not(.axis) .lane-track").last
        box = track.bounding_box()
        assert box is not None
        track.click(position={"x": box["width"] * 0.95, "y": box["height"] / 2})
        current = page.locator("#entries > li[aria-current]")
        expect(current).to_have_count(1)
        assert moment(page)[1] == current.get_attribute("data-item")


@pytest.mark.parametrize("lang", LANGUAGES)
def test_without_scripts_everything_is_a_list(console: Console, big: Big, lang: str) -> None:
    with console.page_as(lang=lang, java_script_enabled=False) as page:
        page.goto(f"/cases/{big.case}")
        page.locator(".chips a", has_text=big.day).first.click()
        expect(page.locator(f"#e-{big.item}")).to_contain_text(big.code)
        page.locator(f"#e-{big.item} a.pick").click()
        expect(page.locator(f"#e-{big.item}")).to_have_attribute("aria-current", "true")
        expect(page.locator(".media-body")).to_have_attribute("data-item", big.item)
        assert page.locator("svg.map .graticule").count() > 2
        assert page.locator(".places li").count() > 0


@pytest.mark.parametrize("lang", LANGUAGES)
def test_what_is_missing_is_explained_with_a_next_step(
    console: Console, big: Big, lang: str
) -> None:
    with console.page_as(lang=lang) as page:
        page.goto(f"/missing?case={big.case}")
        heading = text(lang, "missing.absent", n=DAYS * A_DAY)  # type: ignore[arg-type]
        expect(page.get_by_role("heading", name=heading)).to_be_visible()
        expect(page.locator("main")).to_contain_text(text(lang, "missing.absent_next"))  # type: ignore[arg-type]
        with page.expect_download() as waiting:
            page.get_by_role("link", name=text(lang, "missing.csv")).click()  # type: ignore[arg-type]
        lines = waiting.value.path().read_text("utf-8-sig").splitlines()
        assert len(lines) > DAYS * A_DAY


def test_a_view_is_saved_and_opened_again(console: Console, big: Big) -> None:
    with console.page_as() as page:
        page.goto(f"/cases?text={CAUSE}")
        page.get_by_label(text("zh", "cases.view_name")).fill("大案")
        page.get_by_role("button", name=text("zh", "cases.view_save")).click()
        page.goto("/cases")
        page.get_by_role("link", name="大案").click()
        expect(page.get_by_role("link", name="901号")).to_be_visible()
        assert parse_qs(urlsplit(page.url).query)["text"] == [CAUSE]
        assert big.case in (page.get_by_role("link", name="901号").get_attribute("href") or "")


def test_an_officer_starts_and_ends_a_mission_by_keyboard(console: Console) -> None:
    with console.page_as("officer") as page:
        page.on("dialog", lambda dialog: dialog.accept())
        page.goto(f"/missions/{console.ids['mission']}")
        page.get_by_role("button", name=text("zh", "missions.start")).focus()
        page.keyboard.press("Enter")
        expect(page.locator("#said")).to_contain_text(text("zh", "missions.said_started"))
        page.get_by_role("button", name=text("zh", "missions.end")).focus()
        page.keyboard.press("Enter")
        expect(page.locator("#said")).to_contain_text(text("zh", "missions.said_ended"))
