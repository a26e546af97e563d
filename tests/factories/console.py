"""People at their browsers: a test client with a session cookie, and cookies for a real browser."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from client_sdk.protocol.encoding import b64url_encode
from server.core.cookies import Kind, cookie_name
from server.core.transactions import EVERY_COURT, unit_of_work
from server.identity import bonds
from server.identity.models import SignIn
from server.identity.sign_in import BROWSER, secret_hash
from tests.factories.identity import runtime_of
from tests.factories.identity_rows import Person


@dataclass
class Desk:
    """A browser without scripts: sends the cookie, and ``Origin`` with every form."""

    app: Flask
    client: FlaskClient
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def origin(self) -> dict[str, str]:
        """What a browser adds to a form of our own page."""
        return {"Origin": runtime_of(self.app).settings.public_url}

    def get(self, path: str, **arguments: Any) -> TestResponse:
        return self.client.get(
            path, headers={**self.headers, **arguments.pop("headers", {})}, **arguments
        )

    def post(self, path: str, data: Any = None, **arguments: Any) -> TestResponse:
        headers = {**self.origin, **self.headers, **arguments.pop("headers", {})}
        return self.client.post(path, data=data, headers=headers, **arguments)


def session_secret(app: Flask, person: Person) -> str:
    """The cookie's value of a sign-in written straight to the database (no password hashing)."""
    runtime = runtime_of(app)
    now = runtime.clock.now()
    secret = b64url_encode(uuid.uuid4().bytes + uuid.uuid4().bytes)
    with unit_of_work(EVERY_COURT) as session:
        session.add(
            bonds.bind(
                runtime.keyring,
                SignIn(
                id=runtime.ids(), court_id=person.court_id, user_id=person.id, device_id=None,
                jkt=BROWSER, refresh_hash=secret_hash(runtime, secret), created_at=now,
                expires_at=now + timedelta(seconds=runtime.settings.sign_in_seconds),
            ),
            )
        )  # fmt: skip
    return secret


def desk(app: Flask, person: Person | None = None, lang: str = "zh") -> Desk:
    """A browser, signed in as ``person`` unless there is none."""
    client = app.test_client()
    settings = runtime_of(app).settings
    client.set_cookie("tz-lang", lang)
    if person is not None:
        client.set_cookie(
            cookie_name(settings, Kind.STAFF), session_secret(app, person), secure=True
        )
    return Desk(app, client)


def browser_cookie(app: Flask, kind: Kind, value: str) -> dict[str, Any]:
    """A cookie as Playwright's ``add_cookies`` wants it.

    Chromium sends a secure cookie to this very machine over plain HTTP, but takes one through its
    tools only under an address with HTTPS.
    """
    settings = runtime_of(app).settings
    address = settings.public_url.replace("http:", "https:", 1)
    return {
        "name": cookie_name(settings, kind), "value": value, "url": address,
        "httpOnly": True, "secure": True, "sameSite": "Lax",
    }  # fmt: skip
