"""Rules that statements and partial indexes share.

A database uses a partial index only for a statement that says the index's rule with the same
constants, so these stand in the statement itself and are no parameters.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import sqlalchemy as sa

ABSENT: Final = ("declared", "receiving", "missing", "quarantined")
_LOST: Final = ("missing", "quarantined")
_NO_FINDINGS: Final = "[]"


def is_absent(table: Any) -> sa.ColumnElement[bool]:
    """Declared, and its bytes are not here."""
    rule: sa.ColumnElement[bool] = table.state.in_(_several(ABSENT))
    return rule


def has_findings(table: Any) -> sa.ColumnElement[bool]:
    """Examination or comparison found something."""
    return sa.cast(table.findings, sa.Text) != _one(_NO_FINDINGS)


def is_odd(table: Any) -> sa.ColumnElement[bool]:
    """Items that people should look at."""
    return sa.or_(
        table.state.in_(_several(_LOST)),
        table.review_state == _one("suspect"),
        has_findings(table),
    )


def is_unclaimed(table: Any) -> sa.ColumnElement[bool]:
    """Uploads that finished, and no record of their device named their bytes when they did."""
    return sa.and_(table.state == _one("complete"), sa.not_(table.claimed))


def partial_index(name: str, rule: sa.ColumnElement[bool], *columns: Any) -> sa.Index:
    """An index of the rows for which a rule holds."""
    return sa.Index(name, *columns, sqlite_where=rule, postgresql_where=rule)


def _one(value: str) -> sa.BindParameter[str]:
    return sa.bindparam(None, value, type_=sa.Text(), literal_execute=True, unique=True)


def _several(values: Sequence[str]) -> sa.BindParameter[Sequence[str]]:
    return sa.bindparam(
        None, list(values), type_=sa.Text(), expanding=True, literal_execute=True, unique=True
    )
