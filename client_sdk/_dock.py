"""Docking a card or folder: read-only, resumable, matched by duty booking.

1. `scan` lists the files; nothing on the card is ever written.
2. `plan` matches each file and remembers which were captured before.
3. `Dock.take` copies one file into the outbox; only then is it safe on this device.

A card that is pulled out loses nothing: the same command goes on where it was.
"""

from __future__ import annotations

import hashlib
import itertools
import os
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from client_sdk._capturing import as_id, describe, known_ending, name_bytes
from client_sdk.client import FieldClient
from client_sdk.errors import CaptureError
from client_sdk.models import Booking, Captured, OnProgress, no_progress
from client_sdk.protocol.matching import Duty, Match, match_file, told
from client_sdk.protocol.payloads import Media

TimeOf = Callable[[Path, datetime], datetime]

_SYSTEM: Final = frozenset({"system volume information", "$recycle.bin", "lost.dir", "found.000"})
_COUNTER: Final = re.compile(r"(?P<stem>.*?)(?P<number>[0-9]{3,6})\.[^.]+", re.DOTALL)
_GAP_MAX: Final = 1000
_DOCK: Final = "dock"
_SIGN_THEMSELVES: Final = frozenset({"phone", _DOCK, "workstation"})  # their files need no dock


@dataclass(frozen=True, slots=True)
class CardFile:
    """A file on a card; `place` is its key in the ledger of docked files."""

    path: Path
    relative: str
    size_bytes: int
    at: datetime
    media: Media
    place: str


@dataclass(frozen=True, slots=True)
class Scan:
    """Files to take, and what was passed over."""

    files: tuple[CardFile, ...]
    passed_over: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PlannedFile:
    """A file with its match; `docked` is its digest when it was captured before."""

    file: CardFile
    match: Match
    docked: str | None = None


@dataclass(frozen=True, slots=True)
class DockPlan:
    """What docking will do."""

    planned: tuple[PlannedFile, ...]
    passed_over: tuple[str, ...]
    gaps: tuple[str, ...]

    @property
    def to_take(self) -> tuple[PlannedFile, ...]:
        """Matched and not captured yet."""
        return tuple(p for p in self.planned if p.docked is None and p.match.complete)

    @property
    def unmatched(self) -> tuple[PlannedFile, ...]:
        """Not captured yet, and a person must say where they belong."""
        return tuple(p for p in self.planned if p.docked is None and not p.match.complete)

    @property
    def docked(self) -> tuple[PlannedFile, ...]:
        """Captured before."""
        return tuple(p for p in self.planned if p.docked is not None)


@dataclass(frozen=True, slots=True)
class TakenFile:
    """A file that is now safe on this device."""

    file: CardFile
    match: Match
    captured: Captured


def file_time(path: Path, modified: datetime) -> datetime:
    """The file's own time: when the camera closed it."""
    del path
    return modified


def scan(folder: Path, *, time_of: TimeOf = file_time) -> Scan:
    """List the media files below `folder`, oldest first, following no links."""
    if not folder.is_dir():
        raise CaptureError(f"{folder} is not a folder")
    found: list[CardFile] = []
    passed_over: list[str] = []
    for path in _walk(folder):
        relative = path.relative_to(folder).as_posix()
        if not known_ending(path.name):
            passed_over.append(relative)
            continue
        found.append(_card_file(path, relative, time_of))
    return Scan(tuple(sorted(found, key=lambda f: (f.at, f.relative))), tuple(passed_over))


def _walk(folder: Path) -> Iterator[Path]:
    try:
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except OSError as error:
        raise CaptureError(f"{folder}: {error.strerror or error}") from error
    for entry in entries:
        if entry.name.startswith(".") or entry.name.lower() in _SYSTEM:
            continue
        if entry.is_dir(follow_symlinks=False):
            yield from _walk(Path(entry.path))
        elif entry.is_file(follow_symlinks=False):
            yield Path(entry.path)


def _card_file(path: Path, relative: str, time_of: TimeOf) -> CardFile:
    try:
        stat = path.stat()
    except OSError as error:
        raise CaptureError(f"{relative}: {error.strerror or error}") from error
    modified = datetime.fromtimestamp(stat.st_mtime, UTC).astimezone()
    key = f"{relative}\0{stat.st_size}\0{stat.st_mtime_ns}"
    return CardFile(
        path=path,
        relative=relative.encode("utf-8", "surrogateescape").decode("utf-8", "replace"),
        size_bytes=stat.st_size,
        at=time_of(path, modified),
        media=describe(name_bytes(path)).media,
        place=hashlib.sha256(key.encode("utf-8", "surrogateescape")).hexdigest(),
    )


def counter_gaps(names: Iterable[str]) -> list[str]:
    """Numbers missing between the files of a folder: `DSC_0231 → DSC_0234`."""
    series: dict[str, dict[int, str]] = {}
    for name in names:
        found = _COUNTER.fullmatch(name)
        if found:
            series.setdefault(found["stem"], {})[int(found["number"])] = found["number"]
    gaps = []
    for stem, numbers in sorted(series.items()):
        ordered = sorted(numbers)
        for left, right in itertools.pairwise(ordered):
            if 1 < right - left <= _GAP_MAX:
                gaps.append(f"{stem}{numbers[left]} → {stem}{numbers[right]}")
    return gaps


class Dock:
    """Docks one card into a client's outbox."""

    def __init__(self, client: FieldClient, camera: str | None = None) -> None:
        self._client = client
        missions = tuple(client.missions())
        kinds = {key: kind for m in missions for key, kind in m.device_kinds.items()}
        kinds[str(client.identity.device_id)] = _DOCK
        bookings = tuple(
            b
            for b in client.bookings()
            if kinds.get(b.device_id, b.device_kind) not in _SIGN_THEMSELVES
        )
        self.duty = Duty(bookings, missions)
        self._camera = None if camera is None else _camera_id(camera, bookings)

    def plan(self, found: Scan, *, case: str | None = None, mission: str | None = None) -> DockPlan:
        """Match every file; `case` and `mission` decide where a booking does not."""
        planned = tuple(self._plan_file(file, case, mission) for file in found.files)
        gaps = counter_gaps(file.relative for file in found.files)
        return DockPlan(planned, found.passed_over, tuple(gaps))

    def _plan_file(self, file: CardFile, case: str | None, mission: str | None) -> PlannedFile:
        match = match_file(file.at, self._camera, self.duty)
        if not match.complete and (case or mission):
            match = told(match, case, mission, self.duty)
        return PlannedFile(file, match, self._client.docked(file.place))

    def told(self, planned: PlannedFile, case: str) -> PlannedFile:
        """The plan for a file after a person named its case."""
        return replace(planned, match=told(planned.match, case, None, self.duty))

    def take(self, planned: PlannedFile, on_progress: OnProgress = no_progress) -> TakenFile:
        """Copy one file into the outbox; durable and chained when it returns."""
        file, match = planned.file, planned.match
        captured = self._client.capture(
            file.path,
            case=match.case,
            mission=match.mission,
            who=match.officer,
            captured_by=match.camera,
            match=match.to_payload(),
            place=file.place,
            on_progress=lambda event: on_progress(replace(event, path=file.path)),
        )
        return TakenFile(file, match, captured)


def _camera_id(camera: str, bookings: Iterable[Booking]) -> str:
    """Id of a camera that is given by id or as people call it."""
    called = {b.device_id for b in bookings if b.device_name == camera}
    return called.pop() if len(called) == 1 else str(as_id(camera))
