"""Units of work outside a request: the worker's."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

from server.core.context import Context, Runtime, system_actor
from server.core.transactions import EVERY_COURT, unit_of_work

Units = Callable[[], AbstractContextManager[Context]]


def system_units(runtime: Runtime) -> Units:
    """A function that opens one transaction of the system, over every court.

    Each thread needs an application context of its own.
    """

    @contextmanager
    def unit() -> Iterator[Context]:
        with unit_of_work(EVERY_COURT) as session:
            yield Context(actor=system_actor(), session=session, runtime=runtime)

    return unit
