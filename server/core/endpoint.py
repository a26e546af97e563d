"""The one way of a request: caller → permission → command → transaction → answer.

A view is ``def view(ctx, …)``: it receives a :class:`Context` with an open transaction, the loaded
command as ``command=``, the loaded query string as ``query=`` and the path's values, makes one
service or query call, and returns what ``dump`` understands.  The endpoint commits.
"""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from flask import Response, current_app, g, request
from marshmallow import Schema
from sqlalchemy.orm import Session

from server.core import replies
from server.core.bodies import load_command, load_form, load_query, read_body
from server.core.context import NOBODY_COURT, Actor, Context, Runtime
from server.core.db import db
from server.core.origins import require_own_page
from server.core.paging import Page
from server.core.permissions import Permission, TokenKind
from server.core.problem import Kind, Problem
from server.core.replies import Reply
from server.core.transactions import EVERY_COURT, begin, scope

BODY_BYTES_MAX = 262_144
PURPOSE_CHARACTERS_MAX = 500
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})


class Authenticator(Protocol):
    """Injected by the app; reads the request's credentials and knows the identity slice."""

    def __call__(self, session: Session, runtime: Runtime) -> Actor:
        """The caller of the current request; raises :class:`Problem` for bad credentials."""
        ...


class CookieAuthenticator(Protocol):
    """Injected per kind of cookie; a slice knows its own browsers."""

    def __call__(self, session: Session, runtime: Runtime) -> Actor | None:
        """The browser's owner; ``None`` when there is no cookie, or none that counts."""
        ...


@dataclass(frozen=True, slots=True)
class EndpointSpec:
    """What a route declares; read by the OpenAPI document and by the meta-tests."""

    permission: Permission
    load: type[Schema] | None
    query: type[Schema] | None
    dump: type[Schema] | None
    status: int
    idempotent: bool
    body_bytes_max: int
    streams: bool
    reads_evidence: bool
    responses: Mapping[int, str]
    summary: str
    form: type[Schema] | None = None
    page: bool = False


def endpoint(  # noqa: PLR0913  one declaration per route is the point
    permission: Permission,
    *,
    load: type[Schema] | None = None,
    query: type[Schema] | None = None,
    dump: type[Schema] | None = None,
    status: int = 200,
    idempotent: bool = True,
    body_bytes_max: int = BODY_BYTES_MAX,
    streams: bool = False,
    reads_evidence: bool = False,
    responses: Mapping[int, str] | None = None,
    form: type[Schema] | None = None,
    page: bool = False,
) -> Callable[[Callable[..., Any]], Callable[..., Response]]:
    """Declare a route.

    :param permission: the coarse gate.
    :param load, query, dump: marshmallow schemas of body, query string and answer.
    :param idempotent: a POST honours ``Idempotency-Key``.
    :param streams: the view reads the body itself; authentication is committed first, and the
        view gets a context without a transaction (bytes never wait inside one).
    :param reads_evidence: a read whose view records a custody event, in the short transaction of
        ``recording.recorded``; everything else of it only reads.
    :param form: marshmallow schema of an HTML form.
    :param page: answers people with HTML, so it is in no document for programs.
    """

    def decorate(view: Callable[..., Any]) -> Callable[..., Response]:
        spec = EndpointSpec(
            permission, load, query, dump, status, idempotent, body_bytes_max,
            streams, reads_evidence, responses or {}, (view.__doc__ or "").strip().split("\n")[0],
            form, page,
        )  # fmt: skip

        @functools.wraps(view)
        def run(**path: Any) -> Response:
            if spec.streams:
                return _run_streaming(spec, view, path)
            return _run(spec, view, path)

        run.endpoint_spec = spec  # type: ignore[attr-defined]
        return run

    return decorate


def runtime() -> Runtime:
    """The process' tools."""
    found: Runtime = current_app.extensions["tiezheng"]
    return found


def _run(spec: EndpointSpec, view: Callable[..., Any], path: dict[str, Any]) -> Response:
    if request.method not in _SAFE:
        read_body(spec.body_bytes_max)  # nobody waits in a transaction for a slow sender
    session: Session = db.session()
    try:
        begin(session, write=_writes())
        ctx = _authenticated(spec, session)
        savepoint = session.begin_nested() if _writes() else None
        try:
            response = _answer(spec, view, path, ctx)
        except Problem as problem:
            # The proof stays used, and a failed sign-in counted; everything else is undone.
            if savepoint is not None and savepoint.is_active and not problem.keep:
                savepoint.rollback()
            if savepoint is not None:
                session.commit()
            raise
        session.commit()
    except BaseException:
        session.rollback()
        raise
    finally:
        db.session.remove()
    for callback in ctx.after_commit:
        callback()
    return response


def _run_streaming(spec: EndpointSpec, view: Callable[..., Any], path: dict[str, Any]) -> Response:
    session: Session = db.session()
    try:
        # Only a proof is remembered; a bearer token (unmodified tus clients) leaves no trace here
        # and does not queue behind SQLite's writers.
        begin(session, write="DPoP" in request.headers)
        ctx = _authenticated(spec, session)
        session.commit()
    except Problem:
        session.commit()
        raise
    finally:
        db.session.remove()
    return replies.respond(spec.status, spec.dump, view(ctx, **path))


def _writes() -> bool:
    # A DPoP proof is remembered, so a signed read writes as well.
    return request.method not in _SAFE or "Authorization" in request.headers


def _authenticated(spec: EndpointSpec, session: Session) -> Context:
    scope(session, EVERY_COURT)
    caller = _caller(spec, session)
    if caller is None and spec.permission is not Permission.PUBLIC:
        raise Problem(Kind.UNAUTHENTICATED)
    anonymous = caller is None
    actor = caller or Actor(
        token=TokenKind.NOBODY, court_id=NOBODY_COURT, address=request.remote_addr
    )
    g.actor = actor
    if not actor.may(spec.permission):
        kind = (
            Kind.TOKEN_WRONG_TYPE
            if actor.token in {TokenKind.DEVICE, TokenKind.UPLOAD}
            else Kind.FORBIDDEN
        )
        raise Problem(kind, f"the permission {spec.permission.value} is needed")
    scope(session, actor.court_id if not anonymous else EVERY_COURT)
    return Context(
        actor=actor,
        session=session,
        runtime=runtime(),
        request_id=g.request_id,
        purpose=_purpose(),
    )


def _caller(spec: EndpointSpec, session: Session) -> Actor | None:
    """Who speaks: by token, else by the cookie of the kind that this permission asks for."""
    found = current_app.extensions
    if "Authorization" in request.headers:
        authenticate: Authenticator = found["tiezheng.authenticator"]
        return authenticate(session, runtime())
    if spec.permission is Permission.PUBLIC:
        return None
    cookies: Mapping[Permission | None, CookieAuthenticator] = found["tiezheng.cookies"]
    by_cookie = cookies.get(spec.permission, cookies[None])
    actor = by_cookie(session, runtime())
    if actor is not None:
        require_own_page()
    return actor


def _purpose() -> str | None:
    """Why evidence is read: a line that people can read back in the log, from header or query."""
    given = request.headers.get("Purpose") or request.args.get("purpose")
    if given is None:
        return None
    with contextlib.suppress(UnicodeError):
        given = given.encode("latin-1").decode("utf-8")  # WSGI hands bytes over as Latin-1
    given = given.strip()
    if len(given) > PURPOSE_CHARACTERS_MAX or not given.isprintable():
        raise Problem(
            Kind.MALFORMED_REQUEST,
            f"a purpose is a line of at most {PURPOSE_CHARACTERS_MAX} characters",
        )
    return given


def _answer(
    spec: EndpointSpec, view: Callable[..., Any], path: dict[str, Any], ctx: Context
) -> Response:
    arguments = dict(path)
    raw = b""
    if spec.load is not None:
        raw, arguments["command"] = load_command(spec.load, spec.body_bytes_max)
    if spec.form is not None:
        arguments["form"] = load_form(spec.form, spec.body_bytes_max)
    if spec.query is not None:
        arguments["query"] = load_query(spec.query, of_page=spec.page)
    remembered = replies.remembered(ctx, raw) if _remembers(spec) else None
    if remembered is not None:
        return remembered
    result = view(ctx, **arguments)
    ctx.session.flush()  # constraint violations belong to this request, not to the commit
    response = replies.respond(spec.status, spec.dump, result)
    if _remembers(spec):
        replies.remember(ctx, raw, response)
    return response


def _remembers(spec: EndpointSpec) -> bool:
    return spec.idempotent and request.method == "POST" and "Idempotency-Key" in request.headers


__all__ = ["Authenticator", "EndpointSpec", "Page", "Reply", "endpoint", "runtime"]
