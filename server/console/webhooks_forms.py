"""Forms of webhooks."""

from __future__ import annotations

from typing import Any, Final

from marshmallow import Schema, fields, post_load, validate

from server.console.admin_forms import line
from server.notices.commands import AddWebhook, ChangeWebhook, DeliveryFilter
from server.notices.webhook_kinds import KINDS

_NAME_MAX: Final = 100
_URL_MAX: Final = 2000


class WebhookForm(Schema):
    """A new subscription."""

    name = line(_NAME_MAX, required=True)
    url = line(_URL_MAX, required=True)
    kinds = fields.List(
        fields.String(validate=validate.OneOf(KINDS)), data_key="kind", required=True,
        validate=validate.Length(1, len(KINDS)),
    )  # fmt: skip

    @post_load
    def _command(self, data: dict[str, Any], **_: Any) -> AddWebhook:
        return AddWebhook(name=data["name"], url=data["url"], kinds=tuple(data["kinds"]))


class WebhookChangeForm(Schema):
    """Changes of the subscription that was shown with this version."""

    version = fields.Integer(required=True)
    name = line(_NAME_MAX)
    url = line(_URL_MAX)
    kinds = fields.List(
        fields.String(validate=validate.OneOf(KINDS)), data_key="kind",
        validate=validate.Length(1, len(KINDS)),
    )  # fmt: skip
    state = fields.String(validate=validate.OneOf(("active", "paused", "ended")))

    @post_load
    def _command(self, data: dict[str, Any], **_: Any) -> tuple[int, ChangeWebhook]:
        kinds = tuple(data["kinds"]) if "kinds" in data else None
        command = ChangeWebhook(
            name=data.get("name"), url=data.get("url"), kinds=kinds, state=data.get("state")
        )
        return data["version"], command


class DeliveryListQuery(Schema):
    """A page of deliveries."""

    cursor = fields.String(validate=validate.Length(1, 500))

    @post_load
    def _filter(self, data: dict[str, Any], **_: Any) -> DeliveryFilter:
        return DeliveryFilter(limit=25, **data)


class Nothing(Schema):
    """A form that only has a button."""
