"""Request bodies and query strings: bounded, strict, parsed once into commands."""

from __future__ import annotations

import json
from functools import cache
from typing import Any, NoReturn

from flask import request
from marshmallow import Schema, ValidationError
from werkzeug.exceptions import ClientDisconnected

from server.core.problem import Kind, Problem, invalid


def read_body(limit_bytes: int) -> bytes:
    """The whole body, which must not exceed ``limit_bytes``; chunked bodies are counted."""
    declared = request.content_length
    if declared is not None and declared > limit_bytes:
        raise Problem(Kind.BODY_TOO_LARGE, f"at most {limit_bytes} bytes", limit_bytes=limit_bytes)
    try:
        data = request.stream.read(limit_bytes + 1)
    except (ClientDisconnected, OSError):
        raise Problem(Kind.MALFORMED_REQUEST, "the body ended early") from None
    if len(data) > limit_bytes:
        raise Problem(Kind.BODY_TOO_LARGE, f"at most {limit_bytes} bytes", limit_bytes=limit_bytes)
    if declared is not None and len(data) < declared:
        raise Problem(Kind.MALFORMED_REQUEST, "the body ended early")
    return data


def parse_json(data: bytes) -> Any:
    """JSON without duplicate keys, NaN or lone surrogates."""
    try:
        value = json.loads(
            text := data.decode("utf-8"), object_pairs_hook=_unique, parse_constant=_refuse_constant
        )
        if "\\ud" in text or "\\uD" in text:  # of UTF-8, only an escape makes a surrogate
            json.dumps(value, ensure_ascii=False).encode("utf-8")
    except (ValueError, RecursionError) as error:
        raise Problem(Kind.MALFORMED_JSON, str(error)[:200]) from None
    return value


def load_command(schema: type[Schema], limit_bytes: int) -> tuple[bytes, Any]:
    """Body bytes and the frozen command that ``schema`` makes of them."""
    raw = read_body(limit_bytes)
    mimetype = request.mimetype
    if raw and mimetype != "application/json":
        raise Problem(Kind.UNSUPPORTED_MEDIA_TYPE, "send application/json")
    value = parse_json(raw) if raw else {}
    if not isinstance(value, dict):
        raise Problem(Kind.VALIDATION, "an object is needed")
    return raw, _load(schema, value)


def load_query(schema: type[Schema]) -> Any:
    """The query string as ``schema`` makes it; a repeated or unknown name is refused."""
    values: dict[str, Any] = {}
    for name, given in request.args.lists():
        if name == "purpose":
            continue
        if len(given) > 1:
            raise Problem(Kind.VALIDATION, f"{name} is given twice")
        values[name] = given[0]
    return _load(schema, values)


def _load(schema: type[Schema], value: dict[str, Any]) -> Any:
    try:
        return _instance(schema).load(value)
    except ValidationError as error:
        raise invalid(error.normalized_messages()) from None  # type: ignore[no-untyped-call]


@cache
def _instance(schema: type[Schema]) -> Schema:
    """Making a schema copies all its fields; loading changes nothing in it."""
    return schema()


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("an object has the same key twice")
    return found


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")
