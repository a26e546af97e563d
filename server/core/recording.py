"""Reading what is recorded: find it, write that down and commit, then show it.

A page of evidence may take a while to make, and on SQLite there is one writer at a time: a reader
who wrote until the page was whole would keep every push waiting.  So a read begins without a
writer's lock, holds one for its event alone, and goes on without.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from server.core.context import Context
from server.core.problem import Problem
from server.core.transactions import begin, is_writing, scope


@contextlib.contextmanager
def recorded(ctx: Context) -> Iterator[None]:
    """A short transaction for the event of a reading; when the block ends, it is committed.

    What decides whether the reading is allowed belongs inside: a refusal records nothing, unless
    it asks for that (``Problem.keep``).  After the block the transaction only reads; rows that were
    loaded before keep their values.
    """
    session = ctx.session
    session.expire_on_commit = False
    if not is_writing(session):
        session.commit()
        _go_on(ctx, write=True)
    savepoint = session.begin_nested()
    try:
        yield
        session.flush()
    except Problem as problem:
        if not problem.keep:
            savepoint.rollback()
        session.commit()
        _go_on(ctx, write=False)
        raise
    session.commit()
    _go_on(ctx, write=False)


def _go_on(ctx: Context, *, write: bool) -> None:
    begin(ctx.session, write=write)
    scope(ctx.session, ctx.actor.court_id)
