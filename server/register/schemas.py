"""What goes over the wire about the register."""

from __future__ import annotations

from typing import Any

from marshmallow import Schema, fields, post_load, validate

from client_sdk.protocol.entries import Label, kinds
from client_sdk.protocol.ids import short_code
from server.core.paging import LIMIT_DEFAULT, LIMIT_MAX
from server.register.commands import ActionFilter, ActionState, EntryFilter, WriteEntry
from server.register.folding import UNKNOWN_TYPE

_KIND = validate.OneOf(sorted(kinds()))
_ACTION_TYPES = {*kinds()["action.started"].fields["type"].options, UNKNOWN_TYPE}


class WriteEntrySchema(Schema):
    """Something to write down; its fields are those of the kind, see ``GET /entry-kinds``."""

    kind = fields.String(required=True, validate=_KIND)
    data = fields.Dict(keys=fields.String(), required=True)
    action_id = fields.UUID()
    mission_id = fields.UUID()
    amends_id = fields.UUID()

    @post_load
    def _command(self, values: dict[str, Any], **_: object) -> WriteEntry:
        return WriteEntry(**values)


class EntryQuery(Schema):
    """Query string of a case's entries; ``current`` leaves out what was amended."""

    kind = fields.String(validate=_KIND)
    action_id = fields.UUID()
    current = fields.Boolean(load_default=False)
    cursor = fields.String(validate=validate.Length(1, 500))
    limit = fields.Integer(load_default=LIMIT_DEFAULT, validate=validate.Range(1, LIMIT_MAX))

    @post_load
    def _filter(self, values: dict[str, Any], **_: object) -> EntryFilter:
        return EntryFilter(**values)


class ActionQuery(Schema):
    """Query string of the list of actions."""

    case_id = fields.UUID()
    mission_id = fields.UUID()
    type = fields.String(validate=validate.OneOf(sorted(_ACTION_TYPES)))
    state = fields.String(validate=validate.OneOf([state.value for state in ActionState]))
    cursor = fields.String(validate=validate.Length(1, 500))
    limit = fields.Integer(load_default=LIMIT_DEFAULT, validate=validate.Range(1, LIMIT_MAX))

    @post_load
    def _filter(self, values: dict[str, Any], **_: object) -> ActionFilter:
        return ActionFilter(**values)


class EntryOut(Schema):
    """One entry."""

    id = fields.UUID()
    code = fields.Function(lambda entry: short_code(entry.id))
    case_id = fields.UUID()
    action_id = fields.UUID(allow_none=True)
    kind = fields.String()
    data = fields.Raw()
    happened_at = fields.AwareDateTime(format="iso")
    error_ms = fields.Integer(allow_none=True)
    clock_class = fields.String(allow_none=True)
    amends_id = fields.UUID(allow_none=True)
    written_by = fields.UUID(allow_none=True)
    device_id = fields.UUID(allow_none=True)
    record_hid = fields.String(allow_none=True)
    created_at = fields.AwareDateTime(format="iso")


class ActionOut(Schema):
    """One action."""

    id = fields.UUID()
    code = fields.Function(lambda action: short_code(action.id))
    case_id = fields.UUID()
    mission_id = fields.UUID(allow_none=True)
    type = fields.String()
    state = fields.String()
    place = fields.String(allow_none=True)
    planned_at = fields.AwareDateTime(format="iso", allow_none=True)
    begins_at = fields.AwareDateTime(format="iso", allow_none=True)
    ends_at = fields.AwareDateTime(format="iso", allow_none=True)
    created_at = fields.AwareDateTime(format="iso")


class LabelOut(Schema):
    """A name in both languages."""

    zh = fields.String()
    en = fields.String()


class OptionOut(Schema):
    """Something that may be chosen."""

    value = fields.String()
    label = fields.Nested(LabelOut)


class FieldOut(Schema):
    """One field of a kind."""

    name = fields.String()
    type = fields.String()
    required = fields.Boolean()
    label = fields.Nested(LabelOut)
    options = fields.Function(lambda field: _options(field.options))


class EntryKindOut(Schema):
    """One kind of entry."""

    id = fields.String()
    label = fields.Nested(LabelOut)
    about = fields.String()
    in_field = fields.Boolean()
    gate = fields.String(allow_none=True)
    roles = fields.Function(lambda kind: sorted(kind.roles))
    fields_ = fields.Function(lambda kind: _fields(kind.fields), data_key="fields")


class EntryKindsOut(Schema):
    """Every kind."""

    kinds = fields.List(fields.Nested(EntryKindOut))


def _options(options: dict[str, Label]) -> list[dict[str, Any]]:
    return [
        {"value": value, "label": {"zh": name.zh, "en": name.en}} for value, name in options.items()
    ]


def _fields(given: dict[str, Any]) -> Any:
    return FieldOut(many=True).dump(list(given.values()))
