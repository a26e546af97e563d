"""A case along the clock: an overview of all of it, and one window of it in detail.

However much a case holds, a page reads its counts per stretch of time and one page of entries.
"""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from client_sdk.protocol.times import from_unix_ms, unix_ms
from server.cases.models import Case, Mission
from server.console import lanes
from server.console.court_names import Named
from server.core.context import Context
from server.core.paging import decode_cursor, encode_cursor
from server.core.problem import Kind, Problem
from server.evidence import timeline as evidence
from server.evidence.models import Evidence
from server.evidence.timeline import Recording, Spot
from server.fieldlog import timeline as fieldlog
from server.fieldlog.models import LogEntry

ROWS: Final = 50
WHOLE_MAX: Final = 300  # up to so many entries are one window
TICKS_MAX: Final = 400
_LOG: Final = "log"
_EDGE: Final = timedelta(minutes=1)
Window = tuple[datetime, datetime]


@dataclass(frozen=True, slots=True)
class Stretch:
    """One bar of the overview; ``height`` from 0 to 100."""

    starts_at: datetime
    ends_at: datetime
    counts: Mapping[str, int]
    height: float
    inside: bool  # of the window

    @property
    def total(self) -> int:
        """Items and lines of the log."""
        return sum(self.counts.values())


@dataclass(frozen=True, slots=True)
class Entry:
    """An item or a line of the log, at its corrected time ± error."""

    id: uuid.UUID
    at: datetime
    error_ms: int | None
    item: Evidence | None = None
    line: LogEntry | None = None

    @property
    def at_ms(self) -> int:
        """Unix time in milliseconds."""
        return unix_ms(self.at)


@dataclass(frozen=True, slots=True)
class Lane:
    """What one device recorded within the window."""

    device_id: uuid.UUID
    name: str
    bars: Sequence[lanes.Bar]
    holes: Sequence[lanes.Bar]
    gaps: Sequence[lanes.Gap]


@dataclass(frozen=True, slots=True)
class Band:
    """A mission's planned window in the drawing."""

    mission: Mission
    bar: lanes.Bar


@dataclass(frozen=True, slots=True)
class Along:
    """Everything that the timeline of a page shows."""

    first: datetime
    last: datetime
    total: int
    window: Window
    whole: bool
    overview: Sequence[Stretch]
    entries: Sequence[Entry]
    next_cursor: str | None
    recordings: Sequence[Recording]
    tracks: Sequence[Lane]
    gaps: Sequence[lanes.Gap]  # in which no recorder ran
    holes: Sequence[lanes.Bar]
    bands: Sequence[Band]
    ticks: Sequence[tuple[float, datetime]]
    marks: Sequence[tuple[float, str]]  # photos and lines of the log on the page

    @property
    def kinds(self) -> dict[str, int]:
        """Items of the whole case by kind."""
        found: Counter[str] = Counter()
        for stretch in self.overview:
            found.update({kind: n for kind, n in stretch.counts.items() if kind != _LOG})
        return dict(found)

    @property
    def begins_ms(self) -> dict[uuid.UUID, int]:
        """When the window's recordings begin, by item."""
        return {one.item.id: unix_ms(one.starts_at) for one in self.recordings}

    @property
    def window_ms(self) -> tuple[int, int]:
        """For scripts."""
        return unix_ms(self.window[0]), unix_ms(self.window[1])


def along(
    ctx: Context,
    case: Case,
    asked: Mapping[str, Any],
    missions: Sequence[Mission],
    devices: Mapping[uuid.UUID, Named],
) -> Along | None:
    """The timeline of a visible case; None while it holds nothing.

    :param asked: ``starts_at``, ``ends_at``, ``at`` and ``cursor``, each of which may be absent.
    """
    zone = ZoneInfo(ctx.settings.time_zone)
    extent = _extent(ctx, case.id, zone)
    if extent is None:
        return None
    window = _window(asked, extent, zone)
    entries, following = _entries(ctx, case.id, window, _after(asked))
    recordings = evidence.recordings(ctx, case.id, window)
    stretches = [_as_stretch(one) for one in recordings]
    gaps = [gap for gap in lanes.gaps(stretches) if _overlaps(gap, window)]
    return Along(
        first=extent.first, last=extent.last, total=extent.total, window=window,
        whole=window[0] <= extent.first and extent.last < window[1],
        overview=_overview(extent, window),
        entries=entries, next_cursor=following, recordings=recordings,
        tracks=_lanes(recordings, window, devices), gaps=gaps, holes=_holes(gaps, window),
        bands=_bands(missions, window),
        ticks=[(lanes.mark(at, window), at) for at in _local_ticks(window, zone)],
        marks=[
            (lanes.mark(entry.at, window), entry.item.media if entry.item else _LOG)
            for entry in entries[:TICKS_MAX]
            if entry.item is None or entry.item.media not in evidence.RECORDINGS
        ],
    )  # fmt: skip


def window_of(ctx: Context, case: Case, asked: Mapping[str, Any]) -> Window | None:
    """The window that a query asks for; None while the case holds nothing."""
    zone = ZoneInfo(ctx.settings.time_zone)
    extent = _extent(ctx, case.id, zone)
    return None if extent is None else _window(asked, extent, zone)


def spots(ctx: Context, case: Case, window: Window) -> list[Spot]:
    """Positions of the window's items."""
    return evidence.spots(ctx, case.id, window)


def entries_of(
    ctx: Context, case: Case, window: Window, asked: Mapping[str, Any]
) -> tuple[list[Entry], str | None]:
    """A page of a window's entries and where the next one begins."""
    return _entries(ctx, case.id, window, _after(asked))


@dataclass(frozen=True, slots=True)
class _Extent:
    """From the first to the last moment of a case, and how much lies in each stretch of it."""

    first: datetime
    last: datetime
    origin: datetime
    width_s: int
    counted: Mapping[int, Mapping[str, int]]

    @property
    def total(self) -> int:
        """Items and lines of the log."""
        return sum(sum(counts.values()) for counts in self.counted.values())


def _extent(ctx: Context, case_id: uuid.UUID, zone: ZoneInfo) -> _Extent | None:
    found = [one for one in (evidence.extent(ctx, case_id), fieldlog.extent(ctx, case_id)) if one]
    if not found:
        return None
    first, last = min(one[0] for one in found), max(one[1] for one in found)
    width_s = lanes.bucket_width_s(last - first)
    origin = first.astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0)
    origin_s = unix_ms(origin) // 1000
    counted: dict[int, dict[str, int]] = {}
    for bucket in evidence.buckets(ctx, case_id, origin_s, width_s):
        counted.setdefault(bucket.number, {})[bucket.media] = bucket.items
    for number, lines in fieldlog.buckets(ctx, case_id, origin_s, width_s).items():
        counted.setdefault(number, {})[_LOG] = lines
    return _Extent(first, last, origin, width_s, counted)


def _window(asked: Mapping[str, Any], extent: _Extent, zone: ZoneInfo) -> Window:
    """What was asked for; else all of a small case, else the day of the cursor or the last one."""
    first, last = extent.first, extent.last
    starts_at, ends_at = asked.get("starts_at"), asked.get("ends_at")
    if starts_at is not None and ends_at is not None:
        if ends_at <= starts_at:
            raise Problem(Kind.VALIDATION, "to lies after from")
        return starts_at, ends_at
    if extent.total <= WHOLE_MAX:
        return first - _EDGE, last + _EDGE
    at = min(max(asked.get("at") or last, first), last)
    midnight = at.astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0)
    return midnight.astimezone(UTC), (midnight + timedelta(days=1)).astimezone(UTC)


def _overview(extent: _Extent, window: Window) -> list[Stretch]:
    highest = max(sum(counts.values()) for counts in extent.counted.values())
    found = []
    for number, counts in sorted(extent.counted.items()):
        starts_at = (extent.origin + timedelta(seconds=extent.width_s * number)).astimezone(UTC)
        ends_at = starts_at + timedelta(seconds=extent.width_s)
        height = max(4.0, round(100 * sum(counts.values()) / highest, 1))
        inside = starts_at < window[1] and ends_at > window[0]
        found.append(Stretch(starts_at, ends_at, counts, height, inside))
    return found


def _entries(
    ctx: Context, case_id: uuid.UUID, window: Window, after: tuple[datetime, uuid.UUID] | None
) -> tuple[list[Entry], str | None]:
    items = evidence.items(ctx, case_id, window, after, ROWS + 1)
    lines = fieldlog.lines(ctx, case_id, window, after, ROWS + 1)
    merged = [Entry(item.id, item.captured_at, item.error_ms, item=item) for item in items]
    merged += [Entry(line.id, line.happened_at, line.error_ms, line=line) for line in lines]
    merged.sort(key=lambda entry: (entry.at, entry.id))
    if len(merged) <= ROWS:
        return merged, None
    kept = merged[:ROWS]
    return kept, encode_cursor(kept[-1].at_ms, str(kept[-1].id))


def _after(asked: Mapping[str, Any]) -> tuple[datetime, uuid.UUID] | None:
    """Behind the last entry of the page before; else a page begins at the cursor in time."""
    if asked.get("cursor"):
        at_ms, text = decode_cursor(asked["cursor"], int, str)
        try:
            return from_unix_ms(at_ms), uuid.UUID(text)
        except (ValueError, OverflowError):
            raise Problem(Kind.CURSOR_INVALID) from None
    at: datetime | None = asked.get("at")
    if at is None or asked.get("starts_at") is not None:
        return None
    return at - timedelta(milliseconds=1), uuid.UUID(int=2**128 - 1)


def _lanes(
    recordings: Sequence[Recording], window: Window, devices: Mapping[uuid.UUID, Named]
) -> list[Lane]:
    by_device: dict[uuid.UUID, list[lanes.Stretch]] = {}
    for one in recordings:
        by_device.setdefault(one.item.captured_by, []).append(_as_stretch(one))
    found = []
    for device_id, stretches in by_device.items():
        drawn = [lanes.bar(stretch, window) for stretch in stretches]
        gaps = lanes.gaps(stretches)
        name = devices[device_id].name if device_id in devices else ""
        bars = [bar for bar in drawn if bar is not None]
        found.append(Lane(device_id, name, bars, _holes(gaps, window), gaps))
    return sorted(found, key=lambda lane: (lane.name, str(lane.device_id)))


def _holes(gaps: Sequence[lanes.Gap], window: Window) -> list[lanes.Bar]:
    drawn = [lanes.bar(lanes.Stretch(gap.starts_at, gap.ends_at), window) for gap in gaps]
    return [bar for bar in drawn if bar is not None]


def _bands(missions: Sequence[Mission], window: Window) -> list[Band]:
    found = []
    for mission in missions:
        bar = lanes.bar(lanes.Stretch(mission.starts_at, mission.ends_at), window)
        if bar is not None:
            found.append(Band(mission, bar))
    return found


def _as_stretch(one: Recording) -> lanes.Stretch:
    return lanes.Stretch(one.starts_at, one.ends_at, one.item.error_ms, str(one.item.id))


def _local_ticks(window: Window, zone: ZoneInfo) -> list[datetime]:
    return lanes.ticks((window[0].astimezone(zone), window[1].astimezone(zone)), wanted=6)


def _overlaps(gap: lanes.Gap, window: Window) -> bool:
    return gap.starts_at < window[1] and gap.ends_at > window[0]
