"""Forms of oversight whose fields differ from those of the API: steps by line, cases by number."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from marshmallow import Schema, ValidationError, fields, post_load, validate

from server.console.admin_forms import line
from server.core.texts import readable
from server.oversight.commands import MakeRule, WritePlan
from server.oversight.keycases import CATEGORIES
from server.oversight.schemas import BATCH_MAX, DAYS_MAX, STEPS_MAX, TEXT_MAX, require_week

STEP_CHARS: Final = 500
_CASE_CHARS: Final = 64


def _text(**options: Any) -> fields.String:
    return fields.String(validate=[validate.Length(1, TEXT_MAX), readable], **options)


def lines_of(text: str) -> list[str]:
    """The lines that say something."""
    return [one.strip() for one in text.splitlines() if one.strip()]


class ThresholdsForm(Schema):
    """A new version of the thresholds."""

    idle_days = fields.Integer(required=True, validate=validate.Range(1, DAYS_MAX))
    explain_days = fields.Integer(required=True, validate=validate.Range(1, 60))
    reason = _text(required=True)

    @post_load
    def _command(self, data: dict[str, Any], **_: Any) -> MakeRule:
        return MakeRule(**data)


class PlanForm(Schema):
    """A plan for a week, a step on each line."""

    week = fields.String(required=True, validate=require_week)
    progress = _text()
    steps = _text(required=True)

    @post_load
    def _command(self, data: dict[str, Any], **_: Any) -> WritePlan:
        steps = lines_of(data.pop("steps"))
        if len(steps) > STEPS_MAX or any(len(one) > STEP_CHARS for one in steps):
            raise ValidationError(f"at most {STEPS_MAX} lines of {STEP_CHARS}", "steps")
        return WritePlan(steps=tuple(steps), **data)


@dataclass(frozen=True, slots=True)
class InspectionAsk:
    """A notice of inspection; ``case`` is a number or a short code."""

    week: str
    text: str
    case: str | None = None


class InspectionForm(Schema):
    """What the inspection of a week found."""

    week = fields.String(required=True, validate=require_week)
    text = _text(required=True)
    case = line(_CASE_CHARS)

    @post_load
    def _ask(self, data: dict[str, Any], **_: Any) -> InspectionAsk:
        return InspectionAsk(**data)


@dataclass(frozen=True, slots=True)
class TaskAsk:
    """A task; ``case`` is a number or a short code."""

    owner_id: uuid.UUID
    text: str
    due_on: date
    case: str | None = None
    meeting_id: uuid.UUID | None = None


class TaskForm(Schema):
    """A task to give."""

    owner_id = fields.UUID(required=True)
    text = _text(required=True)
    due_on = fields.Date(required=True)
    case = line(_CASE_CHARS)
    meeting_id = fields.UUID()

    @post_load
    def _ask(self, data: dict[str, Any], **_: Any) -> TaskAsk:
        return TaskAsk(**data)


class ItemsForm(Schema):
    """Cases to take into a campaign, a number or a short code on each line."""

    cases = fields.String(required=True, validate=[validate.Length(1, 10_000), readable])

    @post_load
    def _names(self, data: dict[str, Any], **_: Any) -> list[str]:
        found = lines_of(data["cases"])
        if len(found) > BATCH_MAX:
            raise ValidationError(f"at most {BATCH_MAX} at a time", "cases")
        return found


class KeyCaseQuery(Schema):
    """Key cases, of one category when it is named."""

    category = fields.String(validate=validate.OneOf(CATEGORIES))

    @post_load
    def _category(self, data: dict[str, Any], **_: Any) -> str | None:
        found: str | None = data.get("category")
        return found
