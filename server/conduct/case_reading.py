"""From the tables to what the folds of a case take."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping
from datetime import date
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlalchemy.orm import Session

from server.cases.models import Case
from server.cases.parties import PartyRole
from server.conduct.case_lines import Book, book_of
from server.conduct.case_parts import CaseFacts
from server.core.context import Context
from server.register.models import Entry


def today(ctx: Context) -> date:
    """The day it is where the court is."""
    return ctx.clock.now().astimezone(zone_of(ctx)).date()


def zone_of(ctx: Context) -> ZoneInfo:
    """The zone in which the court counts its days."""
    return ZoneInfo(ctx.settings.time_zone)


def facts_of(case: Case) -> CaseFacts:
    """What is known of a case besides its entries."""
    debtors = [one for one in case.parties if one.role == PartyRole.DEBTOR]
    return CaseFacts(
        type_code=case.type_code, status=case.status, cause=case.cause, filed_on=case.filed_on,
        deadline_on=case.deadline_on, claim_fen=case.claim_fen,
        has_handler=case.handler_id is not None,
        minor_debtor=bool(debtors) and all((one.details or {}).get("minor") for one in debtors),
    )  # fmt: skip


def book_of_case(ctx: Context, case_id: uuid.UUID) -> Book:
    """The lines of one case."""
    return books_of(ctx.session, [case_id], zone_of(ctx))[case_id]


def books_of(
    session: Session, case_ids: Iterable[uuid.UUID], zone: ZoneInfo
) -> Mapping[uuid.UUID, Book]:
    """The lines of each case."""
    wanted = list(case_ids)
    rows: dict[uuid.UUID, list[Entry]] = {one: [] for one in wanted}
    statement = sa.select(Entry).where(Entry.case_id.in_(wanted))
    for entry in session.execute(statement).scalars():
        rows[entry.case_id].append(entry)
    return {case_id: book_of(entries, zone) for case_id, entries in rows.items()}
