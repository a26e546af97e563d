"""The second half of an erasure: bytes leave every place, also after a crash in between.

Between the decision and the unlinking another device may send the same bytes as new evidence.  So
the row is looked for again, and nobody can add one, in the very transaction that unlinks.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from typing import Final

import sqlalchemy as sa

from server.core.context import Context
from server.core.db import table_of
from server.core.problem import Kind, Problem
from server.core.transactions import EVERY_COURT, take_turns, unit_of_work
from server.evidence.erasure_models import ErasedDigest
from server.evidence.models import Blob, Derivative, Evidence
from server.evidence.redaction_models import Redaction
from storage.digest import Digest
from storage.ports import Erases

ERASED: Final = "erased"


def is_used(ctx: Context, sha256: str) -> bool:
    """Whether any record of any court, or anything made from other bytes, has these bytes."""
    items = sa.select(Evidence.id).where(Evidence.sha256 == sha256, Evidence.state != ERASED)
    made = sa.select(Derivative.name).where(Derivative.sha256 == sha256)
    copies = sa.select(Redaction.id).where(Redaction.sha256 == sha256)
    found = (ctx.session.execute(one.limit(1)).first() for one in (items, made, copies))
    return any(one is not None for one in found)


def forget(ctx: Context, sha256: str) -> None:
    """Have these bytes unlinked after the commit; nobody names them any more."""
    ctx.session.execute(sa.delete(table_of(Blob)).where(Blob.sha256 == sha256))
    row = ctx.session.get(ErasedDigest, sha256)
    if row is None:
        ctx.session.add(ErasedDigest(sha256=sha256, erased_at=ctx.clock.now()))
    else:
        row.erased_at, row.unlinked_at = ctx.clock.now(), None


def drop(ctx: Context, digests: Iterable[str]) -> None:
    """Bytes that a job stored and that nobody wants any more: what they came from is erased."""
    for sha256 in dict.fromkeys(digests):
        take_turns(ctx.session, f"erase:{sha256}")
        if ctx.session.get(Blob, sha256) is None and not is_used(ctx, sha256):
            forget(ctx, sha256)


def unlink_due(ctx: Context, limit: int = 100) -> int:
    """Unlink what is due, each in a transaction of its own; returns how many."""
    with unit_of_work(EVERY_COURT, write=False) as session:
        statement = sa.select(ErasedDigest.sha256).where(ErasedDigest.unlinked_at.is_(None))
        due = list(session.execute(statement.limit(limit)).scalars())
    for sha256 in due:
        with unit_of_work(EVERY_COURT) as session:
            _unlink(dataclasses.replace(ctx, session=session, after_commit=[]), sha256)
    return len(due)


def still_there(ctx: Context, sha256: str) -> None:
    """Bytes that were erased once and come again: make sure that they are not unlinked now.

    Raises ``unavailable`` when they have just gone; the client's next request stores them anew.
    """
    if ctx.session.get(ErasedDigest, sha256) is None:
        return
    take_turns(ctx.session, f"erase:{sha256}")
    if ctx.runtime.stores.blobs.stat(Digest(sha256)) is None:
        raise Problem(Kind.UNAVAILABLE, "the bytes have to be stored once more")


def _unlink(ctx: Context, sha256: str) -> None:
    take_turns(ctx.session, f"erase:{sha256}")
    row = ctx.session.get(ErasedDigest, sha256, with_for_update=True)
    if row is None or row.unlinked_at is not None:
        return
    blobs = ctx.runtime.stores.blobs
    if ctx.session.get(Blob, sha256) is None and isinstance(blobs, Erases):
        blobs.erase(Digest(sha256))
    row.unlinked_at = ctx.clock.now()
