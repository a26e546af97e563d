"""Forms of the inbox."""

from __future__ import annotations

from typing import Any, Final

from marshmallow import Schema, fields, post_load, validate

from server.notices.commands import NoticeFilter, Preferences, ReadNotices
from server.notices.topics import OBLIGATORY, Topic

CHOICES: Final = tuple(topic for topic in Topic if topic not in OBLIGATORY)
_ROWS: Final = 25


class InboxQuery(Schema):
    """Which notices."""

    show = fields.String(validate=validate.OneOf(("all", "unread")), load_default="unread")
    cursor = fields.String(validate=validate.Length(1, 500))

    @post_load
    def _filter(self, data: dict[str, Any], **_: Any) -> NoticeFilter:
        return NoticeFilter(unread=data["show"] == "unread", cursor=data.get("cursor"), limit=_ROWS)


class ReadForm(Schema):
    """Notices that were seen; without any, all of them."""

    ids = fields.List(fields.UUID(), data_key="id", load_default=list)

    @post_load
    def _command(self, data: dict[str, Any], **_: Any) -> ReadNotices:
        return ReadNotices(ids=tuple(data["ids"]))


class PreferencesForm(Schema):
    """Topics that are wanted, and whether alike ones are put together."""

    wanted = fields.List(
        fields.String(validate=validate.OneOf([topic.value for topic in CHOICES])),
        data_key="topic", load_default=list,
    )  # fmt: skip
    digest = fields.Boolean(load_default=False)

    @post_load
    def _command(self, data: dict[str, Any], **_: Any) -> Preferences:
        muted = tuple(topic.value for topic in CHOICES if topic.value not in data["wanted"])
        return Preferences(muted=muted, digest=data["digest"])
