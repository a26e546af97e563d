"""How well the log is confirmed from outside, for doctor, readiness and the state route.

Nothing here asks anybody: it tells what was last heard, how far the levels reach and how long the
oldest entry has waited for the next one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.orm import Session

from client_sdk.protocol.errors import PolicyError
from client_sdk.protocol.tlog.policies import NO_QUORUM, Policy
from server.audit import attestors, log
from server.audit.attestors import AUTHORITY, WITNESS, Overview, Stand, Standing
from server.audit.cosigning import load_policy
from server.audit.models import CheckpointRow
from server.audit.timestamping import authorities
from server.settings import Settings

WITNESSED_SECONDS_MAX: Final = 60  # 04 §4.2: L2 within a minute, L3 within ten
TIMESTAMPED_SECONDS_MAX: Final = 600


@dataclass(frozen=True, slots=True)
class Party:
    """A witness or an authority of the settings and what it last said."""

    name: str
    url: str | None
    stand: Stand

    @property
    def is_bad(self) -> bool:
        """Whether something is wrong with it; not having been asked yet is not."""
        return self.stand.standing not in {None, Standing.GOOD}


@dataclass(frozen=True, slots=True)
class WitnessState:
    """Everything about levels L2 and L3.

    ``*_lag_seconds`` is for how long the oldest signed checkpoint beyond a level has waited; 0
    when none does, or when the level is not to be had with these settings.
    """

    policy_problem: str | None
    has_quorum: bool
    witnesses: tuple[Party, ...]
    authorities: tuple[Party, ...]
    witnessed_size: int
    timestamped_size: int
    witnessed_lag_seconds: float
    timestamped_lag_seconds: float

    @property
    def halted_by(self) -> tuple[Party, ...]:
        """Witnesses that doubt the log's own history, so that nobody is asked any more."""
        return tuple(
            one for one in self.witnesses if one.stand.standing and one.stand.standing.halts
        )

    @property
    def alarms(self) -> tuple[Party, ...]:
        """Witnesses that saw somebody go back in time: the log, or themselves."""
        return tuple(
            one for one in self.witnesses if one.stand.standing and one.stand.standing.is_alarm
        )

    @property
    def witnessed_is_late(self) -> bool:
        """Whether L2 lags behind what is promised."""
        return self.witnessed_lag_seconds > WITNESSED_SECONDS_MAX

    @property
    def timestamped_is_late(self) -> bool:
        """Whether L3 lags behind what is promised."""
        return self.timestamped_lag_seconds > TIMESTAMPED_SECONDS_MAX

    @property
    def is_late(self) -> bool:
        """Whether either does."""
        return self.witnessed_is_late or self.timestamped_is_late

    def problems(self) -> list[str]:
        """One sentence for each thing that is wrong, the worst first."""
        found = [f"witness {one.name}: {one.stand.detail}" for one in self.alarms]
        if self.policy_problem:
            found.append(f"the policy of witnesses cannot be used: {self.policy_problem}")
        if self.witnessed_is_late:
            found.append(f"no quorum of witnesses for {self.witnessed_lag_seconds:.0f} s")
        if self.timestamped_is_late:
            found.append(f"no trusted time for {self.timestamped_lag_seconds:.0f} s")
        found += [_said("witness", one) for one in self.witnesses if one not in self.alarms]
        found += [_said("authority", one) for one in self.authorities]
        return [sentence for sentence in found if sentence]

    def for_readiness(self) -> dict[str, Any]:
        """Never red: records are taken and signed all the same; their level is shown with them."""
        problems = self.problems()
        part = {
            "ok": True,
            "degraded": self.is_late or bool(self.alarms) or self.policy_problem is not None,
            "halted": bool(self.halted_by),
            "witnessed_lag_seconds": round(self.witnessed_lag_seconds, 3),
            "timestamped_lag_seconds": round(self.timestamped_lag_seconds, 3),
        }
        return {**part, "detail": problems[0]} if problems else part


def witness_state(session: Session, settings: Settings, now: datetime) -> WitnessState:
    """What is known now; reads the policy file, asks nobody."""
    policy, problem = _policy(settings)
    stands = attestors.overview(session)
    reach = log.levels(session)
    has_quorum = policy is not None and policy.quorum != NO_QUORUM
    stamps = _authorities(settings, stands)
    base = has_quorum or problem is not None
    return WitnessState(
        policy_problem=problem,
        has_quorum=has_quorum,
        witnesses=_witnesses(policy, stands),
        authorities=stamps,
        witnessed_size=reach.witnessed,
        timestamped_size=reach.timestamped,
        witnessed_lag_seconds=_lag(session, reach.witnessed, now) if base else 0.0,
        timestamped_lag_seconds=_lag(session, _stamped(session), now) if stamps else 0.0,
    )


def _policy(settings: Settings) -> tuple[Policy | None, str | None]:
    if not settings.witness_policy:
        return None, None
    try:
        return load_policy(settings.witness_policy), None
    except PolicyError as error:
        return None, str(error)


def _witnesses(policy: Policy | None, stands: Overview) -> tuple[Party, ...]:
    listed = () if policy is None else policy.witnesses
    return tuple(Party(one.name, one.url, stands.of(WITNESS, one.vkey.name)) for one in listed)


def _authorities(settings: Settings, stands: Overview) -> tuple[Party, ...]:
    found: Sequence[Any] = authorities(settings)
    return tuple(Party(one.name, one.url, stands.of(AUTHORITY, one.name)) for one in found)


def _stamped(session: Session) -> int:
    """The largest tree with a token, witnessed or not."""
    wanted = sa.select(sa.func.max(CheckpointRow.size)).where(
        CheckpointRow.timestamped_at.is_not(None)
    )
    return session.execute(wanted).scalar() or 0


def _lag(session: Session, size: int, now: datetime) -> float:
    """Age of the oldest signed checkpoint beyond ``size``."""
    wanted = sa.select(sa.func.min(CheckpointRow.signed_at)).where(CheckpointRow.size > size)
    oldest: datetime | None = session.execute(wanted).scalar()
    return 0.0 if oldest is None else max(0.0, (now - oldest).total_seconds())


def _said(what: str, party: Party) -> str:
    if not party.is_bad or party.stand.standing is None:
        return ""
    since = _text(party.stand.since)
    return f"{what} {party.name}: {party.stand.standing.value} since {since}: {party.stand.detail}"


def _text(at: datetime | None) -> str | None:
    return None if at is None else at.isoformat(timespec="seconds")
