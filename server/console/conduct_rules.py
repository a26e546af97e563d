"""What a court judges actions by: the standard rules, its own numbers and rules, their versions."""

from __future__ import annotations

from typing import Any, Final

from flask import Blueprint, Response
from marshmallow import Schema, fields, post_load, validate

from server.conduct import queries, service
from server.conduct.commands import RuleCommand
from server.console.action_names import action_type
from server.console.court_names import people
from server.console.pages import language, page, render, see
from server.core.context import Context
from server.core.permissions import Permission
from server.core.problem import Kind, Problem
from server.core.texts import readable
from server.fieldlog.conduct_rules import ANY, Config, Rule

blueprint = Blueprint("console_conduct_rules", __name__)
TEXT_CHARS: Final = 20_000
_NUMBERS: Final = (
    "staff_min", "recorders_min", "recording_slack", "upload_within", "night_begins", "night_ends",
    "seizure_ratio_max", "female_police_may_search",
)  # fmt: skip


class RulesForm(Schema):
    """The court's own numbers and rules, and why."""

    text = fields.String(load_default="", validate=[validate.Length(max=TEXT_CHARS)])
    reason = fields.String(required=True, validate=[validate.Length(1, 500), readable])

    @post_load
    def _command(self, data: dict[str, Any], **_: Any) -> RuleCommand:
        return RuleCommand(**data)


@blueprint.get("/conduct/rules")
@page(Permission.CASES_VIEW)
def show_rules(ctx: Context) -> Response:
    """The rules in force with their basis, the court's numbers, and the versions of its own."""
    return _rules(ctx, None, None)


@blueprint.post("/conduct/rules")
@page(Permission.CONDUCT_RULE, form=RulesForm)
def make_rules(ctx: Context, form: RuleCommand) -> Response:
    """Put a new version in force, or show what is wrong with it."""
    try:
        with ctx.session.begin_nested():
            service.rule(ctx, form)
    except Problem as problem:
        if problem.kind is not Kind.VALIDATION:
            raise
        return _rules(ctx, form, problem)
    return see("/conduct/rules", said="conduct.said_ruled")


def _rules(ctx: Context, given: RuleCommand | None, refused: Problem | None) -> Response:
    book, versions = queries.rulebook_of(ctx), queries.rules_of(ctx)
    text = given.text if given else versions[0].text if versions else ""
    return render(
        ctx, "conduct/rules.html", status=refused.status if refused else 200, book=book,
        versions=versions, people=people(ctx), text=text, reason=given.reason if given else "",
        refused=refused, numbers=_numbers(book.config), text_chars=TEXT_CHARS,
        types={rule.id: _types(rule) for rule in book.rules},
    )  # fmt: skip


def _numbers(config: Config) -> list[tuple[str, Any]]:
    return [(name, getattr(config, name)) for name in _NUMBERS]


def _types(rule: Rule) -> list[str]:
    """Names of the types of action that a rule is about; none: every type."""
    return sorted(action_type(language(), one) for one in rule.types if one != ANY)
