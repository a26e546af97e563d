"""Which pages the application serves."""

from __future__ import annotations

from flask import Blueprint, Flask

from server.console import (
    account,
    actions,
    audit,
    case_standing,
    cases_edit,
    cases_list,
    cases_missing,
    cases_page,
    conduct_rules,
    devices,
    dock,
    duty,
    evidence,
    exports,
    findings,
    guests,
    guests_opinions,
    health,
    inbox,
    live,
    live_rules,
    missions,
    oversight,
    oversight_campaigns,
    oversight_meetings,
    oversight_tasks,
    pages,
    redact,
    register_pages,
    retention,
    retention_lines,
    review,
    review_second,
    room,
    session,
    shares,
    shares_outside,
    thumbs,
    users,
    webhooks,
)

AREAS = (
    session,
    cases_list,
    cases_page,
    cases_edit,
    cases_missing,
    register_pages,
    case_standing,
    actions,
    findings,
    conduct_rules,
    missions,
    devices,
    dock,
    duty,
    users,
    account,
    guests,
    guests_opinions,
    room,
    live,
    live_rules,
    review,
    review_second,
    thumbs,
    evidence,
    redact,
    exports,
    audit,
    shares,
    shares_outside,
    oversight,
    oversight_meetings,
    oversight_tasks,
    oversight_campaigns,
    inbox,
    webhooks,
    retention,
    retention_lines,
    health,
)
# Templates live beside the code; a blueprint is how Flask finds them.
_templates = Blueprint("console", __name__, template_folder="templates")


def register(app: Flask) -> None:
    """Mount every page and what pages need."""
    app.extensions["tiezheng.problem-page"] = pages.problem_page
    app.register_blueprint(_templates)
    for area in AREAS:
        app.register_blueprint(area.blueprint)
    pages.prepare_templates(app)
