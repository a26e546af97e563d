"""Wire forms of shares; outputs are allow-lists without token, code and cookie."""

from __future__ import annotations

from typing import Any

from marshmallow import Schema, fields, post_load, validate

from server.core.paging import LIMIT_DEFAULT, LIMIT_MAX
from server.core.texts import readable_line
from server.shares.commands import DAYS_DEFAULT, DAYS_MAX, ITEMS_MAX, MakeShare, Mode, ShareFilter

TEXT_CHARACTERS_MAX = 200
OPENINGS_MAX = 100


class ShareBody(Schema):
    """A new share; ``originals`` names items whose original goes out despite a redacted copy."""

    case_id = fields.UUID(required=True)
    evidence_ids = fields.List(fields.UUID(), required=True, validate=validate.Length(1, ITEMS_MAX))
    originals = fields.List(
        fields.UUID(), load_default=list, validate=validate.Length(max=ITEMS_MAX)
    )
    recipient = fields.String(
        required=True, validate=[validate.Length(1, TEXT_CHARACTERS_MAX), readable_line]
    )
    purpose = fields.String(
        required=True, validate=[validate.Length(1, TEXT_CHARACTERS_MAX), readable_line]
    )
    mode = fields.Enum(Mode, by_value=True, load_default=Mode.VIEW)
    days = fields.Integer(load_default=DAYS_DEFAULT, validate=validate.Range(1, DAYS_MAX))
    openings_max = fields.Integer(validate=validate.Range(1, OPENINGS_MAX), allow_none=True)
    with_code = fields.Boolean(load_default=True)

    @post_load
    def _command(self, data: dict[str, Any], **_: Any) -> MakeShare:
        return MakeShare(
            **{
                **data,
                "evidence_ids": tuple(data["evidence_ids"]),
                "originals": frozenset(data["originals"]),
            }
        )


class ShareQuery(Schema):
    """A page of shares."""

    case_id = fields.UUID()
    state = fields.String(validate=validate.OneOf(("live", "ended")))
    cursor = fields.String(validate=validate.Length(1, 500))
    limit = fields.Integer(load_default=LIMIT_DEFAULT, validate=validate.Range(1, LIMIT_MAX))

    @post_load
    def _filter(self, data: dict[str, Any], **_: Any) -> ShareFilter:
        return ShareFilter(**data)


class ShareOut(Schema):
    """A share, as those who lead see it."""

    id = fields.UUID()
    case_id = fields.UUID()
    recipient = fields.String()
    purpose = fields.String()
    mode = fields.String()
    terms = fields.String()
    openings = fields.Integer()
    openings_max = fields.Integer(allow_none=True)
    code_failures = fields.Integer()
    expires_at = fields.AwareDateTime(format="iso")
    created_by = fields.UUID()
    created_at = fields.AwareDateTime(format="iso")
    revoked_by = fields.UUID(allow_none=True)
    revoked_at = fields.AwareDateTime(format="iso", allow_none=True)


class ShareMadeOut(Schema):
    """A share with its link and code, shown this once; tell the code by another channel."""

    share = fields.Nested(ShareOut)
    link = fields.String(allow_none=True)
    code = fields.String(allow_none=True)


class ShareItemOut(Schema):
    """One item of a share."""

    evidence_id = fields.UUID()
    redaction_id = fields.UUID(allow_none=True)


class ReadingOut(Schema):
    """What an opening looked at or took; ``times`` counts events, not requests."""

    evidence_id = fields.UUID()
    kind = fields.String()
    first_at = fields.AwareDateTime(format="iso")
    last_at = fields.AwareDateTime(attribute="recorded_at", format="iso")
    times = fields.Integer()


class OpeningOut(Schema):
    """One browser that opened a share."""

    id = fields.UUID()
    address = fields.String(allow_none=True)
    opened_at = fields.AwareDateTime(format="iso")
    terms = fields.String()
    readings = fields.List(fields.Nested(ReadingOut))


class ShareDetail(Schema):
    """A share with its items and openings."""

    share = fields.Nested(ShareOut)
    items = fields.List(fields.Nested(ShareItemOut))
    openings = fields.List(fields.Nested(OpeningOut))
