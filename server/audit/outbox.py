"""The mark that only this server can put on a row of its outbox.

Who can write to the database could add a row of their own.  Verifying each signature again would
catch that too, but costs more than everything else the sequencer does.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from typing import Any, Final

import sqlalchemy as sa

from server.audit.models import OutboxRow
from server.core.db import table_of
from server.core.keyring import KeyRing
from server.core.plain import plain_text

_CONTEXT: Final = "tiezheng.outbox.v1"
_COVERED: Final = tuple(
    column.name
    for column in table_of(OutboxRow).columns
    if column.name not in {"id", "changes", "mac"}
)


def mac_key(keyring: KeyRing) -> bytes:
    """Key of the marks, derived from the data key."""
    return keyring.derived(_CONTEXT)


def entry_mac(key: bytes, row: Mapping[str, Any] | sa.RowMapping) -> str:
    """Keyed hash over every column of an outbox row but its number (04 §4.9), in hexadecimal."""
    content = [row[name] for name in _COVERED]
    content.append(row["changes"] or [])
    return hmac.digest(key, plain_text(content), "sha256").hex()


def row_mac(key: bytes, row: OutboxRow) -> str:
    """The mark of a row that is about to be added."""
    return entry_mac(key, {name: getattr(row, name) for name in (*_COVERED, "changes")})
