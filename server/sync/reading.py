"""What a signed payload says, as far as it can be understood; pure.

A payload was signed, so it enters the log whatever it says.  What cannot be understood becomes a
finding and is left out of the rows that people work with.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, Final, TypeVar

from client_sdk.protocol.entries import EntryPart, checked, field_kinds
from client_sdk.protocol.errors import PayloadError, ProtocolError
from client_sdk.protocol.parts import ClockObservation
from client_sdk.protocol.payloads import (
    MAX_TEXT_CHARS,
    Geo,
    Instant,
    Media,
    NoGeo,
    RecordKind,
    parse_geo,
)
from client_sdk.protocol.times import parse_rfc3339
from server.audit.chain import declared_objects
from server.core.bulk import storable

UNKNOWN_KIND: Final = "unknown"
_KINDS: Final = frozenset(kind.value for kind in RecordKind)
_MEDIA: Final = frozenset(media.value for media in Media)
_KIND: Final = re.compile(r"[a-z][a-z0-9.-]{0,63}")
_UUID: Final = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_MEMBERS: Final = frozenset(
    {
        "act", "who", "case", "mission", "geo", "obj", "t", "ticket", "captured_by", "media",
        "text", "match", "clock", "ref", "booking", "to", "key", "head", "closing", "stream",
        "entry",
    }
)  # fmt: skip

T = TypeVar("T")
Finding = dict[str, Any]


@dataclass(slots=True)
class Understood:
    """A payload's members in their types; ``None`` where absent or not understood.

    ``payload`` is a copy whose ``obj``, ``media`` and ``text`` are safe to use.  ``timed`` is
    false when ``t`` could not be read and ``instant`` is the server's own receipt time;
    ``by_camera`` is true once ``instant`` is that of a camera behind the dock.
    """

    act: str
    payload: dict[str, Any]
    instant: Instant
    timed: bool
    geo: Geo | NoGeo
    who: uuid.UUID | None
    case: uuid.UUID | None
    mission: uuid.UUID | None
    captured_by: uuid.UUID | None
    ticket: str | None
    clock: ClockObservation | None
    findings: list[Finding]
    by_camera: bool = False


def finding(code: str, detail: str) -> Finding:
    """Something that people should know about a record."""
    return {"code": code, "detail": storable(detail)}


def understand(payload: Mapping[str, Any], rx: str) -> Understood:
    """Read a payload of canonical JSON; never raises.

    :param rx: when the server got it, in the place of a time that cannot be read.
    """
    found: list[Finding] = []
    act = payload.get("act")
    if not isinstance(act, str) or not _KIND.fullmatch(act):
        act = UNKNOWN_KIND
    if act not in _KINDS:
        found.append(finding("kind-unknown", "this server does not know what it is about"))
    elif not payload.keys() <= _MEMBERS:
        names = ", ".join(sorted(payload.keys() - _MEMBERS))
        found.append(finding("member-unknown", names[:200]))
    timed = _tried(Instant.from_value, payload.get("t"), "time-invalid", found)
    geo = _tried(parse_geo, payload.get("geo"), "geo-invalid", found)
    clock = None
    if act == RecordKind.CLOCK_OBSERVED:
        clock = _tried(ClockObservation.from_value, payload.get("clock"), "clock-invalid", found)
    if act in field_kinds():
        _tried(lambda entry: checked(act, EntryPart.from_value(entry)), payload.get("entry"),
               "entry-invalid", found)  # fmt: skip
        if payload.get("case") is None:
            found.append(finding("entry-invalid", "an entry is about a case"))
    return Understood(
        act=act,
        payload=_safe(act, payload, found),
        instant=_instant(timed, payload.get("t"), rx),
        timed=timed is not None,
        geo=geo or NoGeo("invalid"),
        who=_reference(payload, "who", found),
        case=_reference(payload, "case", found),
        mission=_reference(payload, "mission", found),
        captured_by=_reference(payload, "captured_by", found),
        ticket=_ticket(payload.get("ticket"), found),
        clock=clock,
        findings=found,
    )


@lru_cache(maxsize=8192)
def identifier(text: str) -> uuid.UUID | None:
    """The id that ``text`` writes in its one form."""
    return uuid.UUID(text) if _UUID.fullmatch(text) else None


def _tried(read: Callable[[object], T], value: object, code: str, found: list[Finding]) -> T | None:
    try:
        return read(value)
    except PayloadError as error:
        found.append(finding(code, str(error)[:200]))
        return None


def _instant(timed: Instant | None, value: object, rx: str) -> Instant:
    """The time as given; of an invalid ``t``, its wall time when that can be read."""
    if timed is not None:
        return timed if "\0" not in timed.boot else replace(timed, boot=storable(timed.boot))
    wall = value.get("wall") if isinstance(value, Mapping) else None
    try:
        parse_rfc3339(wall)
    except ProtocolError:
        wall = rx
    return Instant(wall=str(wall), mono_ms=0, boot="", suspend=False)


def _reference(payload: Mapping[str, Any], name: str, found: list[Finding]) -> uuid.UUID | None:
    value = payload.get(name)
    if value is None:
        return None
    known = identifier(value) if isinstance(value, str) else None
    if known is None:
        found.append(finding("payload-invalid", f"{name} is not an id"))
    return known


def _ticket(value: object, found: list[Finding]) -> str | None:
    if value is None:
        return None
    if isinstance(value, str) and 0 < len(value) <= 256 and value.isascii():  # noqa: PLR2004
        return storable(value)
    found.append(finding("payload-invalid", "ticket is not a nonce"))
    return None


def _safe(act: str, payload: Mapping[str, Any], found: list[Finding]) -> dict[str, Any]:
    safe = dict(payload)
    given = safe.get("obj")
    safe["obj"] = declared_objects(act, payload)
    if not isinstance(given, list) or len(given) != len(safe["obj"]):
        found.append(finding("object-invalid", "some objects are not well-formed"))
    if act == RecordKind.CAPTURE_RECORDED and not safe["obj"]:
        found.append(finding("payload-invalid", "a capture without an object"))
    media, text = safe.get("media"), safe.get("text")
    if media is not None and (not isinstance(media, str) or media not in _MEDIA):
        found.append(finding("payload-invalid", "media is not a known one"))
        safe["media"] = None
    if text is not None and (not isinstance(text, str) or len(text) > MAX_TEXT_CHARS):
        found.append(finding("payload-invalid", f"text is longer than {MAX_TEXT_CHARS}"))
        safe["text"] = text[:MAX_TEXT_CHARS] if isinstance(text, str) else None
    return safe
