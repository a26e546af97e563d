"""From what a device's clock said to when it was (04 §4.5); pure.

Class A: a reading of the same boot on a clock that runs through suspend,
``t = t_sync − (mono_sync − mono_rec)``, ± half the round trip and 50 ppm drift.  B: a satellite
fix.  C: the wall clock with the nearest known offset, or alone.  D: the sources contradict each
other; the better one is given and the error covers both.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal

from client_sdk.protocol.clock import DRIFT_PPM
from client_sdk.protocol.payloads import Instant
from client_sdk.protocol.times import from_unix_ms, parse_rfc3339, unix_ms

ClassName = Literal["A", "B", "C", "D"]

GNSS_ERROR_MS: Final = 1_000
GNSS_STALE_MS: Final = 120_000  # a fix may be this old before it contradicts a better clock
EARLIEST_MS: Final = 0
LATEST_MS: Final = 253_402_214_400_000  # 9999-12-31: what both databases can hold in any zone


@dataclass(frozen=True, slots=True)
class Reading:
    """One comparison of a device's clock with a better one; milliseconds.

    ``offset_ms`` = true time − device wall time.  With ``boot`` and ``mono_ms`` it is also an
    anchor of that boot's monotonic clock, usable for class A when that runs through suspend.
    """

    device_wall_ms: int
    offset_ms: int
    error_ms: int
    boot: str | None = None
    mono_ms: int | None = None
    through_suspend: bool = False
    source: str = "server"

    @property
    def true_ms(self) -> int:
        """True time of the reading, Unix milliseconds."""
        return self.device_wall_ms + self.offset_ms


@dataclass(frozen=True, slots=True)
class Corrected:
    """When it was, ± ``error_ms`` (``None``: not known), and how that is known.

    ``zone_source`` says where the wall time's zone comes from: ``device-offset``, or
    ``device-utc`` when the device wrote UTC and its local zone is unknown.
    """

    at: datetime
    error_ms: int | None
    clock_class: ClassName
    zone_source: str


@dataclass(frozen=True, slots=True)
class _Guess:
    true_ms: int
    error_ms: int

    def agrees(self, other: _Guess, slack_ms: int = 0) -> bool:
        return abs(self.true_ms - other.true_ms) <= self.error_ms + other.error_ms + slack_ms

    def covering(self, other: _Guess) -> _Guess:
        apart = abs(self.true_ms - other.true_ms)
        return _Guess(self.true_ms, max(self.error_ms, apart + other.error_ms))


class Ledger:
    """Readings of one device, sorted once, so that many instants are corrected quickly."""

    def __init__(self, readings: Iterable[Reading]) -> None:
        self._by_wall = sorted(readings, key=lambda reading: reading.device_wall_ms)
        self._walls = [reading.device_wall_ms for reading in self._by_wall]
        anchors: dict[str, list[tuple[int, _Guess]]] = {}
        for reading in self._by_wall:
            if reading.boot and reading.mono_ms is not None and reading.through_suspend:
                guess = _Guess(reading.true_ms, reading.error_ms)
                anchors.setdefault(reading.boot, []).append((reading.mono_ms, guess))
        for found in anchors.values():
            found.sort(key=lambda anchor: (anchor[0], anchor[1].error_ms))
        self._anchors = anchors

    def correct(self, instant: Instant) -> Corrected:
        """When ``instant`` was."""
        zone = "device-utc" if instant.wall.endswith("Z") else "device-offset"
        steady = self._by_monotonic(instant)
        gnss = None
        if instant.gnss is not None:
            gnss = _Guess(unix_ms(parse_rfc3339(instant.gnss)), GNSS_ERROR_MS)
        if steady is not None:
            best, contradicted = steady
            if gnss is not None and not best.agrees(gnss, GNSS_STALE_MS):
                best, contradicted = best.covering(gnss), True
            return _corrected(best.true_ms, best.error_ms, "D" if contradicted else "A", zone)
        if gnss is not None:
            return _corrected(gnss.true_ms, gnss.error_ms, "B", zone)
        return self._by_wall_clock(unix_ms(parse_rfc3339(instant.wall)), zone)

    def _by_monotonic(self, instant: Instant) -> tuple[_Guess, bool] | None:
        anchors = self._anchors.get(instant.boot) if instant.suspend else None
        if not anchors:
            return None
        place = bisect_left(anchors, instant.mono_ms, key=lambda anchor: anchor[0])
        guesses = [
            _Guess(
                anchor.true_ms + (instant.mono_ms - mono_ms),
                anchor.error_ms + _drift_ms(instant.mono_ms - mono_ms),
            )
            for mono_ms, anchor in anchors[max(0, place - 1) : place + 1]
        ]
        best = min(guesses, key=lambda guess: guess.error_ms)
        for other in guesses:
            if not best.agrees(other):
                return best.covering(other), True
        return best, False

    def _by_wall_clock(self, wall_ms: int, zone: str) -> Corrected:
        place = bisect_left(self._walls, wall_ms)
        near = self._by_wall[max(0, place - 1) : place + 1]
        if not near:
            return _corrected(wall_ms, None, "C", zone)
        guesses = [
            _Guess(
                wall_ms + reading.offset_ms,
                reading.error_ms + _drift_ms(wall_ms - reading.device_wall_ms),
            )
            for reading in near
        ]
        best = min(guesses, key=lambda guess: guess.error_ms)
        for other in guesses:
            if not best.agrees(other):  # the clock was set in between, nobody knows when
                covering = best.covering(other)
                return _corrected(covering.true_ms, covering.error_ms, "D", zone)
        return _corrected(best.true_ms, best.error_ms, "C", zone)


def correct(instant: Instant, readings: Sequence[Reading]) -> Corrected:
    """When ``instant`` was, judged by the readings of its device; never raises for odd times."""
    return Ledger(readings).correct(instant)


def _drift_ms(distance_ms: int) -> int:
    """What a quartz may have gained or lost over a distance, rounded up."""
    return -(-abs(distance_ms) * DRIFT_PPM // 1_000_000)


def _corrected(true_ms: int, error_ms: int | None, name: ClassName, zone: str) -> Corrected:
    if not EARLIEST_MS <= true_ms <= LATEST_MS:
        true_ms, name = min(max(true_ms, EARLIEST_MS), LATEST_MS), "D"
    return Corrected(from_unix_ms(true_ms), error_ms, name, zone)
