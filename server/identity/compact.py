"""Strict reading of a compact JWS (RFC 7515 §3.1), before anybody trusts it.

One value has one text: no padding, no spare bits, no second member of a name, nothing oversized.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Final, NoReturn

from client_sdk.protocol.encoding import b64url_decode, b64url_encode
from client_sdk.protocol.errors import ProtocolError

CHARACTERS_MAX: Final = 8192
_PARTS: Final = 3


class CompactError(ValueError):
    """The text is not a compact JWS of two JSON objects."""


@dataclass(frozen=True, slots=True)
class Compact:
    """The parts of a JWS; the signature is not judged yet."""

    header: dict[str, Any]
    payload: dict[str, Any]
    signature: bytes
    signed_bytes: bytes


def parse(text: str) -> Compact:
    """The parts of ``text``; raises :class:`CompactError`."""
    parts = text.split(".") if len(text) <= CHARACTERS_MAX else []
    if len(parts) != _PARTS:
        raise CompactError("not a compact JWS")
    try:
        header, payload, signature = (b64url_decode(part) for part in parts)
    except ProtocolError as error:
        raise CompactError(str(error)) from error
    signed = f"{parts[0]}.{parts[1]}".encode("ascii")
    return Compact(_object(header), _object(payload), signature, signed)


def header(part: str) -> dict[str, Any]:
    """What the first part of a JWS says; raises :class:`CompactError`."""
    try:
        return _object(b64url_decode(part if len(part) <= CHARACTERS_MAX else ""))
    except ProtocolError as error:
        raise CompactError(str(error)) from error


def write(header: dict[str, Any], payload: dict[str, Any]) -> str:
    """Signing input of a JWS: what :attr:`Compact.signed_bytes` will be."""
    return f"{_encoded(header)}.{_encoded(payload)}"


def _encoded(value: dict[str, Any]) -> str:
    return b64url_encode(json.dumps(value, separators=(",", ":")).encode())


def _object(data: bytes) -> dict[str, Any]:
    try:
        value = json.loads(
            data.decode("utf-8"), object_pairs_hook=_unique, parse_constant=_refuse_constant
        )
    except (ValueError, RecursionError) as error:
        raise CompactError("a part is not JSON") from error
    if not isinstance(value, dict):
        raise CompactError("a part is not an object")
    return value


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise CompactError("an object has the same member twice")
    return found


def _refuse_constant(name: str) -> NoReturn:
    raise CompactError(f"{name} is not JSON")
