"""Exports over HTTP: ask, follow, list, download."""

from __future__ import annotations

import uuid

from flask import Blueprint, Response

from server.core.content import content_response
from server.core.context import Context
from server.core.endpoint import endpoint
from server.core.paging import Page
from server.core.permissions import Permission
from server.core.recording import recorded
from server.disclosure import queries, service
from server.disclosure.commands import ExportFilter, RequestExport
from server.disclosure.models import Export
from server.disclosure.schemas import ExportBody, ExportOut, ExportQuery
from storage.digest import Digest

blueprint = Blueprint("disclosure", __name__)


@blueprint.post("/exports")
@endpoint(Permission.EXPORTS_MAKE, load=ExportBody, dump=ExportOut, status=202)
def request_export(ctx: Context, command: RequestExport) -> Export:
    """Ask for the package of a case or of some of its items, for a stated purpose and recipient."""
    return service.request(ctx, command)


@blueprint.get("/exports/<uuid:export_id>")
@endpoint(Permission.EXPORTS_MAKE, dump=ExportOut)
def view_export(ctx: Context, export_id: uuid.UUID) -> Export:
    """How far an export is, and what came of it."""
    return queries.visible_export(ctx, export_id)


@blueprint.get("/cases/<uuid:case_id>/exports")
@endpoint(Permission.EXPORTS_MAKE, query=ExportQuery, dump=ExportOut)
def list_exports(ctx: Context, case_id: uuid.UUID, query: ExportFilter) -> Page[Export]:
    """List a case's exports, the newest first."""
    return queries.exports_of_case(ctx, case_id, query)


@blueprint.get("/exports/<uuid:export_id>/content")
@endpoint(
    Permission.EXPORTS_MAKE,
    reads_evidence=True,
    responses={206: "a range of the bytes", 304: "the bytes you hold", 416: "outside the bytes"},
)
def download_export(ctx: Context, export_id: uuid.UUID) -> Response:
    """The finished package, whole or a range; the download is recorded."""
    with recorded(ctx):
        export = queries.visible_export(ctx, export_id)
        service.handed_out(ctx, export)
    name = f"dossier-{export.code}.zip".encode()
    digest = Digest(export.sha256 or "")
    return content_response(ctx.runtime.stores.blobs, digest, "application/zip", name)
