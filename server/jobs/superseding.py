"""The loop that gives receipts their successors with proofs, as checkpoints come."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import sqlalchemy as sa

from server.audit import log, receipts
from server.audit.models import ReceiptRow
from server.core.context import Runtime
from server.core.transactions import EVERY_COURT, unit_of_work
from server.core.units import system_units

LOOK_SECONDS: Final = 1.0


@dataclass(slots=True)
class Superseder:
    """One for each worker process, used by one of its threads."""

    runtime: Runtime

    def turn(self) -> float:
        """Supersede some; returns seconds until the next turn makes sense."""
        if not self._is_due():
            return LOOK_SECONDS
        with system_units(self.runtime)() as ctx:
            done = receipts.supersede(ctx)
        return 0.0 if done else LOOK_SECONDS

    def _is_due(self) -> bool:
        """A reading only, so that an idle worker writes nothing."""
        level = 2 if self.runtime.settings.witness_policy else 1
        with unit_of_work(EVERY_COURT, write=False) as session:
            at = log.newest_checkpoint(session, level)
            if at is None:
                return False
            due = sa.select(ReceiptRow.id).where(ReceiptRow.waits_for < at.size).limit(1)
            return session.execute(due).first() is not None
