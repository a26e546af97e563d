"""What people can be told of; data, so that preferences and words can be checked against it."""

from __future__ import annotations

from enum import StrEnum
from typing import Final


class Topic(StrEnum):
    """A kind of notice; its words are in the console's ``words/notices.toml``."""

    RETURNED = "returned"
    QUERIED = "queried"
    TO_REVIEW = "to-review"
    MISSING = "missing"
    HELD = "held"
    ERASURE = "erasure"
    DEVICE_REVOKED = "device-revoked"
    LIVE = "live"
    OPINION = "opinion"
    OPINION_ANSWERED = "opinion-answered"
    OPINION_OVERDUE = "opinion-overdue"
    SHARE_OPENED = "share-opened"
    RETENTION = "retention"
    EXPORT_LIMITED = "export-limited"
    WEBHOOK_FAILED = "webhook-failed"
    FINDING = "finding"
    TASK = "task"
    TASK_OVERDUE = "task-overdue"
    ALERT = "alert"
    ALERT_ESCALATED = "alert-escalated"


# These come by the hundred: one unread notice with a count stands for all of them.
ALWAYS_DIGEST: Final = frozenset({Topic.TO_REVIEW, Topic.MISSING, Topic.HELD})
# Collapsed as well unless the person wants each one.
DIGEST: Final = frozenset(
    {
        Topic.LIVE,
        Topic.OPINION,
        Topic.SHARE_OPENED,
        Topic.FINDING,
        Topic.ALERT,
        Topic.ALERT_ESCALATED,
    }
)
# What asks somebody by name to act cannot be switched off.
OBLIGATORY: Final = frozenset(
    {
        Topic.RETURNED,
        Topic.QUERIED,
        Topic.ERASURE,
        Topic.EXPORT_LIMITED,
        Topic.OPINION_OVERDUE,
        Topic.TASK,
        Topic.TASK_OVERDUE,
        Topic.ALERT,
    }
)


def collapses(topic: str, *, digest: bool) -> bool:
    """Whether an unread notice of this topic takes the new one in."""
    return topic in ALWAYS_DIGEST or (digest and topic in DIGEST)
