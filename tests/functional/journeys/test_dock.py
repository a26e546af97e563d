"""An officer docks a camera's card: read-only, matched by duty booking, resumed after a cut."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from client_sdk import FieldClient
from tests.factories.identity import Person
from tests.support.bureau import (
    CHINA,
    Bureau,
    Row,
    codes_of,
    command,
    officer_of,
    tiezheng,
    until_synced,
    window_around,
)
from tests.support.card import Card

DATABASE = "sqlite"
CAMERA = "Nikon 2(虚构)"
PICTURES = 18
SLOW = timedelta(minutes=7)  # the camera's clock is behind by this
CODE_ERROR = timedelta(seconds=3)
DAY_IN_2008 = datetime(2008, 10, 22, 16, 0, tzinfo=CHINA)


@pytest.fixture
def card(tmp_path: Path) -> Card:
    """An empty card."""
    return Card(tmp_path / "CARD")


@dataclass(frozen=True)
class Outing:
    """A mission with a camera booked for the officer, and a dock in the office."""

    office: Bureau
    officer: Person
    camera: str
    case: str
    mission: str
    dock: FieldClient

    @property
    def store(self) -> Path:
        """The dock's folder."""
        return self.dock.root

    def evidence(self, count: int, *, examined: bool = True) -> list[Row]:
        """The case's items."""
        return self.office.evidence(self.case, count, examined=examined)


@pytest.fixture
def outing(office: Bureau) -> Outing:
    """Today's outing, from two hours ago for four hours."""
    return plan(office, window_around(datetime.now(CHINA)))


def dock_of(card: Card) -> tuple[object, ...]:
    """The command of a script: it asks nothing, and names the camera as people call it."""
    return ("dock", card.folder, "--camera", CAMERA, "--no-input")


def plan(office: Bureau, window: tuple[datetime, datetime]) -> Outing:
    """The dock is enrolled first: what is planned later reaches it as a change."""
    officer = office.court.officer  # who carries another camera as well
    dock = office.enrol("dock", officer, kind="dock")
    dock.pull()
    camera, case = office.camera(CAMERA), office.case(officer)
    mission = office.mission(case, [officer], window, [camera])
    office.book(camera, officer, window, mission)
    return Outing(office, officer, camera, case, mission, dock)


def test_a_card_is_read_only_matched_calibrated_and_confirmed(outing: Outing, card: Card) -> None:
    now = datetime.now(CHINA)
    code = outing.office.time_code()
    taken = [now - timedelta(minutes=minutes) for minutes in (40, 25, 10)]
    card.time_code(code, datetime.now(CHINA) - SLOW)
    for at in taken:
        card.photo(at - SLOW)
    stray = card.photo(now - timedelta(days=2))
    (card.folder / "AUTORUN.INF").write_text("not evidence")
    before = card.state()

    first = tiezheng(outing.store, *dock_of(card), "--json")

    assert first.code == 3, first.err
    assert card.state() == before
    planned = {Path(one["file"]).name: one for one in first.json["taken"]}
    assert set(planned) == {f"TZC_000{number}.JPG" for number in (1, 2, 3, 4)}
    assert {one["reason"] for one in planned.values()} == {"booked"}
    assert {one["why"] for one in planned.values()} == {"carried by this officer at that time"}
    assert [one["file"] for one in first.json["unmatched"]] == [f"DCIM/100TZCAM/{stray.name}"]
    assert first.json["unmatched"][0]["reason"] == "no-booking"
    assert first.json["passed_over"] == ["AUTORUN.INF"]
    until_synced(outing.dock)

    items = outing.evidence(4)
    assert [one["name"] for one in items] == sorted(planned)
    assert {one["captured_by"] for one in items} == {outing.camera}
    assert {one["device_id"] for one in items} == {str(outing.dock.identity.device_id)}
    assert {officer_of(one) for one in items} == {(outing.officer.id, "booking")}
    assert {one["mission_id"] for one in items} == {outing.mission}
    for one, at in zip(items[1:], taken, strict=True):
        corrected = datetime.fromisoformat(one["time"]["captured_at"])
        assert abs(corrected - at) <= CODE_ERROR, (one["name"], one["time"], at)
        assert one["time"]["error_ms"] <= CODE_ERROR.total_seconds() * 1000
        assert not codes_of(one) & {"clock-in-future", "officer-differs"}
    readings = list(outing.office.desk.items(f"/devices/{outing.camera}/clock"))
    assert [one["source"] for one in readings] == ["time-qr"]
    receipts = {one.sha256: one for one, _ in outing.dock.receipts() if one.sha256}
    assert set(receipts) == {one["sha256"] for one in items}


def test_a_write_protected_card_and_a_second_look(outing: Outing, card: Card) -> None:
    at = datetime.now(CHINA) - timedelta(minutes=30)
    card.photo(at)
    stray = card.photo(at - timedelta(days=2))
    card.lock()
    try:
        before = card.state()
        assert tiezheng(outing.store, *dock_of(card), "--json").code == 3
        again = tiezheng(outing.store, *dock_of(card), "--json")
        assert again.code == 3
        assert (len(again.json["taken"]), len(again.json["docked_before"])) == (0, 1)
        told = tiezheng(outing.store, *dock_of(card), "--json", "--case", outing.case)
        assert told.code in (0, 5), told.err
        assert [Path(one["file"]).name for one in told.json["taken"]] == [stray.name]
        assert card.state() == before
    finally:
        card.unlock()
    until_synced(outing.dock)
    items = outing.evidence(2)
    assert [one["officer_source"] for one in items] == ["booking", "none"]
    assert {one["captured_by"] for one in items} == {outing.camera}


def test_pictures_of_an_old_day_go_to_who_carried_the_camera_then(
    office: Bureau, card: Card
) -> None:
    """The Nikon photos of the samples are of 22 October 2008; booked late, in hindsight."""
    window = (DAY_IN_2008, DAY_IN_2008 + timedelta(hours=2))
    outing = plan(office, window)
    for path in nikon(card):
        card.closed(path, DAY_IN_2008 + timedelta(minutes=40))
    done = tiezheng(outing.store, *dock_of(card), "--json")
    assert done.code in (0, 5), done.err
    assert {one["reason"] for one in done.json["taken"]} == {"booked"}
    until_synced(outing.dock)
    for one in outing.evidence(2):
        at = datetime.fromisoformat(one["time"]["captured_at"])
        assert window[0] <= at < window[1], one["time"]
        assert officer_of(one) == (outing.officer.id, "booking")
        assert one["captured_by"] == outing.camera
        assert not codes_of(one) & {"media-time-differs", "clock-in-future"}


def nikon(card: Card) -> list[Path]:
    """Two real photos of that day, or two made to be of it."""
    samples = Path(os.environ.get("TIEZHENG_SAMPLES", "/nonexistent")) / "photos"
    real = [samples / "DSCN0010.jpg", samples / "DSCN0012.jpg"]
    if not all(path.is_file() for path in real):
        return [card.photo(DAY_IN_2008 + timedelta(minutes=30 + number)) for number in range(2)]
    card.pictures.mkdir(parents=True)
    copies = [card.pictures / path.name for path in real]
    for path, copy in zip(real, copies, strict=True):
        copy.write_bytes(path.read_bytes())
    return copies


def test_a_card_that_is_pulled_out_goes_on_where_it_was(outing: Outing, card: Card) -> None:
    def pull_out(process: subprocess.Popen[Any]) -> int:
        card.folder.rename(away)
        return process.wait(60)

    away = card.folder.with_name("away")
    code = interrupted(outing, card, pull_out)
    assert code == 5
    away.rename(card.folder)
    resumed(outing, card)


def test_a_dock_that_is_killed_goes_on_where_it_was(outing: Outing, card: Card) -> None:
    def kill(process: subprocess.Popen[Any]) -> int:
        process.kill()
        return process.wait(60)

    assert interrupted(outing, card, kill) == -9
    resumed(outing, card)


def interrupted(outing: Outing, card: Card, strike: Callable[[subprocess.Popen[Any]], int]) -> int:
    """Dock many pictures and strike when a few are safe; the command's exit code."""
    at = datetime.now(CHINA) - timedelta(minutes=50)
    for second in range(PICTURES):
        card.photo(at + timedelta(seconds=second), bytes_more=600_000)
    words = command(outing.store, *dock_of(card), "--quiet")
    process = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    try:
        deadline = time.monotonic() + 60
        while len(list((outing.store / "files").rglob("*"))) < 6:
            assert process.poll() is None, "it was over before it could be struck"
            assert time.monotonic() < deadline
            time.sleep(0.002)
        return strike(process)
    finally:
        process.kill()
        process.communicate()


def resumed(outing: Outing, card: Card) -> None:
    """The same command again takes the rest, and nothing twice."""
    done = tiezheng(outing.store, *dock_of(card), "--json")
    assert done.code in (0, 5), done.err
    taken, before = len(done.json["taken"]), len(done.json["docked_before"])
    assert taken + before == PICTURES
    assert 0 < before < PICTURES
    until_synced(outing.dock)
    items = outing.evidence(PICTURES, examined=False)
    assert len(items) == len({one["sha256"] for one in items}) == PICTURES
    assert len({(one["ep"], one["seq"]) for one in items}) == PICTURES
