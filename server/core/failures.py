"""Whatever goes wrong becomes a problem with a stable type and a next step."""

from __future__ import annotations

import json
import os
import re
import sys
import traceback
from collections.abc import Callable
from typing import Any

import sqlalchemy as sa
import structlog
from flask import Flask, Response, current_app, g, request
from marshmallow import ValidationError
from sqlalchemy import exc as sa_exc
from werkzeug.exceptions import HTTPException

from server.core.keyring import KeyRingError
from server.core.problem import Kind, Problem, invalid
from storage.errors import DurabilityLost, LockTimeout, NoSpace, StorageError

# Whatever keeps an event from being written, its cause must not happen (fail closed).
_AUDIT = re.compile(r'INSERT INTO "?outbox\b')
_BY_STATUS = {
    400: Kind.MALFORMED_REQUEST,
    404: Kind.NOT_FOUND,
    405: Kind.METHOD_NOT_ALLOWED,
    413: Kind.BODY_TOO_LARGE,
    415: Kind.UNSUPPORTED_MEDIA_TYPE,
    416: Kind.RANGE_NOT_SATISFIABLE,
}


def handle_failures(app: Flask) -> None:
    """Register the translations."""
    log = structlog.get_logger("failure")

    @app.errorhandler(Problem)
    def _problem(problem: Problem) -> Response:
        return problem_response(problem)

    @app.errorhandler(HTTPException)
    def _http(error: HTTPException) -> Response:
        kind = _BY_STATUS.get(error.code or 500, Kind.INTERNAL)
        problem = Problem(kind)
        if error.code == 405:  # noqa: PLR2004
            problem.headers["Allow"] = ", ".join(
                sorted(getattr(error, "valid_methods", None) or ())
            )
        return problem_response(problem)

    @app.errorhandler(Exception)
    def _unexpected(error: Exception) -> Response:
        if isinstance(error, DurabilityLost):
            # After a failed flush the pages count as clean: nothing may be acknowledged any more.
            log.critical("durability lost, the process ends", error=str(error))
            sys.stderr.flush()
            os._exit(70)
        problem = translate(error)
        if problem is None:
            log.error("unexpected", request_id=g.get("request_id", "-"), **_told(error))
            problem = Problem(Kind.INTERNAL, "report the request id to the operator")
        else:
            log.warning("refused", request_id=g.get("request_id", "-"), error=_sentence(error))
        return problem_response(problem)


def translate(error: Exception) -> Problem | None:
    """The problem behind an error of a store, the database or the key folder."""
    if isinstance(error, NoSpace) or "database or disk is full" in str(error):
        return Problem(Kind.NO_SPACE, "nothing that was acknowledged is lost; try again later")
    if isinstance(error, LockTimeout):
        return Problem(Kind.UPLOAD_BUSY)
    if isinstance(error, StorageError | KeyRingError):
        return Problem(Kind.UNAVAILABLE, "the store of bytes or keys does not answer")
    if isinstance(error, sa_exc.DBAPIError) and _AUDIT.search(error.statement or ""):
        return Problem(Kind.AUDIT_UNAVAILABLE, "nothing was changed or shown; try again later")
    if isinstance(error, sa_exc.OperationalError | sa_exc.InterfaceError | sa_exc.TimeoutError):
        return Problem(Kind.UNAVAILABLE, "the database does not answer")
    if isinstance(error, sa.exc.IntegrityError):
        return Problem(Kind.CONFLICT)
    if isinstance(error, ValidationError):
        return invalid(error.normalized_messages())  # type: ignore[no-untyped-call]
    return None


def _told(error: Exception) -> dict[str, Any]:
    """What the log says of an error: where it arose, and no values of a failed statement."""
    if not isinstance(error, sa_exc.StatementError):
        return {"exc_info": error}
    where = "".join(traceback.format_tb(error.__traceback__))
    return {"error": _sentence(error), "statement": error.statement, "exception": where}


def _sentence(error: Exception) -> str:
    """The error in a line; a database's details name the values of the row, so they stay out."""
    cause = getattr(error, "orig", None) or error
    diagnosis = getattr(cause, "diag", None)
    text = getattr(diagnosis, "message_primary", None) or str(cause)
    return f"{type(cause).__name__}: {text}"[:300]


def _is_for_people() -> bool:
    """Whether a page was asked for: by its route, or by a browser under an unknown address."""
    view = current_app.view_functions.get(request.endpoint or "")
    spec = getattr(view, "endpoint_spec", None)
    if spec is not None or request.path.startswith("/api/"):
        return spec is not None and spec.page
    return "text/html" in request.headers.get("Accept", "")


def problem_response(problem: Problem) -> Response:
    """``application/problem+json`` (RFC 9457), or a page for people who look at pages."""
    if _is_for_people():
        page: Callable[[Problem], Response] = current_app.extensions["tiezheng.problem-page"]
        return page(problem)
    body = problem.body(instance=f"urn:tiezheng:request:{g.get('request_id', '-')}")
    response = Response(
        json.dumps(body, ensure_ascii=False, default=str),
        status=problem.status,
        mimetype="application/problem+json",
    )
    response.headers.update(problem.headers)
    response.headers["Cache-Control"] = "no-store"
    return response
