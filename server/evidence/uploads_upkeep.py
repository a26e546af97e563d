"""What the worker does for uploads: expire what nobody finished, tidy what a crash left."""

from __future__ import annotations

import contextlib
import time
import uuid
from collections.abc import Iterator
from itertools import islice
from typing import Final

from server.core.context import Context
from server.core.problem import Problem
from server.evidence import uploads_service as rows
from server.evidence.finish import Finisher
from server.evidence.running_digest import DigestCache
from server.evidence.uploads_service import UploadFacts
from storage.errors import LockTimeout, PartialNotFound
from storage.ports import UploadStore

_LOCK_SECONDS: Final = 1.0
ORPHAN_SECONDS: Final = 7 * 86_400
_BATCH: Final = 200


def expire_due(ctx: Context, limit: int = 100) -> int:
    """End uploads past their time; their bytes go to quarantine.  Returns how many ended.

    One whose bytes are all here is finished instead.  One that is being written is left alone.
    """
    stores = ctx.runtime.stores
    finisher = Finisher(stores, DigestCache())
    ended = 0
    for upload in rows.overdue(ctx, limit):
        with contextlib.suppress(LockTimeout):
            with stores.locker.acquire(upload.name, _LOCK_SECONDS):
                _expire(ctx, finisher, upload)
            ended += 1
    return ended


def sweep(ctx: Context, now_seconds: float | None = None) -> int:
    """Deal with partials that no upload under way owns; returns how many there were.

    A finished upload's partial is unlinked, since its bytes live on as a blob; one that ended
    otherwise is quarantined; one without a row is, too, once it is a week old.
    """
    uploads = ctx.runtime.stores.uploads
    before = (time.time() if now_seconds is None else now_seconds) - ORPHAN_SECONDS
    moved = 0
    for names in _batches(uploads):
        known = rows.states(ctx, list(names.values()))
        for name, row_id in names.items():
            with (
                contextlib.suppress(LockTimeout, PartialNotFound, FileNotFoundError),
                ctx.runtime.stores.locker.acquire(name, _LOCK_SECONDS),
            ):
                moved += _tidy(uploads, name, known.get(row_id), before)
    return moved


def _expire(ctx: Context, finisher: Finisher, upload: UploadFacts) -> None:
    uploads = finisher.stores.uploads
    with contextlib.suppress(PartialNotFound, Problem):
        if finisher.settle(ctx, upload, uploads.durable_length(upload.name)):
            return
    rows.expire(ctx, upload)
    with contextlib.suppress(PartialNotFound):
        uploads.quarantine(upload.name, "not finished in time")


def _tidy(uploads: UploadStore, name: str, state: str | None, before: float) -> int:
    if state == rows.RECEIVING:
        return 0
    if state is None:
        if uploads.path_of(name).stat().st_mtime >= before:
            return 0
        uploads.quarantine(name, "no upload has this name")
    elif state == rows.COMPLETE:
        uploads.discard(name)
    else:
        uploads.quarantine(name, f"the upload was {state}")
    return 1


def _batches(uploads: UploadStore) -> Iterator[dict[str, uuid.UUID]]:
    names = iter(list(uploads.upload_ids()))
    while batch := list(islice(names, _BATCH)):
        found: dict[str, uuid.UUID] = {}
        for name in batch:
            with contextlib.suppress(ValueError):
                found[name] = uuid.UUID(name)
        yield found
