"""A photographed time code tells how far a camera's clock is off."""

from __future__ import annotations

from datetime import datetime

from client_sdk.protocol import timeqr
from client_sdk.protocol.errors import TimeQrError
from server.clocks import service as clocks
from server.clocks.correction import Reading
from server.core.clock import unix_ms
from server.core.context import Context
from server.core.keyring import EVENT
from server.evidence.findings import Findings
from server.evidence.models import Evidence

# EXIF counts whole seconds, the code changes each second, and the screen lags a little.
CODE_ERROR_MS = 2_000


def observe_time_codes(ctx: Context, item: Evidence, found: Findings, own_clock: datetime) -> bool:
    """Enter each genuine time code of a photo into the ledger of the camera that took it.

    Returns whether there was one.
    """
    observed = False
    for text in found.time_qr_texts:
        shown_ms = genuine_ms(ctx, text)
        if shown_ms is None:
            continue
        clocks.observe(
            ctx,
            item.captured_by,
            Reading(
                device_wall_ms=unix_ms(own_clock),
                offset_ms=shown_ms - unix_ms(own_clock),
                error_ms=CODE_ERROR_MS,
                source="time-qr",
            ),
            record_hid=item.record_hid,
            court_id=item.court_id,
        )
        observed = True
    return observed


def genuine_ms(ctx: Context, text: str) -> int | None:
    """The time a code showed, if one of this server's keys signed it."""
    try:
        code = timeqr.parse(text)
    except TimeQrError:
        return None
    keys = ctx.runtime.keyring.all(EVENT)
    return code.unix_ms if any(timeqr.verify(code, key.public) for key in keys) else None
