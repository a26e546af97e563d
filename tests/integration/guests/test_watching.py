"""The live log of a guest: entries as they are released, photos, the end of the right to watch."""

from __future__ import annotations

import io
import json
import time
from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask
from PIL import Image
from werkzeug.test import TestResponse

from server.core.db import db
from server.live.commands import Decision
from tests.factories.cases import Bench
from tests.factories.guests import Watching, events_of, guest, invite, photo_of
from tests.factories.live import Outing

WAIT_SECONDS = 10.0


@pytest.fixture
def outing(app: Flask) -> Outing:
    """A mission that has started."""
    outing = Outing.build(app)
    outing.start()
    outing.read()
    return outing


@pytest.fixture
def visitor(app: Flask, outing: Outing) -> Watching:
    """A guest in its room."""
    return guest(app, invite(app, outing.court.supervisor, outing.mission))


def released(outing: Outing, *texts: str) -> None:
    """These lines, with their delay over."""
    for text in texts:
        outing.note(text)
    outing.read()
    outing.pass_time(minutes=10)
    outing.release_due()


def pieces(answer: TestResponse) -> Iterator[bytes]:
    return iter(answer.response)  # type: ignore[arg-type]


def until_end(answer: TestResponse) -> bytes:
    """Everything a stream still says until it ends by itself."""
    deadline = time.monotonic() + WAIT_SECONDS
    found = b""
    for piece in pieces(answer):
        found += piece
        assert time.monotonic() < deadline, "the stream does not end"
    answer.close()
    return found


def first_events(answer: TestResponse, wanted: int) -> list[tuple[int, str]]:
    """So many events of the log, then the stream is left."""
    found: list[tuple[int, str]] = []
    for piece in pieces(answer):
        found += [one for one in events_of(piece) if one[1] == "entry"]
        if len(found) >= wanted:
            break
    answer.close()
    return found


def test_the_page_shows_what_was_released_newest_first(outing: Outing, visitor: Watching) -> None:
    released(outing, "到达现场(虚构)", "出示证件(虚构)")
    text = visitor.get("/g").get_data(as_text=True)
    assert text.index("出示证件") < text.index("到达现场")
    assert "Delayed 10 min for safety" in text
    assert 'aria-current="step"' in text
    assert "清河镇" in text
    assert "/g/mark.svg" in text


def test_a_held_entry_is_shown_as_held_without_its_content(
    outing: Outing, visitor: Watching
) -> None:
    released(outing, "据知情人举报该处有财产(虚构)")
    text = visitor.get("/g").get_data(as_text=True)
    assert 'class="entry held"' in text
    assert "知情人" not in text


def test_the_stream_resumes_after_the_last_event_id(outing: Outing, visitor: Watching) -> None:
    released(outing, "一(虚构)", "二(虚构)", "三(虚构)")
    assert first_events(visitor.stream(), 3) == [(1, "entry"), (2, "entry"), (3, "entry")]
    assert first_events(visitor.stream(2), 1) == [(3, "entry")]


def test_fifty_drops_lose_and_repeat_nothing(outing: Outing) -> None:
    visitor = guest(
        outing.app, invite(outing.app, outing.court.supervisor, outing.mission, hours=24)
    )
    seen: list[int] = []
    for number in range(50):
        released(outing, f"第{number}条(虚构)")
        (event,) = first_events(visitor.stream(seen[-1] if seen else 0), 1)
        seen.append(event[0])
    assert seen == list(range(1, 51))


def test_a_revoked_invitation_ends_its_stream_within_two_seconds(
    outing: Outing, app: Flask
) -> None:
    invited = invite(app, outing.court.supervisor, outing.mission)
    visitor = guest(app, invited)
    answer = visitor.stream()
    assert next(pieces(answer)).startswith(b"retry:")
    invited.revoke(outing.court.supervisor)
    asked = time.monotonic()
    assert b"event: end" in until_end(answer)
    assert time.monotonic() - asked <= 2
    assert visitor.get("/g").status_code == 404
    assert visitor.get("/g/stream").status_code == 401


def test_the_stream_ends_with_the_window_and_the_replay_remains(
    outing: Outing, visitor: Watching
) -> None:
    released(outing, "到达现场(虚构)")
    answer = visitor.stream(1)
    assert next(pieces(answer)).startswith(b"retry:")
    outing.pass_time(hours=8)
    assert b"event: end" in until_end(answer)
    assert visitor.get("/g/stream").status_code == 204
    assert 'data-phase="replay"' in visitor.get("/g").get_data(as_text=True)
    assert "到达现场" in visitor.get("/g/replay").get_data(as_text=True)


def test_waiting_ends_when_the_mission_starts(app: Flask) -> None:
    outing = Outing.build(app)
    visitor = guest(app, invite(app, outing.court.supervisor, outing.mission))
    answer = visitor.stream()
    assert next(pieces(answer)).startswith(b"retry:")
    outing.start()
    assert b"event: end" in until_end(answer)


def with_photo(outing: Outing, spoiler: bytes = b"") -> str:
    """A photo whose redacted copy was released; the copy's id."""
    outing.capture(b"a photo of the scene")
    outing.read()
    (row,) = outing.rows()
    outing.pass_time(minutes=10)
    copy = photo_of(outing, row, spoiler=spoiler)
    outing.decide(row, Decision.REDACT, text="现场照片(虚构)", photos=(copy,))
    return str(copy)


def test_a_released_photo_is_marked_and_never_kept(outing: Outing, visitor: Watching) -> None:
    copy = with_photo(outing, b"canary-in-metadata")
    assert f"/g/photo/{copy}" in visitor.get("/g").get_data(as_text=True)
    answer = visitor.get(f"/g/photo/{copy}")
    assert (answer.status_code, answer.mimetype) == (200, "image/jpeg")
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["Content-Disposition"] == "inline"
    assert answer.headers["X-Watermark"]
    assert b"canary-in-metadata" not in answer.get_data()
    with Image.open(io.BytesIO(answer.get_data())) as picture:
        colours = picture.convert("RGB").getcolors(1 << 20)
    assert colours is not None
    assert len(colours) > 100, "a plain picture that is marked is plain no more"


def test_looking_at_a_photo_is_one_event_in_ten_minutes(outing: Outing, visitor: Watching) -> None:
    copy = with_photo(outing)
    for _ in range(3):
        assert visitor.get(f"/g/photo/{copy}").status_code == 200
    bench = Bench(outing.app)
    assert len(bench.events("guest.viewed-photo")) == 1
    outing.pass_time(minutes=11)
    visitor.get(f"/g/photo/{copy}")
    assert len(bench.events("guest.viewed-photo")) == 2


def test_a_photo_goes_with_its_entry(outing: Outing, visitor: Watching) -> None:
    copy = with_photo(outing)
    (row,) = outing.rows()
    outing.decide(row, Decision.WITHDRAW, reason="虚构")
    assert visitor.get(f"/g/photo/{copy}").status_code == 404
    assert visitor.get(f"/g/photo/{row.id}").status_code == 404


def test_attendance_grows_with_sightings_and_a_silence_ends_a_visit(
    outing: Outing, visitor: Watching
) -> None:
    bench = Bench(outing.app)
    visitor.get("/g")
    visitor.get("/g")
    assert len(bench.events("guest.arrived")) == 1
    assert bench.events("guest.watched") == []
    outing.pass_time(minutes=3)
    visitor.get("/g")
    outing.pass_time(minutes=20)
    visitor.stream().close()
    facts = [json.loads(one.p or "{}")["facts"] for one in bench.events("guest.watched")]
    assert [one["position"] for one in facts] == [0]
    assert len(bench.events("guest.arrived")) == 2


def test_nobody_has_seen_what_only_their_browser_claims(outing: Outing, visitor: Watching) -> None:
    released(outing, "到达现场(虚构)")
    visitor.stream(10**17).close()
    facts = [
        json.loads(one.p or "{}")["facts"] for one in Bench(outing.app).events("guest.arrived")
    ]
    assert [one["position"] for one in facts] == [0]


def test_a_photo_is_read_and_marked_outside_transactions(
    outing: Outing, visitor: Watching, monkeypatch: pytest.MonkeyPatch
) -> None:
    outing.capture()
    outing.read()
    (row,) = outing.rows()
    copy = photo_of(outing, row)
    outing.decide(row, Decision.REDACT, photos=(copy,))
    outing.pass_time(minutes=10)
    outing.release_due()
    blobs = outing.app.extensions["tiezheng"].stores.blobs
    waiting: list[bool] = []
    read = type(blobs).read

    def watched(*given: Any, **more: Any) -> Any:
        waiting.append(db.session.registry.has() and db.session().in_transaction())
        return read(*given, **more)

    monkeypatch.setattr(type(blobs), "read", watched)
    assert visitor.get(f"/g/photo/{copy}").status_code == 200
    assert waiting == [False]


def test_the_watermark_names_who_looks(visitor: Watching) -> None:
    answer = visitor.get("/g/mark.svg?n=1")
    assert answer.mimetype == "image/svg+xml"
    assert "邓观摩" in answer.get_data(as_text=True)
    assert answer.headers["Cache-Control"] == "no-store"
    assert "sandbox" in answer.headers["Content-Security-Policy"]


def test_larger_letters_are_remembered(visitor: Watching) -> None:
    assert 'class="room large"' not in visitor.get("/g").get_data(as_text=True)
    visitor.post("/g/size", {"large": "true"})
    assert 'class="room large"' in visitor.get("/g").get_data(as_text=True)
