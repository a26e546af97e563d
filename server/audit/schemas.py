"""What goes over the wire of the log."""

from __future__ import annotations

from marshmallow import Schema, fields, validate

from server.core.paging import LIMIT_DEFAULT, LIMIT_MAX


class EventQuery(Schema):
    """Query string of the log: beyond an index, optionally of one case."""

    after = fields.Integer(load_default=-1, validate=validate.Range(-1, 2**53 - 1))
    case_id = fields.UUID()
    limit = fields.Integer(
        load_default=LIMIT_DEFAULT, validate=validate.Range(min=1, max=LIMIT_MAX)
    )


class EventOut(Schema):
    """One entry, with the very texts that were signed."""

    log_index = fields.Integer()
    kind = fields.String()
    src = fields.String()
    ep = fields.Integer(allow_none=True)
    seq = fields.Integer(allow_none=True)
    hid = fields.String()
    h = fields.String()
    p = fields.String(allow_none=True)
    salt = fields.String(allow_none=True)
    sig = fields.String()
    k = fields.String()
    rx = fields.String()
    subject_type = fields.String(allow_none=True)
    subject_id = fields.String(allow_none=True)
    case_id = fields.UUID(allow_none=True)
    mission_id = fields.UUID(allow_none=True)


class EventsOut(Schema):
    """A stretch of the log; ask again with ``next_after`` while ``has_more``."""

    events = fields.List(fields.Nested(EventOut))
    next_after = fields.Integer()
    has_more = fields.Boolean()
