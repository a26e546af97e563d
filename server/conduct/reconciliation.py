"""The list of items against their photos, both ways.  Pure."""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from server.conduct.facts import ITEM_TAG, stated_facts
from server.conduct.materials import Material, Materials
from server.conduct.people import Present
from server.register.folding import Written


@dataclass(frozen=True, slots=True)
class Photo:
    """A photo that an item names; ``evidence_id`` is absent while no record names these bytes."""

    sha256: str
    evidence_id: uuid.UUID | None
    is_here: bool


@dataclass(frozen=True, slots=True)
class Line:
    """An item of the list, and what it lacks: photo, photo-awaited, place, signature, number."""

    entry_id: uuid.UUID
    no: int
    name: str
    place: str | None
    custodian: str | None
    value_fen: int | None
    exempt: bool | None
    signed_by: tuple[str, ...]
    photos: tuple[Photo, ...]
    missing: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Reconciled:
    """The list against the photos.

    ``unlisted`` are photos tagged as items that no line names; ``shared`` bytes that several name.
    """

    lines: tuple[Line, ...]
    unlisted: tuple[uuid.UUID, ...]
    shared: tuple[str, ...]

    @property
    def is_complete(self) -> bool:
        """Whether every item has what it needs, and every photo its item."""
        return not self.unlisted and not self.shared and not any(one.missing for one in self.lines)


def reconcile(entries: Sequence[Written], materials: Materials) -> Reconciled:
    """Match the items that count with the photos that were taken."""
    known = materials.by_digest()
    items = [entry for entry in entries if entry.kind == "action.item"]
    numbers = Counter(entry.data["no"] for entry in items)
    stated, _ = stated_facts(entries, Present((), None))
    whole = stated.get("list_signed", False)  # a signature under the whole list
    lines = [_line(entry, known, numbers, whole=whole) for entry in items]
    named = Counter(photo.sha256 for line in lines for photo in line.photos)
    unlisted = [
        known[digest].item.id
        for digest in _tagged(entries)
        if digest not in named and digest in known
    ]
    return Reconciled(
        tuple(sorted(lines, key=lambda line: (line.no, str(line.entry_id)))),
        tuple(dict.fromkeys(unlisted)),
        tuple(sorted(digest for digest, count in named.items() if count > 1)),
    )


def _line(
    entry: Written, known: Mapping[str, Material], numbers: Counter[int], *, whole: bool
) -> Line:
    data = entry.data
    photos = tuple(_photo(digest, known) for digest in data.get("photos", ()))
    missing = []
    if not photos:
        missing.append("photo")
    elif not any(photo.is_here for photo in photos):
        missing.append("photo-awaited")
    if not data.get("place"):
        missing.append("place")
    if not data.get("signed_by") and not whole:
        missing.append("signature")
    if numbers[data["no"]] > 1:
        missing.append("number")
    return Line(
        entry.id, data["no"], data["name"], data.get("place"), data.get("custodian"),
        data.get("value_fen"), data.get("exempt"), tuple(data.get("signed_by", ())), photos,
        tuple(missing),
    )  # fmt: skip


def _photo(digest: str, known: Mapping[str, Material]) -> Photo:
    found = known.get(digest)
    if found is None:
        return Photo(digest, None, is_here=False)
    return Photo(digest, found.item.id, is_here=found.is_here)


def _tagged(entries: Iterable[Written]) -> Iterable[str]:
    for entry in entries:
        if entry.kind == "action.tag" and entry.data["tag"] == ITEM_TAG:
            yield from entry.data["evidence"]
