"""Releases entries when their delay is over; runs beside the jobs of a worker."""

from __future__ import annotations

from typing import Final

from server.core.context import Context, Runtime, system_actor
from server.core.transactions import EVERY_COURT, unit_of_work
from server.live import queries, service

LOOK_SECONDS: Final = 1.0


class Releaser:
    """Looks once a second, and writes only when something is due."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime

    def turn(self) -> float:
        """Release what is due; returns the seconds until the next look, 0 when there was some."""
        with unit_of_work(EVERY_COURT, write=False) as session:
            if not queries.some_due(session, self._runtime.clock.now()):
                return LOOK_SECONDS
        with unit_of_work(EVERY_COURT) as session:
            done = service.release_due(Context(system_actor(), session, self._runtime))
        return 0.0 if done else LOOK_SECONDS
