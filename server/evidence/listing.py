"""Lists of evidence: a page is one custody event, which lets its thumbnails be shown.

The event ``custody.listed`` is about the page itself: its subject is a digest over the ids in their
order, its facts name them.  The same page asked for again by the same person within ten minutes
adds nothing.

Whoever was shown a list was shown its thumbnails, so they need no event each.  What makes that
sound: the transaction that records the listing issues, for each item it names, a **pass**: a keyed
hash over the person, the item and an expiry.  ``/e/<id>/thumb/<pass>`` shows the thumbnail for it;
without a valid one (none, expired, another person's, another item's) ``/e/<id>/thumb`` records a
view of its own before the first byte, as for every other derivative.  Passes are made nowhere else,
and open nothing but the thumbnail: visibility is asked again at each request.
"""

from __future__ import annotations

import hashlib
import hmac
import uuid
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from server.audit import service as audit
from server.audit.events import EventKind
from server.audit.service import Subject
from server.core.clock import unix_ms
from server.core.context import Context
from server.evidence import queries
from server.evidence.models import Evidence

PASS_FOR: Final = timedelta(minutes=15)
_DOMAIN: Final = "tiezheng.thumb-pass.v1"
_PAGE: Final = b"tiezheng.listing.v1\0"
_PASSES: Final = "tiezheng.thumb-passes"  # key in a session's ``info``
_DIGITS: Final = 32


@dataclass(frozen=True, slots=True)
class Listing:
    """A page that was recorded, and the passes for its items."""

    digest: str
    passes: dict[uuid.UUID, str]


def page_digest(ids: Sequence[uuid.UUID]) -> str:
    """What names a page in the log: its ids in their order, hex."""
    return hashlib.sha256(_PAGE + b"".join(one.bytes for one in ids)).hexdigest()


def listed(
    ctx: Context, items: Collection[Evidence], *, case_id: uuid.UUID | None = None
) -> Listing:
    """Record that the caller was shown these items as a list; nothing for an empty one.

    :param case_id: the case whose page it is, if it is one's.
    """
    ids = [item.id for item in items]
    digest = page_digest(ids)
    if ids and not queries.read_recently(ctx, digest, EventKind.EVIDENCE_LISTED):
        facts = {"items": [str(one) for one in ids], "count": len(ids)}
        subject = Subject("listing", digest)
        audit.record(ctx, EventKind.EVIDENCE_LISTED, subject, facts, case_id=case_id)
    return Listing(digest, let_through(ctx, ids))


def let_through(ctx: Context, ids: Collection[uuid.UUID]) -> dict[uuid.UUID, str]:
    """Passes for items of a listing that this transaction records; pages ask :func:`pass_of`."""
    made = {one: _issued(ctx, one) for one in ids}
    ctx.session.info.setdefault(_PASSES, {}).update(made)
    return made


def pass_of(ctx: Context, evidence_id: uuid.UUID) -> str | None:
    """The pass of an item that was listed in this transaction."""
    found: str | None = ctx.session.info.get(_PASSES, {}).get(evidence_id)
    return found


def is_passed(ctx: Context, evidence_id: uuid.UUID, given: str | None) -> bool:
    """Whether the pass is the caller's, for this item and not expired."""
    expiry, _, mac = (given or "").partition(".")
    if not expiry.isascii() or not expiry.isdecimal() or len(expiry) > _DIGITS:
        return False
    known = hmac.compare_digest(_mac(ctx, evidence_id, expiry).encode(), mac.encode())
    return known and int(expiry) >= unix_ms(ctx.clock.now())


def _issued(ctx: Context, evidence_id: uuid.UUID) -> str:
    # Rounded, so that the same page carries the same addresses for a while.
    period = int(PASS_FOR.total_seconds() * 1000)
    expiry = str((unix_ms(ctx.clock.now()) // period + 2) * period)
    return f"{expiry}.{_mac(ctx, evidence_id, expiry)}"


def _mac(ctx: Context, evidence_id: uuid.UUID, expiry: str) -> str:
    actor = ctx.actor
    who = f"{actor.token.value}:{actor.user_id or actor.guest_id or actor.device_id}"
    key = ctx.runtime.keyring.derived(_DOMAIN)
    text = f"{who}:{evidence_id}:{expiry}"
    return hmac.digest(key, text.encode(), "sha256").hex()[:_DIGITS]
