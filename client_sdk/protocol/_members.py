"""Typed reading of an object's members; every failure is a PayloadError that names one."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from enum import StrEnum
from typing import Any, Final, TypeVar
from uuid import UUID

from client_sdk.protocol.encoding import is_sha256_hex
from client_sdk.protocol.errors import PayloadError, TimeFormatError
from client_sdk.protocol.jcs import INT_LIMIT
from client_sdk.protocol.times import parse_rfc3339

_DECIMAL: Final = re.compile(r"-?(?:0|[1-9][0-9]{0,14})(?:\.[0-9]{1,15})?")
_INTEGER: Final = re.compile(r"0|[1-9][0-9]{0,18}")
_UUID: Final = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")

T = TypeVar("T")
E = TypeVar("E", bound=StrEnum)


def without_none(**members: Any) -> dict[str, Any]:
    """The members that have a value."""
    return {name: value for name, value in members.items() if value is not None}


class Members:
    """Reads each member once; `done` refuses what nobody asked for."""

    def __init__(self, value: object, where: str) -> None:
        if not isinstance(value, Mapping):
            raise PayloadError(f"{where} is an object")
        self._left = dict(value)
        self._where = where

    def _bad(self, name: str, expected: str) -> PayloadError:
        return PayloadError(f"{self._where}.{name}: {expected}")

    def has(self, name: str) -> bool:
        """Whether the member is there."""
        return name in self._left

    def take(self, name: str) -> object:
        """The raw member, which must be there."""
        try:
            return self._left.pop(name)
        except KeyError as error:
            raise PayloadError(
                f"{self._where}.{name} is missing", code="payload-missing"
            ) from error

    def done(self) -> None:
        """Refuse members that were not read."""
        if self._left:
            name = min(self._left)
            raise PayloadError(f"{self._where}.{name} is unknown", code="payload-unknown")

    def optional(self, name: str, read: Callable[[str], T]) -> T | None:
        """Member by `read`, None when it is absent (null is not absent)."""
        return read(name) if name in self._left else None

    def text(self, name: str, max_chars: int = 256, *, empty: bool = False) -> str:
        """A text of at most `max_chars`."""
        value = self.take(name)
        if not isinstance(value, str) or len(value) > max_chars or not (value or empty):
            raise self._bad(name, f"a text of at most {max_chars} characters")
        return value

    def pattern(self, name: str, pattern: re.Pattern[str]) -> str:
        """A text of a given form."""
        value = self.take(name)
        if not isinstance(value, str) or not pattern.fullmatch(value):
            raise self._bad(name, "a text of another form is expected")
        return value

    def choice(self, name: str, kind: type[E]) -> E:
        """A value of an enum."""
        value = self.take(name)
        try:
            return kind(value) if isinstance(value, str) else kind("")
        except ValueError:
            raise self._bad(name, f"one of {', '.join(kind)}") from None

    def decimal(self, name: str, *, limit: int | None = None) -> str:
        """A plain decimal as text, |value| <= limit."""
        value = self.pattern(name, _DECIMAL)
        if limit is not None and abs(Decimal(value)) > limit:
            raise self._bad(name, f"within ±{limit}")
        return value

    def unsigned_decimal(self, name: str) -> str:
        """A plain non-negative decimal as text."""
        value = self.decimal(name)
        if value.startswith("-"):
            raise self._bad(name, "not negative")
        return value

    def unsigned_integer(self, name: str) -> str:
        """A non-negative integer as text."""
        return self.pattern(name, _INTEGER)

    def count(self, name: str, *, limit: int = INT_LIMIT) -> int:
        """A non-negative integer below `limit`."""
        value = self.take(name)
        if type(value) is not int or not 0 <= value < limit:
            raise self._bad(name, "a non-negative integer")
        return value

    def flag(self, name: str) -> bool:
        """True or false."""
        value = self.take(name)
        if not isinstance(value, bool):
            raise self._bad(name, "true or false")
        return value

    def digest(self, name: str) -> str:
        """A SHA-256 in lower-case hexadecimal."""
        value = self.take(name)
        if not isinstance(value, str) or not is_sha256_hex(value):
            raise self._bad(name, "a SHA-256 in lower-case hexadecimal")
        return value

    def time(self, name: str) -> str:
        """An RFC 3339 time, kept as the text it is."""
        value = self.text(name)
        try:
            parse_rfc3339(value)
        except TimeFormatError as error:
            raise self._bad(name, str(error)) from error
        return value

    def id(self, name: str) -> UUID:
        """A UUID in its canonical text."""
        return UUID(self.pattern(name, _UUID))

    def id_or_none(self, name: str) -> UUID | None:
        """A UUID or null; the member must be there."""
        if name in self._left and self._left[name] is None:
            self._left.pop(name)
            return None
        return self.id(name)

    def mapping(self, name: str) -> Mapping[str, Any]:
        """An object of any members."""
        value = self.take(name)
        if not isinstance(value, Mapping):
            raise self._bad(name, "an object")
        return value
