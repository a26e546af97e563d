"""The server's health for whoever looks after it: what is wrong, and what to do next."""

from __future__ import annotations

import dataclasses
import uuid

from flask import Blueprint, Response, url_for

from server.console import health_shown
from server.console.health_ports import source_of
from server.console.pages import page, render, see
from server.core.context import Context
from server.core.permissions import Permission
from server.core.transactions import unit_of_work
from server.upkeep.last_backup import last_backup

blueprint = Blueprint("console_health", __name__, url_prefix="/admin/health")


@blueprint.get("")
@page(Permission.HEALTH_VIEW, streams=True)
def show_health(ctx: Context) -> Response:
    """Readiness, log, jobs, clocks, devices, backups, versions."""
    source = source_of(ctx.runtime)
    # Asked without a transaction of our own, as the probe of a load balancer asks.
    ready = source.readiness(ctx.runtime)
    with unit_of_work(ctx.actor.court_id, write=False) as session:
        here = dataclasses.replace(ctx, session=session, after_commit=[])
        return render(
            here, "health/health.html", ready=ready["ready"], parts=health_shown.parts_of(ready),
            found=health_shown.health(here),
            jobs=source.jobs(session, ctx.clock.now(), ctx.actor.court_id),
            backup=last_backup(ctx.runtime), asked_at=ctx.clock.now(),
        )  # fmt: skip


@blueprint.post("/jobs/<uuid:job_id>/retry")
@page(Permission.HEALTH_VIEW)
def retry_job(ctx: Context, job_id: uuid.UUID) -> Response:
    """Start a failed job of this court again."""
    source_of(ctx.runtime).retry(ctx, job_id)
    return see(url_for("console_health.show_health"), said="health.said_retried")
