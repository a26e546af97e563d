"""What callers ask of oversight, already checked for shape; frozen."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import date

from server.core.paging import LIMIT_DEFAULT
from server.oversight.kinds import AlertKind, AlertState, CampaignState, TaskState


@dataclass(frozen=True, slots=True, kw_only=True)
class MakeRule:
    """A new version of the court's thresholds, in days; ``explain_days`` are working days."""

    idle_days: int
    explain_days: int
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CallMeeting:
    """Call the meeting of the week in which ``meets_on`` lies."""

    meets_on: date
    chair_id: uuid.UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldMeeting:
    """The meeting took place, with these people."""

    attendee_ids: tuple[uuid.UUID, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class MinuteMeeting:
    """What was said."""

    minutes: str


@dataclass(frozen=True, slots=True, kw_only=True)
class WritePlan:
    """What was done and what is planned; leaders may write it for somebody else."""

    week: str
    steps: tuple[str, ...]
    progress: str | None = None
    officer_id: uuid.UUID | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class WriteInspection:
    """What an inspection of a week's work found."""

    week: str
    text: str
    case_id: uuid.UUID | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GiveTask:
    """Something that its owner has to have done by a day."""

    owner_id: uuid.UUID
    text: str
    due_on: date
    case_id: uuid.UUID | None = None
    meeting_id: uuid.UUID | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FinishTask:
    """It is done, and what came of it."""

    result: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Say:
    """An explanation, or the reason of a decision on an alert."""

    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MakeCampaign:
    """An undertaking between two days, both included."""

    name: str
    begins_on: date
    ends_on: date
    purpose: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TakeIn:
    """Cases and actions that a campaign takes in."""

    case_ids: tuple[uuid.UUID, ...] = ()
    action_ids: tuple[uuid.UUID, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class CloseCampaign:
    """What came of it."""

    result: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Paged:
    """A page of a list."""

    cursor: str | None = None
    limit: int = LIMIT_DEFAULT


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskFilter(Paged):
    """What tasks are narrowed to."""

    state: TaskState | None = None
    owner_id: uuid.UUID | None = None
    case_id: uuid.UUID | None = None
    meeting_id: uuid.UUID | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertFilter(Paged):
    """What alerts are narrowed to; ``standing`` leaves out what was cleared."""

    kind: AlertKind | None = None
    state: AlertState | None = None
    standing: bool = False
    owner_id: uuid.UUID | None = None
    case_id: uuid.UUID | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CampaignFilter(Paged):
    """What campaigns are narrowed to."""

    state: CampaignState | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AgendaAsk:
    """An agenda; of the present week unless one is named."""

    week: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DashboardAsk:
    """Figures of a period, both days included; of the present year unless it is named."""

    from_on: date | None = None
    to_on: date | None = None
