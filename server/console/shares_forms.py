"""Forms of shares: the staff's and the outsider's."""

from __future__ import annotations

from typing import Any, Final

from marshmallow import Schema, fields, post_load, validate

from server.console.admin_forms import line
from server.shares.commands import (
    DAYS_DEFAULT,
    DAYS_MAX,
    ITEMS_MAX,
    MakeShare,
    Mode,
    OpenShare,
    ShareFilter,
)

_CHARACTERS_MAX: Final = 200


class ShareListQuery(Schema):
    """Filters of the list of shares."""

    case_id = fields.UUID(data_key="case")
    state = fields.String(validate=validate.OneOf(("live", "ended")))
    cursor = fields.String(validate=validate.Length(1, 500))

    @post_load
    def _filter(self, data: dict[str, Any], **_: Any) -> ShareFilter:
        return ShareFilter(**data)


class NewShareQuery(Schema):
    """A case, and items of it that were chosen elsewhere."""

    case_id = fields.UUID(data_key="case")
    items = fields.List(
        fields.UUID(), data_key="item", load_default=list,
        validate=validate.Length(max=ITEMS_MAX),
    )  # fmt: skip


class ShareForm(Schema):
    """What is shared with whom, how and for how long."""

    case_id = fields.UUID(required=True, data_key="case")
    items = fields.List(
        fields.UUID(), data_key="item", required=True, validate=validate.Length(1, ITEMS_MAX)
    )
    originals = fields.List(
        fields.UUID(), data_key="original", load_default=list,
        validate=validate.Length(max=ITEMS_MAX),
    )  # fmt: skip
    recipient = line(_CHARACTERS_MAX, required=True)
    purpose = line(_CHARACTERS_MAX, required=True)
    mode = fields.Enum(Mode, by_value=True, load_default=Mode.VIEW)
    days = fields.Integer(load_default=DAYS_DEFAULT, validate=validate.Range(1, DAYS_MAX))
    openings_max = fields.Integer(validate=validate.Range(1, 100))
    with_code = fields.Boolean(load_default=False)

    @post_load
    def _command(self, data: dict[str, Any], **_: Any) -> MakeShare:
        return MakeShare(
            case_id=data["case_id"],
            evidence_ids=tuple(data["items"]),
            originals=frozenset(data["originals"]) & frozenset(data["items"]),
            recipient=data["recipient"],
            purpose=data["purpose"],
            mode=data["mode"],
            days=data["days"],
            openings_max=data.get("openings_max"),
            with_code=data["with_code"],
        )


class OpenForm(Schema):
    """Agreement to the terms of this version, and the code where one is asked for."""

    terms = fields.String(required=True, validate=validate.Length(1, 20))
    agree = fields.String(validate=validate.Equal("true"))
    code = fields.String(load_default="", validate=validate.Length(max=20))

    @post_load
    def _command(self, data: dict[str, Any], **_: Any) -> tuple[OpenShare, bool]:
        command = OpenShare(code="".join(data["code"].split()), terms=data["terms"])
        return command, "agree" in data


class Nothing(Schema):
    """A form that only has a button."""
