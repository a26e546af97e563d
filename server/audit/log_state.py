"""How the log stands, in one look: size, checkpoints, and whether the signer does its work."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

import sqlalchemy as sa
from sqlalchemy.orm import Session

from server.audit import log
from server.audit.log import Levels, StoredCheckpoint
from server.audit.models import RefusedRow, SignerState
from server.audit.witness_state import WitnessState


class Signing(StrEnum):
    """What the signer does."""

    CURRENT = "current"  # everything is signed, or is being signed
    BEHIND = "behind"  # entries wait, and it has not been seen for long
    REFUSES = "refuses"  # it found that the log was rewritten, shortened or damaged
    ABSENT = "absent"  # it has never run


@dataclass(frozen=True, slots=True)
class LogReport:
    """The log at one moment; ``lag_seconds`` is how long entries wait for a silent signer."""

    size: int
    levels: Levels
    checkpoint: StoredCheckpoint | None
    signing: Signing
    refusal: str | None
    detail: str | None
    origin: str | None
    vkeys: tuple[str, ...]
    seen_at: datetime | None
    lag_seconds: float
    refused_rows: int
    witnessing: WitnessState | None = None  # what confirms the log from outside

    @property
    def is_well(self) -> bool:
        """Nothing of it needs a person."""
        waits = self.signing is Signing.ABSENT and self.size > 0
        bad = self.signing in {Signing.BEHIND, Signing.REFUSES}
        return not waits and not bad and not self.refused_rows

    @property
    def advice(self) -> str | None:
        """A sentence on what is wrong and what to do; ``None`` when all is well."""
        if self.signing is Signing.REFUSES:
            return f"the signer refuses: {self.detail}"
        if self.refused_rows:
            return (
                f"{self.refused_rows} rows were put into the outbox by something else than this "
                "server: they are kept in outbox_refused; find out who can write to the database"
            )
        return None if self.is_well else "entries wait for the signer: is it running?"


def report(session: Session, now: datetime, lag_seconds_max: float) -> LogReport:
    """Look at everything; a reading only."""
    size, levels = log.size_of(session), log.levels(session)
    row = session.get(SignerState, 1)
    refused = session.execute(sa.select(sa.func.count()).select_from(RefusedRow)).scalar_one()
    lag_seconds = 0.0
    if row is not None and levels.signed < size:
        lag_seconds = max(0.0, (now - row.seen_at).total_seconds())
    if row is None:
        signing = Signing.ABSENT
    elif row.refusal is not None:
        signing = Signing.REFUSES
    else:
        signing = Signing.BEHIND if lag_seconds > lag_seconds_max else Signing.CURRENT
    return LogReport(
        size=size,
        levels=levels,
        checkpoint=log.newest_checkpoint(session),
        signing=signing,
        refusal=row.refusal if row else None,
        detail=row.detail if row else None,
        origin=row.origin if row else None,
        vkeys=tuple(row.vkey.split("\n")) if row else (),
        seen_at=row.seen_at if row else None,
        lag_seconds=lag_seconds,
        refused_rows=refused,
    )
