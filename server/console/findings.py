"""Findings: the list, and what people say about one: an explanation, and a decision."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Final

from flask import Blueprint, Response
from marshmallow import Schema, fields, post_load, validate

from client_sdk.protocol.ids import short_code
from server.conduct import queries, service
from server.conduct.commands import Decide, FindingFilter
from server.conduct.models import Finding
from server.console import conduct_shown, words
from server.console.actions import numbers
from server.console.cases_forms import PAGE_ROWS
from server.console.cases_list import as_json
from server.console.court_names import people
from server.console.pages import language, page, render, see
from server.console.spreadsheet import csv_response
from server.core.clock import rfc3339
from server.core.context import Context
from server.core.paging import LIMIT_MAX
from server.core.permissions import Permission
from server.core.texts import readable

blueprint = Blueprint("console_findings", __name__)
EXPORT_ROWS_MAX: Final = 5_000
COLUMNS: Final = ("code", "case", "rule", "outcome", "state", "reasons", "opened", "explanation",
                  "decision")  # fmt: skip
STATES: Final = ("open", "explained", "rectified", "upheld", "cleared")


class FindingQuery(Schema):
    """Filters of the list of findings."""

    state = fields.String(validate=validate.OneOf(STATES))
    rule = fields.String(validate=validate.Length(1, 16))
    outcome = fields.String(validate=validate.OneOf(["fail", "warn"]))
    case_id = fields.UUID(data_key="case")
    action_id = fields.UUID(data_key="action")
    cursor = fields.String(validate=validate.Length(1, 500))
    limit = fields.Integer(load_default=PAGE_ROWS, validate=validate.Range(1, LIMIT_MAX))

    @post_load
    def _filter(self, data: dict[str, Any], **_: Any) -> FindingFilter:
        return FindingFilter(**data)


class DecideForm(Schema):
    """What somebody says about a finding."""

    text = fields.String(required=True, validate=[validate.Length(1, 2000), readable])

    @post_load
    def _command(self, data: dict[str, Any], **_: Any) -> Decide:
        return Decide(**data)


@blueprint.get("/findings")
@page(Permission.CASES_VIEW, query=FindingQuery)
def list_findings(ctx: Context, query: FindingFilter) -> Response:
    """Findings in the cases one may see, the newest first."""
    found = queries.list_findings(ctx, query)
    book, lang = queries.rulebook_of(ctx), language()
    zone = ctx.settings.time_zone
    return render(
        ctx, "conduct/findings.html", page=found, query=query, states=STATES,
        rules={rule.id: rule for rule in book.rules}, people=people(ctx),
        numbers=numbers(ctx, [one.case_id for one in found.items]),
        why={one.id: conduct_shown.reasons_in_words(lang, one.reasons, zone)
              for one in found.items},
        badges=conduct_shown.FINDING_BADGES,
    )  # fmt: skip


@blueprint.get("/findings.json")
@page(Permission.CASES_VIEW, query=FindingQuery)
def findings_json(ctx: Context, query: FindingFilter) -> Response:
    """The same list for programs."""
    found = queries.list_findings(ctx, query)
    rows = [{**_record(one), "reasons": [_reason(why) for why in one.reasons]}
            for one in found.items]  # fmt: skip
    return as_json({"items": rows, "next_cursor": found.next_cursor})


@blueprint.get("/findings.csv")
@page(Permission.CASES_VIEW, query=FindingQuery)
def findings_csv(ctx: Context, query: FindingFilter) -> Response:
    """The same list for spreadsheets, without paging up to five thousand rows."""
    lang, zone = language(), ctx.settings.time_zone
    found = queries.list_findings(ctx, replace(query, limit=EXPORT_ROWS_MAX, cursor=None))
    known = numbers(ctx, [one.case_id for one in found.items])
    headings = [words.text(lang, f"conduct.column_{name}") for name in COLUMNS]
    rows = []
    for one in found.items:
        cells = {
            **_record(one), "case": known.get(one.case_id),
            "outcome": words.text(lang, f"conduct.outcome_{one.outcome}"),
            "state": words.text(lang, f"conduct.state_{one.state}"),
            "reasons": "; ".join(conduct_shown.reasons_in_words(lang, one.reasons, zone)),
        }  # fmt: skip
        rows.append([cells[name] for name in COLUMNS])
    return csv_response("findings", headings, rows)


@blueprint.post("/findings/<uuid:finding_id>/explain")
@page(Permission.CASES_RECORD, form=DecideForm)
def explain(ctx: Context, finding_id: uuid.UUID, form: Decide) -> Response:
    """Say how it came."""
    return _said(ctx, finding_id, form, service.explain, "conduct.said_explained")


@blueprint.post("/findings/<uuid:finding_id>/rectify")
@page(Permission.FINDINGS_DECIDE, form=DecideForm)
def rectify(ctx: Context, finding_id: uuid.UUID, form: Decide) -> Response:
    """Decide that it was put right."""
    return _said(ctx, finding_id, form, service.rectify, "conduct.said_rectified")


@blueprint.post("/findings/<uuid:finding_id>/uphold")
@page(Permission.FINDINGS_DECIDE, form=DecideForm)
def uphold(ctx: Context, finding_id: uuid.UUID, form: Decide) -> Response:
    """Decide that it stands."""
    return _said(ctx, finding_id, form, service.uphold, "conduct.said_upheld")


def _said(
    ctx: Context,
    finding_id: uuid.UUID,
    form: Decide,
    do: Callable[[Context, uuid.UUID, Decide], Finding],
    said: str,
) -> Response:
    finding = do(ctx, finding_id, form)
    return see(f"/actions/{finding.action_id}#finding-{finding.id}", said=said)


def _reason(why: Mapping[str, Any]) -> dict[str, Any]:
    """A reason without its evidence, which may be of a case that the reader does not see."""
    return {"code": why["code"], "values": why["values"]}


def _record(one: Finding) -> dict[str, Any]:
    return {
        "id": str(one.id),
        "code": short_code(one.id),
        "case_id": str(one.case_id),
        "action_id": str(one.action_id),
        "rule": one.rule,
        "number": one.number,
        "outcome": one.outcome,
        "state": one.state,
        "opened": rfc3339(one.opened_at),
        "explanation": one.explanation,
        "decision": one.decision,
    }
