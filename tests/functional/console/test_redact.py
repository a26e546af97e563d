"""Redacted copies and players as people use them: by pointer, by keys, without scripts."""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from server.core.clock import SystemClock
from tests.factories.footage import bring, slow_film, wait_until_examined
from tests.functional.console.conftest import Console
from tests.functional.console.walk import OVERFLOW, RULES, axe_source
from tests.support import media

LANGUAGES = pytest.mark.parametrize("lang", ["zh", "en"])
MADE = {"zh": "已生成", "en": "Made"}
BUTTON = {"zh": "生成副本", "en": "Make the copy"}


@dataclass
class Items:
    """Ids of genuine items."""

    photo: str
    film: str
    slow: str
    sound: str


@pytest.fixture(scope="module")
def items(console: Console, tmp_path_factory: pytest.TempPathFactory) -> Items:
    folder, app, ground = tmp_path_factory.mktemp("footage"), console.server.app, console.ground
    now = SystemClock().now()
    photo = media.gps_photo(folder / "a.jpg", 38.21, 104.41, now, size_px=(600, 800), orientation=6)
    found = Items(
        bring(app, ground, photo, "image/jpeg"),
        bring(app, ground, media.short_video(folder / "a.mp4", 12), "video/mp4"),
        bring(app, ground, slow_film(folder / "b.mp4", 6), "video/mp4"),
        bring(app, ground, media.short_audio(folder / "a.m4a", 12), "audio/mp4"),
    )
    wait_until_examined(ground, found.photo, "preview")
    wait_until_examined(ground, found.film, "sprite-index", "peaks")
    wait_until_examined(ground, found.slow, "sprite-index")
    wait_until_examined(ground, found.sound, "peaks")
    return found


def opened(page: Page, evidence_id: str) -> Page:
    page.goto(f"/e/{evidence_id}/redact")
    expect(page.locator("redact-editor[data-ready]")).to_be_attached()
    return page


def made(page: Page, lang: str, number: int) -> bytes:
    """Look again until the copy is there, and take its bytes."""
    copy = page.locator(f"#copy-{number}")
    for _ in range(120):
        if MADE[lang] in copy.locator("h3").inner_text():
            break
        page.wait_for_timeout(500)
        page.reload()
    shown = copy.locator("img, video, audio").get_attribute("src") or ""
    answer = page.request.get(shown)
    assert answer.status == 200
    return answer.body()


def numbers(page: Page, row: int) -> list[float]:
    return [float(page.locator(f"#box{row}_{one}").input_value()) for one in "xywh"]


@LANGUAGES
def test_a_photo_is_covered_by_keys_alone(console: Console, items: Items, lang: str) -> None:
    with console.page_as("officer", lang=lang) as page:
        opened(page, items.photo)
        number = page.locator("li.redact-copy").count() + 1
        add = page.get_by_role("button", name={"zh": "添加遮盖", "en": "Add a place"}[lang])
        add.focus()
        page.keyboard.press("Enter")
        assert numbers(page, 0) == [35, 35, 30, 30]
        for key in ["ArrowLeft"] * 10 + ["ArrowUp"] * 10 + ["Shift+ArrowRight"] * 20:
            page.keyboard.press(key)
        assert numbers(page, 0) == [25, 25, 50, 30]
        page.keyboard.press("Shift+ArrowDown")
        page.keyboard.press("Control+z")
        assert numbers(page, 0) == [25, 25, 50, 30]
        reason = page.locator("#f-reason")
        reason.focus()
        page.keyboard.type("遮盖第三人(虚构)")
        page.keyboard.press("Enter")
        page.wait_for_url("**/redact*")
        expect(page.locator("#said")).not_to_be_empty()
        data = made(page, lang, number)
    assert b"Exif" not in data
    with Image.open(io.BytesIO(data)) as picture:
        pixels = np.asarray(picture.convert("L"))
        assert picture.size == (800, 600), "as it is shown, not as it is stored"
    assert pixels[166:314, 216:584].max() <= 2
    assert pixels[400:, :].max() > 60


def test_a_box_is_drawn_moved_and_removed_by_pointer(console: Console, items: Items) -> None:
    with console.page_as("supervisor") as page:
        opened(page, items.photo)
        page.get_by_role("button", name="用指针画框").click()
        cover = page.locator(".redact-cover")
        cover.scroll_into_view_if_needed()
        place = cover.bounding_box()
        assert place is not None

        def at(x: float, y: float) -> tuple[float, float]:
            return place["x"] + place["width"] * x, place["y"] + place["height"] * y

        page.mouse.move(*at(0.1, 0.1))
        page.mouse.down()
        page.mouse.move(*at(0.2, 0.2))
        page.mouse.move(*at(0.3, 0.3))
        page.mouse.up()
        assert numbers(page, 0) == pytest.approx([10, 10, 20, 20], abs=0.5)
        page.mouse.move(*at(0.15, 0.15))
        page.mouse.down()
        page.mouse.move(*at(0.35, 0.45))
        page.mouse.up()
        assert numbers(page, 0) == pytest.approx([30, 40, 20, 20], abs=0.5)
        page.locator("fieldset[data-box='0']").get_by_role("button", name="移除").click()
        expect(page.locator(".redact-frame:visible")).to_have_count(0)
        page.get_by_role("button", name="撤销").click()
        assert numbers(page, 0) == pytest.approx([30, 40, 20, 20], abs=0.5)


def test_a_film_is_covered_and_a_copy_discarded_without_scripts(
    console: Console, items: Items
) -> None:
    with console.page_as("officer", java_script_enabled=False) as page:
        page.goto(f"/e/{items.slow}/redact")
        for name, value in {"x": 0, "y": 0, "w": 100, "h": 100, "from": 1.5, "to": 3.2}.items():
            page.locator(f"#box0_{name}").fill(str(value))
        page.locator("#f-reason").fill("住宅内部(虚构)")
        page.get_by_role("button", name="生成副本").click()
        data = made(page, "zh", 1)
        with av.open(io.BytesIO(data), "r") as container:
            dark = [
                round(float(frame.time or 0))
                for frame in container.decode(video=0)
                if frame.to_ndarray(format="gray").max() <= 20
            ]
        assert dark == [1, 2, 3]
        copy = page.locator("#copy-1")
        copy.locator("summary").click()
        copy.locator("#discard-1").fill("范围不对(虚构)")
        copy.get_by_role("button", name="弃用此副本").click()
        expect(page.locator("#copy-1 h3")).to_contain_text("已弃用")
        assert page.locator("#copy-1").locator("video").count() == 0


def test_asking_for_nothing_is_refused_with_what_was_typed(console: Console, items: Items) -> None:
    with console.page_as("officer", java_script_enabled=False) as page:
        page.goto(f"/e/{items.photo}/redact")
        page.locator("#f-reason").fill("仍在(虚构)")
        page.get_by_role("button", name="生成副本").click()
        expect(page.get_by_role("alert")).to_contain_text("请至少遮盖一处")
        assert page.locator("#f-reason").input_value() == "仍在(虚构)"


def test_faces_are_looked_for_when_asked(console: Console, items: Items) -> None:
    with console.page_as("officer") as page:
        opened(page, items.photo)
        page.get_by_role("button", name="请求人脸建议").click()
        expect(page.locator("#faces form")).to_have_count(0, timeout=60_000)
        expect(page.locator("#faces")).to_contain_text("脸")


def test_a_sound_is_muted(console: Console, items: Items) -> None:
    with console.page_as("officer", lang="en") as page:
        opened(page, items.sound)
        page.get_by_role("button", name="Add a stretch").click()
        page.locator("#mute0_from").fill("8")
        page.locator("#mute0_to").fill("9.5")
        page.locator("#f-reason").fill("covers a name (虚构)")
        page.get_by_role("button", name="Make the copy").click()
        data = made(page, "en", 1)
    with av.open(io.BytesIO(data), "r") as container:
        rate = container.streams.audio[0].codec_context.sample_rate
        pieces = [frame.to_ndarray() for frame in container.decode(audio=0)]
    samples = np.concatenate(pieces, axis=1)
    assert np.abs(samples[:, int(8.1 * rate) : int(9.4 * rate)]).max() < 1e-4
    assert np.abs(samples[:, int(10 * rate) : int(11 * rate)]).max() > 0.3


@pytest.mark.parametrize("kind", ["photo", "film", "sound"])
def test_the_editor_at_work_is_accessible(console: Console, items: Items, kind: str) -> None:
    """With frames drawn, rows opened, and the film's tools; in both languages."""
    wrong: list[str] = []
    for lang, names in {
        "zh": ("添加遮盖", "添加静音"),
        "en": ("Add a place", "Add a stretch"),
    }.items():
        with console.page_as("officer", lang=lang, bypass_csp=True) as page:
            opened(page, getattr(items, kind))
            for name in names:
                button = page.get_by_role("button", name=name)
                if button.count():
                    button.click()
            page.evaluate(axe_source())
            found = page.evaluate("rules => axe.run(document, rules)", RULES)
            wrong += [
                f"{lang} {rule['id']} {node['target']}"
                for rule in found["violations"]
                for node in rule["nodes"]
            ]
            page.set_viewport_size({"width": 320, "height": 640})
            page.wait_for_function(f"{OVERFLOW} <= 0")  # what draws itself draws itself anew
    assert wrong == []


# ---------------------------------------------------------------------- players


def until(page: Page, truth: str) -> None:
    """Playwright's own waiting evaluates text, which the pages' CSP forbids."""
    for _ in range(300):
        if page.evaluate(truth):
            return
        page.wait_for_timeout(50)
    raise AssertionError(truth)


def now(page: Page) -> float:
    return float(page.evaluate("document.querySelector('video, audio').currentTime"))


def pressed(page: Page, *keys: str) -> float:
    for key in keys:
        page.keyboard.press(key)
    until(page, "!document.querySelector('video, audio').seeking")
    return now(page)


def test_a_player_obeys_the_keyboard(console: Console, items: Items) -> None:
    with console.page_as("supervisor") as page:
        opened(page, items.film)
        until(page, "document.querySelector('video').readyState >= 1")
        page.locator(".media-bar button").first.focus()
        assert pressed(page, "l") == pytest.approx(10, abs=0.05)
        assert pressed(page, "j") == pytest.approx(0, abs=0.05)
        assert pressed(page, ".", ".", ".") == pytest.approx(0.3, abs=0.02)
        assert pressed(page, ",") == pytest.approx(0.2, abs=0.02)
        page.keyboard.press("]")
        assert page.evaluate("document.querySelector('video').playbackRate") == 1.5
        page.keyboard.press("k")
        until(page, "document.querySelector('video').currentTime > 0.5")
        page.keyboard.press("k")
        assert page.evaluate("document.querySelector('video').paused") is True


def test_a_waveform_is_a_slider(console: Console, items: Items) -> None:
    with console.page_as("supervisor") as page:
        opened(page, items.sound)
        expect(page.locator("wave-form[data-loaded]")).to_be_attached()
        until(page, "document.querySelector('audio').readyState >= 1")
        slider = page.locator("wave-form [role=slider]")
        slider.focus()
        assert pressed(page, "ArrowRight") == pytest.approx(5, abs=0.1)
        expect(slider).to_have_attribute("aria-valuenow", "5")
        assert pressed(page, "End") == pytest.approx(12, abs=0.2)
        assert pressed(page, "Home") == 0
        drawn = "document.querySelector('wave-form canvas').getContext('2d')"
        inked: Any = page.evaluate(
            f"{drawn}.getImageData(0, 0, 200, 60).data.filter((v, i) => i % 4 === 3 && v).length"
        )
        assert inked > 100


def test_a_film_is_scrubbed_by_keys(console: Console, items: Items) -> None:
    """On a page of its own, as lists show it."""
    with console.page_as("supervisor") as page:
        page.goto("/cases")
        address = f"/api/v1/evidence/{items.film}/derivatives"
        page.evaluate(
            """async (address) => {
                const scrub = document.createElement("media-scrub");
                scrub.className = "media-thumb";
                Object.assign(scrub.dataset, {
                    index: `${address}/sprite-index`, sheet: `${address}/sprite`, words: "{}",
                });
                const image = document.createElement("img");
                [image.src, image.alt] = [`${address}/thumb`, "film"];
                scrub.append(image);
                document.querySelector("main").append(scrub);
                await import("/static/js/media-scrub.js");
            }""",
            address,
        )
        slider = page.get_by_role("slider", name="film")
        slider.focus()
        expect(slider).to_have_attribute("aria-valuemax", "24")
        page.keyboard.press("ArrowRight")
        page.keyboard.press("ArrowRight")
        expect(slider).to_have_attribute("aria-valuenow", "1")
        page.keyboard.press("End")
        expect(slider).to_have_attribute("aria-valuenow", "24")
        expect(slider).to_have_attribute("aria-valuetext", "0:11")
        place = slider.bounding_box()
        assert place is not None
        page.mouse.move(place["x"] + place["width"] / 2, place["y"] + 10)
        expect(slider).to_have_attribute("aria-valuenow", "12")
        page.mouse.move(0, 0)
        expect(page.locator(".media-tile")).to_be_hidden()


def test_a_photo_is_enlarged_and_turned_by_keys(console: Console, items: Items) -> None:
    with console.page_as("supervisor") as page:
        page.goto(f"/e/{items.photo}")
        stage = page.locator(".media-stage")
        stage.focus()
        for key in ("+", "+", "]", "ArrowLeft"):
            page.keyboard.press(key)
        turned = page.locator(".media-stage img").evaluate("image => image.style.transform")
        assert "rotate(90deg)" in turned
        expect(page.locator(".media-bar output")).to_have_text("225 %")
        expect(page.locator(".media-stage img")).to_have_attribute(
            "src", f"/api/v1/evidence/{items.photo}/play"
        )
        page.keyboard.press("0")
        expect(page.locator(".media-bar output")).to_have_text("100 %")


def test_players_work_without_scripts(console: Console, items: Items, tmp_path: Path) -> None:
    with console.page_as("supervisor", java_script_enabled=False) as page:
        page.goto(f"/e/{items.film}")
        assert page.locator("video[controls]").get_attribute("src") == (
            f"/api/v1/evidence/{items.film}/play"
        )
        answer = page.request.get(
            f"/api/v1/evidence/{items.film}/play", headers={"Range": "bytes=0-99"}
        )
        assert (answer.status, len(answer.body())) == (206, 100)
