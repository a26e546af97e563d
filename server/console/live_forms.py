"""Filters and forms of live operation."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import Any, Final

from marshmallow import Schema, ValidationError, fields, post_load, validate

from server.core.texts import readable
from server.live.commands import Decide, Decision, DeskFilter, SetRules
from server.live.policy import STATES
from server.live.redaction import CELL_M_MIN, DELAY_SECONDS_MAX, Place, ReleaseRules
from server.live.schemas import (
    CELL_M_MAX,
    REASON_CHARACTERS_MAX,
    ROUND_SECONDS,
    TEXT_CHARACTERS_MAX,
)

_MINUTE: Final = 60
_why: list[Any] = [validate.Length(1, REASON_CHARACTERS_MAX), readable]


class DeskQuery(Schema):
    """Which entries of a mission the page shows."""

    state = fields.String(validate=validate.OneOf(STATES))
    before = fields.UUID()

    @post_load
    def _filter(self, data: dict[str, Any], **_: Any) -> DeskFilter:
        return DeskFilter(**data)


class RowsQuery(Schema):
    """Which rows a page asks for that is open already."""

    after = fields.Integer(load_default=0, validate=validate.Range(0, 2**53))


class DecisionForm(Schema):
    """One decision on one entry."""

    decision = fields.Enum(Decision, by_value=True, required=True)
    version = fields.Integer(required=True, validate=validate.Range(1))
    reason = fields.String(validate=_why)
    text = fields.String(validate=[validate.Length(1, TEXT_CHARACTERS_MAX), readable])
    photo = fields.UUID()

    @post_load
    def _command(self, data: dict[str, Any], **_: Any) -> Decide:
        photo = data.pop("photo", None)
        return Decide(**data, photos=(photo,) if photo else ())


class _Rules(Schema):
    delay_minutes = fields.Integer(validate=validate.Range(0, DELAY_SECONDS_MAX // _MINUTE))
    round_seconds = fields.Integer(validate=validate.OneOf(ROUND_SECONDS))
    place = fields.Enum(Place, by_value=True)
    cell_m = fields.Integer(validate=validate.Range(CELL_M_MIN, CELL_M_MAX))
    mask_staff = fields.Boolean(load_default=False)
    automatic = fields.Boolean(load_default=False)


def _rules(data: dict[str, Any]) -> ReleaseRules:
    missing = [name for name in ("delay_minutes", "round_seconds", "place") if name not in data]
    if missing:
        raise ValidationError({name: ["a value is needed"] for name in missing})
    return ReleaseRules(delay_seconds=data.pop("delay_minutes") * _MINUTE, **data)


class RulesForm(_Rules):
    """A new version of the rules."""

    version = fields.Integer(required=True, validate=validate.Range(0))
    reason = fields.String(required=True, validate=_why)
    mission = fields.UUID()

    @post_load
    def _command(self, data: dict[str, Any], **_: Any) -> SetRules:
        version, reason = data.pop("version"), data.pop("reason")
        data.pop("mission", None)
        return SetRules(version=version, reason=reason, rules=_rules(data))


@dataclass(frozen=True, slots=True)
class Trial:
    """Rules to try on a mission; none of both while the page is only looked at."""

    mission_id: uuid.UUID | None = None
    rules: ReleaseRules | None = None


class RulesQuery(_Rules):
    """The same form, sent only to see what observers would get."""

    version = fields.Integer()
    reason = fields.String()
    mission = fields.UUID()

    @post_load
    def _trial(self, data: dict[str, Any], **_: Any) -> Trial:
        mission = data.pop("mission", None)
        data.pop("version", None)
        data.pop("reason", None)
        return Trial(mission, _rules(data) if "delay_minutes" in data else None)
