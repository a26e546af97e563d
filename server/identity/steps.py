"""Transactions of requests that hash a password: before or between them, never inside one.

Under gevent hashing hands over to other greenlets.  One that held SQLite's writers' lock then
would stop the process: the next writer waits in the kernel, and nobody is left to release it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from server.core.context import Context
from server.core.transactions import unit_of_work


@contextmanager
def transaction(ctx: Context) -> Iterator[Context]:
    """One transaction within the caller's court; an error undoes it."""
    with unit_of_work(ctx.actor.court_id) as session:
        yield replace(ctx, session=session)
