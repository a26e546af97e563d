"""Who took part in an action, by its entries.  Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from server.fieldlog.conduct_facts import BodySearch, Participant, Sex
from server.register.folding import Written


@dataclass(frozen=True, slots=True)
class Present:
    """Everybody whom the entries name, the last word about each, and how many minors."""

    people: tuple[Mapping[str, str], ...]
    minors_on_site: int | None

    def with_role(self, *roles: str) -> list[Mapping[str, str]]:
        """Those who were there in one of these roles."""
        return [one for one in self.people if one.get("role") in roles]

    @property
    def staff(self) -> tuple[Participant, ...]:
        """Who was entered as enforcement staff; nobody while the post of one is not known.

        Without the post it cannot be said whether somebody counts.
        """
        found = self.with_role("staff")
        if any("post" not in one for one in found):
            return ()
        return tuple(_participant(one) for one in found)

    @property
    def police(self) -> tuple[Participant, ...]:
        """Bailiffs."""
        return tuple(_participant(one) for one in self.with_role("police"))

    def named(self, text: str) -> Participant | None:
        """Whom an entry means by a name or an id."""
        for one in self.people:
            if text in (one.get("id"), one.get("name")):
                return _participant(one)
        return None


def present(entries: Iterable[Written], posts: Mapping[str, str]) -> Present:
    """Fold the entries about who is there.

    :param posts: posts of the court's own people by their id, for those entered without one.
    """
    people: dict[str, dict[str, str]] = {}
    minors: int | None = None
    for entry in entries:
        if entry.kind != "action.people":
            continue
        minors = entry.data.get("minors_on_site", minors)
        for one in entry.data["people"]:
            people.setdefault(_key(one), {}).update(one)
    for one in people.values():
        post = posts.get(one.get("id", ""))
        if "post" not in one and post is not None:
            one["post"] = post
    return Present(tuple(people.values()), minors)


def body_search(entries: Iterable[Written], there: Present) -> BodySearch | None:
    """The search of a person that is most in doubt."""
    found = [
        BodySearch(Sex(entry.data["of"]), there.named(entry.data["by"]))
        for entry in entries
        if entry.kind == "action.body-search"
    ]
    return max(found, key=_doubt, default=None)


def _doubt(search: BodySearch) -> int:
    if search.of is not Sex.FEMALE:
        return 0
    sex = search.by.sex if search.by else None
    return {Sex.FEMALE: 1, None: 2, Sex.MALE: 3}[sex]


def ids_of(entries: Iterable[Written]) -> set[str]:
    """Ids of people whom the entries name."""
    return {
        str(one["id"])
        for entry in entries
        if entry.kind == "action.people"
        for one in entry.data["people"]
        if "id" in one
    }


def _key(person: Mapping[str, Any]) -> str:
    return str(person.get("id") or person.get("name"))


def _participant(person: Mapping[str, str]) -> Participant:
    sex = person.get("sex")
    return Participant(_key(person), person.get("post", ""), Sex(sex) if sex else None)
