"""The walk along the log: each entry, the rows that follow from it, the feed.

It reads in batches, each in a short transaction of its own; the last ones are read in the snapshot
in which everything else is compared, so that nothing can change between the two.  The tree over
the entries and the cases' sequences are rebuilt by ``server.audit.rebuild``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.orm import Session

from server.audit import seals
from server.audit.events import EventKind
from server.audit.models import Change, Event, LogState, OutboxRow
from server.audit.service import SERVER_SOURCE
from server.core.db import table_of
from server.upkeep.derived import Derived
from server.upkeep.entries import Keys, json_object, judge
from server.upkeep.findings import Code, Report

BATCH: Final = 1_000
_events, _changes, _outbox = table_of(Event), table_of(Change), table_of(OutboxRow)


@dataclass(slots=True)
class Walk:
    """What the walk remembers; memory grows with devices and sealed rows, not with entries.

    ``rows`` says what the log knows of each sealed row, ``erased_digests`` which entry erased
    which bytes.
    """

    report: Report
    keys: Keys
    derived: Derived
    next_index: int = 0
    rows: dict[str, int] = field(default_factory=dict)
    marked: dict[str, int] = field(default_factory=dict)  # as ``rows`` when they were compared
    erased_digests: dict[str, str] = field(default_factory=dict)
    _gone: dict[str, str] = field(default_factory=dict)  # hid → name
    _erased: set[str] = field(default_factory=set)

    def begin(self, session: Session) -> None:
        """Read what the walk compares with as it goes."""
        self.keys.load(session)

    def step(self, session: Session) -> bool:
        """Take the next batch; false at the end of the log."""
        statement = sa.select(_events).where(_events.c.log_index >= self.next_index)
        batch = session.execute(statement.order_by(_events.c.log_index).limit(BATCH)).all()
        if batch:
            self.next_index = batch[-1].log_index + 1
            pairs = [(row, json_object(row.p)) for row in batch]
            # What a spoiled entry says is not followed up.
            good = [pair for pair in pairs if self._entry(*pair)]
            self.derived.batch(session, good)
            self._feed(session, pairs)
            self.report.looked_at("entries", len(batch))
        return len(batch) == BATCH

    def finish(self, session: Session) -> None:
        """Compare what only the whole log can tell; in one snapshot with the last steps."""
        for row in session.execute(sa.select(_outbox)):
            payload = json_object(row.p)
            if payload is not None:
                self._learn(row, payload)
        for hid in self._gone.keys() - self._erased:
            self.report.add(Code.PAYLOAD_GONE, self._gone[hid], "no erasure in the log names it")
        self.derived.finish(session)
        self._state(session)

    def _entry(self, row: Any, payload: Mapping[str, Any] | None) -> bool:
        """Judge an entry and remember what it says; false when it is not as it was written."""
        wrong = list(judge(row, payload, self.keys))
        for code, detail in wrong:
            self.report.add(code, _name(row), detail)
        if wrong:
            return False
        if row.p is None:
            self._gone[row.hid] = _name(row)
        elif payload is not None:
            self._learn(row, payload)
        return True

    def _learn(self, row: Any, payload: Mapping[str, Any]) -> None:
        if row.src == SERVER_SOURCE:
            seals.folded([payload], self.rows)
            if row.kind == EventKind.EVIDENCE_ERASED:
                self._erased.update(payload["facts"]["hids"])
                for sha256 in payload["facts"]["unlinked"]:
                    self.erased_digests[sha256] = _name(row)
        self.keys.learn_from(row, payload)

    def _feed(
        self, session: Session, pairs: Sequence[tuple[Any, Mapping[str, Any] | None]]
    ) -> None:
        """Changes told by these entries, against the rows that pulls read."""
        told: set[tuple[Any, ...]] = set()
        unknown: set[int] = set()
        for row, payload in pairs:
            if payload is None:
                unknown.add(row.log_index)
            elif row.src == SERVER_SOURCE:
                for recipient, topic, entity_id, op in payload.get("tell") or ():
                    told.add((row.log_index, recipient, topic, entity_id, op, row.court_id))
        between = _changes.c.log_index.between(pairs[0][0].log_index, pairs[-1][0].log_index)
        there = {
            (one.log_index, one.recipient, one.topic, one.entity_id, one.op, one.court_id)
            for one in session.execute(sa.select(_changes).where(between))
        }
        horizon = session.execute(sa.select(LogState.feed_horizon)).scalar() or 0
        for change in sorted(told ^ there, key=str):
            if change[0] >= horizon and change[0] not in unknown:
                detail = "it is not there" if change in told else "the log did not tell it"
                self.report.add(Code.CHANGE, f"changes/{change[1]}/{change[0]}", detail)
        self.report.looked_at("changes", len(there))

    def _state(self, session: Session) -> None:
        state = session.execute(sa.select(LogState)).scalars().first()
        if state is None or state.next_index != self.next_index:
            self.report.add(Code.STATE, "log_state", "next_index is not the number of entries")
            return
        first = session.execute(sa.select(sa.func.min(_changes.c.log_index))).scalar_one()
        if not 0 <= state.feed_horizon <= state.next_index:
            self.report.add(Code.STATE, "log_state", "feed_horizon lies outside the log")
        elif first is not None and first < state.feed_horizon:
            self.report.add(Code.STATE, "log_state", "feed_horizon lies above kept changes")
        stray = sa.select(_changes.c.log_index).where(
            sa.or_(_changes.c.log_index < 0, _changes.c.log_index >= state.next_index)
        )
        for index in session.execute(stray.limit(10)).scalars():
            self.report.add(Code.CHANGE, f"changes/{index}", "there is no such entry")


def _name(row: Any) -> str:
    return f"events/{row.log_index}"
