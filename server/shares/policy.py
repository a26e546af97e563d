"""What may be shared how, and when a share counts: pure, on loaded rows."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from server.core.problem import Kind, Problem, invalid
from server.evidence.derivative_names import VIEW, WEB
from server.evidence.models import Evidence
from server.evidence.redaction_models import Redaction
from server.evidence.redactions import MADE
from server.shares.commands import Mode
from server.shares.models import Share, ShareItem

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


@dataclass(frozen=True, slots=True)
class Form:
    """In which form an item goes out: its original, a redacted copy, or not at all."""

    redaction_id: uuid.UUID | None = None
    original: bool = False

    @property
    def name(self) -> str:
        """``original``, ``redacted`` or ``withheld``: what people and the log are told."""
        if self.original:
            return "original"
        return "withheld" if self.redaction_id is None else "redacted"


def form_of(row: ShareItem, made: Sequence[Redaction]) -> Form:
    """The newest finished copy stands in for the original, whenever it was made.

    What was redacted once never goes out as it was, unless its sharer named the original; nor does
    a copy that is older than the one they shared.

    :param made: every copy of the item that was ever made, the oldest first.
    """
    if row.original_named:
        return Form(original=True)
    shared = next((one.number for one in made if one.id == row.redaction_id), 0)
    standing = [one.id for one in made if one.state == MADE and one.number >= shared]
    if standing:
        return Form(redaction_id=standing[-1])
    return Form(original=not made and row.redaction_id is None)


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
