"""How values look on a page: times in the court's zone, sizes, short codes, money.  Pure."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Final
from zoneinfo import ZoneInfo

from client_sdk.protocol.ids import short_code
from client_sdk.protocol.times import unix_ms
from server.console import words
from server.console.words import Language

NOTHING: Final = "–"
_UNITS: Final = ("KiB", "MiB", "GiB", "TiB")
_STEP: Final = 1024
_MINUTE: Final = 60
_HOUR: Final = 3600


@dataclass(frozen=True, slots=True)
class Look:
    """A reader's language and the court's zone."""

    lang: Language
    zone: ZoneInfo

    def when(self, value: datetime | str | None) -> str:
        """A moment to the second: ``2026-03-02 09:00:00``."""
        found = self.local(value)
        return NOTHING if found is None else f"{found:%Y-%m-%d %H:%M:%S}"

    def minute(self, value: datetime | str | None) -> str:
        """A moment to the minute."""
        found = self.local(value)
        return NOTHING if found is None else f"{found:%Y-%m-%d %H:%M}"

    def day(self, value: date | datetime | str | None) -> str:
        """A day, as each language writes it: ``2 March 2026``."""
        if isinstance(value, datetime | str):
            value = self.local(value)
        if value is None:
            return NOTHING
        if self.lang == "zh":
            return words.text("zh", "base.day", y=value.year, m=value.month, d=value.day)
        return f"{value.day} {value:%B %Y}"

    def iso(self, value: datetime | str | None) -> str:
        """For ``<time datetime>``."""
        found = self.local(value)
        return "" if found is None else found.isoformat()

    def input(self, value: datetime | None) -> str:
        """For ``datetime-local``."""
        found = self.local(value)
        return "" if found is None else f"{found:%Y-%m-%dT%H:%M}"

    def ms(self, value: datetime) -> int:
        """For scripts: Unix time in milliseconds."""
        return unix_ms(value)

    def local(self, value: datetime | str | None) -> datetime | None:
        """The moment in the court's zone; a text is RFC 3339."""
        if value is None or value == "":
            return None
        moment = datetime.fromisoformat(value) if isinstance(value, str) else value
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(self.zone)


def size(value: int | None) -> str:
    """Bytes for people."""
    if value is None:
        return NOTHING
    if value < _STEP:
        return f"{value} B"
    scaled = float(value)
    for unit in _UNITS:
        scaled /= _STEP
        if scaled < _STEP or unit == _UNITS[-1]:
            break
    return f"{scaled:.1f} {unit}"


def duration(value: float | None) -> str:
    """Seconds as ``1:02:03`` or ``2:03``."""
    if value is None:
        return NOTHING
    whole = int(value)
    hours, rest = divmod(whole, _HOUR)
    minutes, seconds = divmod(rest, _MINUTE)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"


def fen(value: int | None) -> str:
    """Money in yuan, from integers in fen."""
    if value is None:
        return NOTHING
    yuan, rest = divmod(abs(value), 100)
    return f"{'-' if value < 0 else ''}¥{yuan:,}.{rest:02}"


def short(value: uuid.UUID | str | None) -> str:
    """The code that can be read over radio."""
    if value is None:
        return NOTHING
    return short_code(value if isinstance(value, uuid.UUID) else uuid.UUID(value))


def name_text(value: bytes | None) -> str:
    """A file's name as on its device: any bytes, shown without control characters."""
    if not value:
        return NOTHING
    text = value.decode("utf-8", "replace")
    return "".join(one if one.isprintable() else "�" for one in text)
