"""Which actions are to be judged again, and judging them: a row is the work, so none is lost.

What marks an action is in ``marking``; a worker judges it within a second or so.  Time alone
changes some outcomes: then the row waits for its moment.
"""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta
from typing import Final

import sqlalchemy as sa
import structlog

from server.cases.models import Case
from server.conduct import marking, service
from server.conduct.judging import judge
from server.conduct.models import DueAction
from server.core.context import Context, Runtime, system_actor
from server.core.db import table_of
from server.core.transactions import EVERY_COURT, unit_of_work
from server.fieldlog.conduct_rules import Outcome
from server.register.models import Action
from storage.errors import DurabilityLost

LOOK_SECONDS: Final = 1.0
BATCH: Final = 50
AFTER_TROUBLE: Final = timedelta(minutes=10)
_MOMENT: Final = timedelta(seconds=1)
_due = table_of(DueAction)
_log = structlog.get_logger("conduct")


def next_due(ctx: Context, limit: int = BATCH) -> list[uuid.UUID]:
    """Actions whose moment has come, the longest waiting first; a reading only."""
    statement = (
        sa.select(_due.c.action_id)
        .where(_due.c.run_after <= ctx.clock.now())
        .order_by(_due.c.run_after, _due.c.action_id)
        .limit(limit)
    )
    return list(ctx.session.execute(statement).scalars())


def judge_one(ctx: Context, action_id: uuid.UUID) -> bool:
    """Judge an action and store what came out; false when somebody else has done so.

    First the case is locked, then the action, as by those who write about it: what they wrote is
    seen, and nobody waits in a circle.
    """
    case = sa.select(Case.id).join(Action, Action.case_id == Case.id).where(Action.id == action_id)
    shared = case.with_for_update(read=True, key_share=True, of=Case)
    ctx.session.execute(shared).scalar_one_or_none()
    statement = sa.select(Action).where(Action.id == action_id)
    action = ctx.session.execute(statement.with_for_update(key_share=True)).scalar_one_or_none()
    now = ctx.clock.now()
    taken = ctx.session.execute(
        sa.delete(_due).where(_due.c.action_id == action_id, _due.c.run_after <= now)
    )
    if action is None or not getattr(taken, "rowcount", 0):
        return False
    judgement = judge(ctx, action)
    service.store(ctx, judgement)
    limit = _limit_of(action, judgement.book.config.upload_within)
    if limit and limit > now and any(one.outcome is Outcome.UNKNOWN for one in judgement.checks):
        marking.mark(ctx, Action.id == action_id, limit)
    return True


def _limit_of(action: Action, within: timedelta) -> datetime | None:
    """From when on nothing is waited for; of a clock at the end of all years there is none."""
    if action.ends_at is None or action.ends_at > datetime.max.replace(tzinfo=UTC) - 2 * within:
        return None
    return action.ends_at + within + _MOMENT


class Judger:
    """Judges what is due, one action a transaction; runs beside the jobs of a worker."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime

    def turn(self) -> float:
        """Judge what is due; returns the seconds until the next look, 0 when there was some."""
        with unit_of_work(EVERY_COURT, write=False) as session:
            actions = next_due(Context(system_actor(), session, self._runtime))
        for action_id in actions:
            self._judge(action_id)
        return 0.0 if actions else LOOK_SECONDS

    def _judge(self, action_id: uuid.UUID) -> None:
        try:
            with unit_of_work(EVERY_COURT) as session:
                judge_one(Context(system_actor(), session, self._runtime), action_id)
        except DurabilityLost:
            raise
        except Exception:  # noqa: BLE001  one that cannot be judged holds up no other
            _log.exception("action not judged", action=str(action_id))
            self._put_off(action_id)

    def _put_off(self, action_id: uuid.UUID) -> None:
        later = self._runtime.clock.now() + AFTER_TROUBLE
        with unit_of_work(EVERY_COURT) as session:
            session.execute(
                sa.update(_due).where(_due.c.action_id == action_id).values(run_after=later)
            )
