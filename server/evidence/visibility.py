"""Who sees which item, as a rule that statements of several slices share."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from server.cases import queries as cases
from server.core.context import Actor
from server.evidence.models import Evidence


def sees_evidence(actor: Actor, table: Any = Evidence) -> sa.ColumnElement[bool]:
    """Items of one's visible cases and one's own captures; supervisors see all of the court.

    :param table: :class:`Evidence` or an alias of it.
    """
    mine: sa.ColumnElement[bool] = table.court_id == actor.court_id
    if actor.sees_whole_court:
        return mine
    own = sa.and_(table.officer_id.is_not(None), table.officer_id == actor.user_id)
    return sa.and_(mine, sa.or_(table.case_id.in_(cases.visible_case_ids(actor)), own))
