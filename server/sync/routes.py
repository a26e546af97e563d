"""Routes of the sync slice."""

from __future__ import annotations

import uuid
from dataclasses import fields
from datetime import datetime
from typing import Any

from flask import Blueprint, Response

from client_sdk.protocol.bundle import MEDIA_TYPE
from client_sdk.protocol.statements import SignedStatement
from server.core.bodies import load_command
from server.core.context import Context
from server.core.endpoint import endpoint
from server.core.paging import Page
from server.core.permissions import Permission
from server.identity import queries as identity
from server.sync import bundles, chain_view, docking, lost, push, service
from server.sync import pull as feed
from server.sync.chain_schemas import ChainOut, ChainQueryIn
from server.sync.commands import (
    AskTicket,
    ChainQuery,
    HeldQuery,
    MatchFiles,
    Missing,
    PullQuery,
    Push,
    ReadClock,
    ReleaseHeld,
)
from server.sync.docking_schemas import MatchesBody, MatchesOut
from server.sync.loss_schemas import HandledOut, LossBody, LossOut, LossQueryIn
from server.sync.lost import Handled, ReportLoss
from server.sync.schemas import (
    BundleBody,
    BundleOut,
    ClockBody,
    HeldOut,
    HeldQueryIn,
    MissingBody,
    MissingOut,
    PullOut,
    PullQueryIn,
    PushBody,
    PushOut,
    ReceiptsOut,
    ReceiptsQueryIn,
    ReleaseBody,
    ReleasedOut,
    StatementOut,
    TicketBody,
)
from server.sync.service import Held, Released

PUSH_BYTES_MAX = 8 * 2**20
BUNDLE_BODY_BYTES_MAX = 4_096

blueprint = Blueprint("sync", __name__)


@blueprint.post("/sync/push")
@endpoint(
    Permission.SYNC_PUSH, load=PushBody, dump=PushOut, idempotent=False,
    body_bytes_max=PUSH_BYTES_MAX,
)  # fmt: skip
def push_records(ctx: Context, command: Push) -> dict[str, Any]:
    """Send signed records, in any order; each gets its own outcome, and repeats are harmless."""
    return push.push(ctx, command.records)


@blueprint.get("/sync/pull")
@endpoint(Permission.SYNC_PULL, query=PullQueryIn, dump=PullOut)
def pull(ctx: Context, query: PullQuery) -> dict[str, Any]:
    """Fetch what changed for this device and officer; without a cursor, what there is."""
    return feed.page(ctx, query)


@blueprint.get("/receipts")
@endpoint(Permission.RECEIPTS_FETCH, query=ReceiptsQueryIn, dump=ReceiptsOut)
def receipts(ctx: Context, query: PullQuery) -> dict[str, Any]:
    """Fetch signed receipts of this device, the earliest first."""
    return feed.receipts(ctx, query)


@blueprint.post("/blobs/missing")
@endpoint(Permission.UPLOAD, load=MissingBody, dump=MissingOut, idempotent=False)
def missing_blobs(ctx: Context, command: Missing) -> dict[str, Any]:
    """Ask which objects this device has not sent completely yet."""
    return service.missing_blobs(ctx, command)


@blueprint.post("/dock/matches")
@endpoint(Permission.MISSIONS_VIEW, load=MatchesBody, dump=MatchesOut, idempotent=False)
def match_docked_files(ctx: Context, command: MatchFiles) -> dict[str, Any]:
    """Suggest officer, mission and case of a card's files, by duty booking; nothing is kept."""
    return docking.matches(ctx, command)


@blueprint.post("/clock")
@endpoint(Permission.CLOCK_EXCHANGE, load=ClockBody, dump=StatementOut, idempotent=False)
def read_clock(ctx: Context, command: ReadClock) -> SignedStatement:
    """Exchange timestamps; the signed answer goes into a record ``clock.observed``."""
    return service.read_clock(ctx, command)


@blueprint.post("/tickets")
@endpoint(Permission.TICKET_REQUEST, load=TicketBody, dump=StatementOut, status=201)
def issue_ticket(ctx: Context, command: AskTicket) -> SignedStatement:
    """Ask for a ticket before a mission: it bounds the mission's records from below."""
    return service.issue_ticket(ctx, command)


@blueprint.get("/devices/<uuid:device_id>/chain")
@endpoint(Permission.AUDIT_VIEW, query=ChainQueryIn, dump=ChainOut)
def device_chain(ctx: Context, device_id: uuid.UUID, query: ChainQuery) -> dict[str, Any]:
    """A device's chain: what is there and missing, its keys, who bound it and when."""
    return chain_view.view(ctx, device_id, query)


@blueprint.get("/devices/<uuid:device_id>/loss")
@endpoint(Permission.DEVICES_MANAGE, query=LossQueryIn, dump=LossOut)
def view_loss(ctx: Context, device_id: uuid.UUID, query: dict[str, datetime]) -> dict[str, Any]:
    """What is known of a device that may be lost: open range, suspects, who was signed in."""
    loss = lost.view(ctx, identity.visible_device(ctx, device_id), query.get("since"))
    may_look = ctx.actor.may(Permission.EVIDENCE_VIEW)
    return {
        **{one.name: getattr(loss, one.name) for one in fields(loss)},
        "suspects": [item.id for item in loss.suspects] if may_look else [],
        "signed_in": [person.id for person in loss.signed_in],
    }


@blueprint.post("/devices/<uuid:device_id>/loss")
@endpoint(Permission.DEVICES_MANAGE, load=LossBody, dump=HandledOut)
def report_loss(ctx: Context, device_id: uuid.UUID, command: ReportLoss) -> Handled:
    """Report a device as lost: revoke it, mark what came since; again with an earlier time."""
    return lost.report(ctx, device_id, command)


@blueprint.get("/sync/held")
@endpoint(Permission.HELD_RELEASE, query=HeldQueryIn, dump=HeldOut)
def held(ctx: Context, query: HeldQuery) -> Page[Held]:
    """List records that wait for a predecessor."""
    return service.held(ctx, query)


@blueprint.post("/sync/held/<uuid:device_id>/<int:ep>/<int:seq>/release")
@endpoint(Permission.HELD_RELEASE, load=ReleaseBody, dump=ReleasedOut)
def release_held(
    ctx: Context, device_id: uuid.UUID, ep: int, seq: int, command: ReleaseHeld
) -> Released:
    """Let a held record into the log although its predecessors are missing."""
    return service.release(ctx, device_id, ep, seq, command.reason)


@blueprint.post("/bundles")
@endpoint(
    Permission.SYNC_PUSH, load=BundleBody, dump=BundleOut, idempotent=False, streams=True,
    body_bytes_max=BUNDLE_BODY_BYTES_MAX,
)  # fmt: skip
def take_bundle(ctx: Context) -> dict[str, Any]:
    """Enter a bundle that the caller uploaded, as if its device had sent it."""
    _, command = load_command(BundleBody, BUNDLE_BODY_BYTES_MAX)
    return bundles.take(ctx, command)


@blueprint.get("/bundles/<sha256>/receipts")
@endpoint(Permission.SYNC_PUSH, streams=True)
def bundle_receipts(ctx: Context, sha256: str) -> Response:
    """The receipts for a bundle that the caller brought, as a bundle to carry back."""
    return Response(bundles.receipts_for(ctx, sha256), mimetype=MEDIA_TYPE)
