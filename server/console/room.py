"""The observers' room: link, rules and code; the live log; opinions; replay; attendance.

``/g`` answers everybody: a guest gets the room, who opened a link gets the rules and the code's
form, and everybody else one text that tells nothing.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import uuid
from collections.abc import Iterator
from typing import Any

from flask import Blueprint, Response, current_app, request

from server.console import room_shown, watermark
from server.console.pages import language, page, render, see
from server.console.room_forms import MarkQuery, RedeemForm, ReplayQuery, SayForm, SizeForm
from server.core.bodies import load_form
from server.core.context import Context
from server.core.cookies import Kind, is_secure, read_cookie, set_cookie
from server.core.permissions import Permission
from server.core.problem import Kind as Refusal
from server.core.problem import Problem, not_found
from server.core.recording import recorded
from server.core.transactions import scope, unit_of_work
from server.disclosure import marking
from server.evidence import redactions
from server.guests import (
    attendance,
    opinions,
    policy,
    queries,
    redeeming,
    room,
    voice,
    watching,
)
from server.guests.authentication import authenticate
from server.guests.commands import Redeem, Say
from server.guests.kinds import Phase
from server.guests.models import Invitation
from server.guests.redeeming import Opened, Redeemed, Refused
from server.live.hub import event_stream, resume_after
from storage.digest import Digest

blueprint = Blueprint("console_room", __name__)
ROOM = "/g"
CLOSED = "/g/closed"
TAKEN = "/g/taken"
OCCUPIED = "/g/occupied"
_SIZE_COOKIE = "tz-size"
_YEAR_SECONDS = 365 * 86_400
_FORM_BYTES_MAX = voice.BYTES_MAX + 65_536


@blueprint.get("/g/<string(length=43):token>")
@page(Permission.PUBLIC)
def open_link(ctx: Context, token: str) -> Response:
    """Exchange an invitation's link for a cookie, so that the address no longer has it."""
    opened, invitation = redeeming.look_up(ctx.session, ctx.runtime, token)
    if opened is Opened.TAKEN and _is_own(ctx, token):
        return see(ROOM)
    if invitation is not None and authenticate(ctx.session, ctx.runtime) is not None:
        return see(OCCUPIED)  # its cookie is all that the other room has
    if invitation is None:
        return see(TAKEN if opened is Opened.TAKEN else CLOSED)
    response = see(ROOM)
    until = ctx.clock.now() + redeeming.LINK_COOKIE_LIFE
    set_cookie(response, ctx.settings, Kind.GUEST, token, until)
    return response


@blueprint.get("/g/closed")
@page(Permission.PUBLIC)
def show_closed(ctx: Context) -> Response:
    """What a link is answered with that is good for nothing, whatever the reason."""
    return _closed(ctx, Opened.UNUSABLE)


@blueprint.get("/g/taken")
@page(Permission.PUBLIC)
def show_taken(ctx: Context) -> Response:
    """What a second browser is told, and how to ask for an invitation of its own."""
    return _closed(ctx, Opened.TAKEN)


@blueprint.get("/g/occupied")
@page(Permission.PUBLIC)
def show_occupied(ctx: Context) -> Response:
    """What a guest is told who opens another invitation in the same browser."""
    return render(ctx, "room/occupied.html", status=409)


@blueprint.get("/g")
@page(Permission.PUBLIC)
def show_room(ctx: Context) -> Response:
    """The live log for a guest, the rules for who opened a link, one text for everybody else."""
    inner = _as_guest(ctx)
    if inner is None:
        return _rules(ctx)
    found = room.look(inner)
    if found.phase is Phase.WAITING:
        return render(inner, "room/waiting.html", **_frame(inner, found.guest.invitation))
    if found.phase is Phase.LIVE:
        _note_sighting(inner, found)
    shown = room_shown.shown(found, inner.clock.now())
    return render(inner, "room/room.html", **_frame(inner, found.guest.invitation), **shown)


@blueprint.post("/g")
@page(Permission.PUBLIC, form=RedeemForm)
def redeem(ctx: Context, form: dict[str, Any]) -> Response:
    """Accept the rules and give the code, once and for this browser alone."""
    token = read_cookie(ctx.settings, Kind.GUEST) or ""
    if "agree" not in form:
        return _rules(ctx, failed="room.agree_first", status=422)
    command = Redeem(
        code="".join(form["code"].split()),
        consent_version=policy.CONSENT_VERSION,
        lang=language(),
        address=ctx.actor.address,
        agent=request.headers.get("User-Agent", ""),
    )
    outcome = redeeming.redeem(ctx, token, command)
    if isinstance(outcome, Refused):
        return _rules(ctx, failed="room.code_wrong", status=403, tries_left=outcome.tries_left)
    if not isinstance(outcome, Redeemed):
        return _closed(ctx, outcome)
    response = see(ROOM)
    until = outcome.invitation.replay_until
    set_cookie(response, ctx.settings, Kind.GUEST, outcome.cookie, until)
    return response


@blueprint.get("/g/stream")
@page(Permission.LIVE_WATCH)
def stream(ctx: Context) -> Response:
    """The live log as server-sent events; resumes after ``Last-Event-ID``."""
    app = current_app._get_current_object()  # type: ignore[attr-defined]  # noqa: SLF001
    body = watching.open_stream(ctx, resume_after(), app.app_context)
    if body is None:
        return Response(status=204, headers={"Cache-Control": "no-store"})
    return event_stream(body)


@blueprint.get("/g/mark.svg")
@page(Permission.LIVE_WATCH, query=MarkQuery)
def mark(ctx: Context, query: dict[str, Any]) -> Response:  # noqa: ARG001  a number nobody reads
    """The watermark of this guest at this minute."""
    guest = queries.guest_of(ctx)
    return watermark.drawn(*room_shown.mark_of(guest, ctx))


@blueprint.get("/g/photo/<uuid:photo_id>")
@page(Permission.LIVE_WATCH, streams=True, reads_evidence=True)
def photo(ctx: Context, photo_id: uuid.UUID) -> Response:
    """A redacted photo of a released entry, marked with who looks; each look is recorded."""
    with unit_of_work(ctx.actor.court_id) as session:
        inner = dataclasses.replace(ctx, session=session)
        found = redactions.released_photo(session, room.seen_photo(inner, photo_id))
        if found is None:
            raise not_found()
        said = room_shown.photo_mark(queries.guest_of(inner), inner)
    # Reading and marking take a while, during which no transaction may be open.
    stored = ctx.runtime.stores.blobs.read(Digest(found.sha256))
    data = marking.marked(stored, (said,), ctx.settings.report_font)
    response = Response(data, mimetype=marking.MIME)
    response.headers["Cache-Control"] = "no-store"
    response.headers["Content-Disposition"] = "inline"
    response.headers["Content-Security-Policy"] = watermark.CSP
    response.headers["Cross-Origin-Resource-Policy"] = "same-origin"
    response.headers["X-Watermark"] = said
    return response


@blueprint.get("/g/opinions")
@page(Permission.LIVE_WATCH)
def list_opinions(ctx: Context) -> Response:
    """What this guest said, and what became of it."""
    found = room.look(ctx)
    if found.phase is Phase.WAITING:
        return see(ROOM)
    shown = room_shown.shown(found, ctx.clock.now())
    return render(ctx, "room/opinions.html", **_frame(ctx, found.guest.invitation), **shown)


@blueprint.post("/g/opinions")
@page(Permission.LIVE_WATCH, streams=True, body_bytes_max=_FORM_BYTES_MAX)
def say(ctx: Context) -> Response:
    """Say something of an entry or of the whole mission, in writing or by voice."""
    form = load_form(SayForm, _FORM_BYTES_MAX)
    spoken = request.files.get("voice")
    data = spoken.read(voice.BYTES_MAX + 1) if spoken else b""
    if not data and not form.get("text"):
        raise Problem(Refusal.VALIDATION, "write or say something first")
    with _guest(ctx, write=False) as (inner, guest, phase):
        opinions.require_may_say(inner, guest, phase)
    kept = voice.keep(ctx.runtime, data, spoken.mimetype) if spoken and data else None
    command = Say(kind=form["kind"], entry_id=form.get("entry"), text=form.get("text"), voice=kept)
    with _guest(ctx, write=True) as (inner, guest, phase):
        opinions.say(inner, guest, phase, command)
    return see(f"{ROOM}#mine", said="room.said_received")


@blueprint.get("/g/replay")
@page(Permission.LIVE_WATCH, query=ReplayQuery)
def replay(ctx: Context, query: int | None) -> Response:
    """What was released, step by step in the order of events, until the invitation expires."""
    found, entries = room.replayed(ctx)
    if found.phase is Phase.WAITING:
        return see(ROOM)
    step = min(query or len(entries), len(entries))
    return render(
        ctx,
        "room/replay.html",
        **_frame(ctx, found.guest.invitation),
        state=found.state,
        entries=entries[:step],
        step=step,
        steps=len(entries),
    )


@blueprint.get("/g/attendance")
@page(Permission.LIVE_WATCH, reads_evidence=True)
def show_attendance(ctx: Context) -> Response:
    """The signed note of attendance, to print."""
    issued = _issue(ctx)
    if issued is None:
        return see(ROOM)
    guest = queries.guest_of(ctx)
    return render(ctx, "room/attendance.html", **_frame(ctx, guest.invitation), issued=issued)


@blueprint.get("/g/attendance.json")
@page(Permission.LIVE_WATCH, reads_evidence=True)
def download_attendance(ctx: Context) -> Response:
    """The signed note of attendance, to keep and to verify."""
    issued = _issue(ctx)
    if issued is None:
        return see(ROOM)
    text = json.dumps(issued.statement.to_dict(), ensure_ascii=False, indent=1)
    response = Response(text, mimetype="application/json")
    response.headers["Content-Disposition"] = 'attachment; filename="attendance.json"'
    response.headers["Cache-Control"] = "no-store"
    return response


@blueprint.post("/g/size")
@page(Permission.LIVE_WATCH, form=SizeForm)
def set_size(ctx: Context, form: dict[str, bool]) -> Response:
    """Remember on this browser whether letters are larger."""
    response = see(ROOM)
    response.set_cookie(
        _SIZE_COOKIE, "large" if form["large"] else "usual", max_age=_YEAR_SECONDS,
        samesite="Lax", secure=is_secure(ctx.settings), httponly=True,
    )  # fmt: skip
    return response


def _issue(ctx: Context) -> attendance.Issued | None:
    with recorded(ctx):
        guest = queries.guest_of(ctx)
        phase, _ = room.phase_of(ctx.session, ctx.runtime, guest)
        return None if phase is Phase.WAITING else attendance.issue(ctx, guest)


@contextlib.contextmanager
def _guest(ctx: Context, *, write: bool) -> Iterator[tuple[Context, queries.Guest, Phase]]:
    """A transaction of the guest who asks, where the request has none."""
    with unit_of_work(ctx.actor.court_id, write=write) as session:
        inner = dataclasses.replace(ctx, session=session)
        guest = queries.guest_of(inner)
        yield inner, guest, room.phase_of(session, ctx.runtime, guest)[0]


def _as_guest(ctx: Context) -> Context | None:
    """The same unit of work in the name of the guest whose browser this is."""
    actor = authenticate(ctx.session, ctx.runtime)
    if actor is None:
        return None
    scope(ctx.session, actor.court_id)
    return dataclasses.replace(ctx, actor=actor)


def _is_own(ctx: Context, token: str) -> bool:
    """Whether this very browser redeemed the link that it opens again."""
    actor = authenticate(ctx.session, ctx.runtime)
    if actor is None:
        return False
    hashed = redeeming.hash_of(ctx.runtime, token)
    return queries.guest_with(ctx.session, actor.guest_id).invitation.token_hash == hashed


def _rules(
    ctx: Context, *, failed: str | None = None, status: int = 200, tries_left: int = 0
) -> Response:
    token = read_cookie(ctx.settings, Kind.GUEST) or ""
    opened, invitation = redeeming.look_up(ctx.session, ctx.runtime, token)
    if invitation is None:
        return _closed(ctx, opened)
    return render(
        ctx,
        "room/rules.html",
        status=status,
        **_frame(ctx, invitation),
        failed=failed,
        tries_left=tries_left,
    )


def _closed(ctx: Context, opened: Opened) -> Response:
    """One text for every link that is good for nothing, another for one used by a browser."""
    if opened is Opened.TAKEN:
        return render(ctx, "room/taken.html", status=403)
    return render(ctx, "room/closed.html", status=404)


def _frame(ctx: Context, invitation: Invitation) -> dict[str, Any]:
    """What every page of the room shows; nothing of it says whether there is an operation."""
    return {
        "invitation": invitation,
        "host": room.host_of(ctx.session, invitation),
        "large": request.cookies.get(_SIZE_COOKIE) == "large",
    }


def _note_sighting(ctx: Context, found: room.Room) -> None:
    """After the page is on its way; a page that shows nothing new writes nothing."""
    now, position = ctx.clock.now(), found.last_position
    if not attendance.is_due(ctx.session, found.guest.session.id, now, position):
        return
    watcher = attendance.watcher_of(found.guest, ctx.actor.address)
    ctx.after_commit.append(lambda: attendance.sight(ctx.runtime, watcher, position))


__all__ = ["ROOM", "blueprint"]
