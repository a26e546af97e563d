"""Beginning an action under an id that somebody else may have chosen as well."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from server.core.context import Context
from server.register.models import Action


def begin(ctx: Context, action: Action) -> Action | None:
    """The action, new or as another device has begun it in this moment, in the same case.

    ``None`` when the id is that of an action elsewhere, which the caller may not even see.
    """
    wanted = (action.id, action.court_id, action.case_id)
    try:
        with ctx.session.begin_nested():
            ctx.session.add(action)
    except IntegrityError:
        there = sa.select(Action).where(Action.id == wanted[0])
        found = ctx.session.execute(there).scalar_one_or_none()
        same = found is not None and (found.id, found.court_id, found.case_id) == wanted
        return found if same else None
    return action
