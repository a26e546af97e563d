"""Which slices the application serves, and what is injected into the request machinery."""

from __future__ import annotations

from flask import Flask

from server import ops, tables
from server.cases import routes as cases
from server.evidence import routes as evidence
from server.evidence import tus_routes as uploads
from server.fieldlog import routes as fieldlog
from server.identity import duty_routes as duty
from server.identity import routes as identity
from server.identity.authentication import authenticate, offer_nonce
from server.review import routes as review
from server.sync import routes as sync

API = "/api/v1"
SLICES = (identity, duty, cases, evidence, uploads, fieldlog, review, sync)


def mount(app: Flask) -> None:
    """Register every blueprint and the authenticator."""
    assert tables  # the tables are complete before the first query  # noqa: S101
    app.extensions["tiezheng.authenticator"] = authenticate
    app.after_request(offer_nonce)
    for slice_routes in SLICES:
        app.register_blueprint(slice_routes.blueprint, url_prefix=API)
    app.register_blueprint(ops.blueprint)
