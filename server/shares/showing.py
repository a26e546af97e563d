"""Pictures for outsiders: the custody event first, in a transaction of its own, then the pixels.

Marking a picture takes a while, during which no transaction may be open.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import replace

from server.core.context import Context
from server.core.problem import not_found
from server.core.transactions import unit_of_work
from server.disclosure import marking
from server.shares import queries, reading
from server.shares.models import Share
from storage.digest import Digest


def marked_picture(
    ctx: Context, evidence_id: uuid.UUID, lines_of: Callable[[Share], tuple[str, ...]]
) -> bytes:
    """A JPEG of an item of the opened share, with recipient and time burnt in.

    :param ctx: the caller's, without a transaction.
    """
    with unit_of_work(ctx.actor.court_id) as session:
        inner = replace(ctx, session=session)
        shared = queries.shared_item(inner, evidence_id)
        found = reading.picture_of(inner, shared)
        if found is None:
            raise not_found("there is no picture of this item")
        reading.seen(inner, shared, "viewed", found)
        lines = lines_of(shared.share)
    stored = ctx.runtime.stores.blobs.read(Digest(found.sha256))
    return marking.marked(stored, lines, ctx.settings.report_font)
