"""The dock page: a workstation's browser takes what is on a card."""

from __future__ import annotations

from flask import Blueprint, Response

from server.console import assets
from server.console.pages import page, render
from server.core.context import Context
from server.core.permissions import Permission
from server.identity import listing
from server.identity.kinds import KEYLESS_KINDS

blueprint = Blueprint("console_dock", __name__)


@blueprint.get("/dock")
@page(Permission.UPLOAD)
def show_dock(ctx: Context) -> Response:
    """Choose a card, see its files matched, upload them, and get their receipts."""
    there = assets.installed(assets.VENDOR_FOLDER)
    return render(
        ctx,
        "dock/dock.html",
        ready=all(name in there for name in assets.SHARED),
        origin=ctx.settings.public_url.rstrip("/"),
        cameras=listing.devices_in_use(ctx, sorted(KEYLESS_KINDS)),
    )
