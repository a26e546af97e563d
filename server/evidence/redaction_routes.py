"""Redacted copies over HTTP: ask, look, discard; and face suggestions."""

from __future__ import annotations

import uuid

from flask import Blueprint, Response

from server.core.content import content_response
from server.core.context import Context
from server.core.endpoint import endpoint
from server.core.paging import Page
from server.core.permissions import Permission
from server.core.recording import recorded
from server.evidence import redactions
from server.evidence.redaction_models import Redaction
from server.evidence.redaction_schemas import (
    DiscardBody,
    EmptyBody,
    FacesOut,
    RedactionBody,
    RedactionOut,
)
from storage.digest import Digest

blueprint = Blueprint("redactions", __name__)


@blueprint.post("/evidence/<uuid:evidence_id>/redactions")
@endpoint(Permission.EVIDENCE_REDACT, load=RedactionBody, dump=RedactionOut, status=201)
def ask_redaction(
    ctx: Context, evidence_id: uuid.UUID, command: redactions.AskRedaction
) -> Redaction:
    """Ask for a redacted copy of an item; the original stays untouched."""
    return redactions.ask(ctx, evidence_id, command)


@blueprint.get("/evidence/<uuid:evidence_id>/redactions")
@endpoint(Permission.EVIDENCE_VIEW, dump=RedactionOut)
def list_redactions(ctx: Context, evidence_id: uuid.UUID) -> Page[Redaction]:
    """An item's redacted copies, the newest first."""
    return Page(redactions.of_item(ctx, evidence_id))


@blueprint.get("/redactions/<uuid:redaction_id>")
@endpoint(Permission.EVIDENCE_VIEW, dump=RedactionOut)
def view_redaction(ctx: Context, redaction_id: uuid.UUID) -> Redaction:
    """One redacted copy: what was asked for, and what became of it."""
    return redactions.visible(ctx, redaction_id)[0]


@blueprint.get("/redactions/<uuid:redaction_id>/content")
@endpoint(
    Permission.EVIDENCE_VIEW,
    reads_evidence=True,
    responses={206: "a range of the bytes", 304: "the bytes you hold", 416: "outside the bytes"},
)
def view_redacted(ctx: Context, redaction_id: uuid.UUID) -> Response:
    """The bytes of a redacted copy; the view is recorded."""
    with recorded(ctx):
        found = redactions.look_at(ctx, redaction_id)
    digest = Digest(found.sha256)
    return content_response(ctx.runtime.stores.blobs, digest, found.mime, found.name.encode())


@blueprint.post("/redactions/<uuid:redaction_id>/retry")
@endpoint(Permission.EVIDENCE_REDACT, load=EmptyBody, dump=RedactionOut)
def retry_redaction(
    ctx: Context,
    redaction_id: uuid.UUID,
    command: dict[str, object],  # noqa: ARG001  the endpoint hands it over
) -> Redaction:
    """Try a failed redaction again."""
    return redactions.retry(ctx, redaction_id)


@blueprint.post("/redactions/<uuid:redaction_id>/discard")
@endpoint(Permission.EVIDENCE_REDACT, load=DiscardBody, dump=RedactionOut)
def discard_redaction(
    ctx: Context, redaction_id: uuid.UUID, command: redactions.Discard
) -> Redaction:
    """Withdraw a redacted copy with a reason; it is not shown to others any more."""
    return redactions.discard(ctx, redaction_id, command)


@blueprint.post("/evidence/<uuid:evidence_id>/face-suggestions")
@endpoint(Permission.EVIDENCE_REDACT, load=EmptyBody, dump=FacesOut, status=202)
def ask_faces(
    ctx: Context,
    evidence_id: uuid.UUID,
    command: dict[str, object],  # noqa: ARG001  the endpoint hands it over
) -> dict[str, str]:
    """Have the worker suggest where faces are; a person confirms each."""
    return {"state": redactions.ask_faces(ctx, evidence_id)}
