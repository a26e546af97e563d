"""The clocks of a device whose wall clock is off."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta, timezone

from server.core.clock import FixedClock, unix_ms

_CHINA = timezone(timedelta(hours=8))
_BOOTED_MS = 1_700_000_000_000  # before any of the samples


@dataclass
class DeviceClock:
    """The clocks of a device, so many seconds ahead of the server's."""

    server: FixedClock
    ahead: timedelta = timedelta(0)

    def wall(self) -> datetime:
        return (self.server.now() + self.ahead).astimezone(_CHINA)

    def mono_ms(self) -> int:
        return unix_ms(self.server.now()) - _BOOTED_MS

    def boot(self) -> str:
        return "boot-1"

    def through_suspend(self) -> bool:
        return True

    def sleep(self, seconds: float) -> None:
        self.server.advance(timedelta(seconds=seconds))
