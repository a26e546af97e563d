"""Answers: dumped by allow-list, tagged, paged, and remembered for idempotent writes."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from flask import Response, request
from marshmallow import Schema

from server.core.context import Context
from server.core.models import IdempotentReply
from server.core.paging import Page
from server.core.problem import Kind, Problem
from server.core.transactions import take_turns

_KEY_CHARACTERS_MAX = 200
_KEPT_HEADERS = ("ETag", "Location", "Content-Type")


@dataclass(frozen=True, slots=True)
class Reply:
    """A view's answer with its own status or headers."""

    body: Any = None
    status: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


def respond(status: int, dump: type[Schema] | None, result: Any) -> Response:
    """Turn what a view returned into a response."""
    if isinstance(result, Response):
        return result
    headers: dict[str, str] = {}
    if isinstance(result, Reply):
        status, headers, result = result.status or status, dict(result.headers), result.body
    if isinstance(result, Page):
        if result.next_cursor:
            headers["Link"] = f'<{_with_cursor(result.next_cursor)}>; rel="next"'
        items = dump().dump(result.items, many=True) if dump else list(result.items)
        result = {"items": items, "next_cursor": result.next_cursor}
    elif dump is not None:
        version = getattr(result, "version", None)
        if version is not None:
            headers.setdefault("ETag", f'"{version}"')
        result = dump().dump(result)
    if result is None and status == 200:  # noqa: PLR2004
        status = 204
    body = b"" if result is None else json.dumps(result, ensure_ascii=False).encode()
    response = Response(body, status=status, mimetype="application/json")
    response.headers.update(headers)
    response.headers.setdefault("Cache-Control", "no-store")
    return response


def require_version(current: int) -> None:
    """Compare ``If-Match`` with what is stored: 428 when absent, 412 when it has moved on."""
    given = request.headers.get("If-Match")
    if given is None:
        raise Problem(Kind.PRECONDITION_REQUIRED, headers={"ETag": f'"{current}"'})
    if given.strip() not in {f'"{current}"', "*"}:
        raise Problem(Kind.PRECONDITION_FAILED, headers={"ETag": f'"{current}"'})


def remembered(ctx: Context, raw: bytes) -> Response | None:
    """The stored answer to this Idempotency-Key, if there is one.

    A repeat that comes before the first answer waits for it.
    """
    principal, key = _principal(ctx), _key()
    take_turns(ctx.session, f"idempotent:{principal}:{key}")
    row = ctx.session.get(IdempotentReply, (principal, key))
    if row is None:
        return None
    if row.fingerprint != _fingerprint(raw) or row.route != _route():
        raise Problem(Kind.IDEMPOTENCY_KEY_REUSED)
    response = Response(row.body.encode(), status=row.status, mimetype="application/json")
    response.headers.update(json.loads(row.headers))
    response.headers["Idempotent-Replayed"] = "true"
    return response


def remember(ctx: Context, raw: bytes, response: Response) -> None:
    """Store the answer in the transaction of the write itself."""
    kept = {name: response.headers[name] for name in _KEPT_HEADERS if name in response.headers}
    ctx.session.add(
        IdempotentReply(
            principal=_principal(ctx),
            key=_key(),
            route=_route(),
            fingerprint=_fingerprint(raw),
            status=response.status_code,
            body=response.get_data(as_text=True),
            headers=json.dumps(kept),
            created_at=ctx.clock.now(),
        )
    )


def _with_cursor(cursor: str) -> str:
    arguments = {**request.args.to_dict(), "cursor": cursor}
    pairs = "&".join(f"{_quoted(name)}={_quoted(value)}" for name, value in arguments.items())
    return f"{request.path}?{pairs}"


def _quoted(text: str) -> str:
    return quote(text, safe="")


def _key() -> str:
    key = request.headers["Idempotency-Key"].strip('" ')
    if not 1 <= len(key) <= _KEY_CHARACTERS_MAX:
        raise Problem(Kind.MALFORMED_REQUEST, "Idempotency-Key has 1 to 200 characters")
    return key


def _principal(ctx: Context) -> str:
    actor = ctx.actor
    key_holder = actor.device_id or actor.grant_id or actor.address
    return f"{actor.token.value}:{actor.user_id or ''}:{key_holder}"


def _route() -> str:
    return f"{request.method} {request.path}"


def _fingerprint(raw: bytes) -> str:
    return hashlib.sha256(raw).hexdigest()
