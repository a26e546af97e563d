"""The search of the log as people write it: one query string for page, CSV and JSON."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from dataclasses import fields as members
from datetime import datetime
from typing import Any, Final

from marshmallow import Schema, fields, post_load, validate

from client_sdk.protocol.payloads import RecordKind
from server.audit.events import EventKind
from server.console.admin_forms import LocalMoment, line
from server.core.paging import LIMIT_MAX

KINDS: Final = tuple(sorted({one.value for one in (*EventKind, *RecordKind)}))
GROUPS: Final = tuple(sorted({one.partition(".")[0] for one in KINDS}))
LIMIT: Final = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditAsk:
    """What a person typed; times are wall times of the court's zone."""

    kind: tuple[str, ...] = ()
    group: str | None = None
    actor: uuid.UUID | None = None
    device: uuid.UUID | None = None
    subject: str | None = None
    case: str | None = None
    mission: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    bom: bool = True
    cursor: str | None = None
    limit: int = LIMIT

    @property
    def kinds(self) -> tuple[str, ...]:
        """The kinds asked for by name or by group; none for all."""
        of_group = [one for one in KINDS if one.partition(".")[0] == self.group]
        return tuple(dict.fromkeys([*self.kind, *of_group]))

    def as_facts(self) -> dict[str, Any]:
        """What the log keeps of the search: everything that narrows it."""
        left_out = {"bom", "cursor", "limit", "kind"}
        found: dict[str, Any] = {"kinds": list(self.kind)} if self.kind else {}
        for member in members(self):
            value = getattr(self, member.name)
            if member.name not in left_out and value is not None:
                found[member.name] = str(value)
        return found


class AuditQuery(Schema):
    """Query string of the search."""

    kind = fields.List(fields.String(validate=validate.OneOf(KINDS)))
    group = fields.String(validate=validate.OneOf(GROUPS))
    actor = fields.UUID()
    device = fields.UUID()
    subject = line(64)
    case = line(64)
    mission = line(64)
    since = LocalMoment(data_key="from")
    until = LocalMoment(data_key="to")
    bom = fields.Boolean(load_default=True)
    cursor = fields.String(validate=validate.Length(1, 500))
    limit = fields.Integer(load_default=LIMIT, validate=validate.Range(1, LIMIT_MAX))

    @post_load
    def _ask(self, data: dict[str, Any], **_: Any) -> AuditAsk:
        return AuditAsk(**{**data, "kind": tuple(data.get("kind", ()))})
