"""Review: the queue, one item beside it with its facts, and every decision on it."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any, Final
from urllib.parse import urlencode

from flask import Blueprint, Response, request

from server.console import review_shown as shown
from server.console.pages import page, render, see
from server.console.review_forms import (
    Asked,
    BulkForm,
    DecisionForm,
    MarkerForm,
    ReviewQuery,
    UndoForm,
)
from server.core.context import Context
from server.core.permissions import Permission
from server.core.problem import Kind, Problem
from server.evidence import queries as evidence
from server.evidence.models import Evidence
from server.review import bulk, markers, queue, reversal, seen, service
from server.review.commands import AddMarker, Bulk, Decision, Reverse, Review

blueprint = Blueprint("console_review", __name__)
_NOT_KEPT: Final = frozenset({"done", "said", "n", "lang", "cursor"})
_SHOWN_HERE: Final = frozenset(
    {Kind.PRECONDITION_FAILED, Kind.VALIDATION, Kind.FORBIDDEN, Kind.CONFLICT, Kind.CONTENT_MISSING}
)


@blueprint.get("/review")
@page(Permission.EVIDENCE_REVIEW, query=ReviewQuery, reads_evidence=True)
def review_queue(ctx: Context, query: Asked) -> Response:
    """The queue, with its first item."""
    found = queue.page(ctx, query.filter(ctx))
    item = found.items[0] if found.items else None
    return _answer(ctx, query, item, found=found)


@blueprint.get("/review/<uuid:evidence_id>")
@page(Permission.EVIDENCE_REVIEW, query=ReviewQuery, reads_evidence=True)
def review_item(ctx: Context, query: Asked, evidence_id: uuid.UUID) -> Response:
    """The queue, with this item."""
    return _answer(ctx, query, evidence.visible_evidence(ctx, evidence_id))


@blueprint.post("/review/<uuid:evidence_id>/decide")
@page(Permission.EVIDENCE_COMMENT, query=ReviewQuery, form=DecisionForm)
def decide(
    ctx: Context, query: Asked, form: tuple[Review, bool], evidence_id: uuid.UUID
) -> Response:
    """Decide on an item and go on to the next."""
    command, stay = form
    item = evidence.visible_evidence(ctx, evidence_id)
    after = None if stay else _after(ctx, query, item)
    refusal = _tried(lambda: service.decide(ctx, evidence_id, command))
    if refusal is not None:
        return _answer(ctx, query, item, refusal=refusal)
    if command.decision is Decision.COMMENT or stay:
        return see(_path(item.id), f"review.said_{command.decision.value}")
    return see(_path(after, done=item.id))


@blueprint.post("/review/<uuid:evidence_id>/undo")
@page(Permission.EVIDENCE_REVIEW, query=ReviewQuery, form=UndoForm)
def undo(ctx: Context, query: Asked, form: Reverse, evidence_id: uuid.UUID) -> Response:
    """Take a decision back, and look at the item again."""
    item = evidence.visible_evidence(ctx, evidence_id)
    refusal = _tried(lambda: reversal.reverse(ctx, evidence_id, form))
    if refusal is not None:
        return _answer(ctx, query, item, refusal=refusal)
    return see(_path(item.id), "review.said_undone")


@blueprint.post("/review/<uuid:evidence_id>/mark")
@page(Permission.EVIDENCE_COMMENT, query=ReviewQuery, form=MarkerForm)
def mark(
    ctx: Context,
    query: Asked,  # noqa: ARG001  kept for the way back
    form: AddMarker,
    evidence_id: uuid.UUID,
) -> Response:
    """Set a marker."""
    markers.add(ctx, evidence_id, form)
    return see(_path(evidence_id), "review.said_marked")


@blueprint.post("/review/bulk")
@page(Permission.EVIDENCE_REVIEW, query=ReviewQuery, form=BulkForm)
def preview_bulk(ctx: Context, query: Asked, form: Bulk) -> Response:
    """What one decision on the chosen items would change, and what it would skip."""
    found = bulk.preview(ctx, form)
    return render(
        ctx, "review/bulk.html", found=found, command=form, query=query,
        back=_path(None), apply=f"/review/bulk/apply{_kept()}", labels=shown.labels(ctx),
    )  # fmt: skip


@blueprint.post("/review/bulk/apply")
@page(Permission.EVIDENCE_REVIEW, query=ReviewQuery, form=BulkForm)
def apply_bulk(
    ctx: Context,
    query: Asked,  # noqa: ARG001  kept for the way back
    form: Bulk,
) -> Response:
    """Decide on all chosen items that can be decided on."""
    entries, _ = bulk.apply(ctx, form)
    return see(_path(None), "review.said_bulk", n=len(entries))


def _answer(
    ctx: Context,
    query: Asked,
    item: Evidence | None,
    *,
    found: Any = None,
    refusal: Problem | None = None,
) -> Response:
    """The page; of a script only the part that it asks for (``HX-Target``)."""
    wanted = query.filter(ctx)
    target = request.headers.get("HX-Target")
    values: dict[str, Any] = {"query": query, "kept": _kept(), "refusal": refusal}
    if target == "review-pane":
        found = None
    elif found is None:
        found = shown.following(ctx, wanted, item)
    shown.note(ctx, None if target == "review-list" else item, found)
    if target != "review-list":
        values |= {"left": queue.left(ctx, wanted), "done": shown.done(ctx, query.done)}
        values["pane"] = None if item is None else shown.pane(ctx, wanted, item)
    if found is not None:
        values |= {"found": found, "seen": seen.among(ctx, [one.id for one in found.items])}
        values["case_numbers"] = shown.case_numbers(ctx, found.items)
    labels = shown.labels(ctx)
    if target is None:
        values |= shown.choices(labels)
    template = {"review-pane": "review/pane.html", "review-list": "review/list.html"}
    status = 200 if refusal is None else refusal.status
    return render(
        ctx, template.get(target or "", "review/page.html"), status=status, item=item,
        path_of=_path, labels=labels, **values,
    )  # fmt: skip


def _after(ctx: Context, query: Asked, item: Evidence) -> uuid.UUID | None:
    """The item that follows; at the end of the queue what was left before it."""
    wanted = query.filter(ctx)
    after = queue.neighbours(ctx, wanted, item).after
    return after if after is not None else queue.first(ctx, wanted, item.id)


def _tried(act: Callable[[], object]) -> Problem | None:
    """A refusal that is explained beside the item; whatever else stays an error."""
    try:
        act()
    except Problem as problem:
        if problem.kind in _SHOWN_HERE:
            return problem
        raise
    return None


def _kept() -> str:
    """The filter of this address, with its question mark."""
    pairs = [pair for pair in request.args.items(multi=True) if pair[0] not in _NOT_KEPT]
    return f"?{urlencode(pairs)}" if pairs else ""


def _path(evidence_id: uuid.UUID | None, **more: object) -> str:
    """Address of an item in this queue, or of the queue."""
    pairs = [pair for pair in request.args.items(multi=True) if pair[0] not in _NOT_KEPT]
    pairs += [(name, str(value)) for name, value in more.items()]
    path = "/review" if evidence_id is None else f"/review/{evidence_id}"
    return f"{path}?{urlencode(pairs)}" if pairs else path
