"""Which slices the application serves, and what is injected into the request machinery."""

from __future__ import annotations

import importlib
import uuid

from flask import Flask

from server import ops, tables
from server.cases import queries as cases
from server.core.context import Context
from server.core.problem import not_found
from server.identity import references
from server.identity.authentication import authenticate, offer_nonce

API = "/api/v1"
SLICES = (
    "identity.routes", "identity.duty_routes", "clocks.routes", "cases.routes", "evidence.routes",
    "evidence.tus_routes", "fieldlog.routes", "review.routes", "sync.routes",
)  # fmt: skip


def mount(app: Flask) -> None:
    """Register every blueprint and what is injected (TEMPORARY: tolerates missing slices)."""
    assert tables is not None  # noqa: S101
    app.extensions["tiezheng.authenticator"] = authenticate
    app.extensions[references.EXTENSION] = _CaseReferences()
    app.after_request(offer_nonce)
    for name in SLICES:
        try:
            module = importlib.import_module(f"server.{name}")
        except ImportError:
            continue
        app.register_blueprint(module.blueprint, url_prefix=API)
        if hasattr(module, "page"):
            app.register_blueprint(module.page)
    app.register_blueprint(ops.blueprint)


class _CaseReferences:
    """Answers to what the identity slice asks about the floor above it."""

    def require_case(self, ctx: Context, case_id: uuid.UUID) -> None:
        cases.visible_case(ctx, case_id)

    def require_mission(self, ctx: Context, mission_id: uuid.UUID) -> None:
        if cases.mission_in_court(ctx.session, ctx.actor.court_id, mission_id) is None:
            raise not_found("mission")
