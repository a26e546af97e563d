"""States of cases and missions, and which may follow which; data, not code."""

from __future__ import annotations

from enum import StrEnum
from types import MappingProxyType
from typing import Final


class CaseStatus(StrEnum):
    """Where a case stands; suspension is a state and never a way of closing (执行规定 63, 64)."""

    FILED = "filed"
    ENFORCING = "enforcing"
    SUSPENDED = "suspended"
    CLOSED = "closed"


class MissionState(StrEnum):
    """Where a mission stands."""

    PLANNED = "planned"
    STARTED = "started"
    ENDED = "ended"
    CANCELLED = "cancelled"


# A closed case is resumed under a number of its own (执恢), so nothing follows.
CASE_NEXT: Final = MappingProxyType(
    {
        CaseStatus.FILED: frozenset(
            {CaseStatus.ENFORCING, CaseStatus.SUSPENDED, CaseStatus.CLOSED}
        ),
        CaseStatus.ENFORCING: frozenset({CaseStatus.SUSPENDED, CaseStatus.CLOSED}),
        CaseStatus.SUSPENDED: frozenset({CaseStatus.ENFORCING, CaseStatus.CLOSED}),
        CaseStatus.CLOSED: frozenset[CaseStatus](),
    }
)

# What is not simply said, but written down by an entry of the register that its gates judge.
ENTERED_BY: Final = MappingProxyType(
    {
        CaseStatus.SUSPENDED: "case.suspended",
        CaseStatus.CLOSED: "case.closed",
    }
)

MISSION_NEXT: Final = MappingProxyType(
    {
        MissionState.PLANNED: frozenset({MissionState.STARTED, MissionState.CANCELLED}),
        MissionState.STARTED: frozenset({MissionState.ENDED, MissionState.CANCELLED}),
        MissionState.ENDED: frozenset[MissionState](),
        MissionState.CANCELLED: frozenset[MissionState](),
    }
)
