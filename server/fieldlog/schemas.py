"""What goes over the wire about the enforcement log."""

from __future__ import annotations

from typing import Any

from marshmallow import Schema, fields, post_load, validate

from client_sdk.protocol.ids import short_code
from server.core.paging import LIMIT_DEFAULT, LIMIT_MAX
from server.fieldlog.commands import KINDS, LogFilter
from server.identity.wire import moment


class LogQuery(Schema):
    """Query string of a case's log."""

    kind = fields.String(validate=validate.OneOf(sorted(KINDS)))
    officer_id = fields.UUID()
    device_id = fields.UUID()
    mission_id = fields.UUID()
    happened_from = moment(data_key="from")
    happened_to = moment(data_key="to")
    cursor = fields.String(validate=validate.Length(1, 500))
    limit = fields.Integer(load_default=LIMIT_DEFAULT, validate=validate.Range(1, LIMIT_MAX))

    @post_load
    def _filter(self, values: dict[str, Any], **_: object) -> LogFilter:
        kind = values.pop("kind", None)
        return LogFilter(kinds=(kind,) if kind else (), **values)


class LogTimeOut(Schema):
    """When, as claimed and as corrected."""

    wall = fields.String()
    happened_at = fields.AwareDateTime(format="iso")
    error_ms = fields.Integer(allow_none=True)
    clock_class = fields.String()


class LogPlaceOut(Schema):
    """Where, as recorded: decimal texts with datum and source, or why there is no position."""

    lat = fields.String(allow_none=True)
    lon = fields.String(allow_none=True)
    datum = fields.String(attribute="geo_datum", allow_none=True)
    accuracy_m = fields.String(attribute="geo_accuracy_m", allow_none=True)
    source = fields.String(attribute="geo_source", allow_none=True)
    reason = fields.String(attribute="geo_reason", allow_none=True)


class LogFindingOut(Schema):
    """Something people should know about a record."""

    code = fields.String()
    detail = fields.String()


class LogEntryOut(Schema):
    """One line of the log."""

    id = fields.UUID(attribute="entry.id")
    code = fields.Function(lambda line: short_code(line.entry.id))
    kind = fields.String(attribute="entry.act")
    text = fields.String(attribute="entry.text", allow_none=True)
    details = fields.Raw(attribute="entry.details", allow_none=True)
    case_id = fields.UUID(attribute="entry.case_id", allow_none=True)
    mission_id = fields.UUID(attribute="entry.mission_id", allow_none=True)
    officer_id = fields.UUID(attribute="entry.officer_id", allow_none=True)
    officer_source = fields.String(attribute="entry.officer_source")
    device_id = fields.UUID(attribute="entry.device_id")
    ep = fields.Integer(attribute="entry.ep")
    seq = fields.Integer(attribute="entry.seq")
    record_hid = fields.String(attribute="entry.record_hid")
    time = fields.Nested(LogTimeOut)
    place = fields.Nested(LogPlaceOut)
    findings = fields.Nested(LogFindingOut, many=True)
