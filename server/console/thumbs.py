"""Thumbnails of lists: with a pass of the listing, or as a view of their own.

Which pictures need no event is decided in ``server.evidence.listing``, whose docstring says why.
Both routes answer with the worker's own picture, never with the original; it is served as an image
to this origin only, in a sandbox, and not sniffed.
"""

from __future__ import annotations

import uuid
from typing import Final

from flask import Blueprint, Response, redirect, url_for

from server.audit.events import EventKind
from server.core.content import content_response
from server.core.context import Context
from server.core.endpoint import endpoint
from server.core.permissions import Permission
from server.core.problem import not_found
from server.core.recording import recorded
from server.evidence import listing, queries, service
from server.evidence.models import Derivative, Evidence
from storage.digest import Digest

blueprint = Blueprint("console_thumbs", __name__)
_NAME: Final = "thumb"


def thumb_url(ctx: Context, evidence_id: uuid.UUID) -> str:
    """Address of an item's thumbnail for the page that is being made."""
    given = listing.pass_of(ctx, evidence_id)
    if given is None:
        return url_for("console_thumbs.view_thumb", evidence_id=evidence_id)
    return url_for("console_thumbs.listed_thumb", evidence_id=evidence_id, given=given)


@blueprint.get("/e/<uuid:evidence_id>/thumb/<given>")
@endpoint(Permission.EVIDENCE_VIEW, page=True, responses={303: "the pass is not valid any more"})
def listed_thumb(ctx: Context, evidence_id: uuid.UUID, given: str) -> Response:
    """The thumbnail of a listed item; the listing recorded it."""
    item = queries.visible_evidence(ctx, evidence_id)
    if not listing.is_passed(ctx, evidence_id, given):
        plain = url_for("console_thumbs.view_thumb", evidence_id=evidence_id)
        return redirect(plain, 303)  # type: ignore[return-value]
    return _picture(ctx, item)


@blueprint.get("/e/<uuid:evidence_id>/thumb")
@endpoint(Permission.EVIDENCE_VIEW, page=True, reads_evidence=True)
def view_thumb(ctx: Context, evidence_id: uuid.UUID) -> Response:
    """The thumbnail of an item; the view is recorded."""
    with recorded(ctx):
        item = queries.visible_evidence(ctx, evidence_id)
        service.read(ctx, item, EventKind.EVIDENCE_VIEWED)
    return _picture(ctx, item)


def _picture(ctx: Context, item: Evidence) -> Response:
    made = ctx.session.get(Derivative, (item.sha256, _NAME)) if item.state == "verified" else None
    if made is None:
        raise not_found("there is no small picture of this item")
    store = ctx.runtime.stores.blobs
    return content_response(store, Digest(made.sha256), made.mime, b"thumb")
