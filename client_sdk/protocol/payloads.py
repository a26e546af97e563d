"""Payload P of a record: kinds, places, instants, objects.

`Payload.to_dict` writes what is signed; `Payload.from_dict` accepts exactly what
the format allows and refuses the rest with a PayloadError whose message names
the member. Positions are decimal strings as the source gave them; names of
files keep their bytes.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Any, Final, Self
from uuid import UUID

from client_sdk.protocol._members import Members, without_none
from client_sdk.protocol.encoding import b64url_decode, b64url_encode
from client_sdk.protocol.entries import EntryPart, checked, field_kinds
from client_sdk.protocol.epochs import KeyNext
from client_sdk.protocol.errors import PayloadError, ProtocolError
from client_sdk.protocol.heads import HeadText
from client_sdk.protocol.jcs import INT_LIMIT
from client_sdk.protocol.parts import REASON, CaptureRef, ClockObservation, Closing, HandOver
from client_sdk.protocol.streams import StreamMark
from client_sdk.protocol.times import parse_rfc3339

MAX_TEXT_CHARS: Final = 4000
MAX_NAME_BYTES: Final = 4096
MAX_OBJECTS: Final = 100
_MIME: Final = re.compile(r"[a-z0-9][a-z0-9.+-]{0,63}/[a-z0-9][a-z0-9.+-]{0,127}")


class RecordKind(StrEnum):
    """The `act` of a payload."""

    CAPTURE_RECORDED = "capture.recorded"
    CAPTURE_LOST = "capture.lost"
    CAPTURE_RECOVERED = "capture.recovered"
    CAPTURE_DELETED = "capture.deleted"
    LOG_NOTE = "log.note"
    CLOCK_OBSERVED = "clock.observed"
    DUTY_HANDOVER = "duty.handover"
    KEY_NEXT = "key.next"
    HEAD_ATTEST = "head.attest"
    MISSION_CLOSED = "mission.closed"
    MEDIA_OPEN = "media.open"
    MEDIA_PROGRESS = "media.progress"
    MEDIA_CLOSE = "media.close"
    ACTION_PLANNED = "action.planned"
    ACTION_STARTED = "action.started"
    ACTION_PEOPLE = "action.people"
    ACTION_FACTS = "action.facts"
    ACTION_ANNOUNCEMENT = "action.announcement"
    ACTION_ITEM = "action.item"
    ACTION_RECORD = "action.record"
    ACTION_PAPER = "action.paper"
    ACTION_SEIZURE = "action.seizure"
    ACTION_DETENTION = "action.detention"
    ACTION_SUMMONS = "action.summons"
    ACTION_CASH = "action.cash"
    ACTION_BODY_SEARCH = "action.body-search"
    ACTION_GAP = "action.gap"
    ACTION_TAG = "action.tag"
    ACTION_DELIVERY = "action.delivery"
    ACTION_ENDED = "action.ended"
    ACTION_CANCELLED = "action.cancelled"
    CASE_PERSUASION = "case.persuasion"
    CASE_PROMISE = "case.promise"


_KINDS_ABOUT_CAPTURES: Final = frozenset(
    {RecordKind.CAPTURE_LOST, RecordKind.CAPTURE_RECOVERED, RecordKind.CAPTURE_DELETED}
)
_STREAMED: Final = frozenset(
    {RecordKind.MEDIA_OPEN, RecordKind.MEDIA_PROGRESS, RecordKind.MEDIA_CLOSE}
)


class Media(StrEnum):
    """What an object is to people and to the priority lanes."""

    PHOTO = "photo"
    VIDEO = "video"
    AUDIO = "audio"
    DOCUMENT = "document"


class Datum(StrEnum):
    """Coordinate system of a position."""

    WGS84 = "WGS84"
    GCJ02 = "GCJ02"
    BD09 = "BD09"


class GeoSource(StrEnum):
    """Where a position comes from."""

    GNSS = "gnss"
    NETWORK = "network"
    EXIF = "exif"
    SIDECAR = "sidecar"
    PEOPLE = "people"


@dataclass(frozen=True, slots=True)
class Geo:
    """A position; decimal strings, degrees and metres. `at`: when it was fixed."""

    lat: str
    lon: str
    datum: Datum = Datum.WGS84
    src: GeoSource = GeoSource.GNSS
    acc_m: str | None = None
    alt_m: str | None = None
    at: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """Members of `geo`."""
        return without_none(
            lat=self.lat,
            lon=self.lon,
            datum=self.datum.value,
            src=self.src.value,
            acc_m=self.acc_m,
            alt_m=self.alt_m,
            at=self.at,
        )


@dataclass(frozen=True, slots=True)
class NoGeo:
    """No position, and why (`no-fix`, `no-permission`, `no-hardware`, `not-recorded` …)."""

    reason: str

    def to_dict(self) -> dict[str, Any]:
        """Members of `geo`."""
        return {"none": self.reason}


def parse_geo(value: object) -> Geo | NoGeo:
    """Position or the reason for its absence."""
    members = Members(value, "geo")
    if members.has("none"):
        reason = members.pattern("none", REASON)
        members.done()
        return NoGeo(reason)
    geo = Geo(
        lat=members.decimal("lat", limit=90),
        lon=members.decimal("lon", limit=180),
        datum=members.choice("datum", Datum),
        src=members.choice("src", GeoSource),
        acc_m=members.optional("acc_m", members.unsigned_decimal),
        alt_m=members.optional("alt_m", members.decimal),
        at=members.optional("at", members.time),
    )
    members.done()
    return geo


@dataclass(frozen=True, slots=True)
class Instant:
    """When, by the device: wall clock (RFC 3339 with its offset), monotonic ms of one boot.

    `suspend`: the monotonic clock runs through suspend (needed for class A).
    """

    wall: str
    mono_ms: int
    boot: str
    suspend: bool
    gnss: str | None = None

    @property
    def wall_at(self) -> datetime:
        """The wall time as an aware datetime."""
        return parse_rfc3339(self.wall)

    def to_dict(self) -> dict[str, Any]:
        """Members of `t`."""
        return without_none(
            wall=self.wall,
            mono=self.mono_ms,
            boot=self.boot,
            suspend=self.suspend,
            gnss=self.gnss,
        )

    @classmethod
    def from_value(cls, value: object) -> Self:
        """Checked `t`."""
        members = Members(value, "t")
        instant = cls(
            wall=members.time("wall"),
            mono_ms=members.count("mono"),
            boot=members.text("boot", max_chars=64),
            suspend=members.flag("suspend"),
            gnss=members.optional("gnss", members.time),
        )
        members.done()
        return instant


@dataclass(frozen=True, slots=True)
class ObjectRef:
    """An object that the record declares: digest, length, type, the original name's bytes."""

    sha256: str
    size_bytes: int
    mime: str
    name: bytes

    @property
    def display_name(self) -> str:
        """The name for people: UTF-8, other bytes as U+FFFD."""
        return self.name.decode("utf-8", "replace")

    def to_dict(self) -> dict[str, Any]:
        """Members in `obj`."""
        return {
            "sha256": self.sha256,
            "size": self.size_bytes,
            "mime": self.mime,
            "name_b64": b64url_encode(self.name),
        }

    @classmethod
    def from_value(cls, value: object) -> Self:
        """Checked entry of `obj`."""
        members = Members(value, "obj")
        try:
            name = b64url_decode(members.text("name_b64", max_chars=2 * MAX_NAME_BYTES, empty=True))
        except PayloadError:
            raise
        except ProtocolError as error:
            raise PayloadError(f"obj.name_b64: {error}") from error
        if len(name) > MAX_NAME_BYTES:
            raise PayloadError("obj.name_b64 is too long")
        ref = cls(
            sha256=members.digest("sha256"),
            size_bytes=members.count("size", limit=INT_LIMIT),
            mime=members.pattern("mime", _MIME),
            name=name,
        )
        members.done()
        return ref


_PARTS: Final[Mapping[str, Callable[[object], Any]]] = MappingProxyType(
    {
        "clock": ClockObservation.from_value,
        "ref": CaptureRef.from_value,
        "key": KeyNext.from_value,
        "head": HeadText.from_value,
        "closing": Closing.from_value,
        "stream": StreamMark.from_value,
        "entry": EntryPart.from_value,
    }
)


@dataclass(frozen=True, slots=True)
class Payload:
    """All that a record says. Members that a kind does not use stay at their defaults."""

    act: RecordKind
    t: Instant
    geo: Geo | NoGeo
    who: UUID | None = None
    case: UUID | None = None
    mission: UUID | None = None
    obj: tuple[ObjectRef, ...] = ()
    ticket: str | None = None
    captured_by: UUID | None = None
    media: Media | None = None
    text: str | None = None
    match: Mapping[str, Any] | None = None
    clock: ClockObservation | None = None
    ref: CaptureRef | None = None
    hand_over: HandOver | None = None
    key: KeyNext | None = None
    head: HeadText | None = None
    closing: Closing | None = None
    stream: StreamMark | None = None
    entry: EntryPart | None = None

    def __post_init__(self) -> None:
        _check_kind(self)

    def to_dict(self) -> dict[str, Any]:
        """Members of P, ready to be sealed."""
        body: dict[str, Any] = {
            "act": self.act.value,
            "who": _id_text(self.who),
            "case": _id_text(self.case),
            "mission": _id_text(self.mission),
            "geo": self.geo.to_dict(),
            "obj": [ref.to_dict() for ref in self.obj],
            "t": self.t.to_dict(),
        }
        body |= without_none(
            ticket=self.ticket,
            captured_by=_id_text(self.captured_by),
            media=self.media.value if self.media else None,
            text=self.text,
            match=dict(self.match) if self.match is not None else None,
        )
        for name in _PARTS:
            part = getattr(self, name)
            if part is not None:
                body[name] = part.to_dict()
        if self.hand_over is not None:
            body |= {"booking": _id_text(self.hand_over.booking), "to": str(self.hand_over.to)}
        return body

    @classmethod
    def from_dict(cls, value: object) -> Self:
        """Checked payload of a record."""
        members = Members(value, "p")
        payload = cls(
            act=members.choice("act", RecordKind),
            t=Instant.from_value(members.take("t")),
            geo=parse_geo(members.take("geo")),
            who=members.id_or_none("who"),
            case=members.id_or_none("case"),
            mission=members.id_or_none("mission"),
            obj=_objects(members.take("obj")),
            ticket=members.optional("ticket", members.text),
            captured_by=members.optional("captured_by", members.id),
            media=members.optional("media", lambda name: members.choice(name, Media)),
            text=members.optional("text", lambda name: members.text(name, MAX_TEXT_CHARS)),
            match=members.optional("match", members.mapping),
            hand_over=_hand_over(members),
            **{
                name: read(members.take(name)) for name, read in _PARTS.items() if members.has(name)
            },
        )
        members.done()
        return payload


def _id_text(identifier: UUID | None) -> str | None:
    return None if identifier is None else str(identifier)


def _objects(value: object) -> tuple[ObjectRef, ...]:
    if not isinstance(value, list) or len(value) > MAX_OBJECTS:
        raise PayloadError(f"p.obj is a list of at most {MAX_OBJECTS} objects")
    refs = tuple(ObjectRef.from_value(item) for item in value)
    if len({ref.sha256 for ref in refs}) != len(refs):
        raise PayloadError("p.obj names a digest twice")
    return refs


def _hand_over(members: Members) -> HandOver | None:
    if not members.has("to"):
        return None
    return HandOver(members.id("to"), members.id_or_none("booking"))


def _check_kind(payload: Payload) -> None:
    """Each kind has the members it is about, and only those."""
    act = payload.act
    captures = act in (RecordKind.CAPTURE_RECORDED, RecordKind.CAPTURE_RECOVERED)
    rules = {
        "obj": bool(payload.obj) == captures or act is RecordKind.LOG_NOTE,
        "media": captures or payload.media is None,
        "text": payload.text is not None or act is not RecordKind.LOG_NOTE,
        "clock": (payload.clock is not None) == (act is RecordKind.CLOCK_OBSERVED),
        "ref": (payload.ref is not None) == (act in _KINDS_ABOUT_CAPTURES),
        "to": (payload.hand_over is not None) == (act is RecordKind.DUTY_HANDOVER),
        "key": (payload.key is not None) == (act is RecordKind.KEY_NEXT),
        "head": (payload.head is not None) == (act is RecordKind.HEAD_ATTEST),
        "closing": (payload.closing is not None) == (act is RecordKind.MISSION_CLOSED),
        "stream": (payload.stream is not None) == (act in _STREAMED) or captures,
        "entry": (payload.entry is not None) == (act in field_kinds()),
    }
    for name, holds in rules.items():
        if not holds:
            raise PayloadError(f"p.{name} does not fit {act.value}", code="payload-kind")
    if payload.entry is not None:
        checked(act.value, payload.entry)
        if payload.case is None:
            raise PayloadError("an entry is about a case", code="payload-kind")
