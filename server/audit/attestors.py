"""What each witness and each time-stamping authority last said, for everybody who shows it.

One row for each: how it stands, since when, and how far it has confirmed the log.  The rows carry
the back-off as well, so that several workers ask no more often than one.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Mapped, Session, mapped_column

from server.core.db import Base, BigId, table_of

WITNESS: Final = "witness"
AUTHORITY: Final = "authority"
BACK_OFF_SECONDS_MAX: Final = 300
ALARM_SECONDS: Final = 60
_DETAIL_LENGTH_MAX: Final = 300
_DOUBLINGS_MAX: Final = 16


class Standing(StrEnum):
    """How a witness or an authority stands to the log."""

    GOOD = "good"
    DOWN = "down"  # it does not answer, or says that it cannot
    STRANGER = "stranger"  # it does not watch this log, or does not trust its key
    WRONG = "wrong"  # what it answered does not verify
    ROLLED_BACK = "rolled-back"  # it has forgotten what it cosigned: its state was restored
    AHEAD = "ahead"  # it has cosigned more than the log has: the log was restored
    FORKED = "forked"  # what it cosigned is not the beginning of the log

    @property
    def is_alarm(self) -> bool:
        """Whether somebody has gone back in time."""
        return self in {Standing.ROLLED_BACK, Standing.AHEAD, Standing.FORKED}

    @property
    def halts(self) -> bool:
        """Whether it is the log itself whose history is in doubt: nobody is to cosign that."""
        return self in {Standing.AHEAD, Standing.FORKED}


class Attestor(Base):
    """A witness or an authority, by the name of its key or its address.

    ``size`` is the largest tree that it confirmed, ``wanted_size`` one that somebody waits for.
    ``since`` is when ``standing`` became what it is, ``good_at`` when it last confirmed anything.
    """

    __tablename__ = "attestors"

    kind: Mapped[str] = mapped_column(primary_key=True)  # witness | authority
    name: Mapped[str] = mapped_column(primary_key=True)
    standing: Mapped[str]
    detail: Mapped[str]
    size: Mapped[int] = mapped_column(BigId)
    wanted_size: Mapped[int] = mapped_column(BigId)
    failures: Mapped[int]
    since: Mapped[datetime]
    asked_at: Mapped[datetime | None]
    good_at: Mapped[datetime | None]
    next_at: Mapped[datetime]


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of asking: ``size`` is what a good answer confirms.

    ``asked_to_sign`` is false for a question that was only about what the other knows.
    """

    standing: Standing
    detail: str = ""
    size: int = 0
    asked_to_sign: bool = True


@dataclass(frozen=True, slots=True)
class Stand:
    """A row as it was read; the same for one that was never asked."""

    kind: str
    name: str
    standing: Standing | None = None
    detail: str = ""
    size: int = 0
    wanted_size: int = 0
    since: datetime | None = None
    asked_at: datetime | None = None
    good_at: datetime | None = None
    next_at: datetime | None = None

    def is_due(self, now: datetime) -> bool:
        """Whether its back-off is over."""
        return self.next_at is None or self.next_at <= now


@dataclass(frozen=True, slots=True)
class Overview:
    """All of them, in order of kind and name."""

    stands: tuple[Stand, ...] = field(default_factory=tuple)

    def of(self, kind: str, name: str) -> Stand:
        """One of them, also when it has not been asked yet."""
        for stand in self.stands:
            if (stand.kind, stand.name) == (kind, name):
                return stand
        return Stand(kind, name)


def overview(session: Session) -> Overview:
    """What everybody last said."""
    rows = session.execute(sa.select(Attestor).order_by(Attestor.kind, Attestor.name)).scalars()
    return Overview(tuple(_stand(row) for row in rows))


def write_down(session: Session, kind: str, name: str, answer: Answer, now: datetime) -> Stand:
    """Keep an answer; after bad ones the pause until the next try doubles."""
    row = _row(session, kind, name, now)
    if row.standing != answer.standing or row.asked_at is None:
        row.standing, row.since = answer.standing.value, now
    row.detail, row.asked_at = answer.detail[:_DETAIL_LENGTH_MAX], now
    if answer.standing is Standing.GOOD:
        row.size = max(row.size, answer.size)
        row.failures, row.good_at, row.next_at = 0, now, now
    else:
        row.failures += 1
        row.next_at = now + timedelta(seconds=_pause_seconds(answer.standing, row.failures))
    return _stand(row)


def want(session: Session, kind: str, name: str, size: int, now: datetime) -> None:
    """Have a tree of at least ``size`` confirmed as soon as there is one, whatever the cadence."""
    row = _row(session, kind, name, now)
    row.wanted_size = max(row.wanted_size, size)


def _pause_seconds(standing: Standing, failures: int) -> float:
    if standing.is_alarm:
        return ALARM_SECONDS
    return min(2.0 ** min(failures, _DOUBLINGS_MAX), BACK_OFF_SECONDS_MAX)


def _row(session: Session, kind: str, name: str, now: datetime) -> Attestor:
    """The row, locked; a new one where there was none, whoever else is about to add it."""
    dialect = session.get_bind().dialect.name
    insert = (postgresql.insert if dialect == "postgresql" else sqlite.insert)(table_of(Attestor))
    fresh = {
        "kind": kind, "name": name, "standing": "", "detail": "", "size": 0, "wanted_size": 0,
        "failures": 0, "since": now, "next_at": now,
    }  # fmt: skip
    session.execute(insert.values(fresh).on_conflict_do_nothing())
    return session.get_one(Attestor, (kind, name), with_for_update=True)


def _stand(row: Attestor) -> Stand:
    return Stand(
        kind=row.kind,
        name=row.name,
        standing=Standing(row.standing) if row.asked_at is not None else None,
        detail=row.detail,
        size=row.size,
        wanted_size=row.wanted_size,
        since=row.since,
        asked_at=row.asked_at,
        good_at=row.good_at,
        next_at=row.next_at,
    )
