"""Moments in whole seconds inside a statement, on both databases."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import InstrumentedAttribute, Session


def ends(
    session: Session, one: sa.Select[Any], column: InstrumentedAttribute[datetime]
) -> tuple[datetime, datetime] | None:
    """The first and the last moment of what a statement finds, each from the end of its index.

    :param one: selects the column, limited to one row.
    """
    first = one.order_by(column).scalar_subquery()
    last = one.order_by(column.desc()).scalar_subquery()
    begins, finishes = session.execute(sa.select(first, last)).one()
    return None if begins is None else (begins, finishes)


def epoch_seconds(session: Session, column: InstrumentedAttribute[Any]) -> sa.ColumnElement[int]:
    """Unix time of a moment, rounded down."""
    if session.get_bind().dialect.name == "postgresql":
        # As a float, which is exact for seconds and far cheaper than the decimal of EXTRACT.
        return sa.cast(sa.func.floor(sa.func.date_part("epoch", column)), sa.BigInteger)
    return sa.cast(sa.extract("epoch", column), sa.Integer)
