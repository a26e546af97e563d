"""What goes over the wire about clocks."""

from __future__ import annotations

from typing import Any

from marshmallow import Schema, fields, post_load, validate

from server.clocks.commands import LedgerFilter
from server.core.paging import LIMIT_DEFAULT, LIMIT_MAX


class TimeCodeOut(Schema):
    """The time code's text; ``valid_seconds`` says when to ask for the next one."""

    text = fields.String()
    valid_seconds = fields.Integer()


class LedgerQuery(Schema):
    """Query string of a device's clock ledger."""

    cursor = fields.String(validate=validate.Length(1, 500))
    limit = fields.Integer(load_default=LIMIT_DEFAULT, validate=validate.Range(1, LIMIT_MAX))

    @post_load
    def _filter(self, values: dict[str, Any], **_: object) -> LedgerFilter:
        return LedgerFilter(**values)


class ObservationOut(Schema):
    """One comparison of the device's clock; ``offset_ms`` is true time less the device's."""

    id = fields.UUID()
    source = fields.String()
    device_wall_ms = fields.Integer()
    true_ms = fields.Integer()
    offset_ms = fields.Integer()
    error_ms = fields.Integer()
    boot = fields.String(allow_none=True)
    mono_ms = fields.Integer(allow_none=True)
    through_suspend = fields.Boolean()
    record_hid = fields.String(allow_none=True)
    observed_at = fields.AwareDateTime(format="iso")
