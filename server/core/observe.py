"""Structured logs with request ids, and the counters behind ``/metrics``."""

from __future__ import annotations

import logging
import re
import sys
import time
from typing import Any

import structlog
from flask import Flask, Response, g, request
from prometheus_client import Counter, Histogram

from server.core.ids import request_id

_SANE_ID = re.compile(r"[0-9A-Za-z._-]{8,64}")
REQUESTS = Counter("tiezheng_requests_total", "Requests by route and status", ["route", "status"])
LATENCY = Histogram("tiezheng_request_seconds", "Time to answer", ["route"])
UPLOADED = Counter("tiezheng_uploaded_bytes_total", "Upload bytes made durable")
RECORDS = Counter("tiezheng_records_total", "Records pushed, by outcome", ["outcome"])


def configure_logging(level: str) -> None:
    """One JSON object a line on standard error; control characters are escaped by JSON."""
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(ensure_ascii=True),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelName(level.upper())),
        logger_factory=structlog.WriteLoggerFactory(file=sys.stderr),
        cache_logger_on_first_use=True,
    )


def observe(app: Flask) -> None:
    """Give every request an id, a log line and its share of the counters."""
    log = structlog.get_logger("http")

    @app.before_request
    def _start() -> None:
        given = request.headers.get("X-Request-Id", "")
        g.request_id = given if _SANE_ID.fullmatch(given) else request_id()
        g.started = time.perf_counter()

    @app.after_request
    def _end(response: Response) -> Response:
        seconds = time.perf_counter() - g.get("started", time.perf_counter())
        route = request.url_rule.rule if request.url_rule else "(none)"
        REQUESTS.labels(route, response.status_code).inc()
        LATENCY.labels(route).observe(seconds)
        response.headers["X-Request-Id"] = g.get("request_id", "-")
        response.headers.setdefault("X-Content-Type-Options", "nosniff")
        response.headers.setdefault("Referrer-Policy", "no-referrer")
        log.info("request", **_facts(response, route, seconds))
        return response


def _facts(response: Response, route: str, seconds: float) -> dict[str, Any]:
    actor = g.get("actor")
    return {
        "request_id": g.get("request_id", "-"),
        "method": request.method,
        "route": route,
        "status": response.status_code,
        "ms": round(seconds * 1000, 1),
        "address": request.remote_addr,
        "user": str(actor.user_id) if actor and actor.user_id else None,
        "device": str(actor.device_id) if actor and actor.device_id else None,
    }


__all__ = ["LATENCY", "RECORDS", "REQUESTS", "UPLOADED", "configure_logging", "observe"]
