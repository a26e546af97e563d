"""Which slices the application serves, and what is injected into the request machinery."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

from flask import Flask
from sqlalchemy.orm import Session

from server import ops
from server.audit import routes as audit
from server.cases import queries as case_queries
from server.cases import routes as cases
from server.cases.watching import WATCHER, Watchers
from server.clocks import routes as clocks
from server.conduct import case_routes as standing
from server.conduct import routes as conduct
from server.conduct.ports import Conduct
from server.conduct.standings import CaseWatch
from server.console import areas
from server.console.health_ports import SOURCE
from server.core.context import Context, Runtime
from server.core.endpoint import CookieAuthenticator
from server.core.permissions import Permission
from server.core.problem import not_found
from server.disclosure import routes as disclosure
from server.evidence import redaction_routes as redactions
from server.evidence import routes as evidence
from server.evidence import tus_routes as uploads
from server.evidence.erasure_guard import GUARD
from server.fieldlog import routes as fieldlog
from server.guests import authentication as guest_cookie
from server.guests import routes as guests
from server.identity import duty_routes as duty
from server.identity import references
from server.identity import routes as identity
from server.identity.authentication import authenticate, by_cookie, offer_nonce
from server.jobs import overview as job_overview
from server.jobs.overview import JobsState
from server.live import routes as live
from server.notices import routes as notices
from server.oversight import routes as oversight
from server.register import routes as register
from server.register.ports import CONDUCT
from server.retention import routes as retention
from server.retention.guard import Guard, Watcher
from server.review import routes as review
from server.shares import authentication as share_cookie
from server.shares import routes as shares
from server.sync import routes as sync

API = "/api/v1"
SLICES = (
    audit, identity, duty, clocks, cases, register, conduct, standing, evidence, disclosure,
    uploads, fieldlog, review, sync, live, notices, retention, redactions, guests, shares,
    oversight,
)  # fmt: skip
PAGES = (clocks.page, ops.blueprint, audit.tiles)
# Which browsers may use a permission; the staff's own unless it is named.
COOKIES: dict[Permission | None, CookieAuthenticator] = {
    None: by_cookie,
    Permission.LIVE_WATCH: guest_cookie.authenticate,
    Permission.SHARE_OPEN: share_cookie.authenticate,
}


def mount(app: Flask) -> None:
    """Register every blueprint and what is injected into the request machinery."""
    app.extensions["tiezheng.authenticator"] = authenticate
    app.extensions["tiezheng.cookies"] = dict(COOKIES)
    app.extensions[references.EXTENSION] = _CaseReferences()
    app.extensions["tiezheng"].injected.update(
        {
            GUARD: Guard(),
            WATCHER: Watchers(Watcher(), CaseWatch()),
            SOURCE: _Health(),
            CONDUCT: Conduct(),
        }
    )
    app.after_request(offer_nonce)
    for slice_routes in SLICES:
        app.register_blueprint(slice_routes.blueprint, url_prefix=API)
    for page in PAGES:
        app.register_blueprint(page)
    areas.register(app)


class _Health:
    """What the page of the server's health asks of the floors beside and above it."""

    def readiness(self, tools: Runtime) -> dict[str, Any]:
        return ops.readiness(tools)

    def jobs(self, session: Session, now: datetime, court_id: uuid.UUID) -> JobsState:
        return job_overview.state_of(session, now, court_id)

    def retry(self, ctx: Context, job_id: uuid.UUID) -> None:
        job_overview.retry(ctx, job_id)


class _CaseReferences:
    """Answers to what the identity slice asks about the floor above it."""

    def require_case(self, ctx: Context, case_id: uuid.UUID) -> None:
        case_queries.visible_case(ctx, case_id)

    def require_mission(self, ctx: Context, mission_id: uuid.UUID) -> None:
        if case_queries.mission_in_court(ctx.session, ctx.actor.court_id, mission_id) is None:
            raise not_found("mission")
