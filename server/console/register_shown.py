"""Entries in words: what each field says, in the reader's language."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final
from zoneinfo import ZoneInfo

from client_sdk.protocol.entries import Field, Label, kinds, people_options
from client_sdk.protocol.ids import short_code
from server.console import filters, words
from server.console.register_fields import PERSON
from server.console.register_refs import Names, target
from server.console.words import Language
from server.evidence.models import Evidence
from server.register.models import Entry

_WORDS_MAX: Final = 60


@dataclass(frozen=True, slots=True)
class Said:
    """One field: its name and what it says; ``files`` are evidence that it names, as links."""

    name: str
    text: str
    files: Sequence[tuple[str, Evidence | None]] = ()
    entry_id: uuid.UUID | None = None


@dataclass(frozen=True, slots=True)
class Speaker:
    """Puts entries into words for one reader."""

    lang: Language
    zone: ZoneInfo
    names: Names

    def label(self, label: Label) -> str:
        """A name in the reader's language."""
        return label.zh if self.lang == "zh" else label.en

    def kind(self, kind_id: str) -> str:
        """Name of a kind of entry."""
        return self.label(kinds()[kind_id].label)

    def field(self, field: Field) -> str:
        """Name of a field; money is written in yuan."""
        name = self.label(field.label)
        if field.type != "fen":
            return name
        return name.replace(self.say("register.unit_fen"), self.say("register.unit_yuan")).strip()

    def option(self, field: Field, value: str) -> str:
        """Name of something that may be chosen."""
        found = field.options.get(value)
        return value if found is None else self.label(found)

    def say(self, key: str, **values: object) -> str:
        """A text of the word files."""
        return words.text(self.lang, key, **values)

    def fields(self, entry: Entry) -> list[Said]:
        """What an entry says, field by field."""
        kind = kinds()[entry.kind]
        return [
            self._said(field, entry.data[field.name])
            for field in kind.fields.values()
            if field.name in entry.data
        ]

    def line(self, entry: Entry) -> str:
        """An entry as one line, for choices: its day, what it says first, its code."""
        said = [one.text for one in self.fields(entry) if one.text and not one.entry_id]
        return " · ".join([*(text[:_WORDS_MAX] for text in said[:3]), short_code(entry.id)])

    def text(self, entry: Entry) -> str:
        """An entry as one text, for spreadsheets."""
        return "; ".join(f"{one.name}: {one.text}" for one in self.fields(entry))

    def person(self, one: Mapping[str, str]) -> str:
        """Somebody present: name, role, post, sex."""
        known = self.names.people.get(uuid.UUID(one["id"])) if "id" in one else None
        name = one.get("name") or (known.name if known else short_code(uuid.UUID(one["id"])))
        options = people_options()
        more = [self.label(options[member][one[member]]) for member in PERSON[2:] if member in one]
        return f"{name} ({', '.join(more)})" if more else name

    def _said(self, field: Field, value: Any) -> Said:
        name = self.field(field)
        if field.type == "digests":
            items = [(digest, self.names.files.get(digest)) for digest in value]
            return Said(name, ", ".join(self._item(*one) for one in items), items)
        if field.type == "id":
            where = target(field)
            found = uuid.UUID(value) if where == "entry" else None
            return Said(name, self._named(where, value), entry_id=found)
        return Said(name, self._plain(field, value))

    def _item(self, digest: str, item: Evidence | None) -> str:
        return digest[:8] if item is None else short_code(item.id)

    def _named(self, where: str, value: str) -> str:
        found: str | None = None
        if where == "user":
            person = self.names.people.get(uuid.UUID(value))
            found = person.name if person else None
        elif where == "party":
            found = self.names.parties.get(value)
        elif where == "case":
            found = self.names.cases.get(value)
        return found or short_code(uuid.UUID(value))

    def _plain(self, field: Field, value: Any) -> str:
        look = filters.Look(self.lang, self.zone)
        if isinstance(value, bool):
            return self._yes(holds=value)
        if isinstance(value, list | dict):
            return self.say("register.comma").join(self._parts(field, value))
        if field.type == "choice":
            return self.option(field, value)
        if field.type == "fen":
            return filters.fen(value)
        if field.type == "instant":
            return look.when(value)
        return look.day(date.fromisoformat(value)) if field.type == "day" else str(value)

    def _parts(self, field: Field, value: Any) -> list[str]:
        if field.type == "people":
            return [self.person(one) for one in value]
        if field.type == "choices":
            return [self.option(field, one) for one in value]
        return [
            self.say("register.fact", fact=self.option(field, one), holds=self._yes(holds=holds))
            for one, holds in value.items()
        ]

    def _yes(self, *, holds: bool) -> str:
        return self.say("register.yes" if holds else "register.no")
