"""What a case consists of, folded from its entries: measures, money, talks, petitions …  Frozen."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Final

from server.cases.deadlines import Exclusion

SEIZING: Final = frozenset({"seal", "impound", "freeze"})
# Ways of closing after which no measure may stay; 终本 and a long-term settlement leave them.
ENDS_MEASURES: Final = frozenset({"completed", "terminated", "deregistered", "denied", "dismissed"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Amounts:
    """Fen; what is claimed, controlled, received and disbursed are four different figures.

    :param claimed: principal, interests and fee; ``None`` when nobody has said.
    """

    claimed: int | None = None
    controlled: int = 0
    received: int = 0
    disbursed: int = 0

    @property
    def owed(self) -> int | None:
        """What is still to be performed."""
        return None if self.claimed is None else max(0, self.claimed - self.received)


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    """A measure and how long it holds.

    :param until_on: its last day after renewals; never beyond what the law allows.
    :param controlled_fen: what it holds, where somebody has said so, otherwise its value.
    """

    id: str
    type: str
    on: date
    until_on: date | None = None
    renewals: int = 0
    lifted_on: date | None = None
    asset: str | None = None
    controlled_fen: int = 0
    party: str | None = None

    @property
    def seizes(self) -> bool:
        """Whether it keeps assets in hand."""
        return self.type in SEIZING

    def in_force(self, day: date) -> bool:
        """Whether it held on a day."""
        if self.on > day or (self.lifted_on is not None and self.lifted_on <= day):
            return False
        return self.until_on is None or day <= self.until_on


@dataclass(frozen=True, slots=True, kw_only=True)
class Lead:
    """A lead; the source is confidential (财产调查规定23) and never leaves the staff's pages."""

    id: str
    on: date
    kind: str
    specific: bool
    urgent: bool
    verified_on: date | None = None
    result: str | None = None
    expired_term_on: date | None = None  # the liaison's term was over when the lead came


class PromiseState(StrEnum):
    """Where a promise stands; one whose day has passed without a word is broken."""

    OPEN = "open"
    KEPT = "kept"
    BROKEN = "broken"


@dataclass(frozen=True, slots=True, kw_only=True)
class Promise:
    """A promise to perform."""

    id: str
    on: date
    by: str
    due_on: date
    state: PromiseState
    amount_fen: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Instalment:
    """One part of a settlement's schedule."""

    id: str
    due_on: date
    amount_fen: int
    paid_fen: int
    paid_on: date | None  # when all of it was there

    def is_late(self, day: date) -> bool:
        """Whether it should have been paid by now."""
        return self.paid_on is None and self.due_on < day


class SettlementState(StrEnum):
    """Where a settlement stands."""

    DRAFT = "draft"
    SIGNED = "signed"
    PERFORMING = "performing"
    PERFORMED = "performed"
    DEFAULTED = "defaulted"


@dataclass(frozen=True, slots=True, kw_only=True)
class Settlement:
    """A settlement and its schedule."""

    id: str
    on: date
    state: SettlementState
    long_term: bool
    instalments: tuple[Instalment, ...] = ()
    performed_on: date | None = None

    def late(self, day: date) -> tuple[Instalment, ...]:
        """Instalments that were not paid when they had to be."""
        return tuple(one for one in self.instalments if one.is_late(day))


@dataclass(frozen=True, slots=True, kw_only=True)
class Petition:
    """A petition."""

    id: str
    on: date
    repeated: bool
    registered_on: date | None = None
    closed_on: date | None = None
    valid: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Objection:
    """An objection, an application for a review, or a petition for supervision."""

    id: str
    on: date
    kind: str
    decided_on: date | None = None
    result: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Relief:
    """Judicial relief that was proposed for the applicant."""

    id: str
    on: date
    amount_fen: int | None = None
    decided_on: date | None = None
    granted: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """That the applicant was told why: facts, law, and what they said to it."""

    id: str
    on: date
    closing: str
    accepted: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Closed:
    """How and when the case was closed, and under which case it goes on."""

    id: str
    on: date
    method: str
    resumed_on: date | None = None
    resumed_as: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseFacts:
    """What is known of a case besides its entries."""

    type_code: str
    status: str
    cause: str | None = None
    filed_on: date | None = None
    deadline_on: date | None = None  # as somebody stated it
    claim_fen: int | None = None
    has_handler: bool = False
    minor_debtor: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseState:
    """Where a case stands on a day, by its entries.

    :param periods: what does not count towards the limit for completing it.
    :param extended_to: the latest last day that the president has granted.
    :param last_activity_on: when somebody last did something in it.
    """

    facts: CaseFacts
    today: date
    amounts: Amounts
    measures: tuple[Measure, ...] = ()
    periods: tuple[Exclusion, ...] = ()
    extended_to: date | None = None
    inquiries: tuple[tuple[str, str], ...] = ()  # (how, entry)
    leads: tuple[Lead, ...] = ()
    persuasions: tuple[str, ...] = ()
    promises: tuple[Promise, ...] = ()
    settlements: tuple[Settlement, ...] = ()
    petitions: tuple[Petition, ...] = ()
    objections: tuple[Objection, ...] = ()
    reliefs: tuple[Relief, ...] = ()
    explanations: tuple[Explanation, ...] = ()
    closed: Closed | None = None
    last_activity_on: date | None = None

    @property
    def in_force(self) -> tuple[Measure, ...]:
        """Measures that hold today."""
        return tuple(one for one in self.measures if one.in_force(self.today))

    @property
    def settlement(self) -> Settlement | None:
        """The last settlement."""
        return self.settlements[-1] if self.settlements else None

    @property
    def is_open(self) -> bool:
        """Whether it is still to be enforced."""
        return self.facts.status != "closed"
