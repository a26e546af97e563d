"""What the conduct rules look at: frozen facts about one action, as they were recorded.

A fact that nobody recorded is absent, which is not the same as false: a rule that needs it cannot
say *pass*.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from server.fieldlog.recording_coverage import Recording

# Posts that count as enforcement staff; bailiffs, liaisons and observers assist (06 §0, 4).
STAFF_POSTS: Final = frozenset({"enforcement_judge", "enforcement_officer", "judge_assistant"})
OUTSIDER_POSTS: Final = frozenset({"liaison", "observer"})


class Sex(StrEnum):
    """As credentials say."""

    MALE = "M"
    FEMALE = "F"


@dataclass(frozen=True, slots=True)
class Participant:
    """Somebody who took part on the court's side."""

    id: str
    post: str
    sex: Sex | None = None


@dataclass(frozen=True, slots=True)
class Record:
    """The written record (笔录): who signed, who refused, whether the refusal is noted in it."""

    signed_by: frozenset[str]
    refused_by: frozenset[str] = frozenset()
    refusal_noted: bool | None = None


@dataclass(frozen=True, slots=True)
class Approval:
    """A president's approval of a measure, and the paper that came of it."""

    by_president: bool
    paper_no: str | None = None
    on: date | None = None
    deadline_on: date | None = None


@dataclass(frozen=True, slots=True)
class Detention:
    """A judicial detention."""

    approval: Approval | None
    days: int | None
    detained_at: datetime | None
    family_told_at: datetime | None
    handed_to_police: bool | None


@dataclass(frozen=True, slots=True)
class Summons:
    """A forced summons and its questioning."""

    approval: Approval | None
    begins_at: datetime | None
    ends_at: datetime | None
    complex: bool = False


@dataclass(frozen=True, slots=True)
class Seizure:
    """What was sealed, impounded or frozen.

    ``kind`` is ``deposit``, ``movable`` or ``real_estate``; amounts are in fen.
    """

    kind: str | None
    from_on: date | None
    until_on: date | None
    value_fen: int | None
    claim_fen: int | None
    exempt_items: int | None = None


@dataclass(frozen=True, slots=True)
class Cash:
    """Money taken in the field."""

    taken_on: date
    receipt_issued: bool | None
    payer_signed: bool | None
    handed_over_on: date | None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class BodySearch:
    """The search of a person."""

    of: Sex
    by: Participant | None


@dataclass(frozen=True, slots=True)
class Ruling:
    """A ruling that suspends or ends enforcement."""

    reason: str | None
    law: str | None
    served: bool | None
    explained: bool | None


@dataclass(frozen=True, slots=True)
class Settlement:
    """A settlement between the parties."""

    in_record: bool | None
    signed_by: frozenset[str]
    by_agent: bool = False
    special_authority: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionFacts:
    """Everything that is known of one action.

    ``stated`` holds plain yes-or-no facts by name; ``tags`` are those of its photos;
    ``awaited`` is true while a declared record or file of it has not come.
    """

    type: str
    begins_at: datetime
    ends_at: datetime | None
    participants: tuple[Participant, ...] = ()
    police: tuple[Participant, ...] = ()
    stated: Mapping[str, bool] = field(default_factory=lambda: MappingProxyType({}))
    record: Record | None = None
    debtor_is_natural: bool | None = None
    grassroots_present: bool | None = None
    minors_on_site: int | None = None
    warrant: Approval | None = None
    eviction_notice: Approval | None = None
    items_delivered_to: str | None = None
    detention: Detention | None = None
    summons: Summons | None = None
    seizure: Seizure | None = None
    cash: Cash | None = None
    body_search: BodySearch | None = None
    ruling: Ruling | None = None
    settlement: Settlement | None = None
    recordings: tuple[Recording, ...] = ()
    tags: frozenset[str] = frozenset()
    awaited: bool = False
    on_holiday: bool = False
    as_of: datetime | None = None

    def says(self, name: str) -> bool | None:
        """A plain fact; ``None`` when nobody recorded it."""
        return self.stated.get(name)

    @property
    def staff(self) -> tuple[Participant, ...]:
        """Those who count as enforcement staff."""
        return tuple(one for one in self.participants if one.post in STAFF_POSTS)
