"""A desk with items to share, somebody who shares them, and browsers of outsiders."""

from __future__ import annotations

import hashlib
import io
import re
import uuid
from dataclasses import dataclass, field
from typing import Any

from flask import Flask
from PIL import Image
from werkzeug.test import TestResponse

from server.core.context import Actor, Context
from server.core.cookies import Kind, cookie_name
from server.core.permissions import TokenKind
from server.core.transactions import EVERY_COURT, unit_of_work
from server.evidence.models import Derivative, Evidence
from server.evidence.redaction_models import Redaction
from server.notices.models import Webhook, WebhookAttempt, WebhookDelivery
from server.shares import opening, service
from server.shares.commands import MakeShare, Mode, OpenShare
from server.shares.service import Made
from storage.digest import Digest
from tests.factories.console import Desk, desk
from tests.factories.evidence import Scene
from tests.factories.identity import runtime_of
from tests.factories.identity_rows import Person

RECIPIENT = "钱律师(虚构)"


def picture(colour: str = "navy", size_px: tuple[int, int] = (640, 480)) -> bytes:
    """A small WebP, as the worker makes them."""
    out = io.BytesIO()
    Image.new("RGB", size_px, colour).save(out, "WEBP")
    return out.getvalue()


def keep(scene: Scene, data: bytes) -> str:
    """Put bytes into the store; returns their digest."""
    sha256 = hashlib.sha256(data).hexdigest()
    path = scene.runtime.settings.data_dir / f"draft-{sha256[:8]}"
    path.write_bytes(data)
    scene.runtime.stores.blobs.put_file(Digest(sha256), path)
    path.unlink()
    return sha256


def derive(scene: Scene, item: Evidence, name: str, data: bytes, mime: str = "image/webp") -> None:
    """What the worker would have made of the item."""
    sha256 = keep(scene, data)
    with unit_of_work(EVERY_COURT) as session:
        session.add(
            Derivative(
                source_sha256=item.sha256, name=name, mime=mime, sha256=sha256,
                size_bytes=len(data), created_at=scene.clock.now(),
            )
        )  # fmt: skip


def redact(
    scene: Scene, item: Evidence, data: bytes, mime: str = "image/jpeg", kind: str = "photo",
    number: int = 1,
) -> uuid.UUID:  # fmt: skip
    """A finished redacted copy of the item."""
    sha256, now = keep(scene, data), scene.clock.now()
    with scene.unit() as ctx:
        row = Redaction(
            id=ctx.new_id(), court_id=item.court_id, evidence_id=item.id, number=number, kind=kind,
            recipe={}, recipe_sha256="00" * 32, reason="第三人(虚构)",
            asked_by=scene.supervisor_id, asked_at=now, state="made", source_sha256=item.sha256,
            sha256=sha256, size_bytes=len(data), mime=mime, width=640, height=480,
            duration_ms=0, complete=True, finished_at=now,
        )  # fmt: skip
        ctx.session.add(row)
        return row.id


def photo(scene: Scene, data: bytes, **changes: Any) -> Evidence:
    """A verified photo with its preview."""
    keep(scene, data)
    scene.declare(scene.capture(data, **changes))
    scene.arrive(data)
    item = scene.items()[-1]
    derive(scene, item, "preview", picture())
    return item


def share(scene: Scene, *items: Evidence, **changes: Any) -> Made:
    """Shared by the scene's supervisor, for viewing unless told."""
    wishes: dict[str, Any] = {
        "case_id": scene.case_id, "evidence_ids": tuple(item.id for item in items),
        "recipient": RECIPIENT, "purpose": "质证准备(虚构)", "mode": Mode.VIEW, "days": 14,
        "with_code": False,
    }  # fmt: skip
    with scene.unit() as ctx:
        made = service.make(ctx, MakeShare(**(wishes | changes)))
        ctx.session.flush()
        ctx.session.expunge(made.share)
        return made


def shared_in(app: Flask, who: Person, case: uuid.UUID, evidence: uuid.UUID) -> Made:
    """One item of a case, shared for download by this person, and opened once."""
    runtime = runtime_of(app)
    actor = Actor(
        token=TokenKind.ACCESS, court_id=who.court_id, user_id=who.id, roles=frozenset(who.roles)
    )
    command = MakeShare(
        case_id=case, evidence_ids=(evidence,), recipient=RECIPIENT, purpose="质证准备(虚构)",
        mode=Mode.DOWNLOAD, days=14,
    )  # fmt: skip
    with unit_of_work(who.court_id) as session:
        made = service.make(Context(actor, session, runtime), command)
        session.flush()
        nobody = Actor(token=TokenKind.NOBODY, court_id=who.court_id, address="127.0.0.1")
        asked = OpenShare(code=made.code or "", terms=made.share.terms)
        entered = opening.enter(Context(nobody, session, runtime), made.token, asked)
        assert isinstance(entered, opening.Entered)
        session.flush()
        session.expunge(made.share)
        return made


def hooked_in(app: Flask, who: Person) -> tuple[uuid.UUID, uuid.UUID]:
    """A webhook of the court and a message that failed; nothing of it leaves this host."""
    runtime = runtime_of(app)
    now, hook, sent = runtime.clock.now(), runtime.ids(), runtime.ids()
    secret = runtime.keyring.seal(b"secret" * 6, f"webhook:{hook}")
    with unit_of_work(who.court_id) as session:
        session.add(
            Webhook(
                id=hook, court_id=who.court_id, name="对接系统(虚构)", url="https://127.0.0.1:9/",
                kinds=["account.locked"], secret=secret, state="active", created_by=who.id,
                created_at=now,
            )
        )  # fmt: skip
        session.flush()
        session.add(
            WebhookDelivery(
                id=sent, court_id=who.court_id, webhook_id=hook, kind="webhook.test",
                body="{}", state="failed", tries=1, next_at=now, created_at=now, finished_at=now,
            )
        )  # fmt: skip
        session.flush()
        session.add(
            WebhookAttempt(
                id=runtime.ids(), court_id=who.court_id, delivery_id=sent, at=now, duration_ms=3,
                problem="private-address",
            )
        )  # fmt: skip
    return hook, sent


@dataclass
class Outsider:
    """A browser without an account."""

    app: Flask
    desk: Desk = field(init=False)

    def __post_init__(self) -> None:
        self.desk = desk(self.app)

    def follow(self, token: str) -> TestResponse:
        """Open the link and go where it leads."""
        answer = self.desk.get(f"/s/{token}")
        return self.desk.get("/s") if answer.status_code == 303 else answer

    def enter(self, code: str | None = None, terms: str = "2026-11", **more: str) -> TestResponse:
        """Accept the terms."""
        form = {"terms": terms, "agree": "true", **({"code": code} if code else {}), **more}
        return self.desk.post("/s", form)

    def into(self, made: Made) -> Outsider:
        """Open a share; whoever may not fails the test."""
        self.follow(made.token)
        answer = self.enter(made.code)
        assert answer.status_code == 303, answer.text
        return self

    def get(self, path: str, **arguments: Any) -> TestResponse:
        return self.desk.get(path, **arguments)

    def item(self, item: Evidence, part: str = "", **arguments: Any) -> TestResponse:
        return self.desk.get(f"/s/items/{item.id}{part}", **arguments)

    @property
    def cookie(self) -> str | None:
        """The share's cookie that this browser holds."""
        settings = self.app.extensions["tiezheng"].settings
        found = self.desk.client.get_cookie(cookie_name(settings, Kind.SHARE))
        return None if found is None else found.value


def plain(answer: TestResponse) -> tuple[int, str]:
    """Status and text without what is particular to a request."""
    return answer.status_code, re.sub(r'name="next" value="[^"]*"', "", answer.text)


__all__ = [
    "RECIPIENT", "Outsider", "derive", "hooked_in", "keep", "photo", "picture", "plain", "redact",
    "share", "shared_in",
]  # fmt: skip
