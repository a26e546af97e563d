"""The time code of this moment: its text, its picture, and the clock to show beside it."""

from __future__ import annotations

import io
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Final
from zoneinfo import ZoneInfo

import segno

from client_sdk.protocol import timeqr
from server.core.clock import unix_ms
from server.core.context import Runtime
from server.core.keyring import EVENT

QUIET_MODULES: Final = 4  # ISO/IEC 18004 §9.1: the light border that decoders look for
_WEEKDAYS_ZH: Final = "一二三四五六日"


@dataclass(frozen=True)
class TimeCode:
    """A signed moment; ``text`` is what the code says."""

    at: datetime
    text: str
    valid_seconds: int = timeqr.VALID_SECONDS

    @cached_property
    def _code(self) -> segno.QRCode:
        # Level M: a screen photographed at an angle loses modules to glare.
        return segno.make(self.text, error="m", micro=False)

    def svg(self) -> bytes:
        """The code as a picture of its own; dark on light whatever surrounds it."""
        out = io.BytesIO()
        self._code.save(
            out, kind="svg", border=QUIET_MODULES, light="#fff", omitsize=True, title="TZ1"
        )
        return out.getvalue()

    def svg_inline(self) -> str:
        """The code for a page."""
        return self._code.svg_inline(border=QUIET_MODULES, light="#fff", omitsize=True)


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
