"""People: the list, adding somebody, roles, and releasing or resetting an account."""

from __future__ import annotations

import uuid
from typing import Any, Final

from flask import Blueprint, Response, url_for

from server.console.admin_forms import AddUserForm, ChangeUserForm, UserListQuery
from server.console.pages import page, problem_page, render, see
from server.core.bodies import load_form
from server.core.context import Context
from server.core.endpoint import BODY_BYTES_MAX
from server.core.permissions import Permission, Role
from server.core.problem import Kind, Problem
from server.identity import queries, service_users
from server.identity.commands import ChangeUser, UserFilter
from server.identity.kinds import Post
from server.identity.models import User
from server.identity.steps import transaction

blueprint = Blueprint("console_users", __name__)
_SHOWN: Final = frozenset({Kind.CONFLICT, Kind.VALIDATION})


@blueprint.get("/admin/users")
@page(Permission.USERS_VIEW, query=UserListQuery)
def list_users(ctx: Context, query: UserFilter) -> Response:
    """List the people of the court."""
    return _list(ctx, query)


@blueprint.post("/admin/users")
@page(Permission.USERS_MANAGE, streams=True)
def add_user(ctx: Context) -> Response:
    """Add a person and show their temporary password this once."""
    try:
        command = load_form(AddUserForm, BODY_BYTES_MAX)
        password = service_users.first_password(ctx)
        with transaction(ctx) as inner:
            account = service_users.add(inner, command, password)
            inner.session.flush()
            return _password(inner, account.user, account.temporary_password, added=True)
    except Problem as problem:
        if problem.kind not in _SHOWN:
            return problem_page(problem)
        with transaction(ctx) as inner:
            return _list(inner, UserFilter(), problem)


@blueprint.get("/admin/users/<uuid:user_id>")
@page(Permission.USERS_VIEW)
def show_user(ctx: Context, user_id: uuid.UUID) -> Response:
    """One person."""
    return _one(ctx, queries.visible_user(ctx, user_id))


@blueprint.post("/admin/users/<uuid:user_id>")
@page(Permission.USERS_MANAGE, form=ChangeUserForm)
def change_user(ctx: Context, user_id: uuid.UUID, form: dict[str, Any]) -> Response:
    """Change name, post and roles."""
    user = queries.visible_user(ctx, user_id, to_change=True)
    if user.version != form["version"]:
        raise Problem(Kind.PRECONDITION_FAILED)
    command = ChangeUser(name=form["name"], post=form["post"], roles=tuple(form["roles"]))
    service_users.change(ctx, user, command)
    return see(_place(user_id), said="users.said_changed")


@blueprint.post("/admin/users/<uuid:user_id>/disable")
@page(Permission.USERS_MANAGE)
def disable_user(ctx: Context, user_id: uuid.UUID) -> Response:
    """Disable the account; its sign-ins end."""
    user = queries.visible_user(ctx, user_id, to_change=True)
    service_users.change(ctx, user, ChangeUser(disabled=True))
    return see(_place(user_id), said="users.said_disabled")


@blueprint.post("/admin/users/<uuid:user_id>/enable")
@page(Permission.USERS_MANAGE)
def enable_user(ctx: Context, user_id: uuid.UUID) -> Response:
    """Let the person in again."""
    user = queries.visible_user(ctx, user_id, to_change=True)
    service_users.change(ctx, user, ChangeUser(disabled=False))
    return see(_place(user_id), said="users.said_enabled")


@blueprint.post("/admin/users/<uuid:user_id>/unlock")
@page(Permission.USERS_MANAGE)
def unlock_user(ctx: Context, user_id: uuid.UUID) -> Response:
    """Release the lock after failed sign-ins."""
    service_users.unlock(ctx, queries.visible_user(ctx, user_id, to_change=True))
    return see(_place(user_id), said="users.said_unlocked")


@blueprint.post("/admin/users/<uuid:user_id>/second-factor")
@page(Permission.USERS_MANAGE)
def reset_second_factor(ctx: Context, user_id: uuid.UUID) -> Response:
    """Take the second factor away."""
    service_users.reset_totp(ctx, queries.visible_user(ctx, user_id, to_change=True))
    return see(_place(user_id), said="users.said_totp_reset")


@blueprint.post("/admin/users/<uuid:user_id>/password")
@page(Permission.USERS_MANAGE, streams=True)
def reset_password(ctx: Context, user_id: uuid.UUID) -> Response:
    """Give a temporary password and show it this once."""
    password = service_users.first_password(ctx)
    try:
        with transaction(ctx) as inner:
            user = queries.visible_user(inner, user_id, to_change=True)
            temporary = service_users.reset_password(inner, user, password)
            return _password(inner, user, temporary, added=False)
    except Problem as problem:
        return problem_page(problem)


def _list(ctx: Context, query: UserFilter, problem: Problem | None = None) -> Response:
    found = queries.list_users(ctx, query)
    return render(
        ctx,
        "users/list.html",
        status=problem.status if problem else 200,
        page=found,
        accounts=[service_users.seen(ctx, user) for user in found.items],
        query=query,
        roles=list(Role),
        posts=list(Post),
        problem=problem,
    )


def _one(ctx: Context, user: User) -> Response:
    return render(
        ctx,
        "users/user.html",
        account=service_users.seen(ctx, user),
        user=user,
        is_me=user.id == ctx.actor.user_id,
        roles=list(Role),
        posts=list(Post),
    )


def _password(ctx: Context, user: User, temporary: str | None, *, added: bool) -> Response:
    return render(ctx, "users/password.html", user=user, temporary=temporary, added=added)


def _place(user_id: uuid.UUID) -> str:
    return url_for("console_users.show_user", user_id=user_id)
