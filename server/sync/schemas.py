"""What goes over the wire in sync."""

from __future__ import annotations

from typing import Any

from marshmallow import Schema, fields, post_load, validate

from client_sdk.protocol.records import GENESIS
from server.core.paging import LIMIT_DEFAULT, LIMIT_MAX
from server.core.texts import readable_line
from server.sync.commands import (
    OBJECTS_MAX,
    PULL_LIMIT_DEFAULT,
    AskTicket,
    HeldQuery,
    Missing,
    PullQuery,
    Push,
    ReadClock,
    ReleaseHeld,
    TakeBundle,
    Wanted,
)

_SHA256 = validate.Regexp(r"[0-9a-f]{64}\Z")
_BIG = 2**53 - 1
_MS_DIGITS = r"(0|[1-9][0-9]{0,15})\Z"
_CURSOR = validate.Length(1, 500)


class PlainSchema(Schema):
    """An answer that the service has built by allow-list already: dumped as it is.

    The fields document the form.  Walking hundreds of outcomes field by field would cost a push
    as much as verifying a tenth of its signatures.
    """

    def dump(self, obj: Any, *, many: bool | None = None) -> Any:  # noqa: ARG002  as declared above
        """The object itself."""
        return obj


class PushBody(Schema):
    """Records of the calling device, in any order."""

    records = fields.List(
        fields.Raw(allow_none=True, metadata={"description": "{h, p, salt, sig}"}),
        required=True,
        validate=validate.Length(min=1),
    )

    @post_load
    def _command(self, values: dict[str, Any], **_: object) -> Push:
        return Push(values["records"])


class FindingOut(Schema):
    """Something people should know about a record."""

    code = fields.String()
    detail = fields.String()


class OutcomeOut(Schema):
    """What became of one record; ``seq`` and ``ep`` are null when they could not be read."""

    seq = fields.Integer(allow_none=True)
    ep = fields.Integer(allow_none=True)
    hid = fields.String(allow_none=True)
    outcome = fields.String(
        validate=validate.OneOf(["accepted", "duplicate", "held", "conflict", "rejected"])
    )
    problem = fields.Dict()
    findings = fields.List(fields.Nested(FindingOut))


class HeadOut(Schema):
    """Last record of the device's chain that the log has."""

    ep = fields.Integer()
    seq = fields.Integer()
    hid = fields.String()


class PushOut(PlainSchema):
    """One outcome per record, in the order of the request."""

    results = fields.List(fields.Nested(OutcomeOut))
    head = fields.Nested(HeadOut)


class PullQueryIn(Schema):
    """Query string of a pull; without a cursor a snapshot begins."""

    cursor = fields.String(validate=_CURSOR)
    limit = fields.Integer(load_default=PULL_LIMIT_DEFAULT, validate=validate.Range(1, LIMIT_MAX))

    @post_load
    def _query(self, values: dict[str, Any], **_: object) -> PullQuery:
        return PullQuery(**values)


class ReceiptsQueryIn(Schema):
    """Query string of a fetch of receipts."""

    since = fields.String(attribute="cursor", validate=_CURSOR)
    limit = fields.Integer(load_default=PULL_LIMIT_DEFAULT, validate=validate.Range(1, LIMIT_MAX))

    @post_load
    def _query(self, values: dict[str, Any], **_: object) -> PullQuery:
        return PullQuery(**values)


class ChangeOut(Schema):
    """Present state of one thing, or that it no longer concerns the caller."""

    kind = fields.String()
    op = fields.String(validate=validate.OneOf(["put", "drop"]))
    id = fields.String()
    data = fields.Dict(allow_none=True)


class PullOut(PlainSchema):
    """A page of changes."""

    changes = fields.List(fields.Nested(ChangeOut))
    cursor = fields.String()
    has_more = fields.Boolean()


class StatementOut(Schema):
    """Canonical text, base64url signature by the server's event key, and the key's id."""

    s = fields.String()
    sig = fields.String()
    k = fields.String()


class ReceiptsOut(PlainSchema):
    """A page of receipts."""

    receipts = fields.List(fields.Nested(StatementOut))
    cursor = fields.String()
    has_more = fields.Boolean()


class WantedIn(Schema):
    """An object that the device holds."""

    sha256 = fields.String(required=True, validate=_SHA256)
    size_bytes = fields.Integer(required=True, strict=True, validate=validate.Range(0, _BIG))

    @post_load
    def _command(self, values: dict[str, Any], **_: object) -> Wanted:
        return Wanted(**values)


class MissingBody(Schema):
    """Objects to ask about."""

    objects = fields.List(
        fields.Nested(WantedIn), required=True, validate=validate.Length(1, OBJECTS_MAX)
    )

    @post_load
    def _command(self, values: dict[str, Any], **_: object) -> Missing:
        return Missing(**values)


class PossessionOut(Schema):
    """Whether this device has sent an object: wholly, up to ``offset``, or not at all."""

    sha256 = fields.String()
    state = fields.String(validate=validate.OneOf(["present", "partial", "needed"]))
    offset = fields.Integer()
    upload_url = fields.String()


class MissingOut(PlainSchema):
    """One answer per object, in the order of the request."""

    objects = fields.List(fields.Nested(PossessionOut))


class ClockBody(Schema):
    """First timestamp of an exchange."""

    t1 = fields.String(required=True, validate=validate.Regexp(_MS_DIGITS))

    @post_load
    def _command(self, values: dict[str, Any], **_: object) -> ReadClock:
        return ReadClock(int(values["t1"]))


class TicketBody(Schema):
    """The mission, and where the device's chain stands."""

    mission_id = fields.UUID(required=True)
    ep = fields.Integer(required=True, strict=True, validate=validate.Range(1, 2**31 - 1))
    seq = fields.Integer(required=True, strict=True, validate=validate.Range(0, _BIG))
    head = fields.String(load_default=GENESIS, validate=_SHA256)

    @post_load
    def _command(self, values: dict[str, Any], **_: object) -> AskTicket:
        return AskTicket(**values)


class HeldQueryIn(Schema):
    """Query string of the board of held records."""

    cursor = fields.String(validate=_CURSOR)
    limit = fields.Integer(load_default=LIMIT_DEFAULT, validate=validate.Range(1, LIMIT_MAX))

    @post_load
    def _query(self, values: dict[str, Any], **_: object) -> HeldQuery:
        return HeldQuery(**values)


class HeldOut(Schema):
    """A signed record that waits for its predecessor."""

    device_id = fields.UUID()
    ep = fields.Integer()
    seq = fields.Integer()
    hid = fields.String()
    rx = fields.String()
    held_since = fields.AwareDateTime(format="iso")
    missing_from = fields.Integer()
    enters_at = fields.AwareDateTime(format="iso")


class ReleaseBody(Schema):
    """Why a record enters the log although its predecessor is missing."""

    reason = fields.String(required=True, validate=validate.Length(1, 500))

    @post_load
    def _command(self, values: dict[str, Any], **_: object) -> ReleaseHeld:
        return ReleaseHeld(**values)


class ReleasedOut(Schema):
    """What a release let into the log."""

    records = fields.Integer()
    head = fields.Nested(HeadOut)


class BundleBody(Schema):
    """Body of the entry of a bundle: the digest of the upload."""

    sha256 = fields.String(required=True, validate=[validate.Length(1, 64), readable_line])

    @post_load
    def _command(self, values: dict[str, Any], **_: object) -> TakeBundle:
        return TakeBundle(**values)


class BundleOut(Schema):
    """What became of a bundle: how many records and objects by outcome, the device's head."""

    device_id = fields.UUID()
    records = fields.Dict(keys=fields.String(), values=fields.Integer())
    objects = fields.Dict(keys=fields.String(), values=fields.Integer())
    head = fields.Nested(HeadOut)
