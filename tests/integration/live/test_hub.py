"""Streams: woken by commits, shared readings, ends of rights, places given back."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Collection, Iterator, Sequence
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from sqlalchemy.orm import Session
from structlog.testing import capture_logs

from server.core.problem import Kind, Problem
from server.core.transactions import EVERY_COURT, unit_of_work
from server.core.waking import wake
from server.live import feed
from server.live.commands import Decision
from server.live.hub import Batched, Hub, Item, Share, hub_of
from server.live.waiter import Waiter
from tests.factories.identity import runtime_of
from tests.factories.live import Outing

PATIENCE_SECONDS = 30


def observed(outing: Outing, after: int = 0, **how: Any) -> Iterator[bytes]:
    """A stream of what observers see."""

    def read(session: Session, after: int) -> Sequence[Item]:
        found = feed.observer_entries(session, outing.mission, after)
        return [(one.position, "entry", one.as_dict()) for one in found]

    return feed.stream(
        runtime_of(outing.app), read, after, how.pop("alive", lambda _session: True), **how
    )


def next_event(stream: Iterator[bytes]) -> bytes:
    """The next chunk that is not a heartbeat."""
    return next(chunk for chunk in stream if not chunk.startswith((b"retry", b"event: beat")))


def under_way(app: Flask) -> Outing:
    outing = Outing.build(app)
    outing.start()
    outing.note("到达现场(虚构)")
    outing.read()
    outing.pass_time(minutes=10)
    outing.release_due()
    return outing


def test_a_stream_begins_with_what_is_there_and_goes_on_with_what_comes(app: Flask) -> None:
    outing = under_way(app)
    stream = observed(outing)
    first = next_event(stream)
    assert first.startswith(b"id: 1\nevent: entry\ndata: {")
    outing.decide(outing.rows()[0], Decision.WITHDRAW, reason="误发(虚构)")
    assert next_event(stream).startswith(b"id: 2\nevent: entry\ndata: {")
    stream.close()  # type: ignore[attr-defined]


def test_a_waiting_stream_is_woken_by_a_commit_of_another_thread(app: Flask) -> None:
    outing = under_way(app)
    found: list[bytes] = []

    def follow() -> None:
        with app.app_context():
            stream = observed(outing, after=1)
            found.append(next_event(stream))
            stream.close()  # type: ignore[attr-defined]

    follower = threading.Thread(target=follow)
    follower.start()
    outing.decide(outing.rows()[0], Decision.WITHDRAW, reason="误发(虚构)")
    follower.join(PATIENCE_SECONDS)
    assert [chunk[:6] for chunk in found] == [b"id: 2\n"]


def test_the_waiter_hears_of_each_commit_that_says_so(app: Flask) -> None:
    woken = threading.Semaphore(0)
    waiter = Waiter(app, woken.release)
    with capture_logs() as said:
        waiter.start()
        assert woken.acquire(timeout=PATIENCE_SECONDS)  # it has begun to wait
        for number in range(3):
            with unit_of_work(EVERY_COURT) as session:
                session.execute(
                    sa.text("UPDATE log_state SET feed_horizon = :n"), {"n": number + 1}
                )
                wake(session)
            assert woken.acquire(timeout=PATIENCE_SECONDS)
        waiter.stop()
    assert said == []


def test_a_stream_ends_when_the_right_ends(app: Flask) -> None:
    outing = under_way(app)
    rights = iter([True, True, False])
    stream = observed(outing, alive=lambda _session: next(rights))
    chunks = list(stream)
    assert chunks[-1] == b"event: end\ndata: {}\n\n"
    assert hub_of(runtime_of(app)).streams == 0


def test_a_quiet_stream_says_that_it_is_there(app: Flask) -> None:
    outing = under_way(app)
    stream = observed(outing, after=1, heartbeat_seconds=0.05)
    assert next(stream).startswith(b"retry: ")
    assert next(stream) == b"event: beat\ndata: {}\n\n"
    stream.close()  # type: ignore[attr-defined]


def test_streams_at_the_same_place_share_one_reading(app: Flask) -> None:
    outing = under_way(app)
    readings: list[int] = []

    def read(session: Session, after: int) -> Sequence[Item]:
        readings.append(after)
        found = feed.observer_entries(session, outing.mission, after)
        return [(one.position, "entry", one.as_dict()) for one in found]

    hub = hub_of(runtime_of(app))
    share = Share(("test", outing.mission), outing.court.id)
    streams = [
        hub.stream(read, 0, lambda _session: True, share=share, heartbeat_seconds=60)
        for _ in range(50)
    ]
    first = [next_event(stream) for stream in streams]
    assert len(set(first)) == 1
    # The waiter wakes everybody once when it has begun to wait; nothing else happened.
    assert readings.count(0) <= 2
    for stream in streams:
        stream.close()  # type: ignore[attr-defined]
    assert hub.streams == 0


def test_one_question_is_asked_for_all_streams_of_a_kind(app: Flask) -> None:
    outing = under_way(app)
    asked: list[int] = []
    ids = [uuid.uuid4() for _ in range(20)]

    def living(_session: Session, wanted: Collection[uuid.UUID]) -> Collection[uuid.UUID]:
        asked.append(len(wanted))
        return [one for one in wanted if one != ids[3]]

    streams = [observed(outing, alive=Batched("test", one, living)) for one in ids]
    ends = [list(_until_entry_or_end(stream))[-1] for stream in streams]
    assert [place for place, end in enumerate(ends) if end.startswith(b"event: end")] == [3]
    assert asked[0] == len(ids)
    assert len(asked) < len(ids)
    for stream in streams:
        stream.close()  # type: ignore[attr-defined]


def _until_entry_or_end(stream: Iterator[bytes]) -> Iterator[bytes]:
    for chunk in stream:
        yield chunk
        if chunk.startswith((b"id:", b"event: end")):
            return


def test_places_are_counted_and_given_back_even_by_streams_that_never_began(app: Flask) -> None:
    hub = Hub(app, streams_max=1)
    first = hub.stream(lambda _session, _after: [], 0, lambda _session: True)
    with pytest.raises(Problem) as refusal:
        hub.stream(lambda _session, _after: [], 0, lambda _session: True)
    assert refusal.value.kind is Kind.BUSY
    assert "Retry-After" in refusal.value.headers
    first.close()  # type: ignore[attr-defined]
    first.close()  # type: ignore[attr-defined]
    assert hub.streams == 0


def test_a_reading_that_fails_ends_the_stream_and_gives_the_place_back(app: Flask) -> None:
    def read(_session: Session, _after: int) -> Sequence[Item]:
        raise RuntimeError("the database is away")

    hub = Hub(app, streams_max=1)
    stream = hub.stream(read, 0, lambda _session: True)
    assert [chunk[:6] for chunk in stream] == [b"retry:"]
    assert hub.streams == 0


def test_the_staffs_stream_ends_with_the_sign_in(app: Flask) -> None:
    from server.identity.models import SignIn  # noqa: PLC0415  beside its only use
    from tests.factories.console import desk  # noqa: PLC0415

    outing = under_way(app)
    browser = desk(app, outing.court.officer)
    response = browser.get(f"/api/v1/live/missions/{outing.mission}/stream", buffered=False)
    assert response.headers["Content-Type"].startswith("text/event-stream")
    assert response.headers["X-Accel-Buffering"] == "no"
    assert response.headers["Cache-Control"] == "no-store"
    chunks = iter(response.response)
    assert "到达现场" in next(c.decode() for c in _bytes(chunks) if c.startswith(b"id:"))
    with unit_of_work(EVERY_COURT) as session:
        session.query(SignIn).update({SignIn.revoked_at: runtime_of(app).clock.now()})
    assert next(c for c in _bytes(chunks) if not c.startswith((b"id:", b"event: beat"))) == (
        b"event: end\ndata: {}\n\n"
    )
    response.close()


def _bytes(chunks: Iterator[Any]) -> Iterator[bytes]:
    return (chunk if isinstance(chunk, bytes) else chunk.encode() for chunk in chunks)


@pytest.mark.parametrize("given", ["-1", "one", "9" * 19, "1.5", "٣"])
def test_a_position_that_is_none_is_refused(app: Flask, given: str) -> None:
    from tests.factories.console import desk  # noqa: PLC0415

    outing = under_way(app)
    browser = desk(app, outing.court.officer)
    path = f"/api/v1/live/missions/{outing.mission}/stream?after={given}"
    assert browser.get(path).status_code == 400


def test_a_mission_that_one_may_not_see_has_no_stream(app: Flask) -> None:
    from tests.factories.console import desk  # noqa: PLC0415

    outing = under_way(app)
    browser = desk(app, outing.court.second_officer)
    assert browser.get(f"/api/v1/live/missions/{outing.mission}/stream").status_code == 404
