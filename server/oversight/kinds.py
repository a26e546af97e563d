"""States and kinds of oversight; data."""

from __future__ import annotations

from enum import StrEnum
from types import MappingProxyType
from typing import Final


class MeetingState(StrEnum):
    """Where a weekly meeting (周督办会) stands."""

    AGENDA = "agenda"
    HELD = "held"
    MINUTED = "minuted"


class TaskState(StrEnum):
    """Where a task stands."""

    OPEN = "open"
    OVERDUE = "overdue"
    DONE = "done"


class AlertKind(StrEnum):
    """What a detector finds."""

    IDLE = "idle"  # nothing happened in the case for too long
    DEADLINE = "deadline"  # the limit for completing it has passed, nobody has extended it
    TASK = "task"  # a task of the weekly meeting is late
    PROMISE = "promise"  # a promise, or an instalment of a settlement, was not kept
    MEASURE = "measure"  # a freeze or a seizure is about to expire, or has expired
    MONEY = "money"  # money that arrived has not been disbursed in time
    LIMIT = "limit"  # another limit of the court's has passed
    KEY = "key"  # 五定一包 of a key case is not complete, or its deadline has passed


class AlertState(StrEnum):
    """Where an alert stands."""

    RAISED = "raised"
    EXPLAINED = "explained"
    ESCALATED = "escalated"
    CLEARED = "cleared"


class CampaignState(StrEnum):
    """Where a campaign (such as 春风行动) stands."""

    PLANNED = "planned"
    RUNNING = "running"
    CLOSED = "closed"


OPEN_ALERTS: Final = (AlertState.RAISED, AlertState.EXPLAINED, AlertState.ESCALATED)
OPEN_TASKS: Final = (TaskState.OPEN, TaskState.OVERDUE)
MEETING_NEXT: Final = MappingProxyType(
    {MeetingState.AGENDA: MeetingState.HELD, MeetingState.HELD: MeetingState.MINUTED}
)
CAMPAIGN_NEXT: Final = MappingProxyType(
    {CampaignState.PLANNED: CampaignState.RUNNING, CampaignState.RUNNING: CampaignState.CLOSED}
)
