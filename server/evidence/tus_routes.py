"""Routes for resumable uploads (tus 1.0.0)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, TypeVar

from flask import Blueprint, Response, current_app, request, url_for
from flask.blueprints import BlueprintSetupState

from server.core.context import Context
from server.core.endpoint import endpoint
from server.core.permissions import Permission
from server.core.problem import Kind, Problem
from server.evidence import tus
from server.evidence.byte_source import ByteSource, open_source
from server.evidence.upload_flow import Answer, Uploads

blueprint = Blueprint("uploads", __name__)

_EXTENSION: Final = "tiezheng.uploads"
_SOURCE: Final = "tiezheng.byte_source"
_REQUEST_HEADERS: Final = (
    "Authorization, DPoP, Content-Type, Idempotency-Key, Tus-Resumable, Upload-Checksum, "
    "Upload-Concat, Upload-Defer-Length, Upload-Length, Upload-Metadata, Upload-Offset, "
    "Upload-Tag, X-HTTP-Method-Override, X-Request-Id"
)
_ANSWER_HEADERS: Final = (
    "DPoP-Nonce, Location, Retry-After, Tus-Checksum-Algorithm, Tus-Extension, Tus-Max-Size, "
    "Tus-Resumable, Tus-Version, Upload-Concat, Upload-Defer-Length, Upload-Expires, "
    "Upload-Length, Upload-Metadata, Upload-Offset, X-Request-Id"
)


View = TypeVar("View", bound=Callable[..., Any])


def _route(path: str, method: str) -> Callable[[View], View]:
    # Flask's own OPTIONS would hide ours.
    return blueprint.route(path, methods=[method], provide_automatic_options=False)


@blueprint.record_once
def _start(state: BlueprintSetupState) -> None:
    state.app.extensions[_EXTENSION] = Uploads(state.app.extensions["tiezheng"])


@_route("/uploads", "OPTIONS")
@_route("/uploads/<upload_id>", "OPTIONS")
@endpoint(Permission.PUBLIC, status=204)
def describe(ctx: Context, upload_id: str = "") -> Response:  # noqa: ARG001  the same for all
    """Say which tus version, extensions and sizes are served."""
    answer = {
        "Tus-Version": tus.VERSION,
        "Tus-Extension": ",".join(tus.EXTENSIONS),
        "Tus-Max-Size": str(ctx.settings.upload_size_bytes_max),
        "Tus-Checksum-Algorithm": ",".join(tus.CHECKSUM_BYTES),
    }
    return _respond(Answer(204, answer))


@_route("/uploads", "POST")
@endpoint(Permission.UPLOAD, status=201, streams=True)
def create(ctx: Context) -> Response:
    """Create an upload, with its first bytes when they come along."""
    source = _begin()
    return _respond(_uploads().create(ctx, _headers(), source, _base()))


@_route("/uploads/<upload_id>", "HEAD")
@endpoint(Permission.UPLOAD, streams=True)
def head(ctx: Context, upload_id: str) -> Response:
    """Say where an upload stands."""
    _begin()
    return _respond(_uploads().head(ctx, upload_id, _base()))


@_route("/uploads/<upload_id>", "PATCH")
@endpoint(Permission.UPLOAD, status=204, streams=True)
def append(ctx: Context, upload_id: str) -> Response:
    """Append bytes to an upload."""
    source = _begin()
    return _respond(_uploads().append(ctx, upload_id, _headers(), source))


@_route("/uploads/<upload_id>", "DELETE")
@endpoint(Permission.UPLOAD, status=204, streams=True)
def terminate(ctx: Context, upload_id: str) -> Response:
    """Give an unfinished upload up."""
    _begin()
    return _respond(_uploads().terminate(ctx, upload_id))


@_route("/uploads/<upload_id>", "POST")
@endpoint(Permission.UPLOAD, status=204, streams=True)
def override(ctx: Context, upload_id: str) -> Response:
    """Do what X-HTTP-Method-Override says, for clients that can only POST."""
    source = _begin()
    match request.headers.get("X-HTTP-Method-Override", "").upper():
        case "PATCH":
            return _respond(_uploads().append(ctx, upload_id, _headers(), source))
        case "HEAD":
            return _respond(_uploads().head(ctx, upload_id, _base()))
        case "DELETE":
            return _respond(_uploads().terminate(ctx, upload_id))
    raise Problem(Kind.METHOD_NOT_ALLOWED, headers={"Allow": "OPTIONS, HEAD, PATCH, DELETE"})


@blueprint.after_request
def _finish(response: Response) -> Response:
    response.headers["Tus-Resumable"] = tus.VERSION
    _allow_origin(response)
    # What was refused unread is read after the answer, so that the sender gets to see it.
    source: ByteSource = request.environ.get(_SOURCE) or open_source(request.environ)
    response.call_on_close(source.linger)
    return response


def _begin() -> ByteSource:
    if request.environ.get("SERVER_SOFTWARE", "").startswith("waitress"):
        raise Problem(Kind.UNAVAILABLE, "waitress buffers whole bodies: serve uploads by gunicorn")
    source = open_source(request.environ)
    request.environ[_SOURCE] = source
    tus.require_version(_headers())
    return source


def _headers() -> dict[str, str]:
    """Headers under their names in title case, as the standard writes them."""
    return dict(request.headers.items())


def _base() -> str:
    """Path below which uploads live, without the server: right behind any proxy."""
    return url_for("uploads.create")


def _uploads() -> Uploads:
    found: Uploads = current_app.extensions[_EXTENSION]
    return found


def _respond(answer: Answer) -> Response:
    response = Response(status=answer.status)
    del response.headers["Content-Type"]
    response.headers.update(answer.headers)
    response.headers.setdefault("Cache-Control", "no-store")
    return response


def _allow_origin(response: Response) -> None:
    """CORS for the configured origins; without any there is not even a hint of it."""
    settings = current_app.extensions["tiezheng"].settings
    allowed = {origin.strip() for origin in settings.upload_cors_origins.split(",")} - {""}
    if not allowed:
        return
    response.vary.add("Origin")
    origin = request.headers.get("Origin")
    if origin not in allowed:
        return
    response.headers["Access-Control-Allow-Origin"] = origin
    response.headers["Access-Control-Expose-Headers"] = _ANSWER_HEADERS
    if request.method == "OPTIONS":
        response.headers["Access-Control-Allow-Methods"] = "POST, HEAD, PATCH, DELETE, OPTIONS"
        response.headers["Access-Control-Allow-Headers"] = _REQUEST_HEADERS
        response.headers["Access-Control-Max-Age"] = "86400"
