"""Filters and forms of review."""

from __future__ import annotations

import dataclasses
import uuid
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from marshmallow import Schema, ValidationError, fields, post_load, validate

from server.core.context import Context
from server.core.texts import readable, readable_line
from server.review.commands import (
    AddMarker,
    Bulk,
    Decision,
    Outcome,
    QueueFilter,
    Reverse,
    Review,
    SecondLook,
    SetGoal,
)
from server.review.reasons import REASONS
from server.review.schemas import BULK_MAX, PER_WEEK_MAX, QueueQuery, queue_filter

LIST_LIMIT: Final = 20
_WORDS: Final[list[Any]] = [validate.Length(1, 2000), readable]
_LINE: Final[list[Any]] = [validate.Length(1, 500), readable_line]
_DAY_CHARACTERS: Final = 10
_MS: Final = 1000


@dataclass(frozen=True, slots=True)
class Asked:
    """A queue as its address asks for it; ``done`` is the item decided on just now."""

    wanted: QueueFilter
    status: str
    first_day: date | None = None
    last_day: date | None = None
    done: uuid.UUID | None = None

    def filter(self, ctx: Context) -> QueueFilter:
        """The filter, with days as they begin and end where the court is."""
        zone = ZoneInfo(ctx.settings.time_zone)
        wanted = self.wanted
        if self.first_day is not None:
            wanted = dataclasses.replace(wanted, captured_from=_midnight(self.first_day, zone))
        if self.last_day is not None:
            after = self.last_day + timedelta(days=1)
            wanted = dataclasses.replace(wanted, captured_to=_midnight(after, zone))
        return wanted


class ReviewQuery(QueueQuery):
    """As the queue over HTTP; ``from`` and ``to`` may be days, both included."""

    captured_from: fields.Field[Any] = fields.String(data_key="from")
    captured_to: fields.Field[Any] = fields.String(data_key="to")
    limit = fields.Integer(load_default=LIST_LIMIT, validate=validate.Range(1, 100))
    done = fields.UUID()

    @post_load
    def _filter(self, data: dict[str, Any], **_: Any) -> Any:
        done, status = data.pop("done", None), data["states"]
        days: dict[str, date] = {}
        for name, day in (("captured_from", "first_day"), ("captured_to", "last_day")):
            given = data.pop(name, None)
            if given is not None and len(given) == _DAY_CHARACTERS:
                days[day] = _day(given, name)
            elif given is not None:
                data[name] = _moment(given, name)
        return Asked(queue_filter(data), status, done=done, **days)


def _day(text: str, name: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise ValidationError("not a day", name) from None


def _moment(text: str, name: str) -> datetime:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise ValidationError("not a moment", name) from None
    if found.tzinfo is None:
        raise ValidationError("a moment has its zone", name)
    return found


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, datetime.min.time(), zone).astimezone(UTC)


class DecisionForm(Schema):
    """A decision on the item that is shown."""

    decision = fields.Enum(Decision, by_value=True, required=True)
    reason_code = fields.String(validate=validate.OneOf(list(REASONS)))
    text = fields.String(validate=_WORDS)
    version = fields.Integer(validate=validate.Range(1))
    stay = fields.Boolean(load_default=False)

    @post_load
    def _command(self, data: dict[str, Any], **_: Any) -> tuple[Review, bool]:
        stay = data.pop("stay") or data["decision"] is Decision.COMMENT
        if data["decision"] is not Decision.RETURN:
            data.pop("reason_code", None)
        return Review(**data), stay


class UndoForm(Schema):
    """Take a decision back."""

    entry_id = fields.UUID()
    reason = fields.String(validate=_LINE)

    @post_load
    def _command(self, data: dict[str, Any], **_: Any) -> Reverse:
        return Reverse(**data)


class MarkerForm(Schema):
    """A marker: seconds of a recording, per cent of a picture, or the whole item."""

    text = fields.String(required=True, validate=_WORDS)
    from_s = fields.Float(validate=validate.Range(0, 1_000_000))
    to_s = fields.Float(validate=validate.Range(0, 1_000_000))
    x = fields.Integer(validate=validate.Range(0, 999))
    y = fields.Integer(validate=validate.Range(0, 999))
    width = fields.Integer(validate=validate.Range(1, 1000))
    height = fields.Integer(validate=validate.Range(1, 1000))

    @post_load
    def _command(self, data: dict[str, Any], **_: Any) -> AddMarker:
        start, end = (_ms(data.get(name)) for name in ("from_s", "to_s"))
        if end is not None and (start is None or start > end):
            raise ValidationError("a stretch begins before it ends", "to_s")
        return AddMarker(text=data["text"], from_ms=start, to_ms=end, region=_region(data))


def _ms(seconds: float | None) -> int | None:
    return None if seconds is None else round(seconds * _MS)


def _region(data: dict[str, Any]) -> tuple[int, int, int, int] | None:
    given = [data.get(name) for name in ("x", "y", "width", "height")]
    if all(one is None for one in given):
        return None
    if any(one is None for one in given):
        raise ValidationError("all four, or none", "width")
    x, y, width, height = (int(one or 0) for one in given)
    if x + width > _MS or y + height > _MS:
        raise ValidationError("a region lies within the picture", "width")
    return x, y, width, height


class BulkForm(Schema):
    """One decision on the chosen items."""

    item = fields.List(fields.UUID(), required=True, validate=validate.Length(1, BULK_MAX))
    decision = fields.Enum(Decision, by_value=True, required=True)
    reason_code = fields.String(validate=validate.OneOf(list(REASONS)))
    text = fields.String(validate=_WORDS)

    @post_load
    def _command(self, data: dict[str, Any], **_: Any) -> Bulk:
        items = tuple(dict.fromkeys(data.pop("item")))
        if data["decision"] is not Decision.RETURN:
            data.pop("reason_code", None)
        if data["decision"] is Decision.ACCEPT:
            data.pop("text", None)
        return Bulk(evidence_ids=items, review=Review(**data))


class GoalForm(Schema):
    """How many items a week."""

    per_week = fields.Integer(required=True, validate=validate.Range(0, PER_WEEK_MAX))

    @post_load
    def _command(self, data: dict[str, Any], **_: Any) -> SetGoal:
        return SetGoal(**data)


class SecondLookForm(Schema):
    """What a second look says."""

    outcome = fields.Enum(Outcome, by_value=True, required=True)
    text = fields.String(validate=_LINE)

    @post_load
    def _command(self, data: dict[str, Any], **_: Any) -> SecondLook:
        return SecondLook(**data)


class NoForm(Schema):
    """A button alone."""
