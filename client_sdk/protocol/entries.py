"""Entries of the register: kinds, their fields, and the check that device and server share.

What may be written down about a case or an action is data (``data/entry_kinds.toml``).  An officer
records it offline as a signed record whose ``act`` is the kind; the console sends the same fields.
"""

from __future__ import annotations

import functools
import re
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from importlib import resources
from types import MappingProxyType
from typing import Any, Final, Self
from uuid import UUID

from client_sdk.protocol._members import Members, without_none
from client_sdk.protocol.encoding import is_sha256_hex
from client_sdk.protocol.errors import PayloadError, TimeFormatError
from client_sdk.protocol.jcs import INT_LIMIT
from client_sdk.protocol.times import parse_rfc3339

LINE_CHARS: Final = 200
TEXT_CHARS: Final = 4000
LIST_MAX: Final = 100
YEARS: Final = range(1990, 2100)
_UUID: Final = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_LAYOUT: Final = "\r\n\t"


@dataclass(frozen=True, slots=True)
class Label:
    """Names of something for people."""

    zh: str
    en: str


@dataclass(frozen=True, slots=True)
class Field:
    """One field: ``type`` is a name of ``_READERS``; ``options`` what may be chosen."""

    name: str
    type: str
    required: bool
    label: Label
    options: Mapping[str, Label]


@dataclass(frozen=True, slots=True)
class Mark:
    """An event of the case that the entry's day stands for; see ``server/cases/data/clocks.toml``.

    :param event: its name; ``$name`` takes it from that field.
    :param when: values that fields must have.
    :param of: field that names the entry which began what this one ends.
    :param at: field with the time of it, where a day is too coarse.
    """

    event: str
    when: Mapping[str, Any]
    of: str | None = None
    at: str | None = None

    def event_of(self, data: Mapping[str, Any]) -> str | None:
        """The event that these fields stand for, ``None`` when it is none."""
        if any(data.get(name) != value for name, value in self.when.items()):
            return None
        return str(data[self.event[1:]]) if self.event.startswith("$") else self.event


@dataclass(frozen=True, slots=True)
class EntryKind:
    """One kind of entry.

    :param about: ``case`` or ``action``.
    :param in_field: whether a device may record it.
    :param gate: the way of closing whose gates it has to pass; ``$name`` names a field.
    :param roles: who alone may write it; nobody named: everybody who works on the case.
    :param reserved: who alone may write it when fields have these values.
    """

    id: str
    label: Label
    about: str
    in_field: bool
    gate: str | None
    roles: frozenset[str]
    fields: Mapping[str, Field]
    marks: tuple[Mark, ...]
    reserved: tuple[tuple[Mapping[str, Any], frozenset[str]], ...] = ()

    def check(self, data: object) -> dict[str, Any]:
        """The fields, checked; raises :class:`PayloadError` that names the first bad one."""
        if not isinstance(data, Mapping):
            raise PayloadError("data is an object")
        for name in data:
            if name not in self.fields:
                raise PayloadError(f"data.{name} is unknown", code="payload-unknown")
        checked: dict[str, Any] = {}
        for field in self.fields.values():
            value = data.get(field.name)
            if value is not None:
                checked[field.name] = _READERS[field.type](field, value)
            elif field.required:
                raise PayloadError(f"data.{field.name} is missing", code="payload-missing")
        return checked

    def writers(self, data: Mapping[str, Any]) -> frozenset[str]:
        """Roles that alone may write these fields; empty: everybody who works on the case."""
        for when, roles in self.reserved:
            if all(data.get(name) == value for name, value in when.items()):
                return roles
        return self.roles

    def gate_of(self, data: Mapping[str, Any]) -> str | None:
        """Way of closing that these fields ask for."""
        if self.gate is None or not self.gate.startswith("$"):
            return self.gate
        return str(data[self.gate[1:]])


@dataclass(frozen=True, slots=True)
class EntryPart:
    """Member ``entry`` of a payload: what a record of one of the kinds says.

    :param action: the action it is about; made on the device.
    :param amends: record (its hid) of this register that it takes the place of.
    """

    data: Mapping[str, Any]
    action: UUID | None = None
    amends: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """Members of ``entry``."""
        action = None if self.action is None else str(self.action)
        return {"data": dict(self.data)} | without_none(action=action, amends=self.amends)

    @classmethod
    def from_value(cls, value: object) -> Self:
        """Checked ``entry``; its fields are checked against the kind by :func:`checked`."""
        members = Members(value, "entry")
        part = cls(
            data=members.mapping("data"),
            action=members.optional("action", members.id),
            amends=members.optional("amends", members.digest),
        )
        members.done()
        return part


@functools.cache
def kinds() -> Mapping[str, EntryKind]:
    """Every kind by its id."""
    place = resources.files("client_sdk.protocol") / "data" / "entry_kinds.toml"
    return read(place.read_text(encoding="utf-8"))


@functools.cache
def field_kinds() -> frozenset[str]:
    """Kinds that a device may record."""
    return frozenset(kind.id for kind in kinds().values() if kind.in_field)


def checked(act: str, part: EntryPart) -> dict[str, Any]:
    """The fields of a device's entry; raises :class:`PayloadError`."""
    kind = kinds().get(act)
    if kind is None or not kind.in_field:
        raise PayloadError(f"{act} is not recorded on a device", code="payload-kind")
    if (kind.about == "action") != (part.action is not None):
        raise PayloadError(f"entry.action does not fit {act}", code="payload-kind")
    return kind.check(part.data)


def read(text: str) -> Mapping[str, EntryKind]:
    """Kinds from TOML; raises ``KeyError`` or ``ValueError`` for what is none."""
    tables = tomllib.loads(text)
    options = {
        name: MappingProxyType({key: Label(*names) for key, names in entries.items()})
        for name, entries in tables["options"].items()
    }
    return MappingProxyType(
        {name: _kind(name, entry, options) for name, entry in tables["kinds"].items()}
    )


def _kind(
    name: str, entry: Mapping[str, Any], options: Mapping[str, Mapping[str, Label]]
) -> EntryKind:
    if entry["about"] not in {"case", "action"}:
        raise ValueError(f"{name}: about a case or an action")
    fields = [_field(given, options) for given in entry["fields"]]
    return EntryKind(
        id=name,
        label=Label(entry["zh"], entry["en"]),
        about=entry["about"],
        in_field=entry.get("field", False),
        gate=entry.get("gate"),
        roles=frozenset(entry.get("roles", ())),
        fields=MappingProxyType({field.name: field for field in fields}),
        marks=tuple(
            Mark(one["event"], MappingProxyType(one.get("when", {})), one.get("of"), one.get("at"))
            for one in entry.get("marks", ())
        ),
        reserved=tuple(
            (MappingProxyType(one["when"]), frozenset(one["roles"]))
            for one in entry.get("reserved", ())
        ),
    )


def _field(given: Sequence[str], options: Mapping[str, Mapping[str, Label]]) -> Field:
    name, type_, zh, en = given
    required, type_ = type_.endswith("!"), type_.removesuffix("!")
    type_, _, chosen = type_.partition(":")
    if type_ not in _READERS:
        raise ValueError(f"{name}: {type_} is no type")
    choices = options[chosen] if chosen else MappingProxyType[str, Label]({})
    return Field(name, type_, required, Label(zh, en), choices)


# ------------------------------------------------------------------------- values


def _bad(field: Field, expected: str) -> PayloadError:
    return PayloadError(f"data.{field.name}: {expected}")


def _written(field: Field, value: object, chars_max: int, layout: str = "") -> str:
    if not isinstance(value, str) or not value.strip() or len(value) > chars_max:
        raise _bad(field, f"a text of at most {chars_max} characters")
    if any(not (one.isprintable() or one in layout) for one in value):
        raise _bad(field, "control characters are not accepted")
    return value


def _line(field: Field, value: object) -> str:
    return _written(field, value, LINE_CHARS)


def _text(field: Field, value: object) -> str:
    return _written(field, value, TEXT_CHARS, _LAYOUT)


def _flag(field: Field, value: object) -> bool:
    if not isinstance(value, bool):
        raise _bad(field, "true or false")
    return value


def _count(field: Field, value: object) -> int:
    if type(value) is not int or not 0 <= value < INT_LIMIT:
        raise _bad(field, "a whole number that is not negative")
    return value


def _day(field: Field, value: object) -> str:
    try:
        day = date.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        day = None
    if day is None or day.isoformat() != value or day.year not in YEARS:
        raise _bad(field, "a day as 2025-09-30")
    return day.isoformat()


def _instant(field: Field, value: object) -> str:
    try:
        at = parse_rfc3339(value)
    except TimeFormatError as error:
        raise _bad(field, str(error)) from error
    if at.year not in YEARS:
        raise _bad(field, "a time between 1990 and 2099")
    return str(value)


def _id(field: Field, value: object) -> str:
    if not isinstance(value, str) or not _UUID.fullmatch(value):
        raise _bad(field, "an id")
    return value


def _digests(field: Field, value: object) -> list[str]:
    digests = _listed(field, value)
    if not all(isinstance(one, str) and is_sha256_hex(one) for one in digests):
        raise _bad(field, "SHA-256 digests in lower-case hexadecimal")
    return digests


def _choice(field: Field, value: object) -> str:
    if not isinstance(value, str) or value not in field.options:
        raise _bad(field, f"one of {', '.join(field.options)}")
    return value


def _choices(field: Field, value: object) -> list[str]:
    return [_choice(field, one) for one in _listed(field, value)]


def _facts(field: Field, value: object) -> dict[str, bool]:
    if not isinstance(value, Mapping) or not value:
        raise _bad(field, "an object of facts, true or false")
    return {_choice(field, name): _flag(field, holds) for name, holds in value.items()}


def _people(field: Field, value: object) -> list[dict[str, str]]:
    return [_person(field, one) for one in _listed(field, value)]


def _person(field: Field, value: object) -> dict[str, str]:
    """Somebody present: name or id of a user, what they are there, post, sex."""
    if not isinstance(value, Mapping) or not {"name", "id"} & value.keys():
        raise _bad(field, "people have a name or an id")
    known = people_options()
    person: dict[str, str] = {}
    for name, one in value.items():
        if name == "name":
            person[name] = _line(field, one)
        elif name == "id":
            person[name] = _id(field, one)
        elif name in known and isinstance(one, str) and one in known[name]:
            person[name] = one
        else:
            raise _bad(field, f"a person's {name} is not understood")
    return person


@functools.cache
def people_options() -> Mapping[str, Mapping[str, Label]]:
    """What may be chosen of somebody present, by member: role, post and sex."""
    place = resources.files("client_sdk.protocol") / "data" / "entry_kinds.toml"
    options = tomllib.loads(place.read_text(encoding="utf-8"))["options"]
    names = {"role": "person_role", "post": "post", "sex": "sex"}
    return MappingProxyType(
        {
            name: MappingProxyType({one: Label(*label) for one, label in options[key].items()})
            for name, key in names.items()
        }
    )


def _listed(field: Field, value: object) -> list[Any]:
    if not isinstance(value, list) or not 0 < len(value) <= LIST_MAX:
        raise _bad(field, f"a list of 1 to {LIST_MAX}")
    plain = [one for one in value if isinstance(one, str)]
    if len(set(plain)) != len(plain):
        raise _bad(field, "nothing twice")
    return value


_READERS: Final[Mapping[str, Callable[[Field, object], Any]]] = MappingProxyType(
    {
        "line": _line, "text": _text, "flag": _flag, "count": _count, "fen": _count, "day": _day,
        "instant": _instant, "id": _id, "digests": _digests, "choice": _choice,
        "choices": _choices, "facts": _facts, "people": _people,
    }
)  # fmt: skip
