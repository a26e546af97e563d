"""Invited observers for tests: an invitation of the supervisor, and the browser that redeems it."""

from __future__ import annotations

import hashlib
import io
import re
import uuid
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from PIL import Image
from werkzeug.test import TestResponse

from server.core.context import Actor, Context
from server.core.cookies import Kind, cookie_name
from server.core.permissions import TokenKind
from server.core.transactions import unit_of_work
from server.evidence.models import Evidence
from server.evidence.recipes import REDACT, Box, Recipe
from server.evidence.redaction_models import Redaction
from server.evidence.redactions import recipe_digest
from server.guests import service
from server.guests.commands import Invite
from server.guests.kinds import InviteeKind
from server.live.commands import Decision
from server.live.models import LiveEntry
from storage.digest import Digest
from tests.factories.cases import add_case, add_mission
from tests.factories.field import Recorder
from tests.factories.identity import add_device, runtime_of
from tests.factories.identity_rows import CourtWorld, Person
from tests.factories.live import Outing

AGENT = "Mozilla/5.0 (a browser of tests)"
NAME = "邓观摩(虚构)"
NOTES = (
    "到达现场(虚构)",
    "出示证件并宣读裁定(虚构)",
    "据知情人举报该处有财产(虚构)",
    "笔误(虚构)",
)


@dataclass(frozen=True)
class Invited:
    """An invitation with its two secrets."""

    app: Flask
    id: uuid.UUID
    token: str
    code: str

    @property
    def link(self) -> str:
        return f"/g/{self.token}"

    def revoke(self, by: Person, reason: str = "虚构") -> None:
        """Take it back as this person."""
        with unit_of_work(by.court_id) as session:
            service.revoke(_context(self.app, by, session), self.id, reason)


@dataclass
class Watching:
    """A guest's browser."""

    client: FlaskClient
    origin: str

    def get(self, path: str, **arguments: Any) -> TestResponse:
        return self.client.get(path, **arguments)

    def post(self, path: str, data: Any = None, **arguments: Any) -> TestResponse:
        headers = {"Origin": self.origin, **arguments.pop("headers", {})}
        return self.client.post(path, data=data, headers=headers, **arguments)

    def redeem(self, invited: Invited, code: str | None = None) -> TestResponse:
        """Open the link, accept the rules, give the code; the answer to the last."""
        self.get(invited.link)
        return self.post("/g", {"agree": "true", "code": code or invited.code})

    def stream(self, after: int | None = None) -> TestResponse:
        """The live stream, unread; close it."""
        headers = {} if after is None else {"Last-Event-ID": str(after)}
        return self.client.get("/g/stream", headers=headers)


def invite(
    app: Flask,
    by: Person,
    mission_id: uuid.UUID | None,
    *,
    hours: float = 8,
    starts_in: timedelta = timedelta(0),
    name: str = NAME,
) -> Invited:
    """Invite somebody to a mission, from now on unless told."""
    with unit_of_work(by.court_id) as session:
        ctx = _context(app, by, session)
        begins = ctx.clock.now() + starts_in
        sent = service.invite(
            ctx,
            Invite(
                invitee=name,
                invitee_title="县人大代表",
                invitee_kind=InviteeKind.NPC_DEPUTY,
                mission_id=mission_id,
                window_from=begins,
                window_to=begins + timedelta(hours=hours),
            ),
        )
        return Invited(app, sent.invitation.id, sent.token, sent.code)


def browser(app: Flask, lang: str = "en") -> Watching:
    """A browser without scripts that belongs to nobody yet."""
    client = app.test_client()
    client.set_cookie("tz-lang", lang)
    client.environ_base["HTTP_USER_AGENT"] = AGENT
    return Watching(client, runtime_of(app).settings.public_url)


def guest(app: Flask, invited: Invited, lang: str = "en") -> Watching:
    """A browser that has redeemed the invitation."""
    found = browser(app, lang)
    answer = found.redeem(invited)
    assert answer.status_code == 303, answer.get_data(as_text=True)
    return found


def events_of(chunk: bytes) -> list[tuple[int, str]]:
    """(id, name) of every event with an id in a piece of a stream."""
    found = re.findall(rb"^id: (\d+)\nevent: (\w+)$", chunk, re.MULTILINE)
    return [(int(number), name.decode()) for number, name in found]


def _context(app: Flask, by: Person, session: Any) -> Context:
    actor = Actor(TokenKind.ACCESS, by.court_id, user_id=by.id, roles=frozenset(by.roles))
    return Context(actor, session, runtime_of(app))


def photo_of(outing: Outing, entry: LiveEntry, *, spoiler: bytes = b"") -> uuid.UUID:
    """A finished redacted copy of the item that an entry is about, with metadata to lose."""
    runtime = runtime_of(outing.app)
    out = io.BytesIO()
    exif = Image.Exif()
    exif[0x010E] = spoiler.decode("latin-1")  # ImageDescription
    Image.new("RGB", (640, 480), (90, 120, 60)).save(out, "JPEG", exif=exif, comment=spoiler)
    data = out.getvalue()
    digest = hashlib.sha256(data).hexdigest()
    runtime.stores.blobs.put_stream(Digest(digest), io.BytesIO(data), len(data))
    now = runtime.clock.now()
    recipe = Recipe(REDACT, "photo", (Box(0, 0, 50_000, 50_000, "fill"),))
    with outing.system() as ctx:
        item = ctx.session.get_one(Evidence, entry.source_id)
        row = Redaction(
            id=ctx.new_id(), court_id=item.court_id, evidence_id=item.id, number=1, kind="photo",
            recipe=recipe.value(), recipe_sha256=recipe_digest(recipe), reason="虚构",
            asked_by=outing.court.officer.id, asked_at=now, state="made",
            source_sha256=item.sha256, sha256=digest, size_bytes=len(data), mime="image/jpeg",
            width=640, height=480, duration_ms=0, complete=True, finished_at=now,
        )  # fmt: skip
        ctx.session.add(row)
        return row.id


@dataclass(frozen=True)
class Observed:
    """A mission under way with entries of every state, and a guest's browser for it."""

    outing: Outing
    invited: Invited
    cookie: str
    ids: dict[str, str]


def observed(app: Flask, court: CourtWorld) -> Observed:
    """Two released entries, one held, one withdrawn, one opinion; a guest who has redeemed."""
    case = add_case(app, court.id, serial=71, handler_id=court.officer.id)
    device = add_device(app, court.id)
    mission = add_mission(
        app, court.id, [case], officer_ids=[court.officer.id], device_ids=[device.id]
    )
    outing = Outing(app, court, case, mission, Recorder(app, device))
    outing.start()
    outing.read()
    outing.set_rules(delay_seconds=0)
    for text in NOTES:
        outing.note(text)
    outing.read()
    outing.release_due()
    outing.set_rules(delay_seconds=600)
    wrong = next(row for row in outing.rows() if "笔误" in (row.shown_text or ""))
    outing.decide(wrong, Decision.WITHDRAW, reason="笔误(虚构)")
    invited = invite(app, court.supervisor, mission)
    visitor = guest(app, invited)
    visitor.get("/g")
    visitor.post("/g/opinions", {"kind": "question", "text": "清点由谁见证?(虚构)"})
    unused = invite(app, court.supervisor, mission, name="尚未到场(虚构)")
    cookie = visitor.client.get_cookie(cookie_name(runtime_of(app).settings, Kind.GUEST))
    assert cookie is not None
    ids = {"observed": str(mission), "invitation": str(invited.id), "invited": str(unused.id)}
    return Observed(outing, invited, cookie.value, ids)
