"""Telling the devices of a case's people that its actions have moved on."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence

from server.audit import service as audit
from server.audit.events import EventKind
from server.audit.service import Notice, Subject
from server.cases import queries as cases
from server.cases.models import Case
from server.cases.service import notices_between
from server.core.context import Context
from server.register.models import Entry


def notices(ctx: Context, case: Case) -> list[Notice]:
    """The case, whose extract holds its actions, is to be pulled by everybody who holds it."""
    held = cases.audience_of_case(ctx.session, case)
    return notices_between("case", case.id, held, held)


def taken(ctx: Context, device_id: uuid.UUID, rows: Sequence[Entry]) -> None:
    """A device's entries about actions came; one event for all of them.

    The records themselves are the device's own and can't name whom the server tells.
    """
    moved = [row for row in rows if row.action_id is not None]
    if not moved:
        return
    court = moved[0].court_id
    audit.record(
        ctx, EventKind.ENTRIES_TAKEN, Subject("device", device_id),
        {"actions": sorted({str(row.action_id) for row in moved})},
        court_id=court, notices=_notices(ctx, court, {row.case_id for row in moved}),
    )  # fmt: skip


def _notices(ctx: Context, court: uuid.UUID, case_ids: Iterable[uuid.UUID]) -> list[Notice]:
    found = (cases.case_in_court(ctx.session, court, one) for one in sorted(case_ids))
    return [notice for case in found if case is not None for notice in notices(ctx, case)]
