"""``flask --app wsgi worker``: follows the log, issues receipts, does the jobs."""

from __future__ import annotations

import signal
from collections.abc import Callable
from dataclasses import replace
from types import FrameType
from typing import Any, Final

import click
from flask import Flask, current_app

from server.audit.cosigning import Cosigner
from server.audit.mirroring import Mirror
from server.audit.timestamping import Stamper
from server.commands.console import (
    DOCTOR,
    EPILOG,
    UNUSABLE,
    CommandFailed,
    Console,
    Words,
    about,
    operated,
    runtime,
)
from server.commands.exporting import exporting
from server.commands.making import maker_of, making
from server.conduct.due import Judger
from server.core.context import Runtime
from server.core.db import db
from server.core.settling import settle
from server.core.units import Units
from server.evidence import examination, recordings
from server.evidence.examination import TryAgainError
from server.evidence.sandbox import Limits, Sandbox, SandboxError
from server.evidence.shipping import Shipper
from server.jobs.superseding import Superseder
from server.jobs.table import EXAMINE, EXPORT, Handler, PostponeError, Registry
from server.jobs.worker import Worker
from server.live.releasing import Releaser
from server.notices.webhook_delivering import Deliverer
from server.schema import is_current
from server.settings import Settings

_INIT: Final = Words(
    "先运行 flask --app wsgi init（升级后为 migrate）",
    "run 'flask --app wsgi init' first, or 'migrate' after an upgrade",
)


@click.command(
    "worker", epilog=EPILOG,
    help=about(
        "运行后台进程：排入日志、出具回执、处理文件；直到收到 SIGTERM。",
        "Follow the log, issue receipts, examine files; until SIGTERM.",
    ),
)  # fmt: skip
@click.option(
    "--once", is_flag=True,
    help=about("做完当前待办后退出。", "Do what is due now, then end."),
)  # fmt: skip
@operated
def worker(console: Console, *, once: bool) -> dict[str, Any] | None:
    """Work until told to stop."""
    with db.engine.connect() as connection:
        if not is_current(connection):
            said = Words("数据库结构不是最新", "the database does not have the present schema")
            raise CommandFailed("schema", said, _INIT, UNUSABLE)
    settings = runtime().settings
    app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]  # noqa: SLF001
    with sandbox_of(settings) as sandbox, maker_of(settings) as maker:
        working = Worker(
            app,
            Registry(
                {
                    EXAMINE: examining(sandbox),
                    EXPORT: exporting(runtime()),
                    **making(maker, settings.worker_jobs),
                }
            ),
            settings.worker_jobs,
            beside=beside(runtime()),
        )
        if once:
            steps = working.drain()
            console.say(f"完成 {steps} 步", f"{steps} steps done")
            return {"steps": steps}
        _stop_on_signals(working)
        settle()
        working.run()
    return None


def beside(tools: Runtime) -> dict[str, Callable[[], float]]:
    """What takes long or waits for others: each on a thread of its own.

    Other places are asked as far as the settings name them.
    """
    found: dict[str, Shipper | Cosigner | Stamper] = {
        "shipping": Shipper(tools),
        "cosigning": Cosigner(tools),
        "timestamping": Stamper(tools),
    }
    needed = {name: one.turn for name, one in found.items() if one.is_needed}
    return {
        **needed,
        "superseding": Superseder(tools).turn,
        "mirroring": Mirror(tools).turn,
        "webhooks": Deliverer(tools).turn,
        "releasing": Releaser(tools).turn,
        "judging": Judger(tools).turn,
    }


def sandbox_of(settings: Settings) -> Sandbox:
    """The sandbox that the settings ask for; an error when it must be bubblewrap and is not."""
    usual, seconds = Limits(), settings.examine_seconds_max
    limits = replace(
        usual,
        wall_seconds=float(seconds),
        stage_seconds=min(usual.stage_seconds, seconds / 2),
        cpu_seconds=min(usual.cpu_seconds, seconds),
    )
    sandbox = Sandbox(limits, bubblewrap=settings.sandbox != "process")
    if settings.sandbox == "bwrap" and (found := sandbox.confinement()).kind != "bubblewrap":
        sandbox.close()
        said = Words(f"没有 bubblewrap：{found.detail}", found.detail)
        raise CommandFailed("sandbox", said, DOCTOR, UNUSABLE)
    return sandbox


def examining(sandbox: Sandbox) -> Handler:
    """The handler that examines the bytes of a piece of evidence."""

    def examine(units: Units, subject_id: str) -> None:
        try:
            examination.examine(units, sandbox, subject_id)
            recordings.check(units, subject_id)
        except (TryAgainError, SandboxError) as error:
            raise PostponeError(str(error)) from error

    return examine


def _stop_on_signals(working: Worker) -> None:
    def ask(_signal: int, _frame: FrameType | None) -> None:
        working.stop()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, ask)


def register(app: Flask) -> None:
    """Put the command on the application."""
    app.cli.add_command(worker)
