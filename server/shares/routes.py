"""Routes of the shares slice, for those who lead; outsiders have pages of their own."""

from __future__ import annotations

import uuid
from typing import Any

from flask import Blueprint

from server.core.context import Context
from server.core.endpoint import endpoint
from server.core.paging import Page
from server.core.permissions import Permission
from server.shares import queries, service
from server.shares.commands import MakeShare, ShareFilter
from server.shares.models import Share
from server.shares.schemas import ShareBody, ShareDetail, ShareMadeOut, ShareOut, ShareQuery
from server.shares.service import Made

blueprint = Blueprint("shares", __name__)
_MAKE = Permission.SHARES_MAKE


@blueprint.post("/shares")
@endpoint(_MAKE, load=ShareBody, dump=ShareMadeOut, status=201, idempotent=False)
def make_share(ctx: Context, command: MakeShare) -> dict[str, Any]:
    """Share items of a case with somebody outside; link and code are in this answer alone."""
    return _shown(ctx, service.make(ctx, command))


@blueprint.get("/shares")
@endpoint(_MAKE, query=ShareQuery, dump=ShareOut)
def list_shares(ctx: Context, query: ShareFilter) -> Page[Share]:
    """List shares, newest first."""
    return queries.shares_of(ctx, query)


@blueprint.get("/shares/<uuid:share_id>")
@endpoint(_MAKE, dump=ShareDetail)
def view_share(ctx: Context, share_id: uuid.UUID) -> dict[str, Any]:
    """One share with its items, and who opened what when."""
    return detail_of(ctx, queries.share(ctx, share_id))


@blueprint.post("/shares/<uuid:share_id>/revoke")
@endpoint(_MAKE, dump=ShareOut)
def revoke_share(ctx: Context, share_id: uuid.UUID) -> Share:
    """Take a share back, at once."""
    return service.revoke(ctx, share_id)


@blueprint.post("/shares/<uuid:share_id>/code")
@endpoint(_MAKE, dump=ShareMadeOut, idempotent=False)
def renew_code(ctx: Context, share_id: uuid.UUID) -> dict[str, Any]:
    """Make a new code for a share."""
    return _shown(ctx, service.renew_code(ctx, share_id))


def detail_of(ctx: Context, share: Share) -> dict[str, Any]:
    """A share with its items and openings."""
    openings = queries.openings_of(ctx.session, share.id)
    readings = queries.readings_of(ctx.session, [one.id for one in openings])
    return {
        "share": share,
        "items": [row for row, _ in queries.items_of(ctx.session, share.id)],
        "openings": [
            {
                "id": one.id, "address": one.address, "opened_at": one.opened_at,
                "terms": one.terms, "readings": readings.get(one.id, []),
            }
            for one in openings
        ],
    }  # fmt: skip


def _shown(ctx: Context, made: Made) -> dict[str, Any]:
    link = f"{ctx.settings.public_url.rstrip('/')}/s/{made.token}" if made.token else None
    return {"share": made.share, "link": link, "code": made.code}
