"""Wire forms of notices and webhooks; outputs are allow-lists."""

from __future__ import annotations

from typing import Any

from marshmallow import Schema, fields, post_load, validate

from server.core.paging import LIMIT_DEFAULT, LIMIT_MAX
from server.core.texts import readable_line
from server.notices.commands import (
    AddWebhook,
    ChangeWebhook,
    DeliveryFilter,
    NoticeFilter,
    Preferences,
    ReadNotices,
)
from server.notices.topics import Topic
from server.notices.webhook_kinds import KINDS

IDS_MAX = 500
_TOPICS = [topic.value for topic in Topic]


class NoticeQuery(Schema):
    """A page of one's own notices."""

    unread = fields.Boolean()
    topic = fields.String(validate=validate.OneOf(_TOPICS))
    cursor = fields.String(validate=validate.Length(1, 500))
    limit = fields.Integer(load_default=LIMIT_DEFAULT, validate=validate.Range(1, LIMIT_MAX))

    @post_load
    def _filter(self, data: dict[str, Any], **_: Any) -> NoticeFilter:
        return NoticeFilter(**data)


class ReadBody(Schema):
    """Notices that were seen; without ids all of them."""

    ids = fields.List(fields.UUID(), validate=validate.Length(1, IDS_MAX))

    @post_load
    def _command(self, data: dict[str, Any], **_: Any) -> ReadNotices:
        return ReadNotices(ids=tuple(data.get("ids", ())))


class NoticeOut(Schema):
    """One notice; a digest stands for ``count`` alike."""

    id = fields.UUID()
    topic = fields.String()
    subject_type = fields.String()
    subject_id = fields.String()
    link = fields.String()
    facts = fields.Dict()
    count = fields.Integer()
    created_at = fields.AwareDateTime(format="iso")
    read_at = fields.AwareDateTime(format="iso", allow_none=True)


class PreferencesBody(Schema):
    """What one wants to be told; also the answer."""

    muted = fields.List(
        fields.String(validate=validate.OneOf(_TOPICS)),
        load_default=list, validate=validate.Length(max=len(_TOPICS)),
    )  # fmt: skip
    digest = fields.Boolean(load_default=True)

    @post_load
    def _command(self, data: dict[str, Any], **_: Any) -> Preferences:
        return Preferences(muted=tuple(data["muted"]), digest=data["digest"])


def _kinds(*, required: bool) -> fields.List[Any]:
    return fields.List(
        fields.String(validate=validate.OneOf(KINDS)),
        required=required, validate=validate.Length(1, len(KINDS)),
    )  # fmt: skip


class WebhookBody(Schema):
    """A new subscription."""

    name = fields.String(required=True, validate=[validate.Length(1, 100), readable_line])
    url = fields.String(required=True, validate=[validate.Length(1, 2000), readable_line])
    kinds = _kinds(required=True)

    @post_load
    def _command(self, data: dict[str, Any], **_: Any) -> AddWebhook:
        return AddWebhook(**{**data, "kinds": tuple(data["kinds"])})


class WebhookChange(Schema):
    """Changes of a subscription; ``ended`` is final."""

    name = fields.String(validate=[validate.Length(1, 100), readable_line])
    url = fields.String(validate=[validate.Length(1, 2000), readable_line])
    kinds = _kinds(required=False)
    state = fields.String(validate=validate.OneOf(("active", "paused", "ended")))

    @post_load
    def _command(self, data: dict[str, Any], **_: Any) -> ChangeWebhook:
        if "kinds" in data:
            data = {**data, "kinds": tuple(data["kinds"])}
        return ChangeWebhook(**data)


class WebhookOut(Schema):
    """A subscription, without its secret."""

    id = fields.UUID()
    name = fields.String()
    url = fields.String()
    kinds = fields.List(fields.String())
    state = fields.String()
    state_reason = fields.String(allow_none=True)
    created_at = fields.AwareDateTime(format="iso")
    failing_since = fields.AwareDateTime(format="iso", allow_none=True)
    version = fields.Integer()


class WebhookWithSecret(Schema):
    """A subscription and its secret, shown this once."""

    webhook = fields.Nested(WebhookOut)
    secret = fields.String()


class DeliveryQuery(Schema):
    """A page of deliveries."""

    cursor = fields.String(validate=validate.Length(1, 500))
    limit = fields.Integer(load_default=LIMIT_DEFAULT, validate=validate.Range(1, LIMIT_MAX))

    @post_load
    def _filter(self, data: dict[str, Any], **_: Any) -> DeliveryFilter:
        return DeliveryFilter(**data)


class AttemptOut(Schema):
    """How one attempt went."""

    at = fields.AwareDateTime(format="iso")
    duration_ms = fields.Integer()
    status = fields.Integer(allow_none=True)
    problem = fields.String(allow_none=True)


class DeliveryOut(Schema):
    """One message and its attempts."""

    id = fields.UUID()
    webhook_id = fields.UUID()
    kind = fields.String()
    body = fields.String()
    state = fields.String()
    tries = fields.Integer()
    next_at = fields.AwareDateTime(format="iso")
    created_at = fields.AwareDateTime(format="iso")
    finished_at = fields.AwareDateTime(format="iso", allow_none=True)
    attempts = fields.List(fields.Nested(AttemptOut), dump_default=list)
