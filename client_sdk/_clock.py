"""The device's clocks: wall, monotonic through suspend, and the boot they belong to."""

from __future__ import annotations

import time
import uuid
from datetime import datetime
from pathlib import Path
from typing import Final, Protocol

from client_sdk.protocol.payloads import Instant
from client_sdk.protocol.times import format_local, unix_ms

_BOOT_ID: Final = Path("/proc/sys/kernel/random/boot_id")


class DeviceClock(Protocol):
    """What the SDK reads time from; tests and simulators bring their own."""

    def wall(self) -> datetime:
        """The wall clock, aware, in the device's zone."""

    def mono_ms(self) -> int:
        """Milliseconds that only grow within a boot."""

    def boot(self) -> str:
        """Id of the boot that `mono_ms` belongs to."""

    def through_suspend(self) -> bool:
        """Whether `mono_ms` goes on while the device sleeps (needed for class A)."""

    def sleep(self, seconds: float) -> None:
        """Wait."""


class SystemClock:
    """The operating system's clocks: CLOCK_BOOTTIME where there is one.

    Elsewhere the monotonic clock may stop during suspend, and no boot id is
    known: then each process counts as a boot of its own.
    """

    def __init__(self) -> None:
        self._boottime: int | None = getattr(time, "CLOCK_BOOTTIME", None)
        try:
            self._boot = _BOOT_ID.read_text(encoding="ascii").strip()
        except OSError:
            self._boottime = None
            self._boot = f"process-{uuid.uuid4()}"

    def wall(self) -> datetime:
        """Now, in the local zone."""
        return datetime.now().astimezone()

    def mono_ms(self) -> int:
        """Milliseconds since boot."""
        if self._boottime is not None:
            return time.clock_gettime_ns(self._boottime) // 1_000_000
        return time.monotonic_ns() // 1_000_000

    def boot(self) -> str:
        """The kernel's boot id."""
        return self._boot

    def through_suspend(self) -> bool:
        """True with CLOCK_BOOTTIME."""
        return self._boottime is not None

    def sleep(self, seconds: float) -> None:
        """Wait really."""
        time.sleep(seconds)


def read_instant(clock: DeviceClock, gnss: str | None = None) -> Instant:
    """All clocks at once, as a record states them; `gnss` is a satellite time if known."""
    return Instant(
        wall=format_local(clock.wall()),
        mono_ms=clock.mono_ms(),
        boot=clock.boot(),
        suspend=clock.through_suspend(),
        gnss=gnss,
    )


def wall_ms(clock: DeviceClock) -> int:
    """Wall clock in Unix milliseconds."""
    return unix_ms(clock.wall())
