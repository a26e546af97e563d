"""Telling every process that something new can be read: PostgreSQL's NOTIFY, at the commit.

The message is empty and always the same, so the database itself merges what one transaction says
twice, and a listener that was told once reads whatever there is.  SQLite has no such thing: there
listeners look at the file's change counter.
"""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa
from sqlalchemy.orm import Session

CHANNEL: Final = "tiezheng_live"
_NOTIFY: Final = sa.text(f"SELECT pg_notify('{CHANNEL}', '')")


def wake(session: Session) -> None:
    """Wake all live streams once the transaction is committed; nothing if it is rolled back."""
    if session.get_bind().dialect.name == "postgresql":
        session.execute(_NOTIFY)
