"""Rights of streams: one question for all, newcomers apart, and none goes on without an answer."""

from __future__ import annotations

import contextlib
import uuid
from collections.abc import Collection, Iterator

import pytest
from sqlalchemy.orm import Session

from server.live import rights
from server.live.rights import Batched, Rights


class Court:
    """Who may watch, and what was asked."""

    def __init__(self) -> None:
        self.barred: set[uuid.UUID] = set()
        self.asked: list[frozenset[uuid.UUID]] = []
        self.lost = 0

    def ask(self, _session: Session, ids: Collection[uuid.UUID]) -> set[uuid.UUID]:
        self.asked.append(frozenset(ids))
        return set(ids) - self.barred

    def lose(self) -> None:
        self.lost += 1

    def stream(self) -> Batched:
        return Batched("test", uuid.uuid4(), self.ask)


@contextlib.contextmanager
def reading() -> Iterator[Session]:
    with Session() as session:
        yield session


def entered(court: Court, count: int) -> tuple[Rights, list[Batched]]:
    found = Rights(reading, court.lose)
    streams = [court.stream() for _ in range(count)]
    for one in streams:
        found.enter(one)
    return found, streams


def test_one_question_for_all_and_one_for_a_newcomer() -> None:
    court = Court()
    held, streams = entered(court, 5)
    assert all(held.hold(one) for one in streams)
    late = court.stream()
    held.enter(late)
    assert held.hold(late)
    assert court.asked == [frozenset(one.id for one in streams), frozenset({late.id})]


def test_who_has_no_right_does_not_begin() -> None:
    court = Court()
    held, streams = entered(court, 2)
    assert held.hold(streams[0])
    late = court.stream()
    court.barred.add(late.id)
    held.enter(late)
    assert not held.hold(late)
    assert held.hold(streams[0])


def test_a_right_that_ends_is_noticed_by_whoever_asks(monkeypatch: pytest.MonkeyPatch) -> None:
    court = Court()
    held, streams = entered(court, 3)
    assert held.hold(streams[0])
    monkeypatch.setattr(rights, "ALIVE_SECONDS", 0.0)
    court.barred.add(streams[2].id)
    assert held.hold(streams[0])
    assert court.lost == 1
    assert not held.hold(streams[2])


def test_who_comes_while_all_are_asked_keeps_the_right(monkeypatch: pytest.MonkeyPatch) -> None:
    found, late = Rights(reading, lambda: None), uuid.uuid4()
    meanwhile: list[bool] = []
    calls: list[int] = []

    def ask(_session: Session, ids: Collection[uuid.UUID]) -> set[uuid.UUID]:
        calls.append(len(ids))
        if len(calls) == 2:  # the second question for everybody
            found.enter(Batched("test", late, ask))
            meanwhile.append(found.hold(Batched("test", late, ask)))
            monkeypatch.undo()
        return set(ids)

    early = Batched("test", uuid.uuid4(), ask)
    found.enter(early)
    assert found.hold(early)
    monkeypatch.setattr(rights, "ALIVE_SECONDS", 0.0)
    assert found.hold(early)
    assert meanwhile == [True]
    assert found.hold(Batched("test", late, ask))


def test_a_kind_that_nobody_watches_is_forgotten() -> None:
    court = Court()
    held, streams = entered(court, 2)
    assert all(held.hold(one) for one in streams)
    for one in streams:
        held.leave(one)
    again = streams[0]
    held.enter(again)
    assert held.hold(again)
    assert len(court.asked) == 2
