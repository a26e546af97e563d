"""The database handle, column types and naming conventions that every slice shares."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy.engine import Dialect
from sqlalchemy.orm import DeclarativeBase, Mapped, declared_attr, mapped_column
from sqlalchemy.types import TypeDecorator

from server.core.clock import truncated

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}


class UtcDateTime(TypeDecorator[datetime]):
    """A moment in UTC with milliseconds; SQLite forgets zones, so they are put back on reading."""

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Refuse naive moments: an unknown zone is not UTC."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a moment without a zone cannot be stored")
        at = truncated(value)
        return at.replace(tzinfo=None) if dialect.name == "sqlite" else at

    def process_result_value(self, value: datetime | None, _dialect: Dialect) -> datetime | None:
        """Give every moment its zone back."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


JsonColumn = sa.JSON(none_as_null=True)
BigId = sa.BigInteger().with_variant(sa.Integer, "sqlite")


class Base(DeclarativeBase):
    """Declarative base of all tables."""

    metadata = sa.MetaData(naming_convention=NAMING)
    type_annotation_map = {  # noqa: RUF012  read by SQLAlchemy as a class attribute
        uuid.UUID: sa.Uuid(),
        datetime: UtcDateTime(),
        dict[str, Any]: JsonColumn,
        list[Any]: JsonColumn,
        str: sa.Text(),
    }


class CourtScoped:
    """Mixin of every row that belongs to one court; PostgreSQL's row security reads the column."""

    @declared_attr
    @classmethod
    def court_id(cls) -> Mapped[uuid.UUID]:
        """The tenant."""
        return mapped_column(sa.ForeignKey("courts.id"), index=False)


class CourtOfChain:
    """As :class:`CourtScoped` for rows that a push writes by the hundred.

    Each goes in beside the locked row of its device's chain, with the same court and device, whose
    keys were checked when the chain began; checking them again takes a third of the statement.
    """

    @declared_attr
    @classmethod
    def court_id(cls) -> Mapped[uuid.UUID]:
        """The tenant."""
        return mapped_column(index=False)


# Flask-SQLAlchemy holds engine and session; the tables hang on Base, so that services and the
# migrations need no application to know them.
def table_of(model: type[Base]) -> sa.Table:
    """The table behind a model, for statements that go around the unit of work in bulk."""
    table = model.__table__
    if not isinstance(table, sa.Table):
        raise TypeError(model)
    return table


db = SQLAlchemy(disable_autonaming=True)
