"""Restricted canonical JSON (RFC 8785).

Allowed: null, booleans, strings, arrays, objects with ASCII keys, and integers
with |n| < 2**53. Decimals and larger numbers travel as strings. Within these
limits Python's own encoder writes RFC 8785 §3.2 byte for byte: it escapes the
same characters in the same way, and ASCII keys sort alike in UTF-16 and UTF-8.
"""

from __future__ import annotations

import contextlib
import importlib
import json
from collections.abc import Mapping, Sequence
from typing import Any, Final, NoReturn, TypeAlias, cast

from client_sdk.protocol.errors import CanonicalError

_fast: Any = None
with contextlib.suppress(ImportError):  # the server has it; a field device may do without
    _fast = importlib.import_module("orjson")

JsonValue: TypeAlias = "bool | int | str | Sequence[JsonValue] | Mapping[str, JsonValue] | None"
JsonObject: TypeAlias = dict[str, Any]

INT_LIMIT: Final = 2**53
MAX_BYTES: Final = 1 << 20
MAX_DEPTH: Final = 32
_STRICTLY: Final = _fast and _fast.OPT_SORT_KEYS | _fast.OPT_STRICT_INTEGER
_INT_DIGITS_MAX: Final = 17  # sign and sixteen digits; longer is out of range anyway

_encode = json.JSONEncoder(
    ensure_ascii=False, separators=(",", ":"), sort_keys=True, allow_nan=False
).encode


def dumps(value: JsonValue) -> str:
    """Canonical text of `value`; CanonicalError when it is outside the restricted form."""
    _check(value, MAX_DEPTH)
    text = _encode(value)
    _utf8(text)
    return text


def dump_bytes(value: JsonValue) -> bytes:
    """`dumps` as UTF-8, ready to be hashed or signed."""
    return dumps(value).encode()


def loads(
    text: str | bytes, *, max_bytes: int = MAX_BYTES, max_depth: int = MAX_DEPTH
) -> JsonValue:
    """Value of a text that must already be canonical; never rewrites, only refuses.

    Stays in the C scanner: the hooks see keys and numbers, and writing the value
    again must give the same text.
    """
    text = _decode(text, max_bytes)
    if _fast is not None and text.isascii():
        known = _quickly(text, max_depth)
        if known is not None:
            return known
    # Of ASCII alone, keys need no look, and a key that is named twice is not written twice again.
    decoder = _ASCII_DECODER if text.isascii() else _DECODER
    value = _decoded(decoder, text)
    # Brackets bound the depth from above, so the walk is needed only for odd texts.
    if text.count("[") + text.count("{") > max_depth and not _within(value, max_depth):
        raise CanonicalError("nested too deeply", code="too-deep")
    if _encode(value) != text:
        _decoded(_DECODER, text)  # says more precisely what is wrong, if it can
        raise CanonicalError("valid JSON, but not in canonical form")
    return cast("JsonValue", value)


def _quickly(text: str, max_depth: int) -> JsonObject | None:
    """Value of an ASCII text that is surely canonical, an object, and not too deep.

    ``None`` says nothing: the slow way then finds out.  A text that is written again as it was has
    no key twice, and its keys are ASCII and sorted; whole numbers are limited by the writer.
    """
    if text.count("[") + text.count("{") > max_depth:
        return None
    try:
        value = _fast.loads(text)
        if _fast.dumps(value, option=_STRICTLY).decode() != text:
            return None
    except (ValueError, TypeError):
        return None
    return value if isinstance(value, dict) and _without_decimals(value) else None


def _without_decimals(value: JsonObject) -> bool:
    items: list[Any] = [value]
    for item in items:
        for inner in item.values() if type(item) is dict else item:
            kind = type(inner)
            if kind is float:
                return False
            if kind is dict or kind is list:
                items.append(inner)
    return True


def _decoded(decoder: json.JSONDecoder, text: str) -> object:
    try:
        return decoder.decode(text)
    except CanonicalError:
        raise
    except (ValueError, RecursionError) as error:
        raise CanonicalError(f"not JSON: {type(error).__name__}", code="not-json") from error


def loads_object(
    text: str | bytes, *, max_bytes: int = MAX_BYTES, max_depth: int = MAX_DEPTH
) -> JsonObject:
    """`loads` for a text that must be an object."""
    value = loads(text, max_bytes=max_bytes, max_depth=max_depth)
    if not isinstance(value, dict):
        raise CanonicalError("an object is expected", code="not-object")
    return value


def _decode(text: str | bytes, max_bytes: int) -> str:
    """Text of at most `max_bytes` UTF-8 bytes without lone surrogates."""
    if isinstance(text, bytes):
        if len(text) > max_bytes:
            raise CanonicalError("too long", code="too-long")
        try:
            return text.decode()
        except UnicodeDecodeError as error:
            raise CanonicalError("not UTF-8", code="not-utf8") from error
    if len(text) > max_bytes or len(_utf8(text)) > max_bytes:
        raise CanonicalError("too long", code="too-long")
    return text


def _utf8(text: str) -> bytes:
    try:
        return text.encode()
    except UnicodeEncodeError as error:
        raise CanonicalError("lone surrogate", code="surrogate") from error


def _pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise CanonicalError("an object names a key twice", code="duplicate-key")
    if not "".join(value).isascii():
        raise CanonicalError("keys are ASCII", code="key-not-ascii")
    return value


def _int(digits: str) -> int:
    if len(digits) > _INT_DIGITS_MAX or not -INT_LIMIT < (value := int(digits)) < INT_LIMIT:
        raise CanonicalError("integers stay below 2**53", code="integer-range")
    return value


def _no_float(_text: str) -> NoReturn:
    raise CanonicalError("decimals travel as strings", code="float")


_DECODER = json.JSONDecoder(
    object_pairs_hook=_pairs, parse_int=_int, parse_float=_no_float, parse_constant=_no_float
)


_ASCII_DECODER = json.JSONDecoder(parse_int=_int, parse_float=_no_float, parse_constant=_no_float)


def _within(value: object, depth: int) -> bool:
    """Whether the nesting is at most `depth` (breadth first, so without recursion)."""
    level: list[object] = [value]
    for _ in range(depth + 1):
        following: list[object] = []
        for item in level:
            if isinstance(item, dict):
                following.extend(item.values())
            elif isinstance(item, list):
                following.extend(item)
            else:
                continue
            following.append(None)  # an empty container is a level too
        if not following:
            return True
        level = following
    return False


def _check(value: object, depth: int) -> None:
    """Refuse what Python's encoder would write but the restricted form forbids."""
    if value is None or isinstance(value, bool | str):
        return
    if isinstance(value, int):
        if not -INT_LIMIT < value < INT_LIMIT:
            raise CanonicalError("integers stay below 2**53", code="integer-range")
        return
    if depth == 0:
        raise CanonicalError("nested too deeply", code="too-deep")
    if isinstance(value, dict):
        for key, item in value.items():
            if not isinstance(key, str) or not key.isascii():
                raise CanonicalError("keys are ASCII strings", code="key-not-ascii")
            _check(item, depth - 1)
        return
    if isinstance(value, list | tuple):
        for item in value:
            _check(item, depth - 1)
        return
    raise CanonicalError(f"{type(value).__name__} has no canonical form", code="type")
