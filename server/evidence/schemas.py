"""What goes over the wire about evidence; outputs are allow-lists."""

from __future__ import annotations

from typing import Any

from marshmallow import Schema, fields, post_load, validate, validates_schema
from marshmallow.exceptions import ValidationError

from server.core.ids import short_code
from server.core.paging import LIMIT_DEFAULT, LIMIT_MAX
from server.evidence.commands import EvidenceFilter, Rebind
from server.identity.wire import moment

STATES = ("declared", "receiving", "verified", "missing", "quarantined", "erased")
MEDIA = ("photo", "video", "audio", "document")
REVIEW_STATES = ("pending", "suspect", "accepted", "returned", "queried")


class EvidenceQuery(Schema):
    """Query string of a case's evidence."""

    state = fields.String(validate=validate.OneOf(STATES))
    kind = fields.String(attribute="media", validate=validate.OneOf(MEDIA))
    officer_id = fields.UUID()
    review = fields.String(validate=validate.OneOf(REVIEW_STATES))
    captured_from = moment(data_key="from")
    captured_to = moment(data_key="to")
    cursor = fields.String(validate=validate.Length(1, 500))
    limit = fields.Integer(
        load_default=LIMIT_DEFAULT, validate=validate.Range(min=1, max=LIMIT_MAX)
    )

    @post_load
    def _filter(self, values: dict[str, Any], **_: object) -> EvidenceFilter:
        return EvidenceFilter(**values)


class LimitQuery(Schema):
    """Query string of a board without pages."""

    limit = fields.Integer(load_default=100, validate=validate.Range(min=1, max=LIMIT_MAX))


class RebindBody(Schema):
    """Body of a rebind: at least one of the three, and why."""

    reason = fields.String(required=True, validate=validate.Length(min=1, max=500))
    case_id = fields.UUID()
    mission_id = fields.UUID()
    officer_id = fields.UUID()

    @validates_schema
    def _something(self, values: dict[str, Any], **_: object) -> None:
        if not values.keys() & {"case_id", "mission_id", "officer_id"}:
            raise ValidationError("name a case, a mission or an officer")

    @post_load
    def _command(self, values: dict[str, Any], **_: object) -> Rebind:
        return Rebind(**values)


class Finding(Schema):
    """Something people should know about an item."""

    code = fields.String()
    detail = fields.String()


class TimeOut(Schema):
    """When, as claimed and as corrected."""

    wall = fields.String()
    captured_at = fields.AwareDateTime()
    error_ms = fields.Integer(allow_none=True)
    clock_class = fields.String()
    zone_source = fields.String()


class PlaceOut(Schema):
    """Where, as recorded: decimal texts, their datum and source; or why there is none."""

    lat = fields.String(allow_none=True)
    lon = fields.String(allow_none=True)
    datum = fields.String(attribute="geo_datum", allow_none=True)
    accuracy_m = fields.String(attribute="geo_accuracy_m", allow_none=True)
    source = fields.String(attribute="geo_source", allow_none=True)
    reason = fields.String(attribute="geo_reason", allow_none=True)


class EvidenceOut(Schema):
    """One item, as everybody who may see it sees it."""

    id = fields.UUID()
    short_code = fields.Function(lambda item: short_code(_of(item, "id")))
    case_id = fields.UUID(allow_none=True)
    mission_id = fields.UUID(allow_none=True)
    device_id = fields.UUID()
    captured_by = fields.UUID()
    ep = fields.Integer()
    seq = fields.Integer()
    record_hid = fields.String()
    sha256 = fields.String()
    size_bytes = fields.Integer()
    kind = fields.String(attribute="media")
    mime = fields.String()
    name = fields.Function(lambda item: shown_name(_of(item, "name")))
    state = fields.String()
    verified_at = fields.AwareDateTime(allow_none=True)
    officer_id = fields.UUID(allow_none=True)
    officer_source = fields.String()
    time = fields.Function(lambda item: TimeOut().dump(item))
    place = fields.Function(lambda item: PlaceOut().dump(item))
    findings = fields.List(fields.Nested(Finding))
    review_state = fields.String()
    review_reason = fields.String(allow_none=True)
    version = fields.Integer()


class DerivativeOut(Schema):
    """Something made from the bytes."""

    name = fields.String()
    mime = fields.String()
    size_bytes = fields.Integer()
    sha256 = fields.String()


class StretchOut(Schema):
    """Numbers of a chain from ``first`` to ``last``."""

    first = fields.Integer()
    last = fields.Integer()


class ChainPlaceOut(Schema):
    """What the record's place in its chain tells.

    ``bound_at`` is when something outside the device first named the record or a later one of its
    chain (``bound_by``: device, receipt, checkpoint); until then its holder could have rewritten
    it: that is the unattested window.  ``level`` is how well its entry in the log is secured: L0
    not yet, L1 signed, L2 witnessed, L3 timestamped.
    """

    gaps_before = fields.List(fields.Nested(StretchOut))
    bound_at = fields.AwareDateTime(allow_none=True)
    bound_by = fields.String(allow_none=True)
    unattested_seconds = fields.Integer(allow_none=True)
    log_index = fields.Integer(allow_none=True)
    level = fields.String(allow_none=True)


class EvidenceDetail(EvidenceOut):
    """One item with what the worker found in its bytes, and its place in the device's chain."""

    custody = fields.Nested(ChainPlaceOut)

    examination = fields.Dict(allow_none=True)
    examination_state = fields.String(allow_none=True)
    derivatives = fields.List(fields.Nested(DerivativeOut))


class CustodyOut(Schema):
    """One event in the life of an item."""

    log_index = fields.Integer()
    kind = fields.String()
    at = fields.String(attribute="rx")
    actor_id = fields.UUID(allow_none=True)
    payload = fields.String(attribute="p", allow_none=True)
    hid = fields.String()
    level = fields.String()  # L0 in the log, L1 signed, L2 witnessed, L3 timestamped


class UploadOut(Schema):
    """An upload without a record, or one that went wrong."""

    id = fields.UUID()
    device_id = fields.UUID()
    case_id = fields.UUID(allow_none=True)
    sha256 = fields.String(allow_none=True)
    size_bytes = fields.Integer(allow_none=True)
    filename = fields.Function(lambda upload: shown_name(upload.filename))
    state = fields.String()
    problem = fields.String(allow_none=True)
    created_at = fields.AwareDateTime()
    completed_at = fields.AwareDateTime(allow_none=True)


class MissingItemsOut(Schema):
    """The missing-item board."""

    records_without_bytes = fields.List(fields.Nested(EvidenceOut))
    bytes_without_record = fields.List(fields.Nested(UploadOut))
    quarantined_uploads = fields.List(fields.Nested(UploadOut))


def shown_name(name: bytes | None) -> str | None:
    """A file name for people: any bytes, no control characters, no direction marks."""
    if name is None:
        return None
    text = name.decode("utf-8", "replace")
    return "".join(
        character if character.isprintable() else f"\\u{ord(character):04x}" for character in text
    )


def _of(item: Any, name: str) -> Any:
    return item[name] if isinstance(item, dict) else getattr(item, name)
