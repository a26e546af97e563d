"""What the page of the server's health shows: parts in words, clocks, devices, versions.

Counts, names of devices and times alone: an administrator sees no case and no evidence here.
"""

from __future__ import annotations

import platform
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from importlib import metadata
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.orm import Session

from server.audit.log_state import LogReport, report
from server.audit.witness_state import WitnessState, witness_state
from server.clocks.models import ClockObservation
from server.core.clock import unix_ms
from server.core.context import Context
from server.evidence.models import Upload
from server.identity import listing
from server.identity.listing import DeviceLine, DeviceSearch
from server.identity.models import Device

OUTLIER_MS: Final = 60_000
_LOOKED_BACK: Final = timedelta(days=7)
_SHOWN: Final = 20
# Numbers of a part that are told, by how they look.
NUMBERS: Final = (
    "used_ratio", "waiting", "lag_seconds", "damaged", "size", "signed", "refused_rows",
    "witnessed_lag_seconds", "timestamped_lag_seconds",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Part:
    """One part of the readiness: ``good``, ``warn`` (degraded) or ``bad``."""

    name: str
    mark: str
    numbers: tuple[tuple[str, float], ...]


@dataclass(frozen=True, slots=True)
class Outlier:
    """A device whose clock was far off, at its last comparison of the week."""

    device_id: uuid.UUID
    name: str
    offset_seconds: float
    observed_at: datetime


@dataclass(frozen=True, slots=True)
class Health:
    """Everything besides readiness and jobs."""

    log: LogReport
    witnessing: WitnessState
    receiving: int
    outliers: list[Outlier]
    silent: list[DeviceLine]
    silent_count: int
    versions: Mapping[str, str]


def parts_of(readiness: Mapping[str, Any]) -> list[Part]:
    """The parts, what is wrong first."""
    found = [
        Part(
            name,
            "bad" if not part["ok"] else "warn" if part.get("degraded") else "good",
            tuple((key, part[key]) for key in NUMBERS if isinstance(part.get(key), int | float)),
        )
        for name, part in readiness["parts"].items()
    ]
    return sorted(found, key=lambda one: ("bad", "warn", "good").index(one.mark))


def health(ctx: Context) -> Health:
    """Look at everything; a reading only."""
    now, session = ctx.clock.now(), ctx.session
    search = DeviceSearch(silent=True, limit=_SHOWN)
    return Health(
        log=report(session, now, ctx.settings.sign_lag_seconds_max),
        witnessing=witness_state(session, ctx.settings, now),
        receiving=_receiving(ctx),
        outliers=outliers(ctx, now),
        silent=list(listing.devices(ctx, search).items),
        silent_count=listing.count_devices(ctx, search),
        versions=versions(session),
    )


def outliers(ctx: Context, now: datetime) -> list[Outlier]:
    """Devices whose newest comparison of the week is off by more than a minute, worst first."""
    mine, row = ctx.actor.court_id, ClockObservation
    first = uuid.UUID(int=max(0, unix_ms(now - _LOOKED_BACK)) << 80)  # ids grow with time
    # PostgreSQL has no largest of ids before 18; as texts they order alike.
    is_sqlite = ctx.session.get_bind().dialect.name == "sqlite"
    as_text = sa.cast(sa.func.max(sa.cast(row.id, sa.Text)), sa.Uuid())
    newest = sa.select((sa.func.max(row.id) if is_sqlite else as_text).label("id"))
    latest = newest.where(row.court_id == mine, row.id >= first).group_by(row.device_id).subquery()
    statement = (
        sa.select(Device.id, Device.name, row.offset_ms, row.observed_at)
        .join(latest, latest.c.id == row.id)
        .join(Device, Device.id == row.device_id)
        .where(sa.func.abs(row.offset_ms) >= OUTLIER_MS, Device.court_id == mine)
        .order_by(sa.func.abs(row.offset_ms).desc())
        .limit(_SHOWN)
    )
    return [
        Outlier(one.id, one.name, one.offset_ms / 1000, one.observed_at)
        for one in ctx.session.execute(statement)
    ]


def versions(session: Session) -> dict[str, str]:
    """Of the software, the language and the database."""
    dialect = session.get_bind().dialect
    asked = "SELECT sqlite_version()" if dialect.name == "sqlite" else "SHOW server_version"
    database = session.execute(sa.text(asked)).scalar()
    return {
        "tiezheng": _own_version(),
        "python": platform.python_version(),
        "database": f"{dialect.name} {database}",
    }


def _own_version() -> str:
    try:
        return metadata.version("tiezheng")
    except metadata.PackageNotFoundError:
        return "–"


def _receiving(ctx: Context) -> int:
    statement = sa.select(sa.func.count()).select_from(Upload).where(
        Upload.court_id == ctx.actor.court_id, Upload.state == "receiving"
    )  # fmt: skip
    return ctx.session.execute(statement).scalar_one()
