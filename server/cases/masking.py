"""Names of parties outside the court: who is masked, and how (裁判文书公开规定, by analogy).  Pure.

Persons of family cases, victims of crimes, and minors with their guardians appear as 姓 + 某; in a
story about a case everybody does.  Nothing else of a person is public: no address, no number.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final, Protocol

from server.cases.parties import PartyKind, PartyRole

ORDINALS: Final = "甲乙丙丁戊己庚辛壬癸"
COMPOUND: Final = re.compile(
    "欧阳|太史|端木|上官|司马|东方|独孤|南宫|万俟|闻人|夏侯|诸葛|尉迟|公羊|赫连|澹台|皇甫|"
    "宗政|濮阳|公冶|太叔|申屠|公孙|慕容|仲孙|钟离|长孙|宇文|司徒|鲜于|司空|令狐"
)
_FAMILY: Final = re.compile("离婚|婚姻|婚约|抚养|抚育|扶养|赡养|继承|遗嘱|收养|监护|探望|同居|家庭")
_CRIME: Final = re.compile("刑事|附带民事|被害")


class Named(Protocol):
    """What is needed of a party."""

    @property
    def role(self) -> str:
        """Its side."""

    @property
    def kind(self) -> str:
        """Citizen or organisation."""

    @property
    def name(self) -> str:
        """Its name."""

    @property
    def details(self) -> Any:
        """Its details, of which ``minor`` counts."""


@dataclass(frozen=True, slots=True)
class PublicParty:
    """A party as anybody may see it."""

    role: str
    kind: str
    name: str
    masked: bool


def masked_name(name: str, ordinal: int | None = None) -> str:
    """``张某``; with an ordinal ``张某甲``.  A Latin name keeps its first letter.

    A name is masked as a whole: what stands in brackets behind it goes too.
    """
    clean = re.sub(r"[(（].*", "", name).strip() or name.strip()
    mark = "" if ordinal is None else ORDINALS[ordinal % len(ORDINALS)]
    if clean[:1].isascii():
        return f"{clean[:1].upper()}.{mark}"
    surname = clean[:2] if COMPOUND.match(clean) else clean[:1]
    return f"{surname}某{mark}"


def public_parties(
    parties: Iterable[Named], cause: str | None, *, story: bool = False
) -> list[PublicParty]:
    """The parties of a case as anybody may see them, in their order.

    :param cause: of the case (案由), which says whether it is a family case.
    :param story: a story about the case: nobody is named in it.
    """
    given = list(parties)
    hidden = [_is_hidden(one, cause or "", story=story) for one in given]
    alike = Counter(_masked(one) for one, hide in zip(given, hidden, strict=True) if hide)
    places: Counter[str] = Counter()
    found: list[PublicParty] = []
    for one, hide in zip(given, hidden, strict=True):
        name = one.name
        if hide:
            plain = _masked(one)
            name = _masked(one, places[plain] if alike[plain] > 1 else None)
            places[plain] += 1
        found.append(PublicParty(one.role, one.kind, name, hide))
    return found


def _is_hidden(party: Named, cause: str, *, story: bool) -> bool:
    if story:
        return True
    if party.kind != PartyKind.NATURAL:
        return False
    victim = party.role == PartyRole.APPLICANT and bool(_CRIME.search(cause))
    return bool((party.details or {}).get("minor")) or bool(_FAMILY.search(cause)) or victim


def _masked(party: Named, ordinal: int | None = None) -> str:
    if party.kind == PartyKind.NATURAL:
        return masked_name(party.name, ordinal)
    return "某单位" if ordinal is None else f"某单位{ORDINALS[ordinal % len(ORDINALS)]}"
