"""The time code of this moment: its text, its picture, and the clock to show beside it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

from client_sdk.protocol import timeqr
from server.core import qr
from server.core.clock import unix_ms
from server.core.context import Runtime
from server.core.keyring import EVENT

_WEEKDAYS_ZH: Final = "一二三四五六日"


@dataclass(frozen=True)
class TimeCode:
    """A signed moment; ``text`` is what the code says."""

    at: datetime
    text: str
    valid_seconds: int = timeqr.VALID_SECONDS

    def svg(self) -> bytes:
        """The code as a picture of its own; dark on light whatever surrounds it."""
        return qr.picture(self.text, "TZ1")

    def svg_inline(self) -> str:
        """The code for a page."""
        return qr.inline(self.text)


@dataclass(frozen=True, slots=True)
class Dial:
    """The moment as people read it."""

    time: str
    date: str
    zone: str


def present(runtime: Runtime) -> TimeCode:
    """A fresh code, signed by the server-event key."""
    at = runtime.clock.now()
    nonce = runtime.randbytes(timeqr.NONCE_BYTES)
    code = timeqr.make(unix_ms(at), nonce, runtime.keyring.active(EVENT).private)
    return TimeCode(at, code.text)


def dial(at: datetime, zone: str, lang: str) -> Dial:
    """``at`` on the wall of ``zone``, to the second that has begun."""
    local = at.astimezone(ZoneInfo(zone))
    offset = local.strftime("%z")
    weekday = f"星期{_WEEKDAYS_ZH[local.weekday()]}" if lang == "zh" else local.strftime("%A")
    return Dial(
        time=local.strftime("%H:%M:%S"),
        date=f"{local.date().isoformat()} {weekday}",
        zone=f"{zone} UTC{offset[:3]}:{offset[3:]}",
    )
