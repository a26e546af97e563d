"""Row security by court, a second wall behind the scoped queries (00, "Who may ask what")."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import text
from sqlalchemy.engine import Connection

_SETTING = "current_setting('app.court', true)"
_RULE = f"{_SETTING} = '*' OR {{column}} = NULLIF(NULLIF({_SETTING}, '*'), '')::uuid"


def protect(connection: Connection, tables: Iterable[str], column: str = "court_id") -> None:
    """Let each table show and take only rows of the court named by ``SET LOCAL app.court``.

    Forced for the owner too; without the setting nothing is visible.  SQLite has no such wall.
    """
    if connection.dialect.name != "postgresql":
        return
    rule = _RULE.format(column=column)
    for table in tables:
        connection.execute(text(f'ALTER TABLE "{table}" ENABLE ROW LEVEL SECURITY'))
        connection.execute(text(f'ALTER TABLE "{table}" FORCE ROW LEVEL SECURITY'))
        connection.execute(
            text(f'CREATE POLICY court_scope ON "{table}" USING ({rule}) WITH CHECK ({rule})')
        )
