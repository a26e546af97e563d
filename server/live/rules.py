"""A court's rules of release: reading what is in force, and setting a new version."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from server.audit import service as audit
from server.audit.events import EventKind
from server.audit.service import Subject
from server.core.context import Context
from server.core.transactions import take_turns
from server.live.commands import SetRules
from server.live.models import ReleaseRulesRow
from server.live.redaction import DEFAULT_RULES, Place, ReleaseRules

_FIELDS = ("delay_seconds", "round_seconds", "place", "cell_m", "mask_staff", "automatic")


def in_force(session: Session, court_id: uuid.UUID) -> ReleaseRules:
    """The newest version of a court's rules, or the defaults."""
    newest = _versions(court_id).limit(1)
    row = session.execute(newest).scalar_one_or_none()
    return DEFAULT_RULES if row is None else as_rules(row)


def history(ctx: Context) -> Sequence[ReleaseRulesRow]:
    """Every version of the caller's court, newest first."""
    return ctx.session.execute(_versions(ctx.actor.court_id)).scalars().all()


def set_rules(ctx: Context, command: SetRules) -> ReleaseRulesRow:
    """Put a new version in force; entries that wait keep the delay they were given."""
    court_id = ctx.actor.court_id
    take_turns(ctx.session, f"release-rules:{court_id}")
    before = in_force(ctx.session, court_id)
    command.require_version(before.version)
    row = ReleaseRulesRow(
        court_id=court_id,
        version=before.version + 1,
        author_id=ctx.actor.user(),
        reason=command.reason,
        created_at=ctx.clock.now(),
        **{name: getattr(command.rules, name) for name in _FIELDS},
    )
    ctx.session.add(row)
    audit.record(
        ctx,
        EventKind.RELEASE_RULES_CHANGED,
        Subject("court", court_id),
        {
            "version": row.version,
            "from": _facts(before),
            "to": _facts(command.rules),
            "reason": command.reason,
        },
    )
    return row


def as_rules(row: ReleaseRulesRow) -> ReleaseRules:
    """A stored version as the pure rules take it."""
    values = {name: getattr(row, name) for name in _FIELDS}
    return ReleaseRules(version=row.version, **{**values, "place": Place(row.place)})


def _versions(court_id: uuid.UUID) -> sa.Select[ReleaseRulesRow]:
    return (
        sa.select(ReleaseRulesRow)
        .where(ReleaseRulesRow.court_id == court_id)
        .order_by(ReleaseRulesRow.version.desc())
    )


def _facts(rules: ReleaseRules) -> dict[str, Any]:
    return {name: getattr(rules, name) for name in _FIELDS} | {"place": rules.place.value}
