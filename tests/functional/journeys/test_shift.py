"""A shift with what goes wrong in it: a shared camera, clocks that jump, a revoked device."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from client_sdk import FieldClient
from client_sdk.models import ItemState
from client_sdk.protocol.times import parse_rfc3339
from tests.support.bureau import (
    CHINA,
    Bureau,
    codes_of,
    eventually,
    officer_of,
    tiezheng,
    until_synced,
    window_around,
)
from tests.support.card import Card

DATABASE = "sqlite"
SLOW = timedelta(minutes=20)  # more than the dock forgives
CODE_ERROR = timedelta(seconds=3)


def test_a_shared_camera_counts_for_who_carried_it_by_the_corrected_time(
    office: Bureau, tmp_path: Path
) -> None:
    first, second = office.court.officer, office.court.second_officer
    now = datetime.now(CHINA)
    noon, window = now - timedelta(hours=1), window_around(now, 4)
    dock = office.enrol("dock", first, kind="dock")
    camera, case = office.camera("共用相机(虚构)"), office.case(first, second)
    mission = office.mission(case, [first, second], window, [camera])
    booking = office.book(camera, first, window, mission)
    handed = {"to_user_id": str(second.id), "at": noon.isoformat(), "reason": "换班"}
    office.post(f"/duty-bookings/{booking}/hand-over", handed)

    card = Card(tmp_path / "CARD")
    before, after, late = (noon + timedelta(minutes=minutes) for minutes in (-25, 10, 45))
    for at in (before, after, late):
        card.photo(at - SLOW)
    card.time_code(office.time_code(), datetime.now(CHINA) - SLOW)
    done = tiezheng(
        dock.root, "dock", card.folder, "--camera", "共用相机(虚构)", "--no-input", "--json"
    )
    assert done.code in (0, 5), done.err
    # The dock knows the camera's own clock alone, by which the first officer still had it.
    assert [one["officer"] for one in done.json["taken"]] == [
        str(first.id), str(first.id), str(second.id), str(second.id)
    ]  # fmt: skip
    until_synced(dock)

    def corrected() -> bool:
        items = office.evidence(case, 4)
        return all(one["time"]["error_ms"] is not None for one in items)

    assert eventually(corrected)
    items = office.evidence(case, 4)
    for one, at in zip(items, (before, after, late), strict=False):
        found = datetime.fromisoformat(one["time"]["captured_at"])
        assert abs(found - at) <= CODE_ERROR, one["time"]
    assert [officer_of(one) for one in items] == [
        (first.id, "booking"), (second.id, "booking"), (second.id, "booking"),
        (second.id, "booking"),
    ]  # fmt: skip
    told = ["officer-corrected" in codes_of(one) for one in items]
    assert told == [False, True, False, False]
    moved = office.custody(items[1]["id"], "evidence.rebound")
    assert [row["actor_id"] for row in moved if row["kind"] == "evidence.rebound"] == [None]


@dataclass
class Clock:
    """A device's clocks: the wall clock may be wrong and set, the other one only runs."""

    offset: timedelta
    boot_id: str = "boot-1"
    suspend: bool = True
    started: datetime = field(default_factory=lambda: datetime.now(CHINA))

    def wall(self) -> datetime:
        """What it shows."""
        return datetime.now(CHINA) + self.offset

    def mono_ms(self) -> int:
        """Milliseconds since it was switched on."""
        return 5_000_000 + int((datetime.now(CHINA) - self.started).total_seconds() * 1000)

    def boot(self) -> str:
        """Changes when it is switched on again."""
        return self.boot_id

    def through_suspend(self) -> bool:
        """Whether the running clock runs while the device sleeps."""
        return self.suspend

    def sleep(self, seconds: float) -> None:
        """Wait really, but not for long."""
        import time  # noqa: PLC0415  the only use

        time.sleep(min(seconds, 0.2))


@pytest.mark.parametrize("suspend", [True, False])
def test_a_clock_that_is_wrong_and_jumps_keeps_the_order(office: Bureau, *, suspend: bool) -> None:
    clock = Clock(timedelta(days=2), suspend=suspend)
    phone = office.enrol("phone", office.court.officer, clock=clock)
    case = office.case(office.court.officer)
    until_synced(phone)  # the first exchange of times
    true_times = []
    for number, jump in enumerate((timedelta(0), timedelta(hours=-5), timedelta(days=-30))):
        clock.offset += jump
        true_times.append(datetime.now(CHINA))
        phone.capture(f"照片 {number}".encode(), name=f"{number}.jpg", case=case)
    until_synced(phone)

    items = office.evidence(case, 3)
    assert [one["name"] for one in items] == ["0.jpg", "1.jpg", "2.jpg"]
    assert [one["seq"] for one in items] == sorted(one["seq"] for one in items)
    for one in items:
        assert "clock-mono-regression" not in codes_of(one)
    steps = [one["name"] for one in items if "clock-step" in codes_of(one)]
    found = [datetime.fromisoformat(one["time"]["captured_at"]) for one in items]
    classes = {one["time"]["clock_class"] for one in items}
    if suspend:
        # The running clock tells the time, whatever the wall clock is set to.
        assert steps == ["1.jpg", "2.jpg"]
        assert classes == {"A"}
        for at, true in zip(found, true_times, strict=True):
            assert abs(at - true) < timedelta(seconds=2)
        assert found == sorted(found)
    else:
        assert "A" not in classes
        assert abs(found[0] - true_times[0]) < timedelta(seconds=2)
        for one, at, true in zip(items, found, true_times, strict=True):
            error_ms = one["time"]["error_ms"]
            assert abs(at - true) <= timedelta(milliseconds=error_ms + 2000)
        # Between two readings that disagree nobody knows when the clock was set.
        assert [one["time"]["clock_class"] for one in items] == ["C", "D", "C"]


def test_a_clock_ahead_before_any_exchange_of_times_is_found(office: Bureau) -> None:
    """Only the wall clock is known then: two days ahead is a finding, and nothing is refused."""
    clock = Clock(timedelta(days=2), suspend=False)
    phone = office.enrol("phone", office.court.officer, clock=clock)
    case = office.case(office.court.officer)
    phone.capture(b"ahead", name="ahead.jpg", case=case)
    clock.boot_id, clock.offset = "boot-2", timedelta(0)  # set right, and switched on again
    phone.log("时钟已校正", case=case)
    until_synced(phone)
    (item,) = office.evidence(case, 1)
    wall = parse_rfc3339(item["time"]["wall"])
    assert wall - datetime.now(CHINA) > timedelta(days=1)
    assert item["time"]["clock_class"] in {"C", "D"}
    assert codes_of(item) & {"clock-in-future", "clock-contradiction"}


def test_a_revoked_device_keeps_everything_and_says_what_to_do(
    office: Bureau, tmp_path: Path
) -> None:
    phone = office.enrol("phone", office.court.officer)
    case = office.case(office.court.officer)
    sent = phone.capture(b"sent before", name="a.jpg", case=case)
    until_synced(phone)
    kept = phone.capture(b"kept on the device", name="b.jpg", case=case)
    office.post(f"/devices/{phone.identity.device_id}/revoke", {"reason": "遗失"})

    for _ in range(2):
        done = tiezheng(phone.root, "sync")
        assert done.code == 4, done.out + done.err
        told = done.out.replace("\n", " ")
        assert "revoked" in told
        assert str(phone.root) in told
        assert "--store" in told
    as_json = tiezheng(phone.root, "sync", "--json")
    assert as_json.code == 4
    assert [one["code"] for one in as_json.json["problems"]] == ["device-revoked"]
    for words in (("missions",), ("outbox",), ("receipts",), ("log", "仍可记录", "--case", case)):
        assert tiezheng(phone.root, *words).code == 0
    again = ("sign-in", office.court.officer.login, "--password-stdin")
    signed = tiezheng(phone.root, *again, stdin=f"{office.court.officer.password}\n")
    assert signed.code == 4
    assert "revoked" in signed.err

    states = {item.seq: item.state for item in phone.outbox()}
    assert states[sent.seq] is ItemState.CONFIRMED
    assert states[kept.seq] is ItemState.ON_DEVICE
    content = b"".join(phone.read(kept.sha256 or ""))
    assert content == b"kept on the device"
    assert hashlib.sha256(content).hexdigest() == kept.sha256
    assert [one["name"] for one in office.evidence(case, 1, examined=False)] == ["a.jpg"]

    fresh = FieldClient(office.server.url, store=tmp_path / "fresh", secrets=None)
    with fresh:
        fresh.enrol(office.code("phone", "新手机(虚构)"), name="新手机(虚构)")
        fresh.sign_in(office.court.officer.login, office.court.officer.password)
        fresh.log("换机继续", case=case)
        until_synced(fresh)
