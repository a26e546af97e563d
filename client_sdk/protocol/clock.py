"""Clock arithmetic: four-timestamp offsets and corrected times with their error.

The device reads t1, the server t2 (arrival) and t3 (answer), the device t4
(RFC 5905 §8). All in Unix milliseconds; positive offset: the server is ahead.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Self

from client_sdk.protocol.errors import ProtocolError

DRIFT_PPM: Final = 50


class ClockClass(StrEnum):
    """How well a time is known (best first)."""

    A = "A"  # same boot as an exchange, on a clock that runs through suspend
    B = "B"  # satellite fix
    C = "C"  # the device's wall clock only
    D = "D"  # sources contradict each other


@dataclass(frozen=True, slots=True)
class ClockOffset:
    """Server minus device, ± error, in milliseconds."""

    offset_ms: int
    error_ms: int

    @classmethod
    def from_exchange(cls, t1: int, t2: int, t3: int, t4: int) -> Self:
        """Offset of one exchange; the error is half the round trip, rounded up."""
        round_trip = (t4 - t1) - (t3 - t2)
        if t4 < t1 or t3 < t2 or round_trip < 0:
            raise ProtocolError("times of an exchange run backwards", code="clock-exchange")
        # One more millisecond for the rounding of the halved sum.
        return cls((t2 - t1 + t3 - t4) // 2, (round_trip + 1) // 2 + 1)


@dataclass(frozen=True, slots=True)
class MonoAnchor:
    """True time at one reading of a boot's monotonic clock; milliseconds."""

    boot: str
    mono_ms: int
    true_ms: int
    error_ms: int


@dataclass(frozen=True, slots=True)
class CorrectedTime:
    """A time on the server's clock, ± error, with its class; milliseconds."""

    true_ms: int
    error_ms: int
    clock_class: ClockClass


def by_monotonic(
    anchor: MonoAnchor, boot: str, mono_ms: int, *, drift_ppm: int = DRIFT_PPM
) -> CorrectedTime | None:
    """Class A: `t = t_sync − (mono_sync − mono_rec)`; None in another boot.

    The error grows with the distance from the anchor by `drift_ppm`.
    """
    if anchor.boot != boot:
        return None
    distance_ms = anchor.mono_ms - mono_ms
    drift_ms = -(-abs(distance_ms) * drift_ppm // 1_000_000)
    return CorrectedTime(anchor.true_ms - distance_ms, anchor.error_ms + drift_ms, ClockClass.A)


def by_wall(wall_ms: int, offset: ClockOffset, *, doubt_ms: int = 0) -> CorrectedTime:
    """Class C: the wall clock with the nearest known offset; `doubt_ms` widens the error."""
    return CorrectedTime(wall_ms + offset.offset_ms, offset.error_ms + doubt_ms, ClockClass.C)
