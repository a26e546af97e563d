"""Making redacted copies of an item, and the list of those there are."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, Final

from flask import Blueprint, Response, request, url_for

from server.audit.events import EventKind
from server.console.pages import page, render, see
from server.console.redact_forms import BOX_ROWS, MUTE_ROWS, DiscardForm, RedactForm
from server.core.bodies import load_form
from server.core.context import Context
from server.core.endpoint import BODY_BYTES_MAX
from server.core.permissions import Permission
from server.core.problem import Kind, Problem, not_found
from server.core.recording import recorded
from server.core.transactions import unit_of_work
from server.evidence import queries, redactions, service
from server.evidence.derivative_names import FACES
from server.evidence.models import Derivative, Evidence
from server.evidence.recipes import WHOLE, Box
from server.evidence.redactions import AskRedaction, Discard
from storage.digest import Digest

blueprint = Blueprint("console_redact", __name__)
_FACE_STRETCH_MS: Final = 2_000
_FACES_BYTES_MAX: Final = 1 << 18


@blueprint.get("/e/<uuid:evidence_id>/redact")
@page(Permission.EVIDENCE_REDACT, reads_evidence=True)
def show_redact(ctx: Context, evidence_id: uuid.UUID) -> Response:
    """The editor of redacted copies."""
    return _shown(ctx, queries.visible_evidence(ctx, evidence_id))


@blueprint.post("/e/<uuid:evidence_id>/redact")
@page(Permission.EVIDENCE_REDACT, streams=True, body_bytes_max=BODY_BYTES_MAX)
def ask_redact(ctx: Context, evidence_id: uuid.UUID) -> Response:
    """Ask for a redacted copy."""
    command, chosen = load_form(RedactForm, BODY_BYTES_MAX)
    with _unit(ctx, write=False) as inner:
        faces = faces_of(inner, queries.visible_evidence(inner, evidence_id)) or []
    more = tuple(faces[place]["box"] for place in chosen if place < len(faces))
    boxes = (*command.boxes, *more)
    if not boxes and not command.mutes and not command.turn:
        return _refused(ctx, evidence_id, "redact.nothing")
    whole = AskRedaction(reason=command.reason, boxes=boxes, mutes=command.mutes, turn=command.turn)
    try:
        with _unit(ctx, write=True) as inner:
            redactions.ask(inner, evidence_id, whole)
    except Problem as problem:
        if problem.kind is not Kind.VALIDATION:
            raise
        return _refused(ctx, evidence_id, "redact.does_not_fit")
    return see(_place(evidence_id), said="redact.said_asked")


@blueprint.post("/e/<uuid:evidence_id>/redact/faces")
@page(Permission.EVIDENCE_REDACT)
def look_for_faces(ctx: Context, evidence_id: uuid.UUID) -> Response:
    """Have the worker suggest where faces are."""
    redactions.ask_faces(ctx, evidence_id)
    return see(_place(evidence_id), said="redact.said_faces")


@blueprint.post("/e/<uuid:evidence_id>/redact/<uuid:redaction_id>/retry")
@page(Permission.EVIDENCE_REDACT)
def retry_redact(ctx: Context, evidence_id: uuid.UUID, redaction_id: uuid.UUID) -> Response:
    """Try a failed copy again."""
    _belongs(ctx, evidence_id, redaction_id)
    redactions.retry(ctx, redaction_id)
    return see(_place(evidence_id), said="redact.said_asked")


@blueprint.post("/e/<uuid:evidence_id>/redact/<uuid:redaction_id>/discard")
@page(Permission.EVIDENCE_REDACT, form=DiscardForm)
def discard_redact(
    ctx: Context, form: Discard, evidence_id: uuid.UUID, redaction_id: uuid.UUID
) -> Response:
    """Withdraw a copy."""
    _belongs(ctx, evidence_id, redaction_id)
    redactions.discard(ctx, redaction_id, form)
    return see(_place(evidence_id), said="redact.said_discarded")


def faces_of(ctx: Context, item: Evidence) -> list[dict[str, Any]] | None:
    """What the worker suggested: boxes with their places in percent; none when it was not asked."""
    made = ctx.session.get(Derivative, (item.sha256, FACES))
    if made is None or made.size_bytes > _FACES_BYTES_MAX:
        return None
    data = b"".join(ctx.runtime.stores.blobs.read(Digest(made.sha256)))
    return [_face(one) for one in json.loads(data)["faces"]]


def _face(found: dict[str, Any]) -> dict[str, Any]:
    at_ms = found["at_ms"]
    times: tuple[int | None, int | None] = (None, None)
    if at_ms is not None:
        times = (max(0, at_ms - _FACE_STRETCH_MS), at_ms + _FACE_STRETCH_MS)
    box = Box(found["x"], found["y"], found["w"], found["h"], "blur", *times)
    percent = {name: f"{found[name] * 100 / WHOLE:.2f}" for name in ("x", "y", "w", "h")}
    seconds = {"from": _seconds(times[0]), "to": _seconds(times[1])}
    return {"box": box, "at_ms": at_ms, **percent, **seconds}


def _seconds(ms: int | None) -> str:
    return "" if ms is None else f"{ms / 1000:g}"


def _refused(ctx: Context, evidence_id: uuid.UUID, refusal: str) -> Response:
    with _unit(ctx, write=False) as inner:
        return _shown(inner, queries.visible_evidence(inner, evidence_id), refusal)


@contextmanager
def _unit(ctx: Context, *, write: bool) -> Iterator[Context]:
    """A transaction of its own, where the request has none: bytes are read between two."""
    with unit_of_work(ctx.actor.court_id, write=write) as session:
        yield replace(ctx, session=session)


def _shown(ctx: Context, item: Evidence, refusal: str | None = None) -> Response:
    """The page; what was typed stays in it when it was refused."""
    if item.state == "verified":
        with recorded(ctx):
            item = queries.visible_evidence(ctx, item.id)
            service.read(ctx, item, EventKind.EVIDENCE_VIEWED)
    detail = queries.detail_of(ctx.session, item)
    return render(
        ctx,
        "redact/show.html",
        status=422 if refusal else 200,
        item=item,
        detail=detail,
        redactable=item.state == "verified" and item.media in redactions.REDACTABLE,
        copies=redactions.of_item(ctx, item.id),
        faces=faces_of(ctx, item),
        faces_problem=redactions.faces_problem(ctx.session, item.id),
        refusal=refusal,
        box_rows=range(BOX_ROWS),
        mute_rows=range(MUTE_ROWS),
        given=_given() if refusal else {},
        chosen=set(request.form.getlist("faces")) if refusal else set(),
    )


def _given() -> dict[str, str]:
    return {name: request.form[name] for name in request.form if name != "faces"}


def _belongs(ctx: Context, evidence_id: uuid.UUID, redaction_id: uuid.UUID) -> None:
    _row, item = redactions.visible(ctx, redaction_id)
    if item.id != evidence_id:
        raise not_found()


def _place(evidence_id: uuid.UUID) -> str:
    return url_for("console_redact.show_redact", evidence_id=evidence_id)
