"""One table: which handlers an event has.  What they do is injected (:class:`Registry`)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from server.audit.events import EventKind
from server.core.units import Units

EXAMINE: Final = "evidence.examine"
EXPORT: Final = "disclosure.export"
REDACT: Final = "evidence.redact"
PREVIEW: Final = "evidence.preview"
FACES: Final = "evidence.faces"
MARK: Final = "shares.mark"

HANDLERS_OF: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        EventKind.EVIDENCE_VERIFIED: (EXAMINE,),
        EventKind.EVIDENCE_EXAMINED: (PREVIEW,),
        EventKind.REDACTION_ASKED: (REDACT,),
        EventKind.FACES_ASKED: (FACES,),
        EventKind.SHARE_ITEM: (MARK,),
        EventKind.REDACTION_MADE: (MARK,),
        EventKind.REDACTION_DISCARDED: (MARK,),
        EventKind.EXPORT_REQUESTED: (EXPORT,),
    }
)

Handler = Callable[[Units, str], None]


class PostponeError(Exception):
    """A handler cannot work now, through no fault of the job: it is tried again, uncounted.

    :param after_seconds: when, if not after the usual pause.
    """

    def __init__(self, why: str, after_seconds: float | None = None) -> None:
        super().__init__(why)
        self.after_seconds = after_seconds


@dataclass(frozen=True, slots=True)
class Registry:
    """What each handler does: it gets units of work and the subject of the event.

    A handler opens its own transactions, may be called again for the same event, and has no
    transaction open while it waits for anything else than the database.
    """

    handlers: Mapping[str, Handler]

    def call(self, name: str, units: Units, subject_id: str) -> None:
        """Run a handler that this worker has."""
        self.handlers[name](units, subject_id)
