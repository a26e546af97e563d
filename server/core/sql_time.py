"""Moments in whole seconds inside a statement, on both databases."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import InstrumentedAttribute, Session


def epoch_seconds(session: Session, column: InstrumentedAttribute[Any]) -> sa.ColumnElement[int]:
    """Unix time of a moment, rounded down."""
    seconds = sa.extract("epoch", column)
    if session.get_bind().dialect.name == "postgresql":
        return sa.cast(sa.func.floor(seconds), sa.BigInteger)
    return sa.cast(seconds, sa.Integer)
