"""What may be shared how, and when a share counts: pure, on loaded rows."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Final

from server.core.problem import Kind, Problem, invalid
from server.evidence.derivative_names import VIEW, WEB
from server.evidence.models import Evidence
from server.shares.commands import Mode
from server.shares.models import Share

CODE_TRIES_MAX: Final = 5
# What the worker makes of an item, in the order in which it is preferred for looking at.
PICTURES: Final = ("preview", VIEW, "poster", "thumb")
FILM: Final = WEB


def require_item(item: Evidence, case_id: uuid.UUID) -> None:
    """Items of the share's own case, with their bytes."""
    if item.case_id != case_id:
        raise invalid({"evidence_ids": [f"{item.id} belongs to another case"]})
    if item.state != "verified":
        raise Problem(
            Kind.CONTENT_MISSING, f"the item is {item.state}", state=item.state, item=str(item.id)
        )


def require_viewable(item: Evidence, made: Collection[str]) -> None:
    """To look at an item without its original, something has to have been made of it."""
    if not {*PICTURES, FILM} & set(made):
        raise Problem(
            Kind.CONFLICT,
            "there is nothing of this item to look at but its original: share a redacted copy of "
            "it, or allow downloads",
            item=str(item.id),
        )


def require_confirmed(redacted: Collection[uuid.UUID], originals: Collection[uuid.UUID]) -> None:
    """Originals of what was redacted are shared only when each is named."""
    unknown = sorted(str(one) for one in set(originals) - set(redacted))
    if unknown:
        raise invalid({"originals": [f"no redacted copy of {', '.join(unknown)}"]})


def code_needed(mode: Mode, *, asked: bool) -> bool:
    """Whoever may take originals away shows a code that came by another channel."""
    return asked or mode is Mode.DOWNLOAD


def counts(share: Share, now: datetime) -> bool:
    """Whether its items may be looked at now."""
    return share.revoked_at is None and share.expires_at > now


def may_open(share: Share, now: datetime) -> bool:
    """Whether another browser may open it."""
    full = share.openings_max is not None and share.openings >= share.openings_max
    return counts(share, now) and not full


def is_locked(share: Share) -> bool:
    """Whether too many codes were wrong; a new code unlocks it."""
    return share.code_hash is not None and share.code_failures >= CODE_TRIES_MAX


def state_of(share: Share, now: datetime) -> str:
    """``live``, ``locked``, ``full``, ``revoked`` or ``expired``: what people are shown."""
    states: Mapping[str, bool] = {
        "revoked": share.revoked_at is not None,
        "expired": share.expires_at <= now,
        "locked": is_locked(share),
        "full": not may_open(share, now),
    }
    return next((name for name, holds in states.items() if holds), "live")
