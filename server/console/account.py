"""The own account: password, second factor, and where one is signed in."""

from __future__ import annotations

import uuid
from typing import Final

from flask import Blueprint, Response

from server.console import qr
from server.console.admin_forms import CodeForm, PasswordForm
from server.console.pages import page, problem_page, render, see
from server.core.bodies import load_form
from server.core.context import Context
from server.core.endpoint import BODY_BYTES_MAX
from server.core.permissions import Permission
from server.core.problem import Kind, Problem
from server.identity import listing, queries, service_account
from server.identity.policy import PASSWORD_CHARACTERS_MIN
from server.identity.steps import transaction

blueprint = Blueprint("console_account", __name__)
_SHOWN: Final = frozenset({Kind.CREDENTIALS_INVALID, Kind.ACCOUNT_LOCKED, Kind.VALIDATION})


@blueprint.get("/me")
@page(Permission.SIGNED_IN)
def show_me(ctx: Context) -> Response:
    """Who one is here, and where one is signed in."""
    return render(
        ctx,
        "account/me.html",
        user=queries.visible_user(ctx, ctx.actor.user()),
        sign_ins=listing.own_sign_ins(ctx),
        roles=sorted(role.value for role in ctx.actor.roles),
    )


@blueprint.get("/me/password")
@page(Permission.SIGNED_IN)
def show_password(ctx: Context) -> Response:
    """The form for a password of one's own choice."""
    return _password_form(ctx)


@blueprint.post("/me/password")
@page(Permission.SIGNED_IN, streams=True)
def change_password(ctx: Context) -> Response:
    """Choose a new password; other sign-ins end."""
    try:
        command = load_form(PasswordForm, BODY_BYTES_MAX)
        service_account.change_password(ctx, command)
    except Problem as problem:
        if problem.kind not in _SHOWN:
            return problem_page(problem)
        with transaction(ctx) as inner:
            return _password_form(inner, problem)
    return see("/me", said="account.said_password")


@blueprint.post("/me/second-factor")
@page(Permission.SIGNED_IN)
def offer_second_factor(ctx: Context) -> Response:
    """Make a secret for an authenticator app and show it."""
    return _second_factor(ctx, service_account.offer_totp(ctx))


@blueprint.post("/me/second-factor/confirm")
@page(Permission.SIGNED_IN, form=CodeForm)
def confirm_second_factor(ctx: Context, form: dict[str, str]) -> Response:
    """Put the second factor in force with a code of it."""
    offer = service_account.pending_totp(ctx)
    try:
        service_account.confirm_totp(ctx, form["code"].replace(" ", ""))
    except Problem as problem:
        if offer is None or problem.kind is not Kind.VALIDATION:
            raise
        return _second_factor(ctx, offer, problem)
    return see("/me", said="account.said_totp")


@blueprint.post("/me/sign-ins/<uuid:sign_in_id>/end")
@page(Permission.SIGNED_IN)
def end_sign_in(ctx: Context, sign_in_id: uuid.UUID) -> Response:
    """End one of one's own sign-ins."""
    service_account.end_sign_in(ctx, sign_in_id)
    return see("/me", said="account.said_ended")


def _password_form(ctx: Context, problem: Problem | None = None) -> Response:
    user = queries.visible_user(ctx, ctx.actor.user())
    return render(
        ctx,
        "account/password.html",
        status=problem.status if problem else 200,
        forced=user.password_temporary,
        login=user.login,
        characters_min=PASSWORD_CHARACTERS_MIN,
        problem=problem,
        wrong=_wrong_fields(problem),
    )


def _wrong_fields(problem: Problem | None) -> frozenset[str]:
    found = problem.extra.get("errors") if problem else None
    return frozenset(found) if isinstance(found, dict) else frozenset()


def _second_factor(
    ctx: Context, offer: service_account.TotpOffer, problem: Problem | None = None
) -> Response:
    grouped = " ".join(offer.secret[at : at + 4] for at in range(0, len(offer.secret), 4))
    return render(
        ctx,
        "account/second_factor.html",
        status=problem.status if problem else 200,
        secret=grouped,
        picture=qr.svg(offer.uri),
        problem=problem,
    )
