"""Seals: what the log remembers of a row, so that a column edited by hand does not go unnoticed.

A row's *digest* is a keyed hash over its covered columns, which only this server can make.  Every
committed change of a row puts ``digest before XOR digest after`` into a signed event of the same
transaction (member ``rows`` of its payload, ``<table>/<key>``); a row that comes or goes counts as
empty before or after.  The XOR of all of a row's entries in the log is therefore the digest of the
row as the server last left it.  A row that was edited in between makes the sum wrong for ever: the
next honest change subtracts the edited state, not the one that the log knows.

Rows that a push writes by the hundred carry their first digest themselves, in a column ``seal``;
whether they are all there follows from the signed records.  A keyed mark follows it: from seal and
log anybody can compute the digest of a row's later states, and must not be able to pass one off as
the first.  Only changes through the unit of work
are seen: a statement that goes around it must leave covered columns alone.
"""

from __future__ import annotations

import hmac
import uuid
from collections.abc import Iterable, Mapping
from functools import cache
from types import MappingProxyType
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.orm import Mapper, SessionTransaction
from sqlalchemy.orm.base import NO_VALUE

from server.core.keyring import KeyRing
from server.core.plain import plain_text

ROWS: Final = "rows"  # member of an event's payload
SEAL: Final = "seal"  # column of a row that carries its first digest itself
_CONTEXT: Final = "tiezheng.row-seal.v1"
_HEX_DIGITS: Final = 32
_MARK_DOMAIN: Final = b"first\0"
_MARK_BYTES: Final = 16
SPOILED: Final = 1 << 4 * _HEX_DIGITS  # no digest is that large
_ON_THE_WAY: Final = frozenset({"declared", "receiving", "missing", "quarantined"})

# Table → columns that are left out; why is said in server/upkeep/coverage.py.
SEALED: Final[Mapping[str, frozenset[str]]] = MappingProxyType(
    {
        "courts": frozenset(),
        "users": frozenset({"totp_last_step"}),
        "devices": frozenset({"last_seen_at"}),
        "enrolment_codes": frozenset(),
        "upload_grants": frozenset(),
        "duty_bookings": frozenset(),
        "cases": frozenset(),
        "parties": frozenset(),
        "case_assignments": frozenset(),
        "actions": frozenset(),
        "register_entries": frozenset(),
        "findings": frozenset(),
        "court_rules": frozenset(),
        "oversight_rules": frozenset(),
        "weekly_meetings": frozenset(),
        "weekly_plans": frozenset(),
        "inspection_notices": frozenset(),
        "oversight_tasks": frozenset(),
        "oversight_alerts": frozenset(),
        "campaigns": frozenset(),
        "campaign_cases": frozenset(),
        "campaign_actions": frozenset(),
        "missions": frozenset(),
        "mission_cases": frozenset(),
        "mission_officers": frozenset(),
        "mission_devices": frozenset(),
        "review_entries": frozenset(),
        "retention_rules": frozenset(),
        "retention_classes": frozenset(),
        "legal_holds": frozenset(),
        "line_erasures": frozenset(),
        "webhooks": frozenset({"failing_since", "tried_at"}),
        "shares": frozenset(),
        "share_items": frozenset(),
        "share_openings": frozenset(),
        "review_markers": frozenset(),
        "review_draws": frozenset(),
        "review_samples": frozenset(),
        "review_goals": frozenset(),
        "erasures": frozenset(),
        "redactions": frozenset(),
        "release_rules": frozenset(),
        "live_entries": frozenset(),
        "invitations": frozenset(),
        "guest_sessions": frozenset(),
        "guest_visits": frozenset(),
        "opinions": frozenset(),
        "examinations": frozenset(),
        "derivatives": frozenset(),
        "evidence": frozenset({SEAL, "code"}),
        "log_entries": frozenset({SEAL}),
        "clock_observations": frozenset({SEAL}),
        "device_records": frozenset({SEAL}),
        "held_records": frozenset({SEAL}),
        "record_conflicts": frozenset({SEAL}),
    }
)


def seal_key(keyring: KeyRing) -> bytes:
    """Key of the digests, derived from the data key."""
    return keyring.derived(_CONTEXT)


def row_digest(key: bytes, table: sa.Table, values: Mapping[str, Any]) -> int:
    """Keyed digest of a row's covered columns; columns that ``values`` lacks count as null."""
    plain = {name: values.get(name) for name in _covered(table)}
    if table.name == "evidence" and plain["state"] in _ON_THE_WAY:
        plain["state"] = "on-the-way"  # how far the bytes have come moves without an event
    return _digest(key, [table.name, plain])


def first_seal(key: bytes, table: sa.Table, values: Mapping[str, Any]) -> str:
    """What the column ``seal`` of a new row holds."""
    return seal_of(key, row_digest(key, table, values))


def seal_of(key: bytes, digest: int) -> str:
    """Text of the column ``seal``: a row's first digest and the mark that makes it one."""
    text = as_text(digest)
    mark = hmac.digest(key, _MARK_DOMAIN + text.encode(), "sha256")[:_MARK_BYTES]
    return text + mark.hex()


def sealed_digest(key: bytes, seal: str | None) -> int:
    """The digest in a column ``seal``: 0 where there is none, ``SPOILED`` if it was tampered."""
    if not seal:
        return 0
    try:
        digest = int(seal[:_HEX_DIGITS], 16)
    except ValueError:
        return SPOILED
    return digest if seal == seal_of(key, digest) else SPOILED


def entry_digest(
    key: bytes,
    hid: str,
    actor_id: uuid.UUID | None,
    case_id: uuid.UUID | None,
    mission_id: uuid.UUID | None,
) -> int:
    """Digest of what the server found out about a device's record when it entered the log.

    It is part of the seal of the row in ``device_records``: these columns of the log itself follow
    from neither the signed header nor the payload.
    """
    return _digest(key, ["entry", hid, actor_id, case_id, mission_id])


def row_name(table: sa.Table, values: Mapping[str, Any]) -> str:
    """``<table>/<key>``, the name under which a row stands in payloads and reports."""
    return "/".join([table.name, *(str(values[column.name]) for column in table.primary_key)])


def as_text(digest: int) -> str:
    """32 hexadecimal digits."""
    return f"{digest:0{_HEX_DIGITS}x}"


def folded(payloads: Iterable[Mapping[str, Any]], into: dict[str, int] | None = None) -> Any:
    """XOR together what payloads say of rows; zero means that the row is gone."""
    found = {} if into is None else into
    for payload in payloads:
        for name, text in (payload.get(ROWS) or {}).items():
            found[name] = found.get(name, 0) ^ int(text, 16)
    return found


class Changes:
    """What the flushes of one session changed, by the savepoint under which it happened."""

    def __init__(self) -> None:
        self._by_savepoint: dict[SessionTransaction | None, dict[str, int]] = {}
        self._courts: dict[str, uuid.UUID | None] = {}

    def note(
        self, at: SessionTransaction | None, name: str, court: uuid.UUID | None, delta: int
    ) -> None:
        """Add one change of a row."""
        rows = self._by_savepoint.setdefault(at, {})
        rows[name] = rows.get(name, 0) ^ delta
        self._courts[name] = court

    def undone(self, savepoint: SessionTransaction) -> None:
        """Forget what was rolled back to a savepoint."""
        self._by_savepoint.pop(savepoint, None)

    def take(self) -> dict[uuid.UUID | None, dict[str, str]]:
        """Everything that remains, by court, as it goes into a payload; then start anew."""
        total: dict[str, int] = {}
        for rows in self._by_savepoint.values():
            for name, delta in rows.items():
                total[name] = total.get(name, 0) ^ delta
        self._by_savepoint.clear()
        found: dict[uuid.UUID | None, dict[str, str]] = {}
        for name in sorted(total):
            if total[name]:
                found.setdefault(self._courts[name], {})[name] = as_text(total[name])
        return found


def values_now(mapper: Mapper[Any], target: object) -> dict[str, Any]:
    """Columns of an object as they are written, without reading what was never set."""
    loaded = sa.inspect(target).dict
    return {
        column.name: loaded.get(mapper.get_property_by_column(column).key)
        for column in mapper.local_table.columns
    }


def values_before(mapper: Mapper[Any], target: object, now: Mapping[str, Any]) -> dict[str, Any]:
    """Columns of a changed object as they were read."""
    state: Any = sa.inspect(target)
    before = dict(now)
    for column in mapper.local_table.columns:
        key = mapper.get_property_by_column(column).key
        if key in state.committed_state:
            old = state.committed_state[key]
            before[column.name] = None if old is NO_VALUE else old
    return before


def _digest(key: bytes, content: list[Any]) -> int:
    return int.from_bytes(hmac.digest(key, plain_text(content), "sha256")[:16])


@cache
def _covered(table: sa.Table) -> tuple[str, ...]:
    left_out = SEALED[table.name]
    return tuple(column.name for column in table.columns if column.name not in left_out)
