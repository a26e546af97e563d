"""Enforcement actions: the list, and one action with everything that is known of it."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final

import sqlalchemy as sa
from flask import Blueprint, Response

from client_sdk.protocol.entries import kinds
from client_sdk.protocol.ids import short_code
from server.cases import queries as cases
from server.cases.models import Case, Mission
from server.cases.visibility import sees_mission
from server.conduct import queries as conduct
from server.conduct.facts import stated_facts
from server.conduct.people import present
from server.console import conduct_shown, coverage_chart, words
from server.console.action_names import action_type, action_types
from server.console.cases_list import as_json
from server.console.court_names import devices, people
from server.console.pages import language, page, render
from server.console.register_forms import ActionListQuery
from server.console.register_pages import speaker
from server.console.spreadsheet import csv_response
from server.core.clock import rfc3339
from server.core.context import Context
from server.core.permissions import Permission
from server.register import queries
from server.register.commands import ActionFilter, ActionState
from server.register.models import Action, Entry

blueprint = Blueprint("console_actions", __name__)
EXPORT_ROWS_MAX: Final = 5_000
COLUMNS: Final = (
    "code", "case", "type", "state", "place", "begins", "ends", "fail", "warn", "unknown",
    "findings",
)  # fmt: skip
# What is written down about an action while it goes on, in the order in which it happens.
STEPS: Final = (
    "action.started", "action.people", "action.facts", "action.announcement", "action.item",
    "action.record", "action.paper", "action.tag", "action.gap", "action.ended",
)  # fmt: skip
_OWN_SECTION: Final = frozenset(
    {"action.people", "action.facts", "action.announcement", "action.item", "action.paper",
     "action.gap"}
)  # fmt: skip


@blueprint.get("/actions")
@page(Permission.CASES_VIEW, query=ActionListQuery)
def list_actions(ctx: Context, query: ActionFilter) -> Response:
    """The actions in the cases one may see, the newest first."""
    found = queries.list_actions(ctx, query)
    ids = [action.id for action in found.items]
    case = cases.visible_case(ctx, query.case_id) if query.case_id else None
    return render(
        ctx, "actions/list.html", page=found, query=query, case=case,
        numbers=numbers(ctx, [action.case_id for action in found.items]),
        tallies=conduct_shown.tallies(ctx, ids), open=conduct_shown.open_findings(ctx, ids),
        types=list(action_types()), states=[one.value for one in ActionState],
    )  # fmt: skip


@blueprint.get("/actions.json")
@page(Permission.CASES_VIEW, query=ActionListQuery)
def actions_json(ctx: Context, query: ActionFilter) -> Response:
    """The same list for programs."""
    found = queries.list_actions(ctx, query)
    rows = _records(ctx, found.items)
    return as_json({"items": rows, "next_cursor": found.next_cursor})


@blueprint.get("/actions.csv")
@page(Permission.CASES_VIEW, query=ActionListQuery)
def actions_csv(ctx: Context, query: ActionFilter) -> Response:
    """The same list for spreadsheets, without paging up to five thousand rows."""
    lang = language()
    found = queries.list_actions(ctx, replace(query, limit=EXPORT_ROWS_MAX, cursor=None))
    headings = [words.text(lang, f"actions.column_{name}") for name in COLUMNS]
    rows = [
        [_cell(lang, name, one[name]) for name in COLUMNS] for one in _records(ctx, found.items)
    ]
    return csv_response("actions", headings, rows)


@blueprint.get("/actions/<uuid:action_id>")
@page(Permission.CASES_VIEW)
def show_action(ctx: Context, action_id: uuid.UUID) -> Response:
    """One action: who, what, the list, recordings, checks, findings, and all entries by time."""
    judgement = conduct.judgement_of(ctx, action_id)
    action, entries, lang = judgement.action, judgement.entries, language()
    case = cases.visible_case(ctx, action.case_id)
    covering, seen = judgement.covering, conduct_shown.seen_items(ctx, judgement)
    findings = conduct.findings_of_action(ctx, action_id)
    there = present(entries, {})
    stated, _ = stated_facts(entries, there)
    return render(
        ctx, "actions/show.html", action=action, case=case, entries=entries,
        by_kind=_by_kind(entries), speaker=speaker(ctx, case, entries), stated=stated, there=there,
        facts=kinds()["action.facts"].fields["facts"], steps=_steps(action), kinds=kinds(),
        others=[one for one in entries if one.kind not in _OWN_SECTION],
        checks=conduct_shown.checks_shown(lang, judgement, seen), judgement=judgement, seen=seen,
        covering=covering, chart=coverage_chart.chart(covering, seen) if covering else None,
        reconciled=judgement.reconciled, findings=findings, devices=devices(ctx),
        people=people(ctx), entry_kinds={one.id: one.kind for one in entries},
        why={one.id: conduct_shown.reasons_in_words(lang, one.reasons, ctx.settings.time_zone)
              for one in findings},
        rules={rule.id: rule for rule in judgement.book.rules},
        badges=conduct_shown.FINDING_BADGES, undecided=conduct_shown.UNDECIDED,
        mission=_mission(ctx, action),
    )  # fmt: skip


def numbers(ctx: Context, ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, str]:
    """Numbers of those cases that the reader may see."""
    visible = Case.id.in_(cases.visible_case_ids(ctx.actor))
    statement = sa.select(Case.id, Case.case_no).where(Case.id.in_(set(ids)), visible)
    return dict(ctx.session.execute(statement).all())


def _steps(action: Action) -> list[str]:
    """What may be written down next."""
    if action.state == ActionState.CANCELLED:
        return []
    done = {
        ActionState.PLANNED: {"action.ended"},
        ActionState.STARTED: {"action.started"},
        ActionState.ENDED: {"action.started", "action.ended"},
    }
    return [one for one in STEPS if one not in done[ActionState(action.state)]]


def _by_kind(entries: Sequence[Entry]) -> dict[str, list[Entry]]:
    found: dict[str, list[Entry]] = {kind: [] for kind in kinds()}
    for entry in entries:
        found[entry.kind].append(entry)
    return found


def _mission(ctx: Context, action: Action) -> Any:
    """Its mission, which the reader may not see although they see the case."""
    if action.mission_id is None:
        return None
    statement = sa.select(Mission).where(Mission.id == action.mission_id, sees_mission(ctx.actor))
    return ctx.session.execute(statement).scalar_one_or_none()


def _records(ctx: Context, items: Sequence[Action]) -> list[dict[str, Any]]:
    ids = [action.id for action in items]
    known = numbers(ctx, [action.case_id for action in items])
    counted, waiting = conduct_shown.tallies(ctx, ids), conduct_shown.open_findings(ctx, ids)
    return [
        {
            "id": str(action.id),
            "code": short_code(action.id),
            "case_id": str(action.case_id),
            "case": known.get(action.case_id),
            "type": action.type,
            "state": action.state,
            "place": action.place,
            "begins": _moment(action.begins_at),
            "ends": _moment(action.ends_at),
            **{
                name: counted.get(action.id, {}).get(name, 0)
                for name in ("fail", "warn", "unknown")
            },
            "findings": waiting.get(action.id, 0),
        }
        for action in items
    ]


def _cell(lang: words.Language, name: str, value: Any) -> Any:
    if name == "type":
        return action_type(lang, value)
    return words.text(lang, f"actions.state_{value}") if name == "state" else value


def _moment(value: Any) -> str | None:
    return None if value is None else rfc3339(value)
