"""Streams of the same reading: who reads, who is woken, and that nobody is forgotten."""

from __future__ import annotations

from server.live.channels import Channel, Found


class Log:
    """Entries in order, and how often each place was read beyond."""

    def __init__(self) -> None:
        self.entries: list[int] = []
        self.readings: list[int] = []

    def load(self, place: int) -> Found:
        self.readings.append(place)
        found = [one for one in self.entries if one > place]
        return Found(repr(found).encode() if found else b"", found[-1] if found else place)


def channel() -> Channel:
    return Channel("test", "*", lambda _session, _after: [], shared=True)


def test_streams_at_one_place_share_a_reading() -> None:
    log, shared = Log(), channel()
    log.entries = [1, 2]
    assert {shared.beyond(0, log.load) for _ in range(5)} == {Found(b"[1, 2]", 2)}
    assert log.readings == [0]


def test_what_the_waiter_brought_is_not_read_again() -> None:
    log, shared = Log(), channel()
    log.entries = [1]
    shared.beyond(0, log.load)
    before = shared.generation
    shared.brought(1, Found(b"[2]", 2))
    assert shared.generation > before
    assert shared.head == 2
    assert shared.beyond(1, log.load) == Found(b"[2]", 2)
    assert log.readings == [0]


def test_where_a_browser_says_that_it_stands_moves_nobody() -> None:
    log, shared = Log(), channel()
    log.entries = [1]
    shared.beyond(0, log.load)
    assert shared.beyond(10**15, log.load) == Found(b"", 10**15)
    assert shared.head == 1


def test_news_that_a_stream_finds_while_it_catches_up_are_news_for_those_ahead() -> None:
    log, shared = Log(), channel()
    log.entries = [1, 2]
    shared.beyond(0, log.load)
    assert shared.beyond(2, log.load) == Found(b"", 2)  # it waits at the end
    seen = shared.generation
    log.entries.append(3)
    assert shared.beyond(1, log.load) == Found(b"[2, 3]", 3)
    assert shared.generation != seen
    assert shared.beyond(2, log.load) == Found(b"[3]", 3)


def test_what_was_changed_is_read_anew() -> None:
    log, shared = Log(), channel()
    shared.beyond(0, log.load)
    assert shared.head is None  # nothing was found, so nothing is known of where to look
    log.entries = [1]
    assert shared.beyond(0, log.load) == Found(b"", 0)
    shared.changed()
    assert shared.beyond(0, log.load) == Found(b"[1]", 1)


def test_to_rouse_is_no_news() -> None:
    log, shared = Log(), channel()
    shared.beyond(0, log.load)
    generation, turn = shared.generation, shared.turn
    shared.rouse()
    assert (shared.generation, shared.turn) == (generation, turn + 1)
    shared.beyond(0, log.load)
    assert log.readings == [0]
