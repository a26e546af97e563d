"""Which pages the application serves."""

from __future__ import annotations

from flask import Blueprint, Flask

from server.console import (
    account,
    devices,
    duty,
    guests,
    guests_opinions,
    pages,
    room,
    session,
    users,
)

AREAS = (session, devices, duty, users, account, guests, guests_opinions, room)
# Templates live beside the code; a blueprint is how Flask finds them.
_templates = Blueprint("console", __name__, template_folder="templates")


def register(app: Flask) -> None:
    """Mount every page and what pages need."""
    app.extensions["tiezheng.problem-page"] = pages.problem_page
    app.register_blueprint(_templates)
    for area in AREAS:
        app.register_blueprint(area.blueprint)
    pages.prepare_templates(app)
