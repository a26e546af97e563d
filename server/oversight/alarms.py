"""What a detector finds, and what it looks at."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from sqlalchemy.orm import Session

from server.cases.states import CaseStatus
from server.oversight.kinds import AlertKind
from server.oversight.queries import Thresholds

CHUNK: Final = 500
# What lies idle or runs late: a suspended case does neither (执行规定 63).
UNDER_WAY: Final = (CaseStatus.FILED, CaseStatus.ENFORCING)


@dataclass(frozen=True, slots=True)
class Alarm:
    """One thing that is not as it should be; ``key`` names it for good.

    :param since_on: since when it is so; of a measure, the day on which it expires.
    """

    kind: AlertKind
    key: str
    since_on: date
    case_id: uuid.UUID | None
    owner_id: uuid.UUID | None
    task_id: uuid.UUID | None = None


@dataclass(frozen=True, slots=True)
class Look:
    """What the detectors look at: a court on a day."""

    session: Session
    court_id: uuid.UUID
    today: date
    zone: str
    rules: Thresholds


def chunks(ids: Sequence[uuid.UUID]) -> Iterator[Sequence[uuid.UUID]]:
    """Pieces that fit into one statement."""
    for start in range(0, len(ids), CHUNK):
        yield ids[start : start + CHUNK]


def of_case(
    kind: AlertKind, case_id: uuid.UUID, owner_id: uuid.UUID | None, since_on: date, what: object
) -> Alarm:
    """An alarm about a case; ``what`` names the thing in it, ``since_on`` the occasion."""
    return Alarm(kind, f"{kind}:{what}:{since_on.isoformat()}", since_on, case_id, owner_id)
