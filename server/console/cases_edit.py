"""Filing and changing cases: fields, people, parties."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from typing import Any, Final

from flask import Blueprint, Response

from server.cases import queries as cases
from server.cases import service
from server.cases.case_no import CASE_TYPES
from server.cases.commands import AddCase, Assign, Change, PartyCommand
from server.cases.models import Case, Party
from server.cases.parties import (
    ID_NO,
    LEGAL_ONLY,
    NATURAL_ONLY,
    PartyKind,
    PartyRole,
    clean_id_no,
)
from server.cases.policy import sayable
from server.cases.states import CaseStatus
from server.console.cases_forms import (
    AddCaseForm,
    AssignForm,
    BackForm,
    ChangeCaseForm,
    PartyForm,
)
from server.console.court_names import Named, court_code, people
from server.console.missions import require_read
from server.console.pages import page, render, see
from server.core.context import Context
from server.core.permissions import Permission, Role
from server.core.problem import Kind, Problem

blueprint = Blueprint("console_case_edit", __name__)
_HANDLE: Final = frozenset({Role.OFFICER, Role.SUPERVISOR, Role.PRESIDENT})
_REFUSED: Final = frozenset(
    {
        Kind.VALIDATION,
        Kind.CONFLICT,
        Kind.GATE_CLOSED,
        Kind.CASE_NO_INVALID,
        Kind.PRECONDITION_FAILED,
    }
)
_FIELDS: Final = ("case_no", "cause", "filed_on", "deadline_on", "handler_id", "claim_fen")
_DETAILS: Final = ("minor", "uscc", "legal_representative", "address", "phone")


@blueprint.get("/cases/new")
@page(Permission.CASES_EDIT)
def new_case(ctx: Context) -> Response:
    """The form to file a case."""
    return _add_form(ctx, {}, None)


@blueprint.post("/cases/new")
@page(Permission.CASES_EDIT, form=AddCaseForm)
def add_case(ctx: Context, form: dict[str, Any]) -> Response:
    """File a case."""
    try:
        with ctx.session.begin_nested():
            case = service.add(ctx, AddCase(**form))
    except Problem as problem:
        _require_shown(problem)
        return _add_form(ctx, form, problem)
    return see(f"/cases/{case.id}/edit", said="case_edit.said_added")


@blueprint.get("/cases/<uuid:case_id>/edit")
@page(Permission.CASES_EDIT)
def edit_case(ctx: Context, case_id: uuid.UUID) -> Response:
    """The forms to change a case, its people and its parties."""
    return _edit_form(ctx, cases.visible_case(ctx, case_id), None)


@blueprint.post("/cases/<uuid:case_id>/edit")
@page(Permission.CASES_EDIT, form=ChangeCaseForm)
def change_case(ctx: Context, case_id: uuid.UUID, form: dict[str, Any]) -> Response:
    """Change a case's fields."""
    version = form.pop("version")
    return _changed(
        ctx, case_id, version, lambda case: service.change(ctx, case, Change(form)),
        "case_edit.said_changed",
    )  # fmt: skip


@blueprint.post("/cases/<uuid:case_id>/people")
@page(Permission.CASES_EDIT, form=AssignForm)
def assign(ctx: Context, case_id: uuid.UUID, form: dict[str, Any]) -> Response:
    """Add people to a case."""
    command = Assign(tuple(form["officer_ids"]))
    return _changed(
        ctx, case_id, None, lambda case: service.assign(ctx, case, command),
        "case_edit.said_assigned",
    )  # fmt: skip


@blueprint.post("/cases/<uuid:case_id>/people/<uuid:officer_id>/remove")
@page(Permission.CASES_EDIT, form=BackForm)
def unassign(
    ctx: Context, case_id: uuid.UUID, officer_id: uuid.UUID, form: dict[str, Any]
) -> Response:
    """Take someone off a case."""
    return _changed(
        ctx, case_id, form.get("version"),
        lambda case: service.unassign(ctx, case, officer_id), "case_edit.said_unassigned",
    )  # fmt: skip


@blueprint.post("/cases/<uuid:case_id>/parties")
@page(Permission.CASES_EDIT, form=PartyForm)
def add_party(ctx: Context, case_id: uuid.UUID, form: dict[str, Any]) -> Response:
    """Append a party."""

    def add(case: Case) -> object:
        details = {name: form[name] for name in _own(form) if form.get(name)}
        command = PartyCommand(
            role=form["role"], kind=form["kind"], name=form["name"], id_no=_id_no(form),
            details=details,
        )  # fmt: skip
        return service.add_party(ctx, case, command)

    return _changed(ctx, case_id, form.get("version"), add, "case_edit.said_party_added")


@blueprint.post("/cases/<uuid:case_id>/parties/<uuid:party_id>")
@page(Permission.CASES_EDIT, form=PartyForm)
def change_party(
    ctx: Context, case_id: uuid.UUID, party_id: uuid.UUID, form: dict[str, Any]
) -> Response:
    """Change a party; a document number that is not written again stays."""

    def change(case: Case) -> object:
        fields = {name: form[name] for name in ("role", "kind", "name")}
        fields |= {name: form.get(name) or None for name in _own(form)}
        fields |= dict.fromkeys(_foreign(form))
        id_no = _id_no(form)
        if id_no is not None or form["kind"] is PartyKind.LEGAL:
            fields["id_no"] = id_no
        return service.change_party(ctx, case, party_id, Change(fields))

    return _changed(ctx, case_id, form.get("version"), change, "case_edit.said_party_changed")


@blueprint.post("/cases/<uuid:case_id>/parties/<uuid:party_id>/remove")
@page(Permission.CASES_EDIT, form=BackForm)
def remove_party(
    ctx: Context, case_id: uuid.UUID, party_id: uuid.UUID, form: dict[str, Any]
) -> Response:
    """Take a party off a case."""
    return _changed(
        ctx, case_id, form.get("version"),
        lambda case: service.remove_party(ctx, case, party_id), "case_edit.said_party_removed",
    )  # fmt: skip


def _changed(
    ctx: Context,
    case_id: uuid.UUID,
    version: int | None,
    change: Callable[[Case], object],
    said: str,
) -> Response:
    """Change the case that was read, or show its forms again with what was wrong."""
    case = cases.visible_case(ctx, case_id, to_change=True)
    try:
        with ctx.session.begin_nested():
            if version is not None:
                require_read(case.version, version)
            change(case)
    except Problem as problem:
        _require_shown(problem)
        return _edit_form(ctx, case, problem)
    return see(f"/cases/{case_id}/edit", said=said)


def _require_shown(problem: Problem) -> None:
    if problem.kind not in _REFUSED:
        raise problem


def _own(form: Mapping[str, Any]) -> list[str]:
    return [name for name in _DETAILS if name not in _foreign(form)]


def _foreign(form: Mapping[str, Any]) -> list[str]:
    """Details that a party of this kind does not have."""
    names = LEGAL_ONLY if form["kind"] is PartyKind.NATURAL else NATURAL_ONLY
    return [name for name in _DETAILS if name in names]


def _id_no(form: Mapping[str, Any]) -> str | None:
    if form.get("id_no") is None:
        return None
    found = clean_id_no(form["id_no"])
    if not ID_NO.fullmatch(found):
        raise Problem(Kind.VALIDATION, "not a document number")
    return found


def _add_form(ctx: Context, given: Mapping[str, Any], refused: Problem | None) -> Response:
    return render(
        ctx, "cases/new.html", status=refused.status if refused else 200,
        given={**dict.fromkeys(_FIELDS), **given}, refused=refused,
        handlers=_handlers(ctx), court_code=court_code(ctx),
        case_types=CASE_TYPES, year=ctx.clock.now().year,
    )  # fmt: skip


def _edit_form(ctx: Context, case: Case, refused: Problem | None) -> Response:
    names = people(ctx)
    free = [one for one in names.values() if _works(one) and one.id not in case.officer_ids]
    return render(
        ctx, "cases/edit.html", status=refused.status if refused else 200, case=case,
        refused=refused, people=names, handlers=_handlers(ctx),
        statuses=[one.value for one in sayable(CaseStatus(case.status))],
        assignable=free,
        roles=[one.value for one in PartyRole], kinds=[one.value for one in PartyKind],
        case_types=CASE_TYPES, blank=Party(name="", role="debtor", kind="natural", details={}),
    )  # fmt: skip


def _handlers(ctx: Context) -> list[Named]:
    held = {role.value for role in _HANDLE}
    return [one for one in people(ctx).values() if one.usable and not one.roles.isdisjoint(held)]


def _works(person: Named) -> bool:
    held = {role.value for role in (*_HANDLE, Role.JUDICIAL_POLICE)}
    return person.usable and not person.roles.isdisjoint(held)
