"""What somebody outside sees of a share: link, terms and code; its items; nothing else.

``/s`` answers everybody: who is in gets the items, who opened a link gets the terms, and everybody
else one text, the same whether a link never was, has ended, or was taken back.
"""

from __future__ import annotations

import dataclasses
import json
import uuid
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from flask import Blueprint, Response, current_app, request

from server.audit import log
from server.cases import queries as cases
from server.console import watermark
from server.console.filters import Look
from server.console.pages import language, page, render, see
from server.console.shares_forms import OpenForm
from server.core.clock import rfc3339
from server.core.content import content_response
from server.core.context import Context
from server.core.cookies import Kind, set_cookie
from server.core.ids import short_code
from server.core.permissions import Permission
from server.core.problem import not_found
from server.core.recording import recorded
from server.core.transactions import scope
from server.disclosure import marking
from server.evidence.schemas import shown_name
from server.shares import flowing, opening, queries, reading, showing, terms
from server.shares.authentication import as_cookie, authenticate, held, openings
from server.shares.commands import Mode, OpenShare
from server.shares.models import Share
from server.shares.opening import Entered, Refused
from server.shares.queries import Opened
from server.shares.reading import Bytes
from storage.digest import Digest

blueprint = Blueprint("console_shares_outside", __name__)
HOME: Final = "/s"


@blueprint.get("/s/<string(length=43):token>")
@page(Permission.PUBLIC)
def open_link(ctx: Context, token: str) -> Response:
    """Exchange a share's link for a cookie, so that the address no longer has it."""
    mine = openings(ctx.session, ctx.runtime)
    for opened in mine.values():
        if opening.is_link_of(ctx.runtime, opened.share, token):
            return see(f"{HOME}?of={opened.share.id}")
    share = opening.look_up(ctx.session, ctx.runtime, token)
    if share is None:
        return _closed(ctx)
    until = min(ctx.clock.now() + opening.LINK_COOKIE_LIFE, share.expires_at)
    return _keeping(ctx, see(HOME), token, until, mine)


@blueprint.get("/s")
@page(Permission.PUBLIC)
def show_items(ctx: Context) -> Response:
    """The items for who is in, the terms for who opened a link, one text for everybody else."""
    inner = _inside(ctx)
    if inner is None or ("of" not in request.args and _link(ctx) is not None):
        return _terms(ctx)
    found = queries.opened(inner)
    items = queries.items_of(inner.session, found.share.id)
    return render(
        inner,
        "shares/outside/list.html",
        **_frame(inner, found.share),
        items=items,
        forms=queries.forms_of(inner.session, [row for row, _ in items]),
        others=_others(ctx, found.share),
    )


@blueprint.post("/s")
@page(Permission.PUBLIC, form=OpenForm)
def enter(ctx: Context, form: tuple[OpenShare, bool]) -> Response:
    """Accept the terms and give the code, for this browser."""
    command, agreed = form
    if not agreed:
        return _terms(ctx, failed="shares.agree_first", status=422)
    mine = openings(ctx.session, ctx.runtime)
    outcome = opening.enter(ctx, _link(ctx) or "", command)
    if isinstance(outcome, Refused):
        return _terms(ctx, failed="shares.code_wrong", status=403, tries_left=outcome.tries_left)
    if not isinstance(outcome, Entered):
        return _closed(ctx)
    return _keeping(ctx, see(HOME), outcome.cookie, outcome.share.expires_at, mine)


@blueprint.get("/s/mark.svg")
@page(Permission.SHARE_OPEN)
def mark(ctx: Context) -> Response:
    """The watermark that lies over the pages: recipient and time."""
    first, second = _lines(ctx, queries.opened(ctx).share)
    return watermark.drawn(first, second)


@blueprint.get("/s/items/<uuid:evidence_id>")
@page(Permission.SHARE_OPEN, reads_evidence=True)
def show_item(ctx: Context, evidence_id: uuid.UUID) -> Response:
    """One item; the view is recorded."""
    with recorded(ctx):
        shared = queries.shared_item(ctx, evidence_id)
        reading.seen(ctx, shared, "viewed")
    may_download = shared.share.mode == Mode.DOWNLOAD
    return render(
        ctx,
        "shares/outside/item.html",
        **_frame(ctx, shared.share),
        item=shared.item,
        form=shared.form.name,
        picture=reading.picture_of(ctx, shared),
        film=reading.film_of(ctx, shared),
        film_state=reading.film_state(ctx, shared),
        may_download=may_download,
        facts=_facts(ctx, shared) if may_download else None,
    )


@blueprint.get("/s/items/<uuid:evidence_id>/picture")
@page(Permission.SHARE_OPEN, streams=True, reads_evidence=True)
def show_picture(ctx: Context, evidence_id: uuid.UUID) -> Response:
    """A picture of the item with recipient and time burnt in; the view is recorded."""
    data = showing.marked_picture(ctx, evidence_id, lambda share: _lines(ctx, share))
    response = Response(data, mimetype=marking.MIME)
    response.headers["Cache-Control"] = "private, no-store"
    response.headers["Content-Security-Policy"] = watermark.CSP
    response.headers["Cross-Origin-Resource-Policy"] = "same-origin"
    return response


@blueprint.get("/s/items/<uuid:evidence_id>/media")
@page(Permission.SHARE_OPEN, reads_evidence=True)
def play(ctx: Context, evidence_id: uuid.UUID) -> Response:
    """The film or sound that was made for looking at, never the original; recorded."""
    with recorded(ctx):
        shared = queries.shared_item(ctx, evidence_id)
        found = reading.film_of(ctx, shared)
        if found is None:
            raise not_found()
        reading.seen(ctx, shared, "viewed", found)
    return _flow(ctx, found)


@blueprint.get("/s/items/<uuid:evidence_id>/content")
@page(Permission.SHARE_OPEN, reads_evidence=True)
def download(ctx: Context, evidence_id: uuid.UUID) -> Response:
    """The item's bytes to keep, where downloads are allowed; recorded."""
    with recorded(ctx):
        shared = queries.shared_item(ctx, evidence_id)
        found = reading.content_of(ctx, shared)
        reading.seen(ctx, shared, "downloaded", found)
    return _flow(ctx, found)


@blueprint.get("/s/items/<uuid:evidence_id>/facts.json")
@page(Permission.SHARE_OPEN, reads_evidence=True)
def facts(ctx: Context, evidence_id: uuid.UUID) -> Response:
    """What belongs to a download: digest, size, time, place in the log; recorded as a view."""
    with recorded(ctx):
        shared = queries.shared_item(ctx, evidence_id)
        reading.content_of(ctx, shared)
        reading.seen(ctx, shared, "viewed")
    text = json.dumps(_facts(ctx, shared), ensure_ascii=False, indent=1)
    response = Response(text, mimetype="application/json")
    name = f"{short_code(shared.item.id)}.json"
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    response.headers["Cache-Control"] = "private, no-store"
    return response


def _flow(ctx: Context, found: Bytes) -> Response:
    stores = ctx.runtime.stores.blobs
    response = content_response(stores, Digest(found.sha256), found.mime, found.name)
    app = current_app._get_current_object()  # type: ignore[attr-defined]  # noqa: SLF001
    return flowing.while_alive(response, app, ctx.runtime, ctx.actor)


def _inside(ctx: Context) -> Context | None:
    """The same unit of work in the name of the opening whose browser this is."""
    actor = authenticate(ctx.session, ctx.runtime)
    if actor is None:
        return None
    scope(ctx.session, actor.court_id)
    return dataclasses.replace(ctx, actor=actor)


def _link(ctx: Context) -> str | None:
    """The token of the link that this browser opened last, unless it is in already."""
    newest = next(iter(held(ctx.settings)), "")
    return newest if opening.look_up(ctx.session, ctx.runtime, newest) is not None else None


def _keeping(
    ctx: Context, response: Response, secret: str, until: datetime, mine: Mapping[str, Opened]
) -> Response:
    """One more secret for this browser, beside those of the shares that it opened before."""
    lasts = max([until, *(one.share.expires_at for one in mine.values())])
    set_cookie(response, ctx.settings, Kind.SHARE, as_cookie([secret, *mine]), lasts)
    return response


def _others(ctx: Context, share: Share) -> list[Share]:
    """Other shares that are open in this browser."""
    mine = openings(ctx.session, ctx.runtime).values()
    return [one.share for one in mine if one.share.id != share.id]


def _terms(
    ctx: Context, *, failed: str | None = None, status: int = 200, tries_left: int = 0
) -> Response:
    share = opening.look_up(ctx.session, ctx.runtime, _link(ctx) or "")
    if share is None:
        return _closed(ctx)
    return render(
        ctx,
        "shares/outside/terms.html",
        status=status,
        share=share,
        paragraphs=terms.text_of(share.terms, language()),
        needs_code=share.code_hash is not None,
        failed=failed,
        tries_left=tries_left,
    )


def _closed(ctx: Context) -> Response:
    return render(ctx, "shares/outside/closed.html", status=404)


def _frame(ctx: Context, share: Share) -> dict[str, Any]:
    case = cases.case_in_court(ctx.session, share.court_id, share.case_id)
    return {"share": share, "case_no": case.case_no if case else ""}


def _lines(ctx: Context, share: Share) -> tuple[str, str]:
    look = Look(language(), ZoneInfo(ctx.settings.time_zone))
    return share.recipient, f"{look.minute(ctx.clock.now())}  {short_code(share.id)}"


def _facts(ctx: Context, shared: queries.Shared) -> dict[str, Any]:
    item, found = shared.item, reading.content_of(ctx, shared)
    return {
        "item": str(item.id),
        "code": short_code(item.id),
        "form": shared.form.name,
        "name": shown_name(found.name),
        "sha256": found.sha256,
        "original_sha256": item.sha256,
        "original_size_bytes": item.size_bytes,
        "captured_at": rfc3339(item.captured_at),
        "verified_at": None if item.verified_at is None else rfc3339(item.verified_at),
        "device_record": item.record_hid,
        **log.place_of(ctx.session, item.device_id, item.ep, item.seq),
    }
