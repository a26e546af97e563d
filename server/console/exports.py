"""Custody reports in the making: progress, the package, and the report alone."""

from __future__ import annotations

import tempfile
import uuid
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Final

from flask import Blueprint, Response

from server.console.pages import page, render
from server.core.context import Context
from server.core.permissions import Permission
from server.core.problem import not_found
from server.core.transactions import unit_of_work
from server.disclosure import queries, service
from server.disclosure.package import CUSTODY_PDF
from storage.digest import Digest
from storage.ports import BlobStore, LocalPaths

blueprint = Blueprint("console_exports", __name__)
_PDF_BYTES_MAX: Final = 256 << 20


@blueprint.get("/exports/<uuid:export_id>")
@page(Permission.EXPORTS_MAKE)
def show_export(ctx: Context, export_id: uuid.UUID) -> Response:
    """How far a package is, and where to get it."""
    return render(ctx, "evidence/export.html", export=queries.visible_export(ctx, export_id))


@blueprint.get("/exports/<uuid:export_id>/custody.pdf")
@page(Permission.EXPORTS_MAKE, streams=True, reads_evidence=True)
def download_report(ctx: Context, export_id: uuid.UUID) -> Response:
    """The custody report out of the package; the download is recorded."""
    with unit_of_work(ctx.actor.court_id) as session:
        inner = replace(ctx, session=session)
        export = queries.visible_export(inner, export_id)
        service.handed_out(inner, export)
        code, digest = export.code, Digest(export.sha256 or "")
    # Unpacking takes a while, during which no transaction may be open.
    report = _report(ctx.runtime.stores.blobs, digest)
    headers = {
        "Content-Disposition": f'attachment; filename="custody-{code}.pdf"',
        "Content-Security-Policy": "sandbox; default-src 'none'",
        "Cache-Control": "private, no-store",
        "Cross-Origin-Resource-Policy": "same-origin",
    }
    return Response(report, mimetype="application/pdf", headers=headers)


def _report(blobs: BlobStore, digest: Digest) -> bytes:
    if isinstance(blobs, LocalPaths):
        return _member(blobs.path_of(digest))
    with tempfile.NamedTemporaryFile(prefix="tiezheng-report-") as copy:
        for chunk in blobs.read(digest):
            copy.write(chunk)
        copy.flush()
        return _member(Path(copy.name))


def _member(path: Path) -> bytes:
    """The report's bytes; the package's folder may have any name."""
    with zipfile.ZipFile(path) as package:
        for info in package.infolist():
            if info.filename.endswith(CUSTODY_PDF) and info.file_size <= _PDF_BYTES_MAX:
                return package.read(info)
    raise not_found("the package holds no report")
