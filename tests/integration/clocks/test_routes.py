"""The time code and its page, and the ledger of a device."""

from __future__ import annotations

import base64
import hashlib
import re
import uuid
from datetime import timedelta
from typing import Any

import pytest
import zxingcpp
from flask import Flask
from PIL import Image, ImageDraw
from werkzeug.test import TestResponse

from client_sdk.protocol import timeqr
from server.clocks import service
from server.clocks.correction import Reading
from server.core.clock import FixedClock, unix_ms
from server.core.context import Context, system_actor
from server.core.keyring import EVENT
from server.core.transactions import unit_of_work
from server.evidence.derivatives.timeqr import time_codes
from tests.factories.identity import World, runtime_of

_STEP = re.compile(r"([mMh])(-?[\d.]+)(?: (-?[\d.]+))?")


def drawn(svg: str, scale: int = 6) -> Image.Image:
    """A picture of the path that the SVG strokes: what a browser shows."""
    side = int(re.search(r'viewBox="0 0 (\d+) ', svg)[1])  # type: ignore[index]
    path = re.search(r'class="qrline" stroke="#000" d="([^"]+)"', svg)[1]  # type: ignore[index]
    picture = Image.new("RGB", (side * scale, side * scale), "white")
    draw = ImageDraw.Draw(picture)
    x = y = 0.0
    for letter, first, second in _STEP.findall(path):
        if letter == "M":
            x, y = float(first), float(second)
        elif letter == "m":
            x, y = x + float(first), y + float(second)
        else:
            top = (y - 0.5) * scale
            draw.rectangle(
                (x * scale, top, (x + float(first)) * scale - 1, top + scale - 1), "black"
            )
            x += float(first)
    return picture


def body(answer: TestResponse) -> dict[str, Any]:
    found = answer.get_json()
    assert isinstance(found, dict), answer.text
    return found


def verified(app: Flask, text: str) -> timeqr.TimeQr:
    code = timeqr.parse(text)
    assert timeqr.verify(code, runtime_of(app).keyring.active(EVENT).public)
    return code


def test_the_text_is_signed_and_says_the_present(app: Flask, clock: FixedClock) -> None:
    clock.advance(timedelta(milliseconds=250))
    answer = app.test_client().get("/api/v1/time-qr")
    assert answer.status_code == 200
    assert set(body(answer)) == {"text", "valid_seconds"}
    assert body(answer)["valid_seconds"] == 1
    assert answer.headers["Cache-Control"] == "no-store"
    assert verified(app, body(answer)["text"]).unix_ms == unix_ms(clock.now())


def test_no_code_is_shown_twice(app: Flask) -> None:
    client = app.test_client()
    texts = {body(client.get("/api/v1/time-qr"))["text"] for _ in range(3)}
    assert len(texts) == 3


def test_the_picture_is_read_by_a_decoder(app: Flask, clock: FixedClock) -> None:
    answer = app.test_client().get("/api/v1/time-qr.svg")
    assert answer.mimetype == "image/svg+xml"
    assert answer.headers["Cache-Control"] == "no-store"
    (found,) = zxingcpp.read_barcodes(drawn(answer.text))
    assert verified(app, found.text).unix_ms == unix_ms(clock.now())


def test_the_worker_finds_the_code_of_the_page_in_a_photo(app: Flask, clock: FixedClock) -> None:
    photo = Image.new("RGB", (1600, 1200), "gray")
    photo.paste(
        drawn(app.test_client().get("/time-qr").text).rotate(4, fillcolor="gray"), (700, 300)
    )
    (text,) = time_codes(photo)
    assert verified(app, text).unix_ms == unix_ms(clock.now())


@pytest.mark.parametrize(
    ("lang", "date", "zone"),
    [
        ("zh", "2026-03-02 星期一", "Asia/Shanghai UTC+08:00"),
        ("en", "2026-03-02 Monday", "Asia/Shanghai UTC+08:00"),
    ],
)
def test_the_page_shows_the_clock_beside_the_code(
    app: Flask, clock: FixedClock, lang: str, date: str, zone: str
) -> None:
    clock.advance(timedelta(milliseconds=1_900))
    answer = app.test_client().get(f"/time-qr?lang={lang}")
    assert answer.status_code == 200
    assert answer.headers["Content-Language"].startswith(lang)
    for text in (">09:00:01<", date, zone):
        assert text in answer.text
    assert answer.headers["Cache-Control"] == "no-store"


def test_the_page_speaks_the_readers_language(app: Flask) -> None:
    client = app.test_client()
    assert "请勿拍摄" in client.get("/time-qr").text
    english = client.get("/time-qr", headers={"Accept-Language": "en-GB"})
    assert "do not photograph" in english.text
    assert "Accept-Language" in english.headers["Vary"]


def test_the_page_needs_no_script_and_allows_no_other(app: Flask) -> None:
    answer = app.test_client().get("/time-qr")
    policy = answer.headers["Content-Security-Policy"]
    for kind, tag in (("script-src", "script"), ("style-src", "style")):
        (inside,) = re.findall(rf"<{tag}>(.*?)</{tag}>", answer.text, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(inside.encode()).digest()).decode()
        assert f"{kind} 'sha256-{digest}';" in policy
    assert "default-src 'none'" in policy
    assert '<noscript><meta http-equiv="refresh" content="1"></noscript>' in answer.text
    assert " style=" not in answer.text
    assert not re.search(r'(?:src|href)="(?!\?lang=)', answer.text)


def observe(app: Flask, court_id: uuid.UUID, device_id: uuid.UUID, walls: range) -> None:
    with unit_of_work(court_id) as session:
        ctx = Context(system_actor(court_id), session, runtime_of(app))
        for wall in walls:
            service.observe(ctx, device_id, Reading(wall, -1_500, 40, "boot", wall, True))


def test_the_ledger_of_a_device(app: Flask) -> None:
    world = World.build(app)
    camera = world.first.camera
    observe(app, world.first.id, camera.id, range(1_000, 1_003))
    observe(app, world.second.id, world.second.camera.id, range(9_000, 9_001))
    officer = world.caller(world.first.officer)
    first = officer.get(f"/devices/{camera.id}/clock?limit=2")
    assert first.status_code == 200, first.text
    assert [row["device_wall_ms"] for row in body(first)["items"]] == [1_002, 1_001]
    row = body(first)["items"][0]
    assert (row["offset_ms"], row["error_ms"], row["true_ms"]) == (-1_500, 40, -498)
    assert (row["source"], row["boot"], row["through_suspend"]) == ("server", "boot", True)
    cursor = body(first)["next_cursor"]
    rest = officer.get(f"/devices/{camera.id}/clock?limit=2&cursor={cursor}")
    assert [row["device_wall_ms"] for row in body(rest)["items"]] == [1_000]
    assert body(rest)["next_cursor"] is None


def test_a_foreign_device_and_an_absent_one_are_the_same(app: Flask) -> None:
    world = World.build(app)
    observe(app, world.second.id, world.second.camera.id, range(3))
    officer = world.caller(world.first.officer)
    for device_id in (world.second.camera.id, uuid.uuid4()):
        answer = officer.get(f"/devices/{device_id}/clock")
        assert answer.status_code == 404
        assert body(answer)["type"].endswith(":not-found")


def test_the_ledger_is_not_public(app: Flask) -> None:
    world = World.build(app)
    path = f"/api/v1/devices/{world.first.camera.id}/clock"
    assert app.test_client().get(path).status_code == 401
    assert world.caller(world.first.observer).get(path).status_code == 403
    assert world.device_caller(world.first.phone).get(path).status_code == 401


def test_odd_queries_of_the_ledger(app: Flask) -> None:
    world = World.build(app)
    officer = world.caller(world.first.officer)
    path = f"/devices/{world.first.camera.id}/clock"
    assert officer.get(f"{path}?limit=0").status_code == 422
    assert officer.get(f"{path}?order=up").status_code == 422
    assert officer.get(f"{path}?cursor=nonsense").status_code == 400
