"""The log over HTTP: events for those who answer for the court, tiles and proofs for anyone.

Tiles and bundles hold no personal content: headers only, which commit to payloads kept elsewhere.
"""

from __future__ import annotations

import gzip
from dataclasses import replace
from typing import Any, Final

from flask import Blueprint, Response, request

from client_sdk.protocol.errors import ProofError, TileError
from client_sdk.protocol.tlog.tiles import Tile, parse_entries_path, parse_tile_path
from server.audit import log, log_state, queries
from server.audit.log_state import LogReport
from server.audit.schemas import (
    ConsistencyOut,
    ConsistencyQuery,
    EventQuery,
    EventsOut,
    LogStateOut,
    ProofQuery,
)
from server.audit.witness_state import witness_state
from server.core.context import Context
from server.core.endpoint import endpoint
from server.core.permissions import Permission
from server.core.problem import not_found

_FOR_EVER: Final = "public, max-age=31536000, immutable"
_TEXT: Final = "text/plain; charset=utf-8"
_BYTES: Final = "application/octet-stream"

blueprint = Blueprint("audit", __name__)
tiles = Blueprint("log", __name__, url_prefix="/log")


@blueprint.get("/events")
@endpoint(Permission.AUDIT_VIEW, query=EventQuery, dump=EventsOut)
def list_events(ctx: Context, query: dict[str, Any]) -> dict[str, Any]:
    """Entries of the court's log beyond an index, with the texts that were signed."""
    after, limit = query["after"], query["limit"]
    court_id = ctx.actor.court_id
    found = queries.court_events(ctx.session, court_id, after, limit + 1, query.get("case_id"))
    shown = found[:limit]
    return {
        "events": shown,
        "next_after": shown[-1].log_index if shown else after,
        "has_more": len(found) > limit,
        "levels": log.levels(ctx.session),
    }


@blueprint.get("/log/state")
@endpoint(Permission.PUBLIC, dump=LogStateOut)
def log_state_now(ctx: Context) -> LogReport:
    """How the log stands: size, levels, what signer, witnesses and authorities last said."""
    lag, now = ctx.settings.sign_lag_seconds_max, ctx.clock.now()
    witnessing = witness_state(ctx.session, ctx.settings, now)
    return replace(log_state.report(ctx.session, now, lag), witnessing=witnessing)


@blueprint.get("/log/proofs/<int:log_index>")
@endpoint(Permission.PUBLIC, query=ProofQuery, responses={200: _TEXT})
def proof_of_entry(ctx: Context, log_index: int, query: dict[str, Any]) -> Response:
    """Proof that an entry is under a checkpoint, as a .tlog-proof text."""
    at = None
    if "size" in query:
        at = log.checkpoint_at(ctx.session, query["size"])
        if at is None:
            raise not_found("there is no checkpoint of this size")
    if log_index >= log.size_of(ctx.session):
        raise not_found("there is no such entry")
    text = log.proof_of(ctx.session, log_index, at).to_text()
    return Response(text, content_type=_TEXT, headers={"Cache-Control": "no-store"})


@blueprint.get("/log/consistency")
@endpoint(Permission.PUBLIC, query=ConsistencyQuery, dump=ConsistencyOut)
def consistency_of_sizes(ctx: Context, query: dict[str, Any]) -> dict[str, Any]:
    """Proof that the log of a newer size extends the log of an older one."""
    proof = log.consistency(ctx.session, query["old"], query["new"])
    return {**query, "proof": proof}


@tiles.get("/checkpoint")
@endpoint(Permission.PUBLIC, responses={200: _TEXT})
def newest_checkpoint(ctx: Context) -> Response:
    """The newest signed checkpoint, with the cosignatures that have come (C2SP tlog-tiles)."""
    found = log.newest_checkpoint(ctx.session)
    if found is None:
        raise not_found("nothing has been signed yet")
    return Response(found.note, content_type=_TEXT, headers={"Cache-Control": "max-age=1"})


@tiles.get("/tile/<level>/<path:number>")
@endpoint(Permission.PUBLIC, responses={200: _BYTES})
def tile_of_hashes(ctx: Context, level: str, number: str) -> Response:
    """A tile of the tree's hashes (C2SP tlog-tiles)."""
    try:
        data = log.tile_data(ctx.session, parse_tile_path(f"tile/{level}/{number}"))
    except (TileError, ProofError):
        raise not_found("there is no such tile") from None
    return Response(data, content_type=_BYTES, headers={"Cache-Control": _FOR_EVER})


@tiles.get("/tile/entries/<path:number>")
@endpoint(Permission.PUBLIC, responses={200: _BYTES})
def bundle_of_entries(ctx: Context, number: str) -> Response:
    """A bundle of the log's entries (C2SP tlog-tiles)."""
    try:
        tile: Tile = parse_entries_path(f"tile/entries/{number}")
    except TileError:
        raise not_found("there is no such bundle") from None
    data = log.bundle(ctx.session, tile)
    if data is None:
        raise not_found("there is no such bundle")
    response = Response(data, content_type=_BYTES, headers={"Cache-Control": _FOR_EVER})
    response.headers["Vary"] = "Accept-Encoding"
    if request.accept_encodings["gzip"]:
        response.set_data(gzip.compress(data, 6, mtime=0))
        response.headers["Content-Encoding"] = "gzip"
    return response
