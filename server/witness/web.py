"""The witness over HTTP: one call to submit, one to look, one to see that it lives.

``POST /add-checkpoint`` is c2sp.org/tlog-witness.  ``GET /<origin>/checkpoint`` gives the newest
checkpoint that was cosigned, percent-encoded as mirrors do (c2sp.org/tlog-mirror), so that anybody
can compare what different witnesses have seen.
"""

from __future__ import annotations

import logging
from typing import Final

from flask import Flask, Response, request
from werkzeug.exceptions import NotFound, RequestEntityTooLarge

from server.witness.errors import Conflict, Refused, WitnessError
from server.witness.wire import BODY_BYTES_MAX, PATH, SIZE_TYPE
from server.witness.witness import Witness

TEXT: Final = "text/plain; charset=utf-8"
_log = logging.getLogger("witness")


def create_app(witness: Witness) -> Flask:
    """A WSGI application for one witness."""
    app = Flask("server.witness", static_folder=None, template_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = BODY_BYTES_MAX

    @app.post(PATH)
    def add_checkpoint() -> Response:
        return _text(witness.add_checkpoint(request.get_data(cache=False)).to_line())

    @app.get("/<path:origin>/checkpoint")
    def checkpoint(origin: str) -> Response:
        log = witness.logs().get(origin)
        if log is None or log.note is None:
            raise NotFound
        return _text(log.note.to_text())

    @app.get("/healthz")
    def healthz() -> Response:
        witness.logs()  # a memory that cannot be read is no health
        return _text("ok\n")

    @app.get("/")
    def about() -> Response:
        return _text(f"{witness.vkey}\n")

    app.register_error_handler(Refused, _refused)
    app.register_error_handler(WitnessError, _broken)
    app.register_error_handler(OSError, _broken)
    app.register_error_handler(RequestEntityTooLarge, _too_large)
    return app


def _refused(error: Refused) -> Response:
    if isinstance(error, Conflict):
        _log.warning("refused: %s", error)
        response = _text(f"{error.size}\n", error.status)
        response.headers["Content-Type"] = SIZE_TYPE
        return response
    if error.status in {403, 422}:  # proof of a fault, or of somebody else's key
        _log.warning("refused: %s", error)
    return _text(f"{error}\n", error.status)


def _broken(error: Exception) -> Response:
    _log.critical("the witness cannot work: %s", error)
    return _text("the witness cannot use its folder\n", 500)


def _too_large(_error: RequestEntityTooLarge) -> Response:
    return _text(f"more than {BODY_BYTES_MAX} bytes\n", 413)


def _text(text: str, status: int = 200) -> Response:
    return Response(text, status, content_type=TEXT, headers={"Cache-Control": "no-store"})
