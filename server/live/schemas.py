"""Wire forms of live operation: for staff only; guests have pages of their own."""

from __future__ import annotations

from typing import Any, Final

from marshmallow import Schema, fields, post_load, validate

from client_sdk.protocol.ids import short_code
from server.core.texts import readable
from server.live.commands import ENTRIES_MAX, Decide, Decision, EntryFilter, SetRules
from server.live.redaction import CELL_M_MIN, DELAY_SECONDS_MAX, Place, ReleaseRules

REASON_CHARACTERS_MAX: Final = 500
TEXT_CHARACTERS_MAX: Final = 2000
PHOTOS_MAX: Final = 12
CELL_M_MAX: Final = 10_000
ROUND_SECONDS: Final = (60, 300, 600, 900, 1800, 3600)
_POSITION_MAX: Final = 2**53
_why: list[Any] = [validate.Length(1, REASON_CHARACTERS_MAX), readable]


class EntriesQuery(Schema):
    """Query string of a mission's entries."""

    after = fields.Integer(load_default=0, validate=validate.Range(0, _POSITION_MAX))
    limit = fields.Integer(load_default=ENTRIES_MAX, validate=validate.Range(1, ENTRIES_MAX))

    @post_load
    def _filter(self, data: dict[str, Any], **_: Any) -> EntryFilter:
        return EntryFilter(**data)


class DecideBody(Schema):
    """A decision on an entry; ``version`` of the entry that was looked at refuses a late one."""

    decision = fields.Enum(Decision, by_value=True, required=True)
    version = fields.Integer(validate=validate.Range(1))
    reason = fields.String(validate=_why, allow_none=True)
    text = fields.String(
        validate=[validate.Length(1, TEXT_CHARACTERS_MAX), readable], allow_none=True
    )
    photos = fields.List(fields.UUID(), validate=validate.Length(0, PHOTOS_MAX))

    @post_load
    def _command(self, data: dict[str, Any], **_: Any) -> Decide:
        return Decide(**{**data, "photos": tuple(data.get("photos", ()))})


class RulesBody(Schema):
    """A new version of the rules; ``version`` is the one that was read."""

    version = fields.Integer(required=True, validate=validate.Range(0))
    reason = fields.String(required=True, validate=_why)
    delay_seconds = fields.Integer(required=True, validate=validate.Range(0, DELAY_SECONDS_MAX))
    round_seconds = fields.Integer(required=True, validate=validate.OneOf(ROUND_SECONDS))
    place = fields.Enum(Place, by_value=True, required=True)
    cell_m = fields.Integer(
        load_default=CELL_M_MIN, validate=validate.Range(CELL_M_MIN, CELL_M_MAX)
    )
    mask_staff = fields.Boolean(required=True)
    automatic = fields.Boolean(required=True)

    @post_load
    def _command(self, data: dict[str, Any], **_: Any) -> SetRules:
        version, reason = data.pop("version"), data.pop("reason")
        return SetRules(version=version, reason=reason, rules=ReleaseRules(**data))


class RulesOut(Schema):
    """The rules in force; version 0 are the defaults."""

    version = fields.Integer()
    delay_seconds = fields.Integer()
    round_seconds = fields.Integer()
    place = fields.Enum(Place, by_value=True)
    cell_m = fields.Integer()
    mask_staff = fields.Boolean()
    automatic = fields.Boolean()


class LiveMissionOut(Schema):
    """A mission under way or recent, with what waits at its desk."""

    id = fields.UUID(attribute="mission.id")
    code = fields.Function(lambda one: short_code(one.mission.id))
    title = fields.String(attribute="mission.title")
    state = fields.String(attribute="mission.state")
    starts_at = fields.AwareDateTime(attribute="mission.starts_at", format="iso")
    ends_at = fields.AwareDateTime(attribute="mission.ends_at", format="iso")
    waiting = fields.Integer()
    held = fields.Integer()
    shown = fields.Integer()


class ShownOut(Schema):
    """What observers get of an entry once they are told of it."""

    happened_at = fields.String(allow_none=True)
    place = fields.String(allow_none=True)
    stage = fields.String(allow_none=True)
    text = fields.String(allow_none=True)
    photos = fields.List(fields.String())


class StaffEntryOut(Schema):
    """An entry at the release desk: as recorded, beside what observers will get."""

    entry_id = fields.String()
    turn = fields.Integer(metadata={"description": "grows with every change; id of stream events"})
    version = fields.Integer()
    state = fields.String()
    act = fields.String()
    source = fields.String()
    source_id = fields.String()
    happened_at = fields.String()
    arrived_at = fields.String()
    due_at = fields.String(allow_none=True)
    automatic = fields.Boolean()
    position = fields.Integer(allow_none=True)
    categories = fields.List(fields.String())
    text = fields.String(allow_none=True)
    officer = fields.String(allow_none=True)
    shown = fields.Nested(ShownOut)
    reason = fields.String(allow_none=True)
    allowed = fields.List(fields.String())


class ObserverEntryOut(Schema):
    """An entry as invited observers see it."""

    position = fields.Integer()
    entry_id = fields.String()
    state = fields.String()
    act = fields.String()
    stage = fields.String(allow_none=True)
    happened_at = fields.String(allow_none=True)
    place = fields.String(allow_none=True)
    text = fields.String(allow_none=True)
    photos = fields.List(fields.String())
