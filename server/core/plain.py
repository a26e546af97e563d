"""One text for a list of column values, whichever database they were read from."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any, Final

import orjson

from server.core.clock import truncated

_OPTIONS: Final = orjson.OPT_SORT_KEYS | orjson.OPT_PASSTHROUGH_DATETIME
_MICROS: Final = 1000


def plain_text(content: list[Any]) -> bytes:
    """JSON in UTF-8 with sorted keys, to be hashed; moments in UTC, whole milliseconds.

    Ids and moments are written as text, bytes as ``x`` and hexadecimal digits.  What orjson
    cannot write (lone surrogates, integers past 64 bits), Python's own encoder can.
    """
    try:
        return orjson.dumps(content, default=_plain, option=_OPTIONS)
    except TypeError:
        text = json.dumps(
            content, sort_keys=True, ensure_ascii=False, separators=(",", ":"), default=_plain
        )
        return text.encode("utf-8", "surrogatepass")


def _plain(value: object) -> str:
    if isinstance(value, datetime):
        whole = value.tzinfo is UTC and value.microsecond % _MICROS == 0
        return (value if whole else truncated(value)).isoformat()
    if isinstance(value, bytes | memoryview):
        return "x" + bytes(value).hex()
    return str(value)
