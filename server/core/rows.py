"""One row of the caller's court, or nothing at all."""

from __future__ import annotations

import uuid
from typing import Any, TypeVar

import sqlalchemy as sa

from server.core.context import Context
from server.core.db import Base
from server.core.problem import not_found

Row = TypeVar("Row", bound=Base)


def of_court(ctx: Context, model: type[Row], row_id: uuid.UUID, *, to_change: bool = False) -> Row:
    """The row of a ``CourtScoped`` model with this id, in the caller's court; 404 otherwise.

    :param to_change: others who want to change it wait until this transaction ends.
    """
    columns: Any = model
    statement = sa.select(model).where(columns.id == row_id, columns.court_id == ctx.actor.court_id)
    if to_change:
        statement = statement.with_for_update()
    found = ctx.session.execute(statement).scalar_one_or_none()
    if found is None:
        raise not_found()
    return found
