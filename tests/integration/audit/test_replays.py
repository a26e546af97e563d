"""The same records sent again, and other records for the same places."""

from __future__ import annotations

import pytest
import sqlalchemy as sa
from flask import Flask

from server.audit.models import Event, RecordConflict
from server.audit.rebuild import rebuild_tiles
from server.core.transactions import EVERY_COURT, unit_of_work
from tests.factories.field import Recorder, sequence
from tests.factories.identity import World


@pytest.fixture
def phone(app: Flask) -> Recorder:
    return Recorder(app, World.build(app).first.phone)


def entered() -> list[tuple[str, int | None]]:
    """(kind, seq) of everything in the log."""
    with unit_of_work(EVERY_COURT, write=False) as session:
        rows = session.execute(sa.select(Event.kind, Event.seq).order_by(Event.log_index))
        return [(kind, seq) for kind, seq in rows]


def test_tamper_48_a_replayed_batch_enters_the_log_once(phone: Recorder) -> None:
    batch = [phone.note(f"{n}") for n in range(3)]
    for outcome in ("accepted", "duplicate", "duplicate"):
        assert {one["outcome"] for one in phone.push(batch)["results"]} == {outcome}
        sequence(phone.app)
    assert entered() == [("log.note", 1), ("log.note", 2), ("log.note", 3)]


def test_tamper_48_other_bytes_for_a_taken_place_are_a_conflict_and_both_are_kept(
    phone: Recorder,
) -> None:
    first = phone.note("one")
    rival = Recorder(phone.app, phone.device).note("another")
    phone.push([first])
    for _ in range(2):
        (result,) = phone.push([rival])["results"]
        assert result["outcome"] == "conflict"
        sequence(phone.app)
    assert entered() == [("log.note", 1), ("record.conflict", None)]
    with unit_of_work(EVERY_COURT) as session:
        (kept,) = session.execute(sa.select(RecordConflict)).scalars()
        assert kept.wire["h"] == rival["h"]
        event = session.execute(sa.select(Event).where(Event.seq == 1)).scalar_one()
        assert event.h == first["h"]
        told = session.execute(sa.select(Event.p).where(Event.seq.is_(None))).scalar_one()
        assert kept.hid in (told or "")
        assert rebuild_tiles(session) == []
