"""Work folders of exports that nobody works on any more."""

from __future__ import annotations

import shutil
import uuid

import sqlalchemy as sa

from server.core.context import Context
from server.core.transactions import EVERY_COURT, unit_of_work
from server.disclosure.models import Export

FINAL = ("done", "failed")


def sweep(ctx: Context) -> int:
    """Remove work folders whose export is done, failed or gone; returns how many."""
    folder = ctx.settings.data_dir / "exports"
    there = {path.name: path for path in folder.iterdir()} if folder.is_dir() else {}
    if not there:
        return 0
    with unit_of_work(EVERY_COURT, write=False) as session:
        open_ones = set(
            session.execute(sa.select(Export.id).where(Export.state.not_in(FINAL))).scalars()
        )
    left = [path for name, path in there.items() if _id(name) not in open_ones]
    for path in left:
        shutil.rmtree(path, ignore_errors=True)
    return len(left)


def _id(name: str) -> uuid.UUID | None:
    try:
        return uuid.UUID(name)
    except ValueError:
        return None
