"""Request bodies and query strings: bounded, strict, parsed once into commands."""

from __future__ import annotations

import json
from functools import cache
from typing import Any, Final, NoReturn

from flask import request
from marshmallow import Schema, ValidationError, fields
from werkzeug.datastructures import MultiDict
from werkzeug.exceptions import ClientDisconnected, RequestEntityTooLarge

from server.core.problem import Kind, Problem, invalid

FORM_PARTS_MAX: Final = 2_000
PAGE_WORDS: Final = frozenset({"lang", "said", "n"})


def read_body(limit_bytes: int) -> bytes:
    """The whole body, which must not exceed ``limit_bytes``; chunked bodies are counted.

    It is read once, before a transaction begins: a sender who is slow, or stops, would otherwise
    keep every other writer of SQLite waiting.
    """
    declared = request.content_length
    if declared is not None and declared > limit_bytes:
        raise Problem(Kind.BODY_TOO_LARGE, f"at most {limit_bytes} bytes", limit_bytes=limit_bytes)
    request.max_content_length = limit_bytes
    try:
        data = request.get_data()  # kept: forms are parsed from it as well
    except RequestEntityTooLarge:
        raise Problem(
            Kind.BODY_TOO_LARGE, f"at most {limit_bytes} bytes", limit_bytes=limit_bytes
        ) from None
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


def load_form(schema: type[Schema], limit_bytes: int) -> Any:
    """An HTML form as ``schema`` makes it: an empty field counts as absent."""
    if request.mimetype not in {"application/x-www-form-urlencoded", "multipart/form-data", ""}:
        raise Problem(Kind.UNSUPPORTED_MEDIA_TYPE, "send a form")
    request.max_content_length = limit_bytes
    request.max_form_parts = FORM_PARTS_MAX
    return _load(schema, _values(schema, request.form, drop_empty=True))


def load_query(schema: type[Schema], *, of_page: bool = False) -> Any:
    """The query string as ``schema`` makes it; a repeated or unknown name is refused.

    A page's own words (language, what was just done) are no part of its filter, and an empty
    field of a search form counts as absent.
    """
    dropped = PAGE_WORDS if of_page else frozenset()
    return _load(schema, _values(schema, request.args, drop_empty=of_page, dropped=dropped))


def _values(
    schema: type[Schema],
    given: MultiDict[str, str],
    *,
    drop_empty: bool,
    dropped: frozenset[str] = frozenset(),
) -> dict[str, Any]:
    """One text a name, or a list where the schema has one."""
    known = {one.data_key or name: one for name, one in _instance(schema).fields.items()}
    values: dict[str, Any] = {}
    for name, texts in given.lists():
        if name == "purpose" and name not in known:
            continue
        if name in dropped:
            continue
        kept = [text for text in texts if text.strip()] if drop_empty else texts
        if isinstance(known.get(name), fields.List):
            values[name] = kept
        elif len(kept) > 1:
            raise Problem(Kind.VALIDATION, f"{name} is given twice")
        elif kept:
            values[name] = kept[0]
    return values


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
