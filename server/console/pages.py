"""What every page is made with: its declaration, its rendering, its refusals."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable
from typing import Any, Final
from urllib.parse import parse_qsl, quote, urlencode, urlsplit, urlunsplit
from zoneinfo import ZoneInfo

from flask import (
    Flask,
    Response,
    g,
    has_request_context,
    redirect,
    render_template,
    request,
)
from jinja2 import StrictUndefined
from markupsafe import Markup
from marshmallow import Schema

from server.console import action_names, assets, filters, thumbs, words
from server.console.navigation import navigation
from server.console.words import Language
from server.core.context import Actor, Context
from server.core.endpoint import endpoint, runtime
from server.core.permissions import Permission
from server.core.problem import Kind, Problem
from server.identity.models import Court, User

THEMES: Final = ("auto", "light", "dark", "glare")
LANG_COOKIE: Final = "tz-lang"
THEME_COOKIE: Final = "tz-theme"
_SAID: Final = "said_"
_DIGITS_MAX: Final = 9
CSP: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; "
    "media-src 'self' blob:; connect-src 'self'; worker-src 'self'; manifest-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)


def page(
    permission: Permission,
    *,
    query: type[Schema] | None = None,
    form: type[Schema] | None = None,
    reads_evidence: bool = False,
    streams: bool = False,
    body_bytes_max: int = 262_144,
) -> Callable[[Callable[..., Any]], Callable[..., Response]]:
    """Declare a route that answers people; see ``core.endpoint``.

    The view gets ``ctx``, the path's values, and ``query`` and ``form`` when they are declared,
    and returns what :func:`render` or :func:`see` made.
    """
    return endpoint(
        permission,
        query=query,
        form=form,
        reads_evidence=reads_evidence,
        streams=streams,
        body_bytes_max=body_bytes_max,
        idempotent=False,
        page=True,
    )


def language() -> Language:
    """The reader's language: asked for in the address, else remembered, else the browser's."""
    for given in (request.args.get("lang"), request.cookies.get(LANG_COOKIE)):
        if given == "zh":
            return "zh"
        if given == "en":
            return "en"
    best = request.accept_languages.best_match(["zh", "zh-CN", "en"], default="zh")
    return "en" if best == "en" else "zh"


def theme() -> str:
    """Light, dark, strong light, or what the device prefers."""
    given = request.cookies.get(THEME_COOKIE, "auto")
    return given if given in THEMES else "auto"


def render(ctx: Context, template: str, *, status: int = 200, **values: Any) -> Response:
    """The page for the reader of this request.

    A request of htmx gets the page without its frame: ``layout`` says which to extend.
    """
    return _response(ctx.actor, template, status, {"me": _me(ctx), "ctx": ctx, **values})


def see(location: str, said: str | None = None, **values: int) -> Response:
    """Go on to another page (303), which says what was done: ``said`` is ``area.said_…``."""
    if said is not None:
        parts = urlsplit(location)
        kept = [pair for pair in parse_qsl(parts.query) if pair[0] not in {"said", "n"}]
        more = [("said", said), *((name, str(value)) for name, value in values.items())]
        location = urlunsplit(parts._replace(query=urlencode([*kept, *more])))
    return redirect(location, 303)  # type: ignore[return-value]


def local_path(given: str | None, default: str) -> str:
    """A path of this very server to go back to, never another site's address."""
    if not given or not given.startswith("/") or given.startswith(("//", "/\\")):
        return default
    return given if given.isprintable() and "\\" not in given else default


def problem_page(problem: Problem) -> Response:
    """A refusal for people: what happened, and what to do next."""
    if problem.kind in {Kind.UNAUTHENTICATED, Kind.SESSION_REVOKED} and not _has_own_cookie():
        back = quote(request.full_path.rstrip("?") if request.method == "GET" else "/inbox")
        return redirect(f"/sign-in?next={back}", 303)  # type: ignore[return-value]
    if problem.kind is Kind.PASSWORD_CHANGE_REQUIRED:
        return redirect("/me/password", 303)  # type: ignore[return-value]
    kind = problem.kind.value
    lang = language()
    title = kind.title_zh if lang == "zh" else kind.title
    values = {"me": None, "problem": problem, "problem_title": title, "next_step": _next_step(lang)}
    response = _response(
        g.get("actor"), _template_of(problem), problem.status, {**values, "problem": problem}
    )
    response.headers.update(
        {name: value for name, value in problem.headers.items() if name != "WWW-Authenticate"}
    )
    return response


def _template_of(problem: Problem) -> str:
    """A guest whose invitation is over reads what every link says that is good for nothing."""
    guest = request.path.startswith("/g/") and problem.kind is Kind.UNAUTHENTICATED
    return "room/closed.html" if guest else "error.html"


def _next_step(lang: Language) -> Callable[[Problem], str]:
    def of(problem: Problem) -> str:
        key = f"error.next_{problem.kind.slug.replace('-', '_')}"
        fallback = f"error.next_{problem.status // 100}xx"
        return words.text(lang, key if key in words.texts() else fallback)

    return of


def _has_own_cookie() -> bool:
    """Guests and outsiders have no account to sign in with."""
    return request.path.split("/", 2)[1] in {"g", "s"}


def _response(actor: Actor | None, template: str, status: int, values: dict[str, Any]) -> Response:
    lang = language()
    text = render_template(template, **_globals(actor, lang), **values)
    response = Response(text, status=status, mimetype="text/html")
    response.headers["Content-Language"] = "zh-Hans" if lang == "zh" else "en"
    response.headers["Content-Security-Policy"] = CSP
    response.headers["Cache-Control"] = "no-store"
    response.headers["Cross-Origin-Opener-Policy"] = "same-origin"
    response.headers["Referrer-Policy"] = "same-origin"
    response.headers["Vary"] = "Accept-Language, Cookie, HX-Request"
    return response


def _globals(actor: Actor | None, lang: Language) -> dict[str, Any]:
    settings = runtime().settings
    look = filters.Look(lang, ZoneInfo(settings.time_zone))
    partial = "HX-Request" in request.headers and "HX-Boosted" not in request.headers
    t = functools.partial(words.text, lang)
    return {
        "lang": lang,
        "html_lang": "zh-Hans" if lang == "zh" else "en",
        "theme": theme(),
        "t": t,
        "look": look,
        "layout": "bare.html" if partial else "base.html",
        "asset": assets.url,
        "vendor": assets.vendor,
        "navigation": navigation(actor),
        "actor": actor,
        "may": lambda name: actor is not None and actor.may(Permission(name)),
        "said": _said(lang),
        "here": request.path,
        "with_query": with_query,
        "words_json": lambda *keys: json.dumps({key: t(key) for key in keys}, ensure_ascii=False),
        "now": runtime().clock.now(),
    }


def with_query(**changes: object) -> str:
    """This page's address with some names of its query changed; ``None`` takes one away."""
    kept = [
        pair for pair in request.args.items(multi=True) if pair[0] not in {*changes, "said", "n"}
    ]
    more = [(name, str(value)) for name, value in changes.items() if value is not None]
    return f"{request.path}?{urlencode([*kept, *more])}" if kept or more else request.path


def _said(lang: Language) -> str | None:
    """What was just done, as the page before put it into the address; only texts meant for it."""
    key = request.args.get("said", "")
    if f".{_SAID}" not in key or key not in words.texts():
        return None
    number = request.args.get("n", "")
    return words.text(
        lang, key, n=number if number.isdecimal() and len(number) <= _DIGITS_MAX else ""
    )


def _me(ctx: Context) -> dict[str, Any] | None:
    if ctx.actor.user_id is None:
        return None
    user = ctx.session.get(User, ctx.actor.user_id)
    court = ctx.session.get(Court, ctx.actor.court_id)
    return {
        "id": ctx.actor.user_id,
        "name": user.name if user else "",
        "login": user.login if user else "",
        "court": court.name if court else "",
    }


def prepare_templates(app: Flask) -> None:
    """Give the application's templates the filters that need the reader."""
    env = app.jinja_env
    env.undefined = StrictUndefined
    env.filters.update(
        when=lambda value: _look().when(value),
        minute=lambda value: _look().minute(value),
        day=lambda value: _look().day(value),
        iso=lambda value: _look().iso(value),
        size=filters.size,
        duration=filters.duration,
        fen=filters.fen,
        short=filters.short,
        name_text=filters.name_text,
        action_type=lambda value: action_names.action_type(language(), value),
        time=_time_element,
    )
    env.globals["thumb_url"] = thumbs.thumb_url
    env.trim_blocks = env.lstrip_blocks = True


def _time_element(value: Any) -> Markup:
    """``<time>`` with the local moment as its text."""
    look = _look()
    template = Markup('<time datetime="{}">{}</time>')
    return template.format(look.iso(value), look.when(value))


def _look() -> filters.Look:
    lang: Language = language() if has_request_context() else "zh"
    return filters.Look(lang, ZoneInfo(runtime().settings.time_zone))
