"""The console's list of cases: every filter, a choice of orders, and what each filter would find.

Rules about slices above this one (evidence) come in as ``extra``.
"""

from __future__ import annotations

import unicodedata
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from enum import StrEnum
from types import MappingProxyType
from typing import Any, Final
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from server.cases.models import Case, Mission, MissionCase, Party
from server.cases.states import CaseStatus, MissionState
from server.cases.visibility import sees_case
from server.core.context import Context
from server.core.paging import LIMIT_DEFAULT, Page, decode_cursor, page_of
from server.core.problem import Kind, Problem

_NEVER: Final = date(9999, 12, 31)
_LONG_AGO: Final = date(1, 1, 1)
_NUMBER_DIGITS: Final = 10_000_000  # serials have seven
DUE_DAYS: Final = MappingProxyType({"overdue": 0, "week": 7, "month": 30})


class Sort(StrEnum):
    """Orders of the list."""

    NEWEST = "newest"
    NUMBER = "number"
    DEADLINE = "deadline"
    FILED = "filed"


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseSearch:
    """What the list is narrowed to; ``due`` is a key of ``DUE_DAYS`` and means open cases."""

    text: str | None = None
    status: str | None = None
    type_code: str | None = None
    handler_id: uuid.UUID | None = None
    year: int | None = None
    under_way: bool | None = None
    anomalies: bool | None = None
    filed_from: date | None = None
    filed_to: date | None = None
    due: str | None = None
    sort: Sort = Sort.NEWEST
    cursor: str | None = None
    limit: int = LIMIT_DEFAULT
    extra: tuple[sa.ColumnElement[bool], ...] = field(default=())


@dataclass(frozen=True, slots=True)
class Facets:
    """How many cases each choice would show, the other filters kept."""

    status: Mapping[str, int]
    type_code: Mapping[str, int]
    year: Mapping[int, int]
    handler_id: Mapping[uuid.UUID, int]
    due: Mapping[str, int]
    under_way: int


def search(ctx: Context, wanted: CaseSearch) -> Page[Case]:
    """A page of visible cases in the order asked for."""
    column, descending, value_of = _order(wanted.sort)
    rules = _rules(ctx, wanted)
    if wanted.cursor:
        rules.append(_beyond(wanted, column, descending=descending))
    first = column.desc() if descending else column.asc()
    second = Case.id.desc() if descending else Case.id.asc()
    statement = sa.select(Case).where(*rules).order_by(first, second).limit(wanted.limit + 1)
    rows = ctx.session.execute(statement).scalars().all()
    return page_of(rows, wanted.limit, lambda case: (value_of(case), str(case.id)))


def count(ctx: Context, wanted: CaseSearch) -> int:
    """How many cases the filters find."""
    statement = sa.select(sa.func.count()).select_from(Case).where(*_rules(ctx, wanted))
    return ctx.session.execute(statement).scalar_one()


def facets(ctx: Context, wanted: CaseSearch) -> Facets:
    """Counts beside every filter."""
    return Facets(
        status=_grouped(ctx, replace(wanted, status=None), Case.status),
        type_code=_grouped(ctx, replace(wanted, type_code=None), Case.type_code),
        year=_grouped(ctx, replace(wanted, year=None), Case.year),
        handler_id=_grouped(ctx, replace(wanted, handler_id=None), Case.handler_id),
        due={name: count(ctx, replace(wanted, due=name)) for name in DUE_DAYS},
        under_way=count(ctx, replace(wanted, under_way=True)),
    )


def folded(text: str) -> str:
    """What is searched for, as numbers are stored: half-width brackets and digits, no spaces.

    Names of parties are compared as they were typed as well.
    """
    return "".join(unicodedata.normalize("NFKC", text).split())


def _grouped(ctx: Context, wanted: CaseSearch, column: Any) -> dict[Any, int]:
    statement = (
        sa.select(column, sa.func.count())
        .select_from(Case)
        .where(*_rules(ctx, wanted), column.is_not(None))
        .group_by(column)
    )
    rows: Sequence[Any] = ctx.session.execute(statement).all()
    return dict(sorted((tuple(row) for row in rows), key=lambda row: (-row[1], str(row[0]))))


def _rules(ctx: Context, wanted: CaseSearch) -> list[sa.ColumnElement[bool]]:
    exact = {
        Case.status: wanted.status,
        Case.type_code: wanted.type_code,
        Case.handler_id: wanted.handler_id,
        Case.year: wanted.year,
    }
    rules = [sees_case(ctx.actor), *wanted.extra]
    rules += [column == value for column, value in exact.items() if value is not None]
    if wanted.text:
        rules.append(_text(wanted.text))
    if wanted.under_way:
        rules.append(Case.id.in_(_under_way(ctx.actor.court_id)))
    if wanted.filed_from is not None:
        rules.append(Case.filed_on >= wanted.filed_from)
    if wanted.filed_to is not None:
        rules.append(Case.filed_on <= wanted.filed_to)
    if wanted.due is not None:
        rules += _due(ctx, wanted.due)
    return rules


def _text(text: str) -> sa.ColumnElement[bool]:
    typed = text.strip()
    return sa.or_(
        Case.case_no.contains(folded(typed), autoescape=True),
        Case.cause.contains(typed, autoescape=True),
        Case.parties.any(Party.name.contains(typed, autoescape=True)),
    )


def _under_way(court_id: uuid.UUID) -> sa.Select[Any]:
    return (
        sa.select(MissionCase.case_id)
        .join(Mission, Mission.id == MissionCase.mission_id)
        .where(Mission.court_id == court_id, Mission.state == MissionState.STARTED)
    )


def _due(ctx: Context, name: str) -> list[sa.ColumnElement[bool]]:
    today = ctx.clock.now().astimezone(ZoneInfo(ctx.settings.time_zone)).date()
    open_cases = Case.status != CaseStatus.CLOSED
    if name == "overdue":
        return [open_cases, Case.deadline_on < today]
    limit = today + timedelta(days=DUE_DAYS[name])
    return [open_cases, Case.deadline_on >= today, Case.deadline_on <= limit]


def _order(sort: Sort) -> tuple[sa.ColumnElement[Any], bool, Any]:
    """Column, whether it descends, and a case's place in it; absent dates come last."""
    if sort is Sort.NUMBER:
        number = sa.cast(Case.year, sa.BigInteger) * _NUMBER_DIGITS + Case.serial
        return number, True, lambda case: case.year * _NUMBER_DIGITS + case.serial
    if sort is Sort.DEADLINE:
        deadline = sa.func.coalesce(Case.deadline_on, _NEVER, type_=sa.Date)
        return deadline, False, lambda case: str(case.deadline_on or _NEVER)
    if sort is Sort.FILED:
        filed = sa.func.coalesce(Case.filed_on, _LONG_AGO, type_=sa.Date)
        return filed, True, lambda case: (case.filed_on or _LONG_AGO).isoformat()
    return sa.literal(0), True, lambda _case: 0


def _beyond(
    wanted: CaseSearch, column: sa.ColumnElement[Any], *, descending: bool
) -> sa.ColumnElement[bool]:
    dated = wanted.sort in {Sort.DEADLINE, Sort.FILED}
    value, text = decode_cursor(wanted.cursor or "", str if dated else int, str)
    try:
        place: Any = date.fromisoformat(value) if dated else value
        last = uuid.UUID(text)
    except ValueError:
        raise Problem(Kind.CURSOR_INVALID) from None
    if wanted.sort is Sort.NEWEST:
        return Case.id < last
    further = column < place if descending else column > place
    later = Case.id < last if descending else Case.id > last
    return sa.or_(further, sa.and_(column == place, later))
