"""Lending items to somebody outside: made, looked after and taken back by those who lead."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from server.audit.events import EventKind
from server.audit.service import Subject, record
from server.cases import queries as cases
from server.core import credentials
from server.core.clock import rfc3339
from server.core.context import Context
from server.core.problem import Kind, Problem, not_found
from server.evidence import queries as evidence
from server.evidence import redactions
from server.evidence.models import Evidence
from server.shares import policy, queries, terms
from server.shares.commands import MakeShare, Mode
from server.shares.models import Share, ShareItem


@dataclass(frozen=True, slots=True)
class Made:
    """A share with its link's token and its code, which are known this once."""

    share: Share
    token: str
    code: str | None


@dataclass(frozen=True, slots=True)
class Choice:
    """An item as it would be shared: its redacted copy, where there is one."""

    item: Evidence
    redaction_id: uuid.UUID | None
    is_viewable: bool


def choices(ctx: Context, case_id: uuid.UUID, evidence_ids: Sequence[uuid.UUID]) -> list[Choice]:
    """What the caller is about to share; 404 for what they may not see."""
    found = []
    for one in dict.fromkeys(evidence_ids):
        item = evidence.visible_evidence(ctx, one)
        policy.require_item(item, case_id)
        copy = redactions.derivative_for(ctx.session, item.id)
        made = {row.name for row in evidence.derivatives_of(ctx.session, item.sha256)}
        viewable = copy is not None or bool(made & {*policy.PICTURES, policy.FILM})
        found.append(Choice(item, None if copy is None else copy.redaction_id, viewable))
    return found


def make(ctx: Context, command: MakeShare) -> Made:
    """Share items; each is told in its own custody.

    A redacted copy stands in for its original unless the command names that original.
    """
    case = cases.visible_case(ctx, command.case_id)
    chosen = choices(ctx, case.id, command.evidence_ids)
    redacted = [one.item.id for one in chosen if one.redaction_id is not None]
    policy.require_confirmed(redacted, command.originals)
    token = credentials.new_secret(ctx.runtime)
    row = _row(ctx, command, token)
    code = None
    if policy.code_needed(command.mode, asked=command.with_code):
        code = _new_code(ctx, row)
    ctx.session.add(row)
    ctx.session.flush()  # its items refer to it
    for position, one in enumerate(chosen):
        _add_item(ctx, row, position, one, original=one.item.id in command.originals)
    facts = {
        "recipient": row.recipient, "purpose": row.purpose, "mode": row.mode, "terms": row.terms,
        "expires_at": rfc3339(row.expires_at), "openings_max": row.openings_max,
        "code": code is not None, "items": [str(one.item.id) for one in chosen],
    }  # fmt: skip
    _happened(ctx, EventKind.SHARE_MADE, row, facts)
    return Made(row, token, code)


def renew_code(ctx: Context, share_id: uuid.UUID) -> Made:
    """A new code for a share whose code was lost or tried too often; the link stays."""
    row = _live(ctx, share_id)
    if row.code_hash is None:
        raise Problem(Kind.CONFLICT, "this share asks for no code")
    code = _new_code(ctx, row)
    _happened(ctx, EventKind.SHARE_CODE_RENEWED, row, {})
    return Made(row, "", code)


def revoke(ctx: Context, share_id: uuid.UUID) -> Share:
    """Take a share back: no request is served from now on, and reads under way end."""
    row = _live(ctx, share_id)
    row.revoked_at, row.revoked_by = ctx.clock.now(), ctx.actor.user()
    _happened(ctx, EventKind.SHARE_REVOKED, row, {"recipient": row.recipient})
    return row


def use_copy(ctx: Context, share_id: uuid.UUID, evidence_id: uuid.UUID) -> Share:
    """From now on the newest redacted copy goes out instead of the original that was named."""
    row = _live(ctx, share_id)
    found = ctx.session.get(ShareItem, (row.id, evidence_id), with_for_update=True)
    if found is None:
        raise not_found("the item")
    copy = redactions.derivative_for(ctx.session, evidence_id)
    if copy is None or not found.original_named:
        raise Problem(Kind.CONFLICT, "no redacted copy waits to stand in for this item")
    found.redaction_id, found.original_named = copy.redaction_id, False
    _item_shared(ctx, row, found, ctx.session.get_one(Evidence, evidence_id))
    return row


def _live(ctx: Context, share_id: uuid.UUID) -> Share:
    row = queries.share(ctx, share_id, to_change=True)
    if not policy.counts(row, ctx.clock.now()):
        raise Problem(Kind.CONFLICT, "this share has ended")
    return row


def _row(ctx: Context, command: MakeShare, token: str) -> Share:
    now = ctx.clock.now()
    return Share(
        id=ctx.new_id(), court_id=ctx.actor.court_id, case_id=command.case_id,
        recipient=command.recipient, purpose=command.purpose, mode=command.mode.value,
        token_hash=credentials.SHARE.of_token(ctx.runtime, token), code_failures=0,
        terms=terms.CURRENT, openings_max=command.openings_max, openings=0,
        expires_at=now + timedelta(days=command.days), created_by=ctx.actor.user(), created_at=now,
    )  # fmt: skip


def _new_code(ctx: Context, row: Share) -> str:
    code = credentials.new_code(ctx.runtime)
    row.code_hash, row.code_failures = credentials.SHARE.of_code(ctx.runtime, row.id, code), 0
    return code


def _add_item(ctx: Context, row: Share, position: int, one: Choice, *, original: bool) -> None:
    redaction_id = None if original else one.redaction_id
    if row.mode == Mode.VIEW and redaction_id is None:
        made = {made.name for made in evidence.derivatives_of(ctx.session, one.item.sha256)}
        policy.require_viewable(one.item, made)
    made_item = ShareItem(
        share_id=row.id, evidence_id=one.item.id, court_id=row.court_id, position=position,
        redaction_id=redaction_id, original_named=original,
    )  # fmt: skip
    ctx.session.add(made_item)
    _item_shared(ctx, row, made_item, one.item)


def _item_shared(ctx: Context, row: Share, one: ShareItem, item: Evidence) -> None:
    """Tell the item's own custody in which form it is lent."""
    facts = {
        "share": str(row.id), "recipient": row.recipient, "mode": row.mode,
        "form": "original" if one.redaction_id is None else "redacted",
        "redaction": None if one.redaction_id is None else str(one.redaction_id),
    }  # fmt: skip
    record(
        ctx, EventKind.SHARE_ITEM, Subject("evidence", item.id), facts, case_id=row.case_id,
        mission_id=item.mission_id,
    )  # fmt: skip


def _happened(ctx: Context, kind: EventKind, row: Share, facts: Mapping[str, object]) -> None:
    record(ctx, kind, Subject("share", row.id), facts, case_id=row.case_id, court_id=row.court_id)
