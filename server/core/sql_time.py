"""Moments in whole seconds inside a statement, on both databases."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import InstrumentedAttribute, Session


def epoch_seconds(session: Session, column: InstrumentedAttribute[Any]) -> sa.ColumnElement[int]:
    """Unix time of a moment, rounded down."""
    if session.get_bind().dialect.name == "postgresql":
        # As a float, which is exact for seconds and far cheaper than the decimal of EXTRACT.
        return sa.cast(sa.func.floor(sa.func.date_part("epoch", column)), sa.BigInteger)
    return sa.cast(sa.extract("epoch", column), sa.Integer)
