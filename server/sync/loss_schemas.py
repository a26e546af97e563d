"""Wire forms of a lost device: what is known of it, and the one step that handles it."""

from __future__ import annotations

from typing import Any, Final

from marshmallow import Schema, fields, post_load, validate

from server.core.texts import readable_line
from server.identity.device_schemas import BookingOut, DeviceOut
from server.identity.wire import moment, shown_moment
from server.sync.chain_schemas import StretchOut
from server.sync.lost import ReportLoss

REASON_CHARACTERS_MAX: Final = 500


class LossQueryIn(Schema):
    """Query string: since when it is taken for lost; without it, since its last contact."""

    since = moment()


class LossBody(Schema):
    """The device is lost since ``lost_at``."""

    lost_at = moment(required=True)
    reason = fields.String(
        required=True, validate=[validate.Length(1, REASON_CHARACTERS_MAX), readable_line]
    )

    @post_load
    def _command(self, data: dict[str, Any], **_: Any) -> ReportLoss:
        return ReportLoss(**data)


class OpenRangeOut(Schema):
    """Where the chain ends for the server; nobody can say whether there were records after it."""

    ep = fields.Integer()
    last_seq = fields.Integer()
    last_rx = fields.String(allow_none=True)
    gaps = fields.List(fields.Nested(StretchOut))
    held = fields.Integer()


class LossOut(Schema):
    """What a device had and what is open; ``suspects`` only for those who may see evidence."""

    device = fields.Nested(DeviceOut)
    since = shown_moment()
    chain = fields.Nested(OpenRangeOut, allow_none=True)
    suspects = fields.List(fields.UUID())
    suspect_count = fields.Integer()
    waiting = fields.Integer()
    uploads = fields.Integer()
    signed_in = fields.List(fields.UUID())
    bookings = fields.List(fields.Nested(BookingOut))


class HandledOut(Schema):
    """What reporting a loss did: ``marked`` items are suspect from now on."""

    device = fields.Nested(DeviceOut)
    newly_revoked = fields.Boolean()
    marked = fields.Integer()
