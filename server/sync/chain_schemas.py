"""Wire form of a device's chain."""

from __future__ import annotations

from typing import Any

from marshmallow import Schema, fields, post_load, validate

from server.core.paging import LIMIT_DEFAULT, LIMIT_MAX
from server.sync.commands import ChainQuery

_BIG = 2**53 - 1
_EP_MAX = 2**31 - 1


class ChainQueryIn(Schema):
    """Query string: which enrolment generation (the newest), records beyond which number."""

    ep = fields.Integer(validate=validate.Range(1, _EP_MAX))
    after = fields.Integer(load_default=0, validate=validate.Range(0, _BIG))
    limit = fields.Integer(load_default=LIMIT_DEFAULT, validate=validate.Range(1, LIMIT_MAX))

    @post_load
    def _query(self, values: dict[str, Any], **_: object) -> ChainQuery:
        return ChainQuery(**values)


class StretchOut(Schema):
    """Numbers from ``first`` to ``last``."""

    first = fields.Integer()
    last = fields.Integer()


class ChainHeadOut(Schema):
    """Newest record of the log; ``seq`` 0 and no ``hid`` before the first."""

    seq = fields.Integer()
    hid = fields.String(allow_none=True)


class OpenEndOut(Schema):
    """Nobody can say whether there were records after this one."""

    after_seq = fields.Integer()
    last_rx = fields.String(allow_none=True)
    lost = fields.Boolean()
    revoked_at = fields.AwareDateTime(allow_none=True)
    revoked_reason = fields.String(allow_none=True)


class KeyOut(Schema):
    """A key and the number from which it signs."""

    from_seq = fields.Integer()
    kid = fields.String()
    record_hid = fields.String(allow_none=True)
    made_at = fields.AwareDateTime()
    revoked_at = fields.AwareDateTime(allow_none=True)


class AttestationOut(Schema):
    """Another device's record of this chain's head; ``agrees`` is null while it has not come."""

    seq = fields.Integer()
    hid = fields.String()
    by_device_id = fields.UUID()
    by_seq = fields.Integer()
    attested_at = fields.AwareDateTime()
    agrees = fields.Boolean(allow_none=True)


class FindingOut(Schema):
    """Something people should know about a record."""

    code = fields.String()
    detail = fields.String()


class ChainRecordOut(Schema):
    """A record: its corrected time and class, and how long nothing outside bound it."""

    seq = fields.Integer()
    hid = fields.String()
    act = fields.String()
    rx = fields.String()
    happened_at = fields.AwareDateTime(allow_none=True)
    error_ms = fields.Integer(allow_none=True)
    clock_class = fields.String(allow_none=True)
    bound_at = fields.AwareDateTime(allow_none=True)
    bound_by = fields.String(allow_none=True)
    unattested_seconds = fields.Integer(allow_none=True)
    suspect = fields.Boolean()
    findings = fields.List(fields.Nested(FindingOut))


class ChainOut(Schema):
    """A device's chain of one enrolment generation."""

    device_id = fields.UUID()
    ep = fields.Integer()
    eps = fields.List(fields.Integer())
    head = fields.Nested(ChainHeadOut)
    ranges = fields.List(fields.Nested(StretchOut))
    gaps = fields.List(fields.Nested(StretchOut))
    held_count = fields.Integer()
    conflict_count = fields.Integer()
    open_end = fields.Nested(OpenEndOut, allow_none=True)
    keys = fields.List(fields.Nested(KeyOut))
    attestations = fields.List(fields.Nested(AttestationOut))
    records = fields.List(fields.Nested(ChainRecordOut))
    next_after = fields.Integer(allow_none=True)
