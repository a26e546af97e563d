"""A clock that tests move."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

from tests.unit.sdk.fake_server import START

CHINA = timezone(timedelta(hours=8))


class FakeClock:
    """Stands still until it sleeps or is moved; sleeping takes no real time."""

    def __init__(self) -> None:
        self.now = START.astimezone(CHINA)
        self.mono = 1_000_000
        self.boot_id = "boot-1"
        self.slept: list[float] = []

    def wall(self) -> datetime:
        return self.now

    def mono_ms(self) -> int:
        return self.mono

    def boot(self) -> str:
        return self.boot_id

    def through_suspend(self) -> bool:
        return True

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.move(seconds)

    def move(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)
        self.mono += int(seconds * 1000)
