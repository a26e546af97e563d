"""What an export says of itself: the `facts` of the `custody.exported` event.

The event is the last entry of the case's chain in the dossier, so the log commits to what was
exported, for whom and what was left out (docs/dossier-format.md §3).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final, Self

from client_sdk.protocol._members import Members
from client_sdk.protocol.dossier import FORMAT_VERSION, MAX_ENTRIES, DossierError
from client_sdk.protocol.errors import ProtocolError
from client_sdk.protocol.keylist import KeyEntry

EXPORT_ACT: Final = "custody.exported"
_WHY: Final = re.compile(r"[a-z][a-z0-9-]{0,63}")
_CASE_KEY: Final = re.compile(r"[0-9a-f]{64}")


class AbsentWhy(StrEnum):
    """Why the bytes of a declared object are not in the dossier."""

    WITHHELD = "withheld"  # not disclosed to this recipient
    ERASED = "erased"  # lawfully erased: an `evidence.erased` event says so
    MISSING = "missing"  # never arrived at the server
    DELETED = "deleted"  # a tombstone of the device says so


@dataclass(frozen=True, slots=True)
class AbsentObject:
    """An object that disclosed records declare and that is not under `data/objects/`."""

    sha256: str
    size_bytes: int
    why: AbsentWhy

    def to_dict(self) -> dict[str, Any]:
        """Members in the statement."""
        return {"sha256": self.sha256, "size": self.size_bytes, "why": self.why.value}

    @classmethod
    def from_value(cls, value: object) -> Self:
        """Checked member of `absent`."""
        members = Members(value, "absent")
        found = cls(
            members.digest("sha256"), members.count("size"), members.choice("why", AbsentWhy)
        )
        members.done()
        return found


@dataclass(frozen=True, slots=True)
class DeviceRange:
    """Records of one enrolment generation that the dossier holds without a gap.

    `prev` is the header id before `first` (GENESIS for 1), `head` the one of `last`. `gaps` are
    places that never came and were released by a person (`record.released`).
    """

    src: str
    ep: int
    first: int
    last: int
    prev: str
    head: str
    gaps: tuple[tuple[int, int], ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Members in the statement."""
        return {
            "src": self.src, "ep": self.ep, "first": self.first, "last": self.last,
            "prev": self.prev, "head": self.head, "gaps": [list(gap) for gap in self.gaps],
        }  # fmt: skip

    @classmethod
    def from_value(cls, value: object) -> Self:
        """Checked member of `devices`."""
        members = Members(value, "devices")
        found = cls(
            src=members.text("src", 64), ep=members.count("ep"),
            first=members.count("first"), last=members.count("last"),
            prev=members.digest("prev"), head=members.digest("head"),
            gaps=_spans(members.take("gaps")),
        )  # fmt: skip
        members.done()
        if not 0 < found.first <= found.last:
            raise DossierError("devices.first to last is a range from 1", code="statement-form")
        return found


@dataclass(frozen=True, slots=True)
class Withheld:
    """Log indexes of the case's entries whose payload is not disclosed, and why."""

    first: int
    last: int
    why: str

    def to_dict(self) -> dict[str, Any]:
        """Members in the statement."""
        return {"first": self.first, "last": self.last, "why": self.why}

    @classmethod
    def from_value(cls, value: object) -> Self:
        """Checked member of `withheld`."""
        members = Members(value, "withheld")
        found = cls(members.count("first"), members.count("last"), members.pattern("why", _WHY))
        members.done()
        return found


@dataclass(frozen=True, slots=True)
class CaseHead:
    """The case and its chain when the export was decided; `key` makes its tag."""

    id: str
    no: str
    key: str
    length: int
    head: str

    def to_dict(self) -> dict[str, Any]:
        """Members in the statement."""
        return {
            "id": self.id, "no": self.no, "key": self.key,
            "length": self.length, "head": self.head,
        }  # fmt: skip

    @classmethod
    def from_value(cls, value: object) -> Self:
        """Checked `case`."""
        members = Members(value, "case")
        found = cls(
            id=str(members.id("id")), no=members.text("no"),
            key=members.pattern("key", _CASE_KEY),
            length=members.count("length"), head=members.digest("head"),
        )  # fmt: skip
        members.done()
        return found


@dataclass(frozen=True, slots=True)
class Statement:
    """What the export's own log entry commits to: the `facts` of `custody.exported`.

    `manifest` is `manifest_digest` of the payload files except entries.jsonl; `keys` the
    server-event keys known at that index; `checkpoint` the note that the report cites.
    """

    export: str
    case: CaseHead
    devices: tuple[DeviceRange, ...]
    withheld: tuple[Withheld, ...]
    erased: tuple[int, ...]
    suspect: tuple[int, ...]
    absent: tuple[AbsentObject, ...]
    manifest: str
    files: int
    size_bytes: int
    keys: tuple[KeyEntry, ...]
    checkpoint: str | None
    purpose: str
    recipient: str
    made: str

    def to_facts(self) -> dict[str, Any]:
        """Members of `facts`."""
        return {
            "v": FORMAT_VERSION,
            "export": self.export,
            "case": self.case.to_dict(),
            "devices": [one.to_dict() for one in self.devices],
            "withheld": [one.to_dict() for one in self.withheld],
            "erased": list(self.erased),
            "suspect": list(self.suspect),
            "absent": [one.to_dict() for one in self.absent],
            "manifest": self.manifest,
            "files": self.files,
            "size": self.size_bytes,
            "keys": [one.to_dict() for one in self.keys],
            "checkpoint": self.checkpoint,
            "purpose": self.purpose,
            "recipient": self.recipient,
            "made": self.made,
        }

    @classmethod
    def from_facts(cls, value: object) -> Self:
        """Checked statement; DossierError (`statement-form`) names what is wrong."""
        try:
            return cls._read(value)
        except DossierError:
            raise
        except ProtocolError as error:
            raise DossierError(str(error), code="statement-form") from error

    @classmethod
    def _read(cls, value: object) -> Self:
        members = Members(value, "statement")
        if members.count("v") != FORMAT_VERSION:
            raise DossierError("an unknown version of the format", code="statement-form")
        found = cls(
            export=str(members.id("export")),
            case=CaseHead.from_value(members.take("case")),
            devices=tuple(map(DeviceRange.from_value, _list(members.take("devices")))),
            withheld=tuple(map(Withheld.from_value, _list(members.take("withheld")))),
            erased=_indexes(members.take("erased")),
            suspect=_indexes(members.take("suspect")),
            absent=tuple(map(AbsentObject.from_value, _list(members.take("absent")))),
            manifest=members.digest("manifest"),
            files=members.count("files"),
            size_bytes=members.count("size"),
            keys=tuple(map(KeyEntry.from_dict, _list(members.take("keys")))),
            checkpoint=_text_or_none(members.take("checkpoint")),
            purpose=members.text("purpose", 4000),
            recipient=members.text("recipient", 4000),
            made=members.time("made"),
        )
        members.done()
        return found


def _list(value: object) -> list[Any]:
    if not isinstance(value, list) or len(value) > MAX_ENTRIES:
        raise DossierError("a list is expected", code="statement-form")
    return value


def _indexes(value: object) -> tuple[int, ...]:
    found = _list(value)
    if not all(type(item) is int and item >= 0 for item in found):
        raise DossierError("log indexes are integers from 0", code="statement-form")
    return tuple(found)


def _spans(value: object) -> tuple[tuple[int, int], ...]:
    spans = [_indexes(item) for item in _list(value)]
    if not all(len(span) == 2 and 0 < span[0] <= span[1] for span in spans):  # noqa: PLR2004
        raise DossierError("gaps are pairs of first and last", code="statement-form")
    return tuple((span[0], span[1]) for span in spans)


def _text_or_none(value: object) -> str | None:
    if value is not None and not isinstance(value, str):
        raise DossierError("checkpoint is the text of a note", code="statement-form")
    return value
