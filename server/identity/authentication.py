"""Who sent this request."""

from __future__ import annotations

from flask import Response
from sqlalchemy.orm import Session

from server.core.context import Actor, Runtime
from server.core.problem import Kind, Problem


def authenticate(session: Session, runtime: Runtime) -> Actor:
    """The caller of the current request."""
    raise Problem(Kind.TOKEN_INVALID)


def offer_nonce(response: Response) -> Response:
    """Put a fresh DPoP nonce on every answer (RFC 9449 §8.2)."""
    return response
