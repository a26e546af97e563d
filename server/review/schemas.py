"""Wire forms of decisions on evidence."""

from __future__ import annotations

from types import MappingProxyType
from typing import Any, Final

from marshmallow import Schema, ValidationError, fields, post_load, validate, validates_schema

from server.core.paging import LIMIT_DEFAULT, LIMIT_MAX
from server.core.texts import readable
from server.identity.wire import moment
from server.review.commands import (
    TO_REVIEW,
    AddMarker,
    Box,
    Bulk,
    Decision,
    EntryFilter,
    Order,
    QueueFilter,
    Reverse,
    Review,
)
from server.review.reasons import REASONS

MEDIA = ("photo", "video", "audio", "document")
TEXT_CHARACTERS_MAX = 2000


REASON_CHARACTERS_MAX = 500
BULK_MAX = 500
PER_WEEK_MAX = 1000
STATES: Final = MappingProxyType(
    {
        "to-review": TO_REVIEW,
        "all": ("suspect", "pending", "queried", "returned", "accepted"),
        **{one: (one,) for one in ("pending", "suspect", "accepted", "returned", "queried")},
    }
)
_SORTS: Final = tuple(one.value for one in Order)
_words: list[Any] = [validate.Length(1, TEXT_CHARACTERS_MAX), readable]
_why: list[Any] = [validate.Length(1, REASON_CHARACTERS_MAX), readable]


class QueueQuery(Schema):
    """Query string of the queue; the console's pages take the same one."""

    status = fields.String(
        attribute="states", load_default="to-review", validate=validate.OneOf(list(STATES))
    )
    case = fields.UUID(attribute="case_id")
    mission = fields.UUID(attribute="mission_id")
    officer = fields.UUID(attribute="officer_id")
    device = fields.UUID(attribute="device_id")
    type = fields.String(attribute="media", validate=validate.OneOf(MEDIA))
    captured_from: fields.Field[Any] = moment(data_key="from")
    captured_to: fields.Field[Any] = moment(data_key="to")
    bbox = fields.String(
        attribute="box", metadata={"description": "west,south,east,north in degrees of WGS-84"}
    )
    finding = fields.String(
        validate=validate.Regexp(r"[a-z0-9-]{1,40}\Z"),
        metadata={"description": "code of a finding, or any"},
    )
    unseen = fields.Boolean(load_default=False)
    sort = fields.String(
        attribute="order", load_default=Order.OLDEST.value, validate=validate.OneOf(_SORTS)
    )
    cursor = fields.String(validate=validate.Length(1, 500))
    limit = fields.Integer(load_default=LIMIT_DEFAULT, validate=validate.Range(1, LIMIT_MAX))

    @post_load
    def _filter(self, data: dict[str, Any], **_: Any) -> Any:
        return queue_filter(data)


def queue_filter(data: dict[str, Any]) -> QueueFilter:
    """The filter behind a query's checked values."""
    states, order = STATES[data.pop("states")], Order(data.pop("order"))
    box = data.pop("box", None)
    return QueueFilter(**data, states=states, order=order, box=None if box is None else _box(box))


def _box(text: str) -> Box:
    try:
        west, south, east, north = (float(part) for part in text.split(","))
    except ValueError:
        raise ValidationError("four numbers: west,south,east,north", "bbox") from None
    inside = -180 <= west < east <= 180 and -90 <= south < north <= 90  # noqa: PLR2004  degrees
    if not inside:
        raise ValidationError("west,south,east,north in degrees, west before east", "bbox")
    return Box(west=west, south=south, east=east, north=north)


class ReviewBody(Schema):
    """A decision on an item; ``version`` of the item that was looked at refuses a late one."""

    decision = fields.Enum(Decision, by_value=True, required=True)
    reason_code = fields.String(
        validate=validate.OneOf(list(REASONS)), allow_none=True,
        metadata={"description": "for a return: a code of GET /review-reasons"},
    )  # fmt: skip
    text = fields.String(validate=_words, allow_none=True)
    version = fields.Integer(validate=validate.Range(1))

    @post_load
    def _command(self, data: dict[str, Any], **_: Any) -> Review:
        return Review(**data)


class UndoBody(Schema):
    """Take a decision back; later, or another's, with a reason."""

    entry_id = fields.UUID()
    reason = fields.String(validate=_why)

    @post_load
    def _command(self, data: dict[str, Any], **_: Any) -> Reverse:
        return Reverse(**data)


class MarkerBody(Schema):
    """A stretch of a recording in milliseconds, or a region of a picture in thousandths."""

    text = fields.String(required=True, validate=_words)
    from_ms = fields.Integer(validate=validate.Range(0, 2**40))
    to_ms = fields.Integer(validate=validate.Range(0, 2**40))
    region = fields.List(
        fields.Integer(validate=validate.Range(0, 1000)), validate=validate.Length(equal=4),
        metadata={"description": "x, y, width, height in thousandths of the picture as shown"},
    )  # fmt: skip

    @validates_schema
    def _sane(self, data: dict[str, Any], **_: Any) -> None:
        if "to_ms" in data and data.get("from_ms", data["to_ms"] + 1) > data["to_ms"]:
            raise ValidationError("a stretch begins before it ends", "to_ms")
        if "region" in data:
            x, y, width, height = data["region"]
            if not (width and height and x + width <= 1000 and y + height <= 1000):  # noqa: PLR2004
                raise ValidationError("a region lies within the picture", "region")

    @post_load
    def _command(self, data: dict[str, Any], **_: Any) -> AddMarker:
        region = data.pop("region", None)
        return AddMarker(**data, region=tuple(region) if region else None)


class BulkBody(Schema):
    """One decision on several items."""

    evidence_ids = fields.List(fields.UUID(), required=True, validate=validate.Length(1, BULK_MAX))
    decision = fields.Enum(Decision, by_value=True, required=True)
    reason_code = fields.String(validate=validate.OneOf(list(REASONS)))
    text = fields.String(validate=_words)

    @post_load
    def _command(self, data: dict[str, Any], **_: Any) -> Bulk:
        return Bulk(evidence_ids=tuple(data.pop("evidence_ids")), review=Review(**data))


class EntryQuery(Schema):
    """A page of an item's decisions."""

    cursor = fields.String(validate=validate.Length(1, 500))
    limit = fields.Integer(load_default=LIMIT_DEFAULT, validate=validate.Range(1, LIMIT_MAX))

    @post_load
    def _filter(self, data: dict[str, Any], **_: Any) -> EntryFilter:
        return EntryFilter(**data)


class ReviewEntryOut(Schema):
    """One decision, query or comment."""

    id = fields.UUID()
    evidence_id = fields.UUID()
    decision = fields.String()
    reason_code = fields.String(allow_none=True)
    text = fields.String(allow_none=True)
    state_before = fields.String(allow_none=True)
    reverses_id = fields.UUID(allow_none=True)
    author_id = fields.UUID()
    created_at = fields.AwareDateTime(format="iso")


class MarkerOut(Schema):
    """A place in an item."""

    id = fields.UUID()
    evidence_id = fields.UUID()
    from_ms = fields.Integer(allow_none=True)
    to_ms = fields.Integer(allow_none=True)
    region = fields.List(fields.Integer(), allow_none=True)
    text = fields.String()
    author_id = fields.UUID()
    created_at = fields.AwareDateTime(format="iso")


class FindingOut(Schema):
    """Something people should know about an item."""

    code = fields.String()
    detail = fields.String()


class SkippedOut(Schema):
    """An item that stays as it is, and the problem that a decision on it alone would have."""

    evidence_id = fields.UUID()
    why = fields.String()
    detail = fields.String(allow_none=True)


class BulkOut(Schema):
    """What is changed and what is skipped."""

    change = fields.List(fields.UUID())
    skip = fields.List(fields.Nested(SkippedOut))


class QueuedOut(Schema):
    """An item of the queue."""

    id = fields.UUID()
    case_id = fields.UUID(allow_none=True)
    mission_id = fields.UUID(allow_none=True)
    captured_by = fields.UUID()
    officer_id = fields.UUID(allow_none=True)
    kind = fields.String(attribute="media")
    captured_at = fields.AwareDateTime(format="iso")
    review_state = fields.String()
    review_reason = fields.String(allow_none=True)
    findings = fields.List(fields.Nested(FindingOut))
    version = fields.Integer()


class ReasonOut(Schema):
    """A reason for a return."""

    code = fields.String()
    name = fields.String()
    zh = fields.String()
    en = fields.String()
    needs_text = fields.Boolean()
