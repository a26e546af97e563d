"""Strict ZIP reader: every reader that opens the file sees the same members.

Own parsing of the central directory (APPNOTE 6.3.10 §4.3), since a verifier must not forgive what
a general library forgives: hidden bytes, two names, disagreeing headers, links, bombs. Nothing is
unpacked to disk. Deviations are collected as problems; ArchiveError is for files without members.
"""

from __future__ import annotations

import os
import stat
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, Final, NamedTuple, Self

from client_sdk.protocol.dossier import (
    BAG_NAME,
    MAX_INFLATION,
    MAX_MEMBERS,
    MAX_OBJECT_BYTES,
)
from client_sdk.protocol.verdicts import Reason

STORED: Final = 0
DEFLATED: Final = 8
_END: Final = struct.Struct("<4s4H2LH")
_END64: Final = struct.Struct("<4sQ2H2L4Q")
_LOCATOR: Final = struct.Struct("<4sLQL")
_CENTRAL: Final = struct.Struct("<4s6H3L5H2L")
_LOCAL: Final = struct.Struct("<4s5H3L2H")
_END_MARK, _END64_MARK, _LOCATOR_MARK = b"PK\5\6", b"PK\6\6", b"PK\6\7"
_CENTRAL_MARK, _LOCAL_MARK, _DESCRIPTOR_MARK = b"PK\1\2", b"PK\3\4", b"PK\7\x08"
_VERSIONS: Final = (10, 20, 45)  # needed to extract: nothing, deflate, ZIP64
_FULL16: Final = 0xFFFF
_FULL32: Final = 0xFFFFFFFF
_ZIP64_EXTRA: Final = 1
_DESCRIPTOR_FLAG: Final = 1 << 3
_FLAGS: Final = 1 << 1 | 1 << 2 | 1 << 3 | 1 << 11
_MAX_DIRECTORY_BYTES: Final = 32 << 20
_SMALL_BYTES: Final = 1 << 20
_COMMENT_MAX: Final = 65_535
_READ_BYTES: Final = 1 << 20


class ArchiveError(Exception):
    """The file has no readable members; `reason` is the finding."""

    def __init__(self, reason: Reason, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason


class Problem(NamedTuple):
    """A finding without its check: reason, place, sentence."""

    reason: Reason
    where: str
    detail: str


@dataclass(frozen=True, slots=True)
class Member:
    """One file: `name` as written, sizes in octets, `start` of its data."""

    name: str
    method: int
    flags: int
    crc: int
    packed_bytes: int
    size_bytes: int
    offset: int
    attributes: int
    foreign_extra: bool
    start: int = 0


@dataclass
class Archive:
    """Open ZIP: `members` by their path below the top folder, problems found while reading."""

    file: BinaryIO
    folder: str = ""
    members: dict[str, Member] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    refused: set[str] = field(default_factory=set)  # too long to be read at all

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.file.close()

    def chunks(self, path: str) -> Iterator[bytes]:
        """Octets of a member, inflated, never more than it declares."""
        member = self.members[path]
        if path in self.refused:
            return
        if member.method == STORED:
            yield from self._stored(member)
        elif member.method == DEFLATED:
            yield from self._inflated(member)

    def read(self, path: str, limit_bytes: int) -> bytes:
        """A whole member of at most `limit_bytes`; longer ones are cut (and named elsewhere)."""
        parts: list[bytes] = []
        left = limit_bytes
        for chunk in self.chunks(path):
            parts.append(chunk[:left])
            left -= len(parts[-1])
            if left <= 0:
                break
        return b"".join(parts)

    def _stored(self, member: Member) -> Iterator[bytes]:
        left, at = min(member.packed_bytes, member.size_bytes), member.start
        while left:
            self.file.seek(at)
            chunk = self.file.read(min(_READ_BYTES, left))
            if not chunk:
                return self._hidden(member)
            yield chunk
            left, at = left - len(chunk), at + len(chunk)

    def _inflated(self, member: Member) -> Iterator[bytes]:
        engine, left, at = zlib.decompressobj(-zlib.MAX_WBITS), member.packed_bytes, member.start
        room = member.size_bytes
        waiting = b""
        while room and (left or waiting) and not engine.eof:
            if not waiting:
                self.file.seek(at)
                waiting = self.file.read(min(_READ_BYTES, left))
                if not waiting:
                    return self._hidden(member)
                left, at = left - len(waiting), at + len(waiting)
            try:
                out = engine.decompress(waiting, min(_READ_BYTES, room))
            except zlib.error:
                return self._hidden(member)
            waiting, room = engine.unconsumed_tail, room - len(out)
            yield out
        if room or left or waiting or engine.unused_data or not self._ended(engine):
            self._hidden(member)

    @staticmethod
    def _ended(engine: zlib._Decompress) -> bool:
        """Whether the stream ends here: nothing more comes out of what was put in."""
        return engine.eof or (not engine.decompress(b"", 1) and engine.eof)

    def _hidden(self, member: Member) -> None:
        problem = Problem(Reason.ARCHIVE_HIDDEN, member.name, "not the length that it declares")
        if problem not in self.problems:
            self.problems.append(problem)


def open_archive(path: Path) -> Archive:
    """Members and problems of a ZIP file; a context manager that closes the file."""
    file = path.open("rb")
    try:
        return _read(file, path.stat().st_size)
    except BaseException:
        file.close()
        raise


def _read(file: BinaryIO, size_bytes: int) -> Archive:
    archive = Archive(file)
    end, directory_at, directory_bytes, count = _find_end(file, size_bytes, archive.problems)
    if directory_bytes > _MAX_DIRECTORY_BYTES or count > MAX_MEMBERS:
        detail = f"{count} members, directory of {directory_bytes} octets"
        raise ArchiveError(Reason.ARCHIVE_LIMIT, detail)
    if directory_at + directory_bytes != end:
        archive.problems.append(
            Problem(Reason.ARCHIVE_HIDDEN, "", "octets before the end of the directory")
        )
    file.seek(directory_at)
    found = _directory(file.read(directory_bytes), count)
    listed = [_located(file, member, archive.problems) for member in found]
    _check_extents(file, listed, directory_at, archive.problems)
    for member in listed:
        archive.problems.extend(_judge(member))
    _arrange(archive, listed)
    limited = {one.where for one in archive.problems if one.reason is Reason.ARCHIVE_LIMIT}
    archive.refused = {path for path, one in archive.members.items() if one.name in limited}
    return archive


def _find_end(
    file: BinaryIO, size_bytes: int, problems: list[Problem]
) -> tuple[int, int, int, int]:
    """Offset of the end record, then offset, length and member count of the directory."""
    tail_bytes = min(size_bytes, _END.size + _COMMENT_MAX)
    file.seek(size_bytes - tail_bytes)
    tail = file.read(tail_bytes)
    at = tail.rfind(_END_MARK)
    if at < 0 or len(tail) - at < _END.size:
        file.seek(0)
        if file.read(4) == _LOCAL_MARK:
            raise ArchiveError(Reason.ARCHIVE_TRUNCATED, "the file ends before its directory")
        raise ArchiveError(Reason.ARCHIVE_UNREADABLE, "not a ZIP file")
    end = size_bytes - tail_bytes + at
    _, disk, first_disk, here, count, length, offset, _ = _END.unpack_from(tail, at)
    if end + _END.size != size_bytes:
        problems.append(Problem(Reason.ARCHIVE_HIDDEN, "", "octets after the end record"))
    if _FULL16 in {disk, first_disk, here, count} or _FULL32 in {length, offset}:
        return _find_end64(file, end)
    if disk or first_disk or here != count:
        raise ArchiveError(Reason.ARCHIVE_UNREADABLE, "an archive of several parts")
    return end, offset, length, count


def _find_end64(file: BinaryIO, end: int) -> tuple[int, int, int, int]:
    at = end - _LOCATOR.size
    locator = _exactly(file, at, _LOCATOR.size)
    mark, _, end64, _ = _LOCATOR.unpack(locator)
    record = _exactly(file, end64, _END64.size) if mark == _LOCATOR_MARK else b""
    if not record.startswith(_END64_MARK) or end64 + _END64.size != at:
        raise ArchiveError(Reason.ARCHIVE_UNREADABLE, "no ZIP64 end record")
    *_, here, count, length, offset = _END64.unpack(record)
    if here != count:
        raise ArchiveError(Reason.ARCHIVE_UNREADABLE, "an archive of several parts")
    return end64, offset, length, count


def _exactly(file: BinaryIO, at: int, size_bytes: int) -> bytes:
    if at < 0:
        raise ArchiveError(Reason.ARCHIVE_UNREADABLE, "a record before the file")
    if at > file.seek(0, os.SEEK_END):
        raise ArchiveError(Reason.ARCHIVE_TRUNCATED, "a record beyond the file's end")
    file.seek(at)
    data = file.read(size_bytes)
    if len(data) != size_bytes:
        raise ArchiveError(Reason.ARCHIVE_TRUNCATED, "the file ends within a record")
    return data


def _directory(data: bytes, count: int) -> list[Member]:
    found: list[Member] = []
    at = 0
    while at + _CENTRAL.size <= len(data) and len(found) <= count:
        fields = _CENTRAL.unpack_from(data, at)
        if fields[0] != _CENTRAL_MARK:
            break
        flags, method = fields[3], fields[4]
        name_at = at + _CENTRAL.size
        extra_at = name_at + fields[10]
        after = extra_at + fields[11]
        name = data[name_at:extra_at].decode("utf-8", "backslashreplace")
        crc, packed, size, offset = fields[7], fields[8], fields[9], fields[16]
        values, foreign = _sizes64(data[extra_at:after], (size, packed, offset))
        foreign = foreign or fields[12] > 0 or fields[2] not in _VERSIONS  # [12]: a comment
        size, packed, offset = values
        attributes = fields[15] if fields[1] >> 8 else 0
        found.append(Member(name, method, flags, crc, packed, size, offset, attributes, foreign))
        at = after + fields[12]
    if at != len(data) or len(found) != count:
        raise ArchiveError(Reason.ARCHIVE_UNREADABLE, "the directory is malformed")
    return found


def _sizes64(extra: bytes, values: tuple[int, int, int]) -> tuple[list[int], bool]:
    """Values with those of a ZIP64 field in place of all-ones; whether other fields are there."""
    found, foreign, at = list(values), False, 0
    while at + 4 <= len(extra):
        kind, length = struct.unpack_from("<2H", extra, at)
        body = extra[at + 4 : at + 4 + length]
        at += 4 + length
        if kind != _ZIP64_EXTRA:
            foreign = True
            continue
        for number, value in enumerate(found):
            if value == _FULL32 and len(body) >= 8:  # noqa: PLR2004 - a 64-bit number
                found[number] = int.from_bytes(body[:8], "little")
                body = body[8:]
    return found, foreign or at != len(extra)


def _located(file: BinaryIO, member: Member, problems: list[Problem]) -> Member:
    """The member with the start of its data; local and central header must agree."""
    fields = _LOCAL.unpack(_exactly(file, member.offset, _LOCAL.size))
    mark, version, flags, method, _, _, crc, packed, size, name_bytes, extra_bytes = fields
    rest = _exactly(file, member.offset + _LOCAL.size, name_bytes + extra_bytes)
    (size, packed, _), foreign = _sizes64(rest[name_bytes:], (size, packed, 0))
    name = rest[:name_bytes].decode("utf-8", "backslashreplace")
    same = (mark, name, flags, method) == (_LOCAL_MARK, member.name, member.flags, member.method)
    told = (crc, packed, size) == (member.crc, member.packed_bytes, member.size_bytes)
    later = bool(flags & _DESCRIPTOR_FLAG) and crc == 0
    if not same or foreign or version not in _VERSIONS or not (told or later):
        problems.append(Problem(Reason.ARCHIVE_HIDDEN, member.name, "its two headers disagree"))
    start = member.offset + _LOCAL.size + name_bytes + extra_bytes
    return Member(
        member.name, member.method, member.flags, member.crc, member.packed_bytes,
        member.size_bytes, member.offset, member.attributes, member.foreign_extra, start,
    )  # fmt: skip


def _check_extents(
    file: BinaryIO, members: list[Member], directory_at: int, problems: list[Problem]
) -> None:
    """Members lie one after the other, from the first octet to the directory."""
    at = 0
    ordered = sorted(members, key=lambda member: member.offset)
    ends = [member.offset for member in ordered[1:]] + [directory_at]
    for member, end in zip(ordered, ends, strict=True):
        data_end = member.start + member.packed_bytes
        if member.offset != at or not _is_descriptor(file, member, data_end, end):
            problems.append(Problem(Reason.ARCHIVE_HIDDEN, member.name, "hidden or shared octets"))
        at = end


def _is_descriptor(file: BinaryIO, member: Member, start: int, end: int) -> bool:
    if not member.flags & _DESCRIPTOR_FLAG or start == end:
        return start == end
    if not 12 <= end - start <= 24:  # noqa: PLR2004 - the four forms of a data descriptor
        return False
    body = _exactly(file, start, end - start)
    forms = [
        mark + struct.pack(form, member.crc, member.packed_bytes, member.size_bytes)
        for mark in (b"", _DESCRIPTOR_MARK)
        for form in ("<L2Q", "<3L")
        if form == "<L2Q" or max(member.packed_bytes, member.size_bytes) <= _FULL32
    ]
    return body in forms


def _judge(member: Member) -> Iterator[Problem]:
    """What is wrong with a member by itself."""
    mode = member.attributes >> 16
    if stat.S_IFMT(mode) not in (0, stat.S_IFREG):
        yield Problem(Reason.ARCHIVE_LINK, member.name, "not a regular file")
    if member.method not in (STORED, DEFLATED) or member.flags & ~_FLAGS or member.foreign_extra:
        yield Problem(Reason.ARCHIVE_METHOD, member.name, "method, flags or extra field")
    elif member.method == STORED and member.packed_bytes != member.size_bytes:
        yield Problem(Reason.ARCHIVE_METHOD, member.name, "stored, but of two lengths")
    inflated = member.size_bytes > MAX_INFLATION * max(member.packed_bytes, 1)
    if member.size_bytes > MAX_OBJECT_BYTES or (inflated and member.size_bytes > _SMALL_BYTES):
        yield Problem(Reason.ARCHIVE_LIMIT, member.name, "longer than anything here may be")


def _arrange(archive: Archive, listed: list[Member]) -> None:
    """Members by path; every name is `<bag>/path` of plain ASCII, once, also by case."""
    seen: set[str] = set()
    for member in listed:
        folder, slash, path = member.name.partition("/")
        archive.folder = archive.folder or folder
        plain = slash and path and not path.endswith("/") and folder == archive.folder
        parts = path.split("/")
        ascii_only = path.isascii() and path.isprintable() and "\\" not in path
        if not (plain and BAG_NAME.fullmatch(folder) and ascii_only) or {"", ".", ".."} & {*parts}:
            archive.problems.append(Problem(Reason.ARCHIVE_NAME, member.name, "a name not allowed"))
        if path.casefold() in seen:
            archive.problems.append(Problem(Reason.ARCHIVE_DUPLICATE, member.name, "a name twice"))
        else:
            archive.members[path] = member
        seen.add(path.casefold())
