r"""The note that an invited observer keeps: that they were there, when, and what had been shown.

Signed by the server-event key over `tiezheng.attendance.v1\0 ‖ s` (see `statements`). It names the
places in the log of the entries that the observer saw and the newest tree head of that moment, so
that a log which later lacks or changes one of them contradicts a paper in somebody else's hands.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Self

from client_sdk.protocol._members import Members
from client_sdk.protocol.errors import ProtocolError, StatementError
from client_sdk.protocol.keys import PrivateKey
from client_sdk.protocol.statements import (
    KeyFinder,
    SignedStatement,
    StatementKind,
    sign,
    verify,
)
from client_sdk.protocol.times import format_rfc3339, parse_rfc3339

FORMAT_VERSION: Final = 1
VISITS_MAX: Final = 200
ENTRIES_MAX: Final = 1000
_NAME_CHARS_MAX: Final = 200


@dataclass(frozen=True, slots=True)
class Visit:
    """One stretch of time that the observer was there."""

    arrived: datetime
    left: datetime

    def to_list(self) -> list[str]:
        """Form in the statement."""
        return [format_rfc3339(self.arrived), format_rfc3339(self.left)]


@dataclass(frozen=True, slots=True)
class SeenEntry:
    """An entry that was on the screen: its place for observers, and its place in the log."""

    position: int
    log_index: int | None


@dataclass(frozen=True, slots=True)
class TreeHead:
    """Size and root (64 hexadecimal digits) of the newest signed checkpoint."""

    size: int
    root: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AttendanceNote:
    """What the server certifies about one observer.

    `mission` is the short code that people read; `seconds` the sum of all visits, of which the
    newest `VISITS_MAX` are listed, as are the newest `ENTRIES_MAX` of `seen` entries.
    """

    invitation: str
    court: str
    court_name: str
    mission: str
    observer: str
    capacity: str
    seconds: int
    visits: tuple[Visit, ...]
    seen: int
    entries: tuple[SeenEntry, ...]
    log: str
    head: TreeHead | None
    issued: datetime

    def to_body(self) -> dict[str, Any]:
        """Members of the signed text."""
        head = self.head
        return {
            "v": FORMAT_VERSION,
            "invitation": self.invitation,
            "court": self.court,
            "court_name": self.court_name,
            "mission": self.mission,
            "observer": self.observer,
            "capacity": self.capacity,
            "seconds": self.seconds,
            "visits": [one.to_list() for one in self.visits],
            "seen": self.seen,
            "entries": [[one.position, one.log_index] for one in self.entries],
            "log": self.log,
            "head": None if head is None else {"size": head.size, "root": head.root},
            "issued": format_rfc3339(self.issued),
        }

    @classmethod
    def from_body(cls, body: Mapping[str, Any]) -> Self:
        """Note of a verified body; StatementError names what is wrong."""
        try:
            return cls._read(Members(body, "attendance"))
        except StatementError:
            raise
        except ProtocolError as error:
            raise StatementError(str(error)) from error

    @classmethod
    def _read(cls, members: Members) -> Self:
        if members.count("v") != FORMAT_VERSION:
            raise StatementError("an unknown version of the note")
        note = cls(
            invitation=str(members.id("invitation")),
            court=str(members.id("court")),
            court_name=members.text("court_name", _NAME_CHARS_MAX),
            mission=members.text("mission", _NAME_CHARS_MAX),
            observer=members.text("observer", _NAME_CHARS_MAX),
            capacity=members.text("capacity", _NAME_CHARS_MAX),
            seconds=members.count("seconds"),
            visits=tuple(map(_visit, _listed(members.take("visits"), VISITS_MAX))),
            seen=members.count("seen"),
            entries=tuple(map(_entry, _listed(members.take("entries"), ENTRIES_MAX))),
            log=members.text("log", _NAME_CHARS_MAX),
            head=_head(members.take("head")),
            issued=parse_rfc3339(members.time("issued")),
        )
        members.done()
        return note


def sign_attendance(note: AttendanceNote, key: PrivateKey, kid: str) -> SignedStatement:
    """The note as the observer gets it."""
    return sign(StatementKind.ATTENDANCE, note.to_body(), key, kid)


def verify_attendance(statement: SignedStatement, keys: KeyFinder) -> AttendanceNote:
    """The note, if one of the server-event keys that `keys` trusts signed it; StatementError."""
    return AttendanceNote.from_body(verify(StatementKind.ATTENDANCE, statement, keys))


def _listed(value: object, most: int) -> list[Any]:
    if not isinstance(value, list) or len(value) > most:
        raise StatementError(f"a list of at most {most} is expected")
    return value


def _visit(value: object) -> Visit:
    if not isinstance(value, list) or len(value) != 2:  # noqa: PLR2004
        raise StatementError("a visit has a beginning and an end")
    arrived, left = parse_rfc3339(value[0]), parse_rfc3339(value[1])
    if left < arrived:
        raise StatementError("a visit ends after it began")
    return Visit(arrived, left)


def _entry(value: object) -> SeenEntry:
    if not isinstance(value, list) or len(value) != 2 or not _is_count(value[0]):  # noqa: PLR2004
        raise StatementError("an entry has its position and its place in the log")
    if value[1] is not None and not _is_count(value[1]):
        raise StatementError("a place in the log is a number from 0")
    return SeenEntry(value[0], value[1])


def _head(value: object) -> TreeHead | None:
    if value is None:
        return None
    members = Members(value, "head")
    head = TreeHead(members.count("size"), members.digest("root"))
    members.done()
    return head


def _is_count(value: object) -> bool:
    return type(value) is int and value >= 0
