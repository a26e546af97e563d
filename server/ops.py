"""Routes that every installation has: health, readiness, metrics, documents.

None of them opens the request's transaction: they must answer when the database does not.
"""

from __future__ import annotations

import base64
import functools
import hashlib
import hmac
import ipaddress
import json
import os
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

import sqlalchemy as sa
from flask import Blueprint, Response, current_app, redirect, render_template, request
from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from server.audit import log, log_state
from server.audit.models import HeldRecord, OutboxRow
from server.audit.witness_state import witness_state
from server.core import cookies, openapi, openapi_page
from server.core.context import Runtime
from server.core.endpoint import EndpointSpec, runtime
from server.core.keyring import EVENT, TOKEN, KeyRingError
from server.core.permissions import Permission
from server.core.problem import Kind, Problem
from server.core.transactions import EVERY_COURT, unit_of_work
from server.evidence import shipping
from server.evidence.models import Evidence, Upload
from server.schema import is_current
from storage.errors import DurabilityLost, StorageError
from storage.ports import KeepsCopies

blueprint = Blueprint("ops", __name__)

LANGUAGES: Final = ("zh", "en")
RETRY_AFTER_SECONDS: Final = 10
_ANSWER_FOR: Final = timedelta(seconds=2)  # anyone may ask, so the disk is not probed each time
_MULTIPROCESS: Final = "PROMETHEUS_MULTIPROC_DIR"


def described(
    *, permission: Permission = Permission.PUBLIC, responses: Mapping[int, str] | None = None
) -> Callable[[Callable[..., Response]], Callable[..., Response]]:
    """Declare a route that does without a transaction, so that meta-tests and documents see it."""

    def decorate(view: Callable[..., Response]) -> Callable[..., Response]:
        summary = (view.__doc__ or "").strip().split("\n")[0]
        spec = EndpointSpec(
            permission, None, None, None, 200, idempotent=False, body_bytes_max=0, streams=False,
            reads_evidence=False, responses=responses or {}, summary=summary,
        )  # fmt: skip

        @functools.wraps(view)
        def run(**path: Any) -> Response:
            return view(**path)

        run.endpoint_spec = spec  # type: ignore[attr-defined]
        return run

    return decorate


# ---------------------------------------------------------------------------- health


@blueprint.get("/healthz")
@described()
def healthz() -> Response:
    """Whether the process lives; it asks nobody else."""
    return _json({"status": "ok"})


@blueprint.get("/readyz")
@described(responses={503: "a part is red; the body names it"})
def readyz() -> Response:
    """Whether requests can be served, part by part."""
    found = _readiness().answer(runtime())
    response = _json(found)
    if not found["ready"]:
        response.status_code = 503
        response.headers["Retry-After"] = str(RETRY_AFTER_SECONDS)
    return response


@dataclass(slots=True)
class _Readiness:
    """The last answer, kept for a moment."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    asked_at: datetime | None = None
    found: dict[str, Any] = field(default_factory=dict)

    def answer(self, tools: Runtime) -> dict[str, Any]:
        """What is found now, or was found less than two seconds ago."""
        with self.lock:
            now = tools.clock.now()
            if self.asked_at is None or abs(now - self.asked_at) >= _ANSWER_FOR:
                self.found, self.asked_at = readiness(tools), now
            return self.found


def readiness(tools: Runtime) -> dict[str, Any]:
    """Every part with ``ok`` and, when it is red, a sentence on what to do."""
    parts = {
        "database": _part(_database),
        "blobs": _part(lambda: _blobs(tools)),
        "space": _part(lambda: _space(tools)),
        "keys": _part(lambda: _keys(tools)),
        "audit": _part(lambda: _audit(tools)),
        "log": _part(lambda: _signed_log(tools)),
    }
    if tools.settings.witness_policy or tools.settings.tsa_urls:
        parts["witnesses"] = _part(lambda: _witnesses(tools))
    if isinstance(tools.stores.blobs, KeepsCopies):
        parts["copies"] = _part(lambda: _copies(tools))
    return {
        "ready": all(part["ok"] for part in parts.values()),
        "time": tools.clock.now().isoformat(),
        "parts": parts,
    }


def _part(ask: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    try:
        return ask()
    except DurabilityLost:
        raise  # the process has to end
    except SQLAlchemyError:
        return {"ok": False, "detail": "the database does not answer"}
    except StorageError:
        return {"ok": False, "detail": "the store of bytes cannot be written and read"}
    except KeyRingError:
        return {"ok": False, "detail": "a key is missing: run 'flask --app wsgi init'"}


def _database() -> dict[str, Any]:
    with unit_of_work(EVERY_COURT, write=False) as session:
        migrated = is_current(session.connection())
    if not migrated:
        return {"ok": False, "detail": "migrations are missing: run 'flask --app wsgi init'"}
    return {"ok": True}


def _blobs(tools: Runtime) -> dict[str, Any]:
    tools.stores.blobs.check()
    return {"ok": True}


def _space(tools: Runtime) -> dict[str, Any]:
    ratio = tools.stores.uploads.space().used_ratio
    ok = ratio < tools.settings.spool_used_ratio_max
    part: dict[str, Any] = {"ok": ok, "used_ratio": round(ratio, 4)}
    return part if ok else {**part, "detail": "the volume of the uploads is nearly full"}


def _copies(tools: Runtime) -> dict[str, Any]:
    """Never red: while the far place is away, bytes are taken and served all the same."""
    with unit_of_work(EVERY_COURT, write=False) as session:
        behind = shipping.backlog(session, tools.clock.now())
    lag_seconds = round(behind.oldest_seconds, 3)
    late = lag_seconds > tools.settings.ship_lag_seconds_max
    part = {
        "ok": True,
        "degraded": late or behind.damaged > 0,
        "waiting": behind.waiting,
        "lag_seconds": lag_seconds,
        "damaged": behind.damaged,
    }
    if behind.damaged:
        return {**part, "detail": "bytes without a sound copy: restore them from a backup"}
    return {**part, "detail": "second copies are late: does S3 answer?"} if late else part


def _signed_log(tools: Runtime) -> dict[str, Any]:
    """Never red: what is in the log stays there, and its level is shown with it."""
    with unit_of_work(EVERY_COURT, write=False) as session:
        lag = tools.settings.sign_lag_seconds_max
        found = log_state.report(session, tools.clock.now(), lag)
    part = {
        "ok": True,
        "degraded": not found.is_well,
        "size": found.size,
        "signed": found.levels.signed,
        "signing": found.signing.value,
        "refused_rows": found.refused_rows,
    }
    return part if found.advice is None else {**part, "detail": found.advice}


def _witnesses(tools: Runtime) -> dict[str, Any]:
    """Never red: records are taken and signed all the same; their level is shown with them."""
    with unit_of_work(EVERY_COURT, write=False) as session:
        return witness_state(session, tools.settings, tools.clock.now()).for_readiness()


def _keys(tools: Runtime) -> dict[str, Any]:
    for purpose in (TOKEN, EVENT):
        tools.keyring.active(purpose)
    return {"ok": True}


def _audit(tools: Runtime) -> dict[str, Any]:
    tools.keyring.active(EVENT)
    with unit_of_work(EVERY_COURT, write=False) as session:
        waiting = _count(session, OutboxRow)
        lag_seconds = _lag_seconds(session, tools.clock.now())
    ok = lag_seconds <= tools.settings.outbox_lag_seconds_max
    part: dict[str, Any] = {"ok": ok, "waiting": waiting, "lag_seconds": round(lag_seconds, 3)}
    return part if ok else {**part, "detail": "events wait for the worker: is it running?"}


def _lag_seconds(session: Session, now: datetime) -> float:
    oldest = sa.select(OutboxRow.rx).order_by(OutboxRow.id).limit(1)
    rx = session.execute(oldest).scalar_one_or_none()
    if rx is None:
        return 0.0
    return max(0.0, (now - datetime.fromisoformat(rx)).total_seconds())


def _readiness() -> _Readiness:
    kept: _Readiness = current_app.extensions.setdefault("tiezheng.readiness", _Readiness())
    return kept


# ---------------------------------------------------------------------------- metrics


@blueprint.get("/metrics")
@described(responses={403: "neither this host nor the token"})
def metrics() -> Response:
    """Counters and gauges for Prometheus; for this host, or with the metrics token."""
    _require_scraper(runtime().settings.metrics_token)
    state = CollectorRegistry(auto_describe=False)
    state.register(_State(runtime()))
    if os.environ.get(_MULTIPROCESS):
        counters = CollectorRegistry(auto_describe=False)
        MultiProcessCollector(counters)  # type: ignore[no-untyped-call]
    else:
        counters = REGISTRY
    text = generate_latest(counters) + generate_latest(state)
    return Response(text, content_type=CONTENT_TYPE_LATEST, headers={"Cache-Control": "no-store"})


class _State(Collector):
    """What the database and the disk say at the moment of the scrape."""

    def __init__(self, tools: Runtime) -> None:
        self._tools = tools

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Gauges; without the database its own are left out and ``tiezheng_database_up`` is 0."""
        ratio = self._tools.stores.uploads.space().used_ratio
        yield _gauge("spool_used_ratio", "Share of the uploads' volume in use", ratio)
        try:
            found = list(self._from_database())
        except SQLAlchemyError:
            found = []
        yield _gauge("database_up", "Whether the database answered", 1 if found else 0)
        yield from found

    def _from_database(self) -> Iterator[GaugeMetricFamily]:
        with unit_of_work(EVERY_COURT, write=False) as session:
            lag = _lag_seconds(session, self._tools.clock.now())
            yield _gauge(
                "outbox_length", "Events that wait for the log", _count(session, OutboxRow)
            )
            yield _gauge("outbox_lag_seconds", "Age of the oldest of them", lag)
            size, signed = log.size_of(session), log.levels(session).signed
            yield _gauge("log_size", "Entries of the log", size)
            yield _gauge("log_unsigned", "Entries that wait for the signer", size - signed)
            seen = witness_state(session, self._tools.settings, self._tools.clock.now())
            yield _gauge(
                "log_witnessed_lag_seconds", "Wait for a quorum", seen.witnessed_lag_seconds
            )
            yield _gauge(
                "log_timestamped_lag_seconds", "Wait for a token", seen.timestamped_lag_seconds
            )
            yield _gauge("log_witness_alarms", "Who saw a rollback", len(seen.alarms))
            yield _gauge("held_records", "Records without predecessor", _count(session, HeldRecord))
            receiving = _count(session, Upload, Upload.state == "receiving")
            yield _gauge("uploads_receiving", "Uploads under way", receiving)
            missing = _count(session, Evidence, Evidence.state == "missing")
            yield _gauge("evidence_missing", "Records whose bytes are overdue", missing)
            if isinstance(self._tools.stores.blobs, KeepsCopies):
                behind = shipping.backlog(session, self._tools.clock.now())
                yield _gauge("blobs_waiting", "Blobs without second copy", behind.waiting)
                yield _gauge("blobs_damaged", "Blobs without sound copy", behind.damaged)


def _gauge(name: str, text: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"tiezheng_{name}", text, value=value)


def _count(session: Session, table: Any, *rules: sa.ColumnElement[bool]) -> int:
    counted = sa.select(sa.func.count()).select_from(table).where(*rules)
    return int(session.execute(counted).scalar_one())


def _require_scraper(token: str) -> None:
    scheme, _, given = request.headers.get("Authorization", "").partition(" ")
    if token and scheme.lower() == "bearer" and hmac.compare_digest(given.encode(), token.encode()):
        return
    if token or not _on_this_host():
        raise Problem(Kind.FORBIDDEN, "set TIEZHENG_METRICS_TOKEN and send it as a bearer token")


def _on_this_host() -> bool:
    # A forwarded request comes from elsewhere, whatever the last hop's address is.
    if "X-Forwarded-For" in request.headers or "Forwarded" in request.headers:
        return False
    try:
        return ipaddress.ip_address(request.remote_addr or "").is_loopback
    except ValueError:
        return False


# ---------------------------------------------------------------------------- documents


@blueprint.get("/api/v1/openapi.json")
@described()
def openapi_json() -> Response:
    """This document: OpenAPI 3.1 of every route."""
    response = _json(_document())
    response.headers["Cache-Control"] = "max-age=300"
    return response


@blueprint.get("/docs")
@described()
def docs() -> Response:
    """The document as a page, without scripts; ?lang=zh or en."""
    document, lang = _document(), _language()
    return _page(
        "docs.html",
        lang,
        groups=openapi_page.groups(document, lang),
        tables=openapi_page.tables(document),
        problems=[(kind.slug, kind.value) for kind in Kind],
        version=openapi.API_VERSION,
    )


@blueprint.get("/")
@described()
def landing() -> Response:
    """What this is, with links; who is signed in goes on to work; ?lang=zh or en."""
    if cookies.read_cookie(runtime().settings, cookies.Kind.STAFF):
        return redirect("/inbox", 303)  # type: ignore[return-value]
    return _page("landing.html", _language(), version=openapi.API_VERSION)


def _document() -> dict[str, Any]:
    kept = current_app.extensions.get("tiezheng.openapi")
    if kept is None:
        kept = openapi.build(current_app, runtime().settings.public_url)
        current_app.extensions["tiezheng.openapi"] = kept
    made: dict[str, Any] = kept
    return made


def _language() -> str:
    asked = request.args.get("lang", "")
    if asked in LANGUAGES:
        return asked
    return request.accept_languages.best_match(LANGUAGES, default="zh")


def _page(template: str, lang: str, **values: Any) -> Response:
    """A page that loads nothing and runs nothing; its one style block is allowed by its digest."""
    style = render_template("page.css")
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    text = render_template(template, lang=lang, path=request.path, **values)
    response = Response(text, mimetype="text/html")
    response.headers["Content-Language"] = "zh-Hans" if lang == "zh" else "en"
    response.headers["Content-Security-Policy"] = (
        f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; "
        "form-action 'none'; frame-ancestors 'none'"
    )
    response.headers["Vary"] = "Accept-Language"
    return response


def _json(body: Mapping[str, Any]) -> Response:
    text = json.dumps(body, ensure_ascii=False)
    return Response(text, mimetype="application/json", headers={"Cache-Control": "no-store"})
