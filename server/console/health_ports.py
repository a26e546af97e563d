"""What the page of the server's health asks of floors beside and above: the app injects it."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final, Protocol, cast

from sqlalchemy.orm import Session

from server.core.context import Context, Runtime

SOURCE: Final = "console.health"  # name in ``Runtime.injected``


class FailedJob(Protocol):
    """A job that was given up; no content."""

    @property
    def id(self) -> uuid.UUID: ...  # noqa: D102
    @property
    def handler(self) -> str: ...  # noqa: D102
    @property
    def attempts(self) -> int: ...  # noqa: D102
    @property
    def finished_at(self) -> datetime | None: ...  # noqa: D102
    @property
    def problem(self) -> str | None: ...  # noqa: D102


class JobsState(Protocol):
    """The queue at one moment, see ``server.jobs.overview``."""

    @property
    def ready(self) -> int: ...  # noqa: D102
    @property
    def running(self) -> int: ...  # noqa: D102
    @property
    def failed(self) -> int: ...  # noqa: D102
    @property
    def oldest_seconds(self) -> float: ...  # noqa: D102
    @property
    def failures(self) -> Sequence[FailedJob]: ...  # noqa: D102
    @property
    def elsewhere(self) -> int: ...  # noqa: D102
    @property
    def behind(self) -> Mapping[str, int]: ...  # noqa: D102
    @property
    def late(self) -> Mapping[str, float]: ...  # noqa: D102


class HealthSource(Protocol):
    """Readiness and jobs."""

    def readiness(self, tools: Runtime) -> Mapping[str, Any]:
        """Every part with ``ok``, in transactions of its own."""
        ...

    def jobs(self, session: Session, now: datetime, court_id: uuid.UUID) -> JobsState:
        """How the queue stands; failures by name are the court's own."""
        ...

    def retry(self, ctx: Context, job_id: uuid.UUID) -> None:
        """Start a failed job of the caller's court again; 404 when there is none."""
        ...


def source_of(tools: Runtime) -> HealthSource:
    """The one that the app injected."""
    return cast("HealthSource", tools.injected[SOURCE])
