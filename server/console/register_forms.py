"""Query strings and the form of the register's pages."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from marshmallow import Schema, fields, post_load, validate

from client_sdk.protocol.entries import LINE_CHARS, LIST_MAX, TEXT_CHARS, kinds
from server.console.cases_forms import PAGE_ROWS, LocalTime
from server.console.register_fields import controls
from server.core.paging import LIMIT_MAX
from server.core.texts import readable_line
from server.register.commands import ActionFilter, ActionState, EntryFilter

_KIND: Final = validate.OneOf(sorted(kinds()))
_TEXT: Final = validate.Length(max=TEXT_CHARS)
_CHOSEN: Final = validate.Length(max=LIST_MAX)


@dataclass(frozen=True, slots=True)
class Asked:
    """A form of an entry as its address asks for it."""

    kind: str | None = None
    action_id: UUID | None = None
    amends_id: UUID | None = None
    begins_at: datetime | None = None
    ends_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Filled:
    """A form that was sent: what it is about, and the texts of its controls."""

    kind: str
    texts: dict[str, Any]
    action_id: UUID | None = None
    mission_id: UUID | None = None
    amends_id: UUID | None = None
    more: str | None = None


class RegisterQuery(Schema):
    """Filters of a case's register; what was amended is left out unless it is asked for."""

    kind = fields.String(validate=_KIND)
    action_id = fields.UUID(data_key="action")
    amended = fields.Boolean(load_default=False)
    cursor = fields.String(validate=validate.Length(1, 500))
    limit = fields.Integer(load_default=PAGE_ROWS, validate=validate.Range(1, LIMIT_MAX))

    @post_load
    def _filter(self, data: dict[str, Any], **_: Any) -> EntryFilter:
        return EntryFilter(current=not data.pop("amended"), **data)


class EntryFormQuery(Schema):
    """What is to be written down, and the stretch of time that it explains."""

    kind = fields.String(validate=_KIND)
    action_id = fields.UUID(data_key="action")
    amends_id = fields.UUID(data_key="amends")
    begins_at = LocalTime(data_key="from")
    ends_at = LocalTime(data_key="to")

    @post_load
    def _asked(self, data: dict[str, Any], **_: Any) -> Asked:
        return Asked(**data)


class _Entry(Schema):
    kind = fields.String(required=True, validate=_KIND)
    action_id = fields.UUID(data_key="action")
    mission_id = fields.UUID(data_key="mission")
    amends_id = fields.UUID(data_key="amends")
    more = fields.String(validate=validate.OneOf(["people"]))

    @post_load
    def _filled(self, data: dict[str, Any], **_: Any) -> Filled:
        named = {
            name: data.pop(name, None) for name in ("action_id", "mission_id", "amends_id", "more")
        }
        return Filled(data.pop("kind"), data, **named)


def _control(*, several: bool) -> fields.Field[Any]:
    if several:
        return fields.List(fields.String(validate=validate.Length(1, LINE_CHARS)), validate=_CHOSEN)
    return fields.String(validate=_TEXT)


# Its many fields are made of the kinds, not written.
EntryForm: type[Schema] = type(
    "EntryForm",
    (_Entry,),
    {
        **{name: _control(several=several) for name, several in controls().items()},
        "__doc__": "Something to write down, of any kind; which fields it has is the kind's.",
    },
)


class ActionListQuery(Schema):
    """Filters of the list of actions."""

    case_id = fields.UUID(data_key="case")
    mission_id = fields.UUID(data_key="mission")
    type = fields.String(validate=[validate.Length(1, 64), readable_line])
    state = fields.String(validate=validate.OneOf([state.value for state in ActionState]))
    cursor = fields.String(validate=validate.Length(1, 500))
    limit = fields.Integer(load_default=PAGE_ROWS, validate=validate.Range(1, LIMIT_MAX))

    @post_load
    def _filter(self, data: dict[str, Any], **_: Any) -> ActionFilter:
        return ActionFilter(**data)
