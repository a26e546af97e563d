"""How far recordings cover an action: gaps, and stretches with fewer recorders than needed.  Pure.

Times are corrected ones.  A recording counts from its begin to its end; two of one device that
overlap are one.  What is shorter than the slack is no gap: people press two buttons one after the
other.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise

NOTHING = timedelta(0)


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of time; ``count`` is how many recorders ran in it."""

    begins_at: datetime
    ends_at: datetime
    count: int = 0

    @property
    def length(self) -> timedelta:
        """How long it is."""
        return self.ends_at - self.begins_at


@dataclass(frozen=True, slots=True)
class Recording:
    """One file of one recorder; ``ends_at`` is ``None`` while its bytes have not come."""

    evidence_id: uuid.UUID | str
    device_id: uuid.UUID | str
    has_picture: bool
    begins_at: datetime
    ends_at: datetime | None
    verified_at: datetime | None = None
    error: timedelta = NOTHING
    gap_reason: str | None = None

    @property
    def is_known(self) -> bool:
        """Whether its bytes are there and its length is known."""
        return self.ends_at is not None and self.verified_at is not None


@dataclass(frozen=True, slots=True)
class Coverage:
    """What the recordings of an action show.

    ``gaps`` are stretches without any, ``thin`` those with fewer than were asked for;
    ``covered`` is the share of the action with at least one, 0.0 to 1.0; ``error`` the largest
    doubt about a time of theirs.
    """

    gaps: tuple[Span, ...]
    thin: tuple[Span, ...]
    covered: float
    recorders: int
    error: timedelta


def coverage_of(
    begins_at: datetime,
    ends_at: datetime,
    recordings: Iterable[Recording],
    *,
    needed: int,
    slack: timedelta,
) -> Coverage:
    """Merge the known recordings over [``begins_at``, ``ends_at``].

    :param needed: recorders that have to run at any time.
    :param slack: a stretch shorter than this, together with its neighbours of the same kind, is
        left out.
    """
    known = [one for one in recordings if one.ends_at is not None]
    spans = _counted(begins_at, ends_at, known)
    gaps = _joined(span for span in spans if span.count == 0)
    thin = _joined(span for span in spans if span.count < needed)
    total = ends_at - begins_at
    bare = sum((span.length for span in spans if span.count == 0), NOTHING)
    recorders = len({one.device_id for one in known if _within(one, begins_at, ends_at)})
    return Coverage(
        gaps=tuple(span for span in gaps if span.length > slack),
        thin=tuple(span for span in thin if span.length > slack),
        covered=1.0 - bare / total if total > NOTHING else float(recorders > 0),
        recorders=recorders,
        error=max((one.error for one in known), default=NOTHING),
    )


def _within(one: Recording, begins_at: datetime, ends_at: datetime) -> bool:
    return one.ends_at is not None and one.begins_at < ends_at and one.ends_at > begins_at


def _counted(begins_at: datetime, ends_at: datetime, known: Sequence[Recording]) -> list[Span]:
    """The action cut wherever a recording begins or ends, with the recorders that ran."""
    edges = {begins_at, ends_at}
    for one in known:
        edges |= {at for at in (one.begins_at, one.ends_at) if at and begins_at < at < ends_at}
    return [
        Span(
            first,
            last,
            len(
                {
                    one.device_id
                    for one in known
                    if one.ends_at and one.begins_at <= first and one.ends_at >= last
                }
            ),
        )
        for first, last in pairwise(sorted(edges))
    ]


def _joined(spans: Iterable[Span]) -> list[Span]:
    joined: list[Span] = []
    for span in spans:
        if joined and joined[-1].ends_at == span.begins_at:
            count = min(joined[-1].count, span.count)
            joined[-1] = Span(joined[-1].begins_at, span.ends_at, count)
        else:
            joined.append(span)
    return joined
