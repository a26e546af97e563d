"""Redacted copies: asked for by people, made by the worker, discarded with a reason.

The original is only read.  Every copy is a row of its own; the newest that was made and not
discarded is the one that others are shown.
"""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.orm import Session

from client_sdk.protocol import jcs
from client_sdk.protocol.ids import short_code
from server.audit.events import EventKind
from server.audit.models import Event
from server.audit.service import Subject, record
from server.core.context import Context
from server.core.problem import Kind, Problem, not_found
from server.core.transactions import take_turns
from server.evidence import policy, queries
from server.evidence.models import Derivative, Evidence
from server.evidence.recipes import FACES, REDACT, Box, Mute, Recipe
from server.evidence.redaction_models import Redaction

REDACTABLE: Final = ("photo", "video", "audio")
ASKED, MADE, FAILED, DISCARDED, ERASED = "asked", "made", "failed", "discarded", "erased"
_SUFFIX: Final = {"image/jpeg": "jpg", "video/mp4": "mp4", "audio/mp4": "m4a"}


@dataclass(frozen=True, slots=True, kw_only=True)
class AskRedaction:
    """Command: make a copy with these places covered and these stretches silent."""

    reason: str
    boxes: tuple[Box, ...] = ()
    mutes: tuple[Mute, ...] = ()
    turn: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Discard:
    """Command: this copy shall not be shown any more."""

    reason: str


@dataclass(frozen=True, slots=True)
class Released:
    """A finished copy, for whoever shows it to others; says nothing of the original but its id.

    ``name`` is a file name without any word of the original's.
    """

    redaction_id: uuid.UUID
    evidence_id: uuid.UUID
    court_id: uuid.UUID
    kind: str
    sha256: str
    size_bytes: int
    mime: str
    name: str
    width: int
    height: int
    duration_ms: int


# ---------------------------------------------------------------------- for the slices above


def derivative_for(session: Session, evidence_id: uuid.UUID) -> Released | None:
    """The newest finished copy of an item that was not discarded; none when there is none."""
    statement = (
        sa.select(Redaction)
        .where(Redaction.evidence_id == evidence_id, Redaction.state == MADE)
        .order_by(Redaction.number.desc())
        .limit(1)
    )
    return _released(session.execute(statement).scalar_one_or_none())


def released(session: Session, redaction_id: uuid.UUID) -> Released | None:
    """A finished copy that was not discarded, by its own id."""
    return _released(session.get(Redaction, redaction_id))


def made_of(
    session: Session, evidence_ids: Collection[uuid.UUID]
) -> dict[uuid.UUID, list[Redaction]]:
    """Every copy of these items that was ever made, the oldest first, discarded ones included."""
    statement = (
        sa.select(Redaction)
        .where(Redaction.evidence_id.in_(evidence_ids), Redaction.state.in_((MADE, DISCARDED)))
        .where(Redaction.sha256.is_not(None))
        .order_by(Redaction.number)
    )
    found: dict[uuid.UUID, list[Redaction]] = {one: [] for one in evidence_ids}
    for row in session.execute(statement).scalars():
        found[row.evidence_id].append(row)
    return found


def released_photo(session: Session, redaction_id: uuid.UUID) -> Released | None:
    """As :func:`released`, for photos only."""
    found = released(session, redaction_id)
    return found if found is not None and found.kind == "photo" else None


# ---------------------------------------------------------------------- for people


def ask(ctx: Context, evidence_id: uuid.UUID, command: AskRedaction) -> Redaction:
    """Ask for a redacted copy; the worker makes it from the original's bytes."""
    item = _redactable(ctx, evidence_id)
    recipe = Recipe(REDACT, item.media, command.boxes, command.mutes, command.turn)
    _fits(recipe)
    take_turns(ctx.session, f"redact:{item.id}")
    row = Redaction(
        id=ctx.new_id(), court_id=item.court_id, evidence_id=item.id, number=_next(ctx, item),
        kind=item.media, recipe=recipe.value(), recipe_sha256=recipe_digest(recipe),
        reason=command.reason, asked_by=ctx.actor.user(), asked_at=ctx.clock.now(), state=ASKED,
        source_sha256=item.sha256,
    )  # fmt: skip
    ctx.session.add(row)
    happened(ctx, EventKind.REDACTION_ASKED, item, row, {"reason": row.reason})
    return row


def retry(ctx: Context, redaction_id: uuid.UUID) -> Redaction:
    """Try again what failed, by the same recipe."""
    row, item = visible(ctx, redaction_id)
    if row.state != FAILED:
        raise Problem(Kind.CONFLICT, f"it is {row.state}")
    policy.has_bytes(item)
    row.state, row.problem, row.finished_at = ASKED, None, None
    happened(ctx, EventKind.REDACTION_ASKED, item, row, {"reason": row.reason, "again": True})
    return row


def discard(ctx: Context, redaction_id: uuid.UUID, command: Discard) -> Redaction:
    """Withdraw a copy, with a reason; it is kept, and shown to nobody outside any more."""
    row, item = visible(ctx, redaction_id)
    if row.state in {DISCARDED, ERASED}:
        raise Problem(Kind.CONFLICT, f"it is {row.state} already")
    row.state, row.discard_reason = DISCARDED, command.reason
    row.discarded_by, row.discarded_at = ctx.actor.user(), ctx.clock.now()
    happened(ctx, EventKind.REDACTION_DISCARDED, item, row, {"reason": command.reason})
    return row


def of_item(ctx: Context, evidence_id: uuid.UUID) -> Sequence[Redaction]:
    """An item's redacted copies, the newest first."""
    item = queries.visible_evidence(ctx, evidence_id)
    statement = sa.select(Redaction).where(Redaction.evidence_id == item.id)
    return ctx.session.execute(statement.order_by(Redaction.number.desc())).scalars().all()


def visible(ctx: Context, redaction_id: uuid.UUID) -> tuple[Redaction, Evidence]:
    """A redacted copy with its item, if the caller may see that; 404 otherwise."""
    statement = sa.select(Redaction).where(
        Redaction.id == redaction_id, Redaction.court_id == ctx.actor.court_id
    )
    row = ctx.session.execute(statement).scalar_one_or_none()
    if row is None:
        raise not_found()
    return row, queries.visible_evidence(ctx, row.evidence_id)


def look_at(ctx: Context, redaction_id: uuid.UUID) -> Released:
    """The bytes of a copy are looked at, which is recorded."""
    row, item = visible(ctx, redaction_id)
    found = _released(row, also=DISCARDED)
    if found is None:
        raise Problem(Kind.CONTENT_MISSING, f"the copy is {row.state}", state=row.state)
    if not queries.read_recently(ctx, item.id, EventKind.REDACTION_VIEWED):
        happened(ctx, EventKind.REDACTION_VIEWED, item, row, {"sha256": found.sha256})
    return found


def ask_faces(ctx: Context, evidence_id: uuid.UUID) -> str:
    """Have the worker look for faces: ``made`` when that was done before, else ``asked``."""
    item = _redactable(ctx, evidence_id)
    if item.media == "audio":
        raise Problem(Kind.CONFLICT, "a sound shows no faces")
    if ctx.session.get(Derivative, (item.sha256, FACES)) is not None:
        return MADE
    note(ctx, EventKind.FACES_ASKED, item, {"sha256": item.sha256})
    return ASKED


def faces_problem(session: Session, evidence_id: uuid.UUID) -> str | None:
    """Why the last search for faces found nothing out; none when it did, or goes on."""
    kinds = [EventKind.FACES_ASKED.value, EventKind.FACES_SUGGESTED.value]
    statement = (
        sa.select(Event.p)
        .where(Event.subject_id == str(evidence_id), Event.kind.in_(kinds))
        .order_by(Event.log_index.desc())
        .limit(1)
    )
    newest = session.execute(statement).scalar()
    problem = json.loads(newest)["facts"].get("problem") if newest else None
    return None if problem is None else str(problem)


def recipe_digest(recipe: Recipe) -> str:
    """SHA-256 of the recipe as JCS: what the log ties a copy to."""
    return hashlib.sha256(jcs.dumps(recipe.value()).encode()).hexdigest()


def happened(
    ctx: Context, kind: EventKind, item: Evidence, row: Redaction, facts: dict[str, Any]
) -> None:
    """An event of the item that concerns one of its copies."""
    about = {"redaction": str(row.id), "number": row.number, "recipe": row.recipe_sha256}
    note(ctx, kind, item, {**about, **facts})


def note(ctx: Context, kind: EventKind, item: Evidence, facts: dict[str, Any]) -> None:
    """An event of the item."""
    record(
        ctx, kind, Subject("evidence", item.id), facts, case_id=item.case_id,
        mission_id=item.mission_id, court_id=item.court_id,
    )  # fmt: skip


def _redactable(ctx: Context, evidence_id: uuid.UUID) -> Evidence:
    item = queries.visible_evidence(ctx, evidence_id)
    policy.has_bytes(item)
    if item.media not in REDACTABLE:
        raise Problem(Kind.CONFLICT, f"a {item.media} cannot be redacted here")
    return item


def _fits(recipe: Recipe) -> None:
    """A recipe that asks for nothing, or for what its kind has not, is refused."""
    if recipe.kind == "audio" and (recipe.boxes or recipe.turn):
        raise Problem(Kind.VALIDATION, "a sound has no picture to cover")
    if recipe.kind == "photo" and recipe.mutes:
        raise Problem(Kind.VALIDATION, "a photo has no sound to mute")
    timed = any(box.from_ms is not None or box.to_ms is not None for box in recipe.boxes)
    if recipe.kind == "photo" and timed:
        raise Problem(Kind.VALIDATION, "a photo has no times")


def _next(ctx: Context, item: Evidence) -> int:
    newest = sa.select(sa.func.max(Redaction.number)).where(Redaction.evidence_id == item.id)
    return (ctx.session.execute(newest).scalar() or 0) + 1


def _released(row: Redaction | None, also: str = MADE) -> Released | None:
    if row is None or row.state not in {MADE, also} or row.sha256 is None:
        return None
    mime = row.mime or "application/octet-stream"
    return Released(
        row.id, row.evidence_id, row.court_id, row.kind, row.sha256, row.size_bytes or 0, mime,
        f"{short_code(row.id)}.{_SUFFIX.get(mime, 'bin')}", row.width or 0, row.height or 0,
        row.duration_ms or 0,
    )  # fmt: skip
