"""Which events a webhook may carry, and what is said of one: ids, kinds and times.

What shows that a mission is planned before it has started is on no list: neither missions nor
bookings, tickets or cases.
"""

from __future__ import annotations

import json
import uuid
from typing import Any, Final, Protocol

from server.audit.events import EventKind

TEST: Final = "webhook.test"

KINDS: Final = tuple(
    sorted(
        kind.value
        for kind in (
            EventKind.EVIDENCE_VERIFIED,
            EventKind.EVIDENCE_MISSING,
            EventKind.EVIDENCE_UNCLAIMED,
            EventKind.EVIDENCE_REBOUND,
            EventKind.EVIDENCE_ERASED,
            EventKind.ERASURE_REQUESTED,
            EventKind.ERASURE_REFUSED,
            EventKind.REVIEW_ACCEPTED,
            EventKind.REVIEW_RETURNED,
            EventKind.REVIEW_QUERIED,
            EventKind.EXPORT_REQUESTED,
            EventKind.EXPORT_PACKED,
            EventKind.EXPORT_FAILED,
            EventKind.SHARE_MADE,
            EventKind.SHARE_OPENED,
            EventKind.SHARE_REVOKED,
            EventKind.DEVICE_ENROLLED,
            EventKind.DEVICE_REVOKED,
            EventKind.RECORD_HELD,
            EventKind.RECORD_RELEASED,
            EventKind.RECORD_CONFLICT,
            EventKind.HEAD_CONTRADICTED,
            EventKind.BLOB_DAMAGED,
            EventKind.BLOB_REPAIRED,
            EventKind.ACCOUNT_LOCKED,
            EventKind.OPINION_OVERDUE,
        )
    )
)


class Told(Protocol):
    """What of an event of the log a message is made from."""

    @property
    def log_index(self) -> int: ...  # noqa: D102
    @property
    def kind(self) -> str: ...  # noqa: D102
    @property
    def rx(self) -> str: ...  # noqa: D102
    @property
    def subject_type(self) -> str | None: ...  # noqa: D102
    @property
    def subject_id(self) -> str | None: ...  # noqa: D102
    @property
    def case_id(self) -> uuid.UUID | None: ...  # noqa: D102


def body_of(event: Told) -> str:
    """The message of an event, as Standard Webhooks shapes it (``type, timestamp, data``)."""
    return _text(
        event.kind,
        event.rx,
        {
            "log_index": str(event.log_index),
            "subject": {"type": event.subject_type, "id": _only_id(event.subject_id)},
            "case_id": None if event.case_id is None else str(event.case_id),
        },
    )


def test_body(at: str) -> str:
    """The message of a trial."""
    return _text(TEST, at, {})


def _text(kind: str, at: str, data: dict[str, Any]) -> str:
    said = {"type": kind, "timestamp": at, "data": data}
    return json.dumps(said, ensure_ascii=True, separators=(",", ":"))


def _only_id(text: str | None) -> str | None:
    """A subject that is no id may be a name, a login or a number: it stays here."""
    try:
        return None if text is None else str(uuid.UUID(text))
    except ValueError:
        return None
