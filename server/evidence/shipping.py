"""The second copy: every blob goes from the local volume to the far store, read back there.

What waits is in the database, ``blobs.copies``: 1 until the far copy was verified, then 2, and 0
when no sound copy is left.  So nothing is listed at the far place, a restart forgets nothing, and
what was stored before there was a far place is shipped as well.  Two workers never ship the same
blob at a time, and doing it twice does no harm.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import Enum
from typing import Any, Final

import sqlalchemy as sa
import structlog
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from server.audit.events import EventKind
from server.audit.service import Subject, record
from server.core.context import Context, Runtime
from server.core.db import table_of
from server.core.transactions import EVERY_COURT, unit_of_work
from server.core.units import Units, system_units
from server.evidence.models import Blob, Evidence
from storage.digest import Digest
from storage.errors import (
    BlobNotFound,
    DigestMismatch,
    DurabilityLost,
    LockTimeout,
    StorageError,
)
from storage.factory import Stores
from storage.ports import KeepsCopies

LOOK_SECONDS: Final = 1.0
BACK_OFF_SECONDS_MAX: Final = 300
_BATCH: Final = 16
_RESTING_MAX: Final = 500

_log = structlog.get_logger("shipping")


class Outcome(Enum):
    """What became of an attempt to ship one blob."""

    SHIPPED = "shipped"
    REPAIRED = "repaired"  # one copy was damaged and has been replaced
    DAMAGED = "damaged"  # no sound copy is left
    ALREADY = "already"  # it does not wait (any more)
    ELSEWHERE = "elsewhere"  # another worker has it in hand


@dataclass(frozen=True, slots=True)
class Backlog:
    """How far the second copies are behind; ``oldest_seconds`` is 0 when none waits."""

    waiting: int
    oldest_seconds: float
    damaged: int


def backlog(session: Session, now: datetime) -> Backlog:
    """Count what waits and what is damaged."""
    counted = sa.select(sa.func.count(), sa.func.min(Blob.stored_at)).where(_waits())
    count, oldest = session.execute(counted).one()
    lost = sa.select(sa.func.count()).select_from(Blob).where(Blob.copies == 0)
    age = max(0.0, (now - oldest).total_seconds()) if count else 0.0
    return Backlog(count, age, session.execute(lost).scalar_one())


def waiting(session: Session, limit: int, without: Collection[str] = ()) -> list[str]:
    """Digests of blobs that lack their second copy, the longest waiting first."""
    statement = sa.select(Blob.sha256).where(_waits()).order_by(Blob.stored_at).limit(limit)
    if without:
        statement = statement.where(Blob.sha256.not_in(sorted(without)))
    return list(session.execute(statement).scalars())


def remember(ctx: Context, sha256: str, size_bytes: int) -> None:
    """Have these bytes, which are in the store, shipped; nothing happens when they are known."""
    if ctx.session.get(Blob, sha256) is None:
        now = ctx.clock.now()
        dialect = ctx.session.get_bind().dialect.name
        insert = postgresql.insert if dialect == "postgresql" else sqlite.insert
        row = {"sha256": sha256, "size_bytes": size_bytes, "copies": 1}
        ctx.session.execute(
            insert(table_of(Blob))
            .values(**row, stored_at=now, verified_at=now)
            .on_conflict_do_nothing()
        )


def ship(units: Units, stores: Stores, sha256: str) -> Outcome:
    """Bring one blob to every place and write down how many hold it.

    No transaction is open while bytes travel.  Raises ``StoreUnavailable`` while the far place
    does not answer; then nothing has changed.
    """
    if not isinstance(stores.blobs, KeepsCopies):
        return Outcome.ALREADY
    try:
        with stores.locker.acquire(f"ship:{sha256}", 0):
            return _ship_held(units, stores.blobs, sha256)
    except LockTimeout:
        return Outcome.ELSEWHERE


def _ship_held(units: Units, blobs: KeepsCopies, sha256: str) -> Outcome:
    with units() as ctx:
        if not _still_waits(ctx, sha256):
            return Outcome.ALREADY
    digest = Digest(sha256)
    outcome = Outcome.SHIPPED
    try:
        try:
            copies = blobs.ship(digest)
        except DigestMismatch:
            blobs.repair(digest)
            copies, outcome = blobs.copies(digest), Outcome.REPAIRED
    except (DigestMismatch, BlobNotFound) as error:
        _log.critical("no sound copy is left", sha256=sha256, error=str(error))
        copies, outcome = 0, Outcome.DAMAGED
    with units() as ctx:
        note_copies(ctx, sha256, copies, outcome)
    return outcome


def note_copies(ctx: Context, sha256: str, copies: int, outcome: Outcome) -> None:
    """Write the result down, and an event for each piece of evidence that has these bytes."""
    blob = ctx.session.get(Blob, sha256, with_for_update=True)
    if blob is None:
        return
    now = ctx.clock.now()
    blob.copies = copies
    if copies:
        blob.verified_at = now
    if copies == 1:  # only far: the local one had gone before the far one was counted
        blob.evicted_at = now
    facts: dict[str, Any] = {"sha256": sha256, "size": str(blob.size_bytes), "copies": copies}
    for item in _evidence_of(ctx.session, sha256):
        record(
            ctx,
            _EVENTS[outcome],
            Subject("evidence", item.id),
            facts,
            case_id=item.case_id,
            mission_id=item.mission_id,
            court_id=item.court_id,
        )


_EVENTS: Final = {
    Outcome.SHIPPED: EventKind.BLOB_SHIPPED,
    Outcome.REPAIRED: EventKind.BLOB_REPAIRED,
    Outcome.DAMAGED: EventKind.BLOB_DAMAGED,
}


def _evidence_of(session: Session, sha256: str) -> list[Evidence]:
    statement = sa.select(Evidence).where(Evidence.sha256 == sha256, Evidence.state == "verified")
    return list(session.execute(statement.order_by(Evidence.id)).scalars())


def _still_waits(ctx: Context, sha256: str) -> bool:
    statement = sa.select(Blob.sha256).where(Blob.sha256 == sha256, _waits())
    return ctx.session.execute(statement).first() is not None


def _waits() -> sa.ColumnElement[bool]:
    return sa.and_(Blob.copies == 1, Blob.evicted_at.is_(None))


@dataclass(frozen=True, slots=True)
class _Rest:
    """A pause that doubles with every failure."""

    failures: int
    until: datetime

    @classmethod
    def after(cls, earlier: _Rest | None, now: datetime) -> _Rest:
        failures = 1 if earlier is None else earlier.failures + 1
        seconds = min(2.0 ** min(failures, 16), BACK_OFF_SECONDS_MAX)
        return cls(failures, now + timedelta(seconds=seconds))


@dataclass(slots=True)
class Shipper:
    """Ships what waits; one for each worker process, used by one of its threads.

    While the far place does not answer it is asked ever less often.  A blob that cannot be shipped
    for a reason of its own does not hold up the others.
    """

    runtime: Runtime
    _away: _Rest | None = None
    _resting: dict[str, _Rest] = field(default_factory=dict)

    @property
    def is_needed(self) -> bool:
        """Whether the stores keep a second copy at all."""
        return isinstance(self.runtime.stores.blobs, KeepsCopies)

    def turn(self) -> float:
        """Ship one blob if one waits; returns seconds until the next turn makes sense."""
        now = self.runtime.clock.now()
        if self._away is not None and now < self._away.until:
            return min(LOOK_SECONDS, (self._away.until - now).total_seconds())
        with unit_of_work(EVERY_COURT, write=False) as session:
            found = waiting(session, _BATCH, self._resting)
        rested = [sha256 for sha256, rest in self._resting.items() if rest.until <= now]
        for sha256 in found or rested[:_BATCH]:  # who failed before waits for all others
            outcome = self._try(sha256, now)
            if outcome is None:
                return LOOK_SECONDS
            if outcome is not Outcome.ELSEWHERE:
                return 0.0
        return LOOK_SECONDS

    def _try(self, sha256: str, now: datetime) -> Outcome | None:
        try:
            outcome = ship(system_units(self.runtime), self.runtime.stores, sha256)
        except DurabilityLost:
            raise
        except StorageError as error:
            self._put_off(sha256, now, error)
            return None
        self._away = None
        self._resting.pop(sha256, None)
        return outcome

    def _put_off(self, sha256: str, now: datetime, error: StorageError) -> None:
        self._away = _Rest.after(self._away, now)
        earlier = self._resting.pop(sha256, None)
        if len(self._resting) >= _RESTING_MAX:
            del self._resting[next(iter(self._resting))]  # the one put off longest ago
        self._resting[sha256] = _Rest.after(earlier, now)
        _log.warning("the second copy has to wait", sha256=sha256, error=str(error)[:200])
