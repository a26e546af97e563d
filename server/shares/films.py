"""Films that may only be looked at: made anew once for each share, its recipient in every picture.

A job does it when the share is made, since a film takes minutes.  A sound has no pixels: what is
only heard carries no mark.
"""

from __future__ import annotations

import io
import json
import uuid
from dataclasses import dataclass
from enum import StrEnum
from typing import Final
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from server.audit.events import EventKind
from server.core.context import Context
from server.core.ids import short_code
from server.core.units import Units
from server.evidence import making_jobs, redactions, shipping
from server.evidence.derivative_names import WEB, lent
from server.evidence.making_jobs import MakesFiles, Stored
from server.evidence.models import Derivative, Evidence, Examination
from server.evidence.sandbox import SandboxFailure
from server.evidence.sandbox.products import Product
from server.shares import policy, queries, stamps
from server.shares.commands import Mode
from server.shares.models import Share, ShareItem
from server.shares.policy import Form
from server.shares.queries import Shared

MIME: Final = "video/mp4"
_FAILED: Final = "application/json"  # instead of a film: why there is none


class State(StrEnum):
    """How far the film of an item is."""

    PREPARING = "preparing"
    READY = "ready"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class _Order:
    """One film to be made: of which bytes, and for whom."""

    share_id: uuid.UUID
    item_id: uuid.UUID
    name: str
    source: tuple[str, str]  # digest and type
    lines: tuple[str, ...]


def is_marked(ctx: Context, shared: Shared) -> bool:
    """Whether the recipient gets the film with the mark alone."""
    return shared.share.mode == Mode.VIEW and _source(ctx, shared.item, shared.form) is not None


def made_for(ctx: Context, shared: Shared) -> tuple[State, Derivative | None]:
    """The share's own film of an item in its present form, once it is there."""
    source = _source(ctx, shared.item, shared.form)
    name = lent(shared.share.id, source[0]) if source is not None else ""
    row = ctx.session.get(Derivative, (shared.item.sha256, name))
    if row is None:
        return State.PREPARING, None
    return (State.READY, row) if row.mime == MIME else (State.FAILED, None)


def mark(units: Units, maker: MakesFiles, evidence_id: str) -> None:
    """Make the film of every share of the item that has none of its present form.

    Handles what shares an item, and what gives it another redacted copy or takes one away.
    """
    with units() as ctx:
        orders = _orders(ctx, uuid.UUID(evidence_id))
        blobs, font = ctx.runtime.stores.blobs, ctx.settings.report_font
    for order in orders:
        stamp = stamps.stamp_of(order.lines, font).to_json()
        outcome = making_jobs.make_file(maker, blobs, order.source, stamp)
        if isinstance(outcome, SandboxFailure):
            said = json.dumps({"problem": outcome.code}).encode()
            kept = making_jobs.store(blobs, io.BytesIO(said), Product(mime=_FAILED))
        else:
            kept = outcome
        with units() as ctx:
            _keep(ctx, order, kept)


def _orders(ctx: Context, evidence_id: uuid.UUID) -> list[_Order]:
    item = ctx.session.get(Evidence, evidence_id)
    if item is None or item.state != "verified":
        return []
    statement = (
        sa.select(Share, ShareItem)
        .join(ShareItem, ShareItem.share_id == Share.id)
        .where(ShareItem.evidence_id == evidence_id, Share.mode == Mode.VIEW)
        .order_by(Share.id)
    )
    now = ctx.clock.now()
    found = []
    for share, row in ctx.session.execute(statement):
        form = queries.forms_of(ctx.session, [row])[item.id]
        source = _source(ctx, item, form)
        if source is None or not policy.counts(share, now):
            continue
        name = lent(share.id, source[0])
        if ctx.session.get(Derivative, (item.sha256, name)) is None:
            found.append(_Order(share.id, item.id, name, source, _lines(ctx, share)))
    return found


def _source(ctx: Context, item: Evidence, form: Form) -> tuple[str, str] | None:
    """The film that is lent: the redacted copy, else the copy for browsers, else the original.

    None where the item is no film, or withheld.  An original's pixels go through the sandbox; its
    bytes go nowhere.
    """
    if not form.original:
        copy = redactions.released(ctx.session, form.redaction_id) if form.redaction_id else None
        return None if copy is None or copy.kind != "video" else (copy.sha256, copy.mime)
    made = ctx.session.get(Derivative, (item.sha256, WEB))
    if made is not None:
        return (made.sha256, made.mime) if made.mime.startswith("video/") else None
    seen = ctx.session.get(Examination, item.sha256)
    sniffed = ((seen.findings if seen is not None else None) or {}).get("sniffed") or {}
    return (item.sha256, sniffed["mime"]) if sniffed.get("kind") == "video" else None


def _lines(ctx: Context, share: Share) -> tuple[str, str]:
    day = share.created_at.astimezone(ZoneInfo(ctx.settings.time_zone)).strftime("%Y-%m-%d")
    return share.recipient, f"{day}  {short_code(share.id)}"


def _keep(ctx: Context, order: _Order, made: Stored) -> None:
    item = ctx.session.get_one(Evidence, order.item_id)
    known = ctx.session.get(Derivative, (item.sha256, order.name))
    if item.state != "verified" or known is not None:
        making_jobs.drop(ctx, made)
        return
    mime = made.product.mime
    ctx.session.add(
        Derivative(
            source_sha256=item.sha256, name=order.name, mime=mime, sha256=made.sha256,
            size_bytes=made.size_bytes, created_at=ctx.clock.now(),
        )
    )  # fmt: skip
    shipping.remember(ctx, made.sha256, made.size_bytes)
    facts = {
        "sha256": item.sha256, "name": order.name, "share": str(order.share_id),
        "derivative": made.sha256, "source": order.source[0], "ready": mime == MIME,
    }  # fmt: skip
    redactions.note(ctx, EventKind.EVIDENCE_PREVIEWED, item, facts)
