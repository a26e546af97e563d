"""Writing down how far an export is, and what it did to the log."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final

from server.audit.events import EventKind
from server.audit.service import Subject, record
from server.core.context import Actor, Context
from server.core.permissions import TokenKind
from server.core.units import Units
from server.disclosure.models import Export

PAUSE_SECONDS: Final = 1.0


@contextmanager
def written(units: Units, export_id: uuid.UUID) -> Iterator[tuple[Context, Export]]:
    """A unit of work on the export's row."""
    with units() as ctx:
        yield ctx, ctx.session.get_one(Export, export_id, with_for_update=True)


def record_of(ctx: Context, export: Export, kind: EventKind, facts: Mapping[str, Any]) -> str:
    """Record an event of the export in the name of whoever asked for it; returns its header id."""
    actor = Actor(TokenKind.SYSTEM, export.court_id, user_id=export.requested_by)
    speaking = Context(actor, ctx.session, ctx.runtime, ctx.request_id, export.purpose)
    subject = Subject("export", export.id)
    return record(speaking, kind, subject, facts, case_id=export.case_id)


@dataclass(slots=True)
class Progress:
    """How many of the originals are in; written at most once a second."""

    units: Units
    export_id: uuid.UUID
    sizes: Mapping[str, int]
    there: Collection[str]
    monotonic: Callable[[], float]
    _files: int = field(init=False)
    _bytes: int = field(init=False)
    _written_at: float = field(default=float("-inf"), init=False)

    def __post_init__(self) -> None:
        """Count what an earlier run has copied."""
        self._files = len(self.there)
        self._bytes = sum(self.sizes[digest] for digest in self.there)

    def moved(self, count: int) -> None:
        """Some bytes more were copied."""
        self._bytes += count
        now = self.monotonic()
        if now - self._written_at >= PAUSE_SECONDS:
            self._written_at = now
            self.say("copying")

    def one_done(self) -> None:
        """An original is whole."""
        self._files += 1

    def say(self, state: str) -> None:
        """Write it down."""
        with written(self.units, self.export_id) as (_, row):
            row.state, row.waits_for = state, None
            row.files_total, row.bytes_total = len(self.sizes), sum(self.sizes.values())
            row.files_done, row.bytes_done = self._files, self._bytes
