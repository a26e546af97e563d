"""A ZIP file that grows member by member and survives ``kill -9`` between two of them.

Members are stored, not compressed: media do not shrink, and a digest of the package is a digest
of the originals in place.  A journal beside the file says which members are whole; whatever comes
after the last of them is cut off when the work is taken up again.  Layout after APPNOTE.TXT 6.3.10:
local headers without data descriptors, ZIP64 fields only where a number needs them, one fixed
date, so that the same members give the same bytes.
"""

from __future__ import annotations

import json
import os
import struct
import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import BinaryIO, Final, Self, TextIO

from storage.errors import NoSpace

_LIMIT: Final = 0xFFFF_FFFF
_COUNT_LIMIT: Final = 0xFFFF
_DATE: Final = (46 << 9) | (1 << 5) | 1  # 2026-01-01, at midnight
_VERSION: Final = 45  # ZIP64
_MADE_BY: Final = (3 << 8) | _VERSION  # Unix
_MODE: Final = 0o100644 << 16
_CRC_AT: Final = 14
_SYNC_BYTES: Final = 64 * 2**20
_LOCAL: Final = struct.Struct("<4s5H3I2H")
_CENTRAL: Final = struct.Struct("<4s6H3I5H2I")
_END: Final = struct.Struct("<4s4H2IH")
_END64: Final = struct.Struct("<4sQ2H2I4Q")
_LOCATOR: Final = struct.Struct("<4sIQI")


@dataclass(frozen=True, slots=True)
class Member:
    """A whole member: where its local header begins, what it holds, where the next one begins."""

    name: str
    offset: int
    size_bytes: int
    crc: int
    sha256: str
    end: int


class GrowingZip:
    """The package while it is made; one writer at a time.

    :param path: the file; its journal stands beside it as ``<name>.members``.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._journal_path = path.with_name(path.name + ".members")
        path.touch(mode=0o600, exist_ok=True)
        self._file: BinaryIO = path.open("r+b")
        self._journal: TextIO | None = None
        self._members = {one.name: one for one in self._readable()}
        self._end = max((one.end for one in self._members.values()), default=0)
        self._file.truncate(self._end)
        self._rewrite_journal()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let the file go; what is whole stays."""
        self._file.close()
        if self._journal is not None:
            self._journal.close()

    @property
    def members(self) -> dict[str, Member]:
        """Whole members by name."""
        return dict(self._members)

    def add(
        self,
        name: str,
        size_bytes: int,
        chunks: Iterable[bytes],
        digest: Callable[[], str],
        feed: Callable[[bytes], object],
    ) -> Member:
        """Append a member of a known length; nothing is kept when ``chunks`` raises.

        :param feed, digest: take the bytes as they pass, and name them at the end; ``digest`` may
            raise to refuse them.
        """
        if name in self._members:
            raise ValueError(f"{name} is there already")
        offset = self._end
        self._write_at(offset, _local_header(name, size_bytes, 0))
        at = offset + _local_size(name, size_bytes)
        crc, start = 0, at
        for chunk in chunks:
            self._write_at(at, chunk)
            feed(chunk)
            crc = zlib.crc32(chunk, crc)
            if (at - start) // _SYNC_BYTES != (at + len(chunk) - start) // _SYNC_BYTES:
                os.fdatasync(self._file.fileno())
            at += len(chunk)
        if at - start != size_bytes:
            raise ValueError(f"{name} has {at - start} bytes, not {size_bytes}")
        member = Member(name, offset, size_bytes, crc, digest(), at)
        self._write_at(offset + _CRC_AT, struct.pack("<I", crc))
        os.fsync(self._file.fileno())
        self._remember(member)
        return member

    def cut(self, keep: Callable[[str], bool]) -> None:
        """Drop every member from the first on that ``keep`` refuses."""
        ordered = sorted(self._members.values(), key=lambda one: one.offset)
        for at, member in enumerate(ordered):
            if not keep(member.name):
                self._members = {one.name: one for one in ordered[:at]}
                self._end = member.offset
                self._rewrite_journal()
                self._file.truncate(self._end)
                return

    def finish(self) -> int:
        """Write the central directory durably and return the length of the whole; repeatable."""
        at = start = self._end
        ordered = sorted(self._members.values(), key=lambda one: one.offset)
        for member in ordered:
            entry = _central_header(member)
            self._write_at(at, entry)
            at += len(entry)
        tail = _end_records(len(ordered), start, at - start)
        self._write_at(at, tail)
        self._file.truncate(at + len(tail))
        os.fsync(self._file.fileno())
        return at + len(tail)

    # ------------------------------------------------------------------ the journal

    def _readable(self) -> Iterator[Member]:
        size = self._path.stat().st_size
        try:
            lines = self._journal_path.read_text(encoding="ascii").split("\n")
        except FileNotFoundError:
            return
        for line in lines[:-1]:  # a torn last line has no line feed
            member = Member(**json.loads(line))
            if member.end > size:
                return
            yield member

    def _rewrite_journal(self) -> None:
        if self._journal is not None:
            self._journal.close()
        draft = self._journal_path.with_name(self._journal_path.name + ".new")
        ordered = sorted(self._members.values(), key=lambda one: one.offset)
        with draft.open("w", encoding="ascii") as file:
            file.writelines(json.dumps(asdict(one)) + "\n" for one in ordered)
            file.flush()
            os.fsync(file.fileno())
        draft.rename(self._journal_path)
        _sync_folder(self._path.parent)
        self._journal = self._journal_path.open("a", encoding="ascii")

    def _remember(self, member: Member) -> None:
        if self._journal is None:
            raise ValueError("the package is closed")
        self._journal.write(json.dumps(asdict(member)) + "\n")
        self._journal.flush()
        os.fsync(self._journal.fileno())
        self._members[member.name] = member
        self._end = member.end

    def _write_at(self, offset: int, data: bytes) -> None:
        view = memoryview(data)
        while view:
            try:
                done = os.pwrite(self._file.fileno(), view, offset)
            except OSError as error:
                raise NoSpace(f"the work folder of exports: {error.strerror}") from error
            view, offset = view[done:], offset + done


def _zip64(values: Iterable[int]) -> bytes:
    """The ZIP64 extra field of those numbers that need it; empty when none does."""
    large = [value for value in values if value >= _LIMIT]
    body = struct.pack(f"<{len(large)}Q", *large)
    return struct.pack("<2H", 1, len(body)) + body if large else b""


def _sizes_extra(size_bytes: int) -> bytes:
    return _zip64((size_bytes, size_bytes))


def _local_size(name: str, size_bytes: int) -> int:
    return _LOCAL.size + len(name.encode("ascii")) + len(_sizes_extra(size_bytes))


def _local_header(name: str, size_bytes: int, crc: int) -> bytes:
    extra, shown = _sizes_extra(size_bytes), min(size_bytes, _LIMIT)
    fixed = _LOCAL.pack(
        b"PK\x03\x04", _VERSION, 0, 0, 0, _DATE, crc, shown, shown, len(name), len(extra)
    )
    return fixed + name.encode("ascii") + extra


def _central_header(member: Member) -> bytes:
    extra = _zip64((member.size_bytes, member.size_bytes, member.offset))
    shown = min(member.size_bytes, _LIMIT)
    fixed = _CENTRAL.pack(
        b"PK\x01\x02", _MADE_BY, _VERSION, 0, 0, 0, _DATE, member.crc, shown, shown,
        len(member.name), len(extra), 0, 0, 0, _MODE, min(member.offset, _LIMIT),
    )  # fmt: skip
    return fixed + member.name.encode("ascii") + extra


def _end_records(count: int, start: int, length: int) -> bytes:
    records = b""
    if count >= _COUNT_LIMIT or start >= _LIMIT or length >= _LIMIT:
        records = _END64.pack(
            b"PK\x06\x06", _END64.size - 12, _MADE_BY, _VERSION, 0, 0, count, count, length, start
        ) + _LOCATOR.pack(b"PK\x06\x07", 0, start + length, 1)
    shown = min(count, _COUNT_LIMIT)
    return records + _END.pack(
        b"PK\x05\x06", 0, 0, shown, shown, min(length, _LIMIT), min(start, _LIMIT), 0
    )


def _sync_folder(path: Path) -> None:
    folder = os.open(path, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
