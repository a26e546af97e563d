"""Signing in and out on a browser, the reader's language and theme."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, request

from server.console.pages import (
    LANG_COOKIE,
    THEME_COOKIE,
    local_path,
    page,
    problem_page,
    render,
    see,
)
from server.console.session_forms import LookForm, SignInForm, SignInQuery
from server.core.bodies import load_form
from server.core.context import Context
from server.core.cookies import Kind as Cookie
from server.core.cookies import clear_cookie, read_cookie, set_cookie
from server.core.endpoint import BODY_BYTES_MAX
from server.core.permissions import Permission
from server.core.problem import Kind, Problem
from server.identity import sign_in

blueprint = Blueprint("console_session", __name__)
HOME = "/inbox"
_YEAR_SECONDS = 365 * 86_400
_SHOWN = frozenset(
    {Kind.CREDENTIALS_INVALID, Kind.TOTP_REQUIRED, Kind.ACCOUNT_LOCKED, Kind.VALIDATION}
)


@blueprint.get("/sign-in")
@page(Permission.PUBLIC, query=SignInQuery)
def show_sign_in(ctx: Context, query: dict[str, Any]) -> Response:
    """The form to sign in with."""
    if read_cookie(ctx.settings, Cookie.STAFF) and "next" not in query:
        return see(HOME)
    return render(ctx, "sign_in.html", next=local_path(query.get("next"), HOME), failed=None)


@blueprint.post("/sign-in")
@page(Permission.PUBLIC, streams=True)
def do_sign_in(ctx: Context) -> Response:
    """Sign in with login, password and, where it is set up, a one-time code."""
    form = load_form(SignInForm, BODY_BYTES_MAX)
    onward = local_path(form.get("next"), HOME)
    try:
        opened = sign_in.open_in_browser(ctx, form["login"], form["password"], form.get("totp"))
    except Problem as problem:
        if problem.kind not in _SHOWN:
            return problem_page(problem)
        return render(
            ctx,
            "sign_in.html",
            status=problem.status,
            next=onward,
            failed=problem,
            login=form["login"],
            asks_code=problem.kind is Kind.TOTP_REQUIRED or bool(form.get("totp")),
        )
    response = see("/me/password" if opened.password_temporary else onward)
    assert opened.secret is not None  # noqa: S101  a new sign-in has one
    set_cookie(response, ctx.settings, Cookie.STAFF, opened.secret, opened.expires_at)
    return response


@blueprint.post("/sign-out")
@page(Permission.SIGNED_IN)
def sign_out(ctx: Context) -> Response:
    """End this sign-in."""
    sign_in.sign_out(ctx)
    response = see("/sign-in", said="session.said_signed_out")
    clear_cookie(response, ctx.settings, Cookie.STAFF)
    response.headers["Clear-Site-Data"] = '"cache"'
    return response


@blueprint.post("/look")
@page(Permission.PUBLIC, form=LookForm)
def set_look(_ctx: Context, form: dict[str, str]) -> Response:
    """Remember language and theme on this browser."""
    response = see(local_path(form.get("next"), HOME))
    secure = request.is_secure
    for name, value in ((LANG_COOKIE, form.get("lang")), (THEME_COOKIE, form.get("theme"))):
        if value is not None:
            response.set_cookie(
                name, value, max_age=_YEAR_SECONDS, samesite="Lax", secure=secure, httponly=True
            )
    return response
