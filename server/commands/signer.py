"""``flask --app wsgi signer``: signs the heads of the log that the worker has committed."""

from __future__ import annotations

import signal
import threading
from types import FrameType
from typing import Any, Final

import click
import structlog
from flask import Flask
from sqlalchemy.exc import SQLAlchemyError

from server.audit.signer import Signer
from server.audit.signing_state import SignerFolder, SignerFolderError
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
from server.core.context import Runtime
from server.core.db import db
from server.schema import is_current

TROUBLE_SECONDS: Final = 2.0
_INIT: Final = Words(
    "先运行 flask --app wsgi init（升级后为 migrate）",
    "run 'flask --app wsgi init' first, or 'migrate' after an upgrade",
)

_log = structlog.get_logger("signer")


@click.command(
    "signer", epilog=EPILOG,
    help=about(
        "运行签名进程：只为延续上次签名的日志签署检查点；直到收到 SIGTERM。",
        "Sign what extends the log that was signed before; until SIGTERM.",
    ),
)  # fmt: skip
@click.option(
    "--once", is_flag=True,
    help=about("签署当前日志后退出。", "Sign the log as it is now, then end."),
)  # fmt: skip
@click.option(
    "--key", "show_key", is_flag=True,
    help=about("只显示日志验证公钥。", "Only show the log's verifier key."),
)  # fmt: skip
@click.option(
    "--new-log", is_flag=True,
    help=about(
        "以新密钥在已有条目上开始新日志；仅在旧日志无法延续时。",
        "Begin a new log, with a new key, upon the entries that are there; only when the old one "
        "cannot go on.",
    ),
)  # fmt: skip
@operated
def signer(console: Console, *, once: bool, show_key: bool, new_log: bool) -> dict[str, Any] | None:
    """Sign until told to stop."""
    tools = runtime()
    folder = opened(tools, hold=not show_key)
    try:
        if show_key:
            for vkey in folder.vkeys:
                console.show(vkey)
            return {"origin": folder.origin, "vkeys": folder.vkeys}
        _require_schema()
        signing = Signer(folder, tools.clock, begins_anew=new_log)
        if once:
            size = signing.drain()
            if signing.refusal is not None:
                text = str(signing.refusal)
                said = Words(f"拒绝签名：{text}", f"it refuses: {text}")
                raise CommandFailed(signing.refusal.reason, said, DOCTOR)
            console.say(f"已签署到第 {size} 项", f"{size} entries are signed")
            return {"size": size}
        _run(signing)
    finally:
        folder.close()
    return None


def opened(tools: Runtime, *, hold: bool = True) -> SignerFolder:
    """The signer's folder, held by this process unless it is only read."""
    folder = SignerFolder(tools.settings.signer_folder)
    try:
        folder.open(tools.settings.origin, tools.clock.now(), hold=hold)
    except SignerFolderError as error:
        said = Words(f"签名目录不可用：{error}", str(error))
        raise CommandFailed("signer", said, None, UNUSABLE) from error
    return folder


def _require_schema() -> None:
    with db.engine.connect() as connection:
        if not is_current(connection):
            said = Words("数据库结构不是最新", "the database does not have the present schema")
            raise CommandFailed("schema", said, _INIT, UNUSABLE)


def _run(signing: Signer) -> None:
    stop = threading.Event()

    def ask(_signal: int, _frame: FrameType | None) -> None:
        stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, ask)
    _log.info("signer started", size=signing.folder.signed.size)
    while not stop.is_set():
        try:
            pause = signing.turn()
        except SQLAlchemyError:  # a database that is away comes back
            _log.exception("trouble")
            pause = TROUBLE_SECONDS
        stop.wait(pause)
    _log.info("signer stopped")


def register(app: Flask) -> None:
    """Put the command on the application."""
    app.cli.add_command(signer)
