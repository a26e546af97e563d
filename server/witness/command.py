"""The witness' commands, for ``python -m server.witness`` and ``flask --app wsgi witness``.

Exit codes: 0 done; 1 refused, the message says why; 2 the command line is not understood;
3 a comparison that could not be finished.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import click

from client_sdk.protocol.errors import ProtocolError
from client_sdk.protocol.tlog.cosignatures import verify_cosignature
from client_sdk.protocol.tlog.notes import parse_vkey
from client_sdk.protocol.tlog.policies import Policy
from server.witness.compare import Comparison, compare, over_http
from server.witness.errors import WitnessError
from server.witness.service import WatchedLog
from server.witness.serving import serve
from server.witness.state import WitnessFolder
from server.witness.web import create_app
from server.witness.witness import Witness

FOLDER_VARIABLE: Final = "TIEZHENG_WITNESS_DIR"
_REFUSED: Final = 1
_INCOMPLETE: Final = 3


def _chinese() -> bool:
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
        if os.environ.get(name):
            return os.environ[name].lower().startswith("zh")
    return False


def _word(zh: str, en: str) -> str:
    return zh if _chinese() else en


def _in_folder(view: Callable[..., None]) -> Callable[..., None]:
    """Give a command its folder, and a sentence instead of a traceback."""

    @click.option(
        "--folder", type=click.Path(file_okay=False, path_type=Path), envvar=FOLDER_VARIABLE,
        default=Path("var/witness"), show_default=True, show_envvar=True,
        help=_word("见证人的文件夹。", "The witness' folder."),
    )  # fmt: skip
    @functools.wraps(view)
    def run(**given: Any) -> None:
        try:
            view(**given)
        except (WitnessError, ProtocolError, OSError) as error:
            click.echo(f"{_word('错误', 'error')}: {error}", err=True)
            raise click.exceptions.Exit(_REFUSED) from None

    return run


@click.group(
    "witness",
    help=_word(
        "独立见证人：为证据日志的检查点副署（C2SP tlog-witness）。",
        "A witness that cosigns checkpoints of logs (C2SP tlog-witness).",
    ),
)
def group() -> None:
    """Witness."""


@group.command("init", help=_word("新建见证人与其密钥。", "Make a witness with a new key."))
@click.argument("name")
@_in_folder
def init(*, name: str, folder: Path) -> None:
    """Make the folder; prints the verifier key for the policy of those who rely on it."""
    click.echo(Witness(WitnessFolder.create(folder, name)).vkey)


@group.command("vkey", help=_word("显示验证公钥。", "Print the verifier key."))
@_in_folder
def vkey(*, folder: Path) -> None:
    """Print the verifier key."""
    click.echo(_open(folder).vkey)


@group.command("trust", help=_word("开始见证一个日志。", "Watch the log of this key."))
@click.argument("vkey", metavar="VKEY")
@_in_folder
def trust(*, vkey: str, folder: Path) -> None:
    """Watch a log, or accept a further key of it."""
    _show(_open(folder).trust(parse_vkey(vkey)), folder)


@group.command("distrust", help=_word("不再接受该公钥。", "Accept nothing more from this key."))
@click.argument("vkey", metavar="VKEY")
@_in_folder
def distrust(*, vkey: str, folder: Path) -> None:
    """Drop a key of a log; what was cosigned stays known."""
    _show(_open(folder).distrust(parse_vkey(vkey)), folder)


@group.command("show", help=_word("列出所见证的日志。", "List the logs and what was cosigned."))
@_in_folder
def show(*, folder: Path) -> None:
    """List the watched logs."""
    for log in _open(folder).logs().values():
        _show(log, folder)


@group.command("run", help=_word("运行，直到收到 SIGTERM。", "Answer requests until SIGTERM."))
@click.option(
    "--bind", default="127.0.0.1:8470", show_default=True, metavar="HOST:PORT",
    help=_word("监听地址。", "Address to listen on."),
)  # fmt: skip
@_in_folder
def run(*, bind: str, folder: Path) -> None:
    """Serve."""
    serve(create_app(_open(folder)), bind)


@group.command(
    "compare",
    help=_word(
        "检查策略中的各见证人所见是否为同一份历史。",
        "Check that all witnesses of a policy have seen one history.",
    ),
)
@click.argument("policy", type=click.Path(exists=True, dir_okay=False, path_type=Path))
def compare_views(policy: Path) -> None:
    """Ask every witness; 0 one history, 1 a split, 3 somebody could not be heard."""
    try:
        found = compare(Policy.parse(policy.read_bytes()), over_http)
    except (ProtocolError, OSError) as error:
        click.echo(f"{_word('错误', 'error')}: {error}", err=True)
        raise click.exceptions.Exit(_REFUSED) from None
    for one in found:
        _show_comparison(one)
    if any(one.splits for one in found):
        raise click.exceptions.Exit(_REFUSED)
    if not all(one.is_one_history for one in found):
        raise click.exceptions.Exit(_INCOMPLETE)


def _show_comparison(found: Comparison) -> None:
    for view in found.views:
        if view.checkpoint is not None:
            shown = f"{view.checkpoint.size}  {view.checkpoint.root.hex()}"
            click.echo(f"{found.origin}  {view.witness}  {shown}")
    for point in found.open_points:
        click.echo(_word(f"未能核对：{point}", f"not compared: {point}"))
    for older, newer in found.splits:
        click.echo(
            _word(
                f"历史不一致：{older.witness} 与 {newer.witness}。请保存以下两份检查点：",
                f"SPLIT VIEW: {older.witness} and {newer.witness}. Keep these two checkpoints:",
            )
        )
        click.echo(older.note_text)
        click.echo(newer.note_text)
    if found.is_one_history:
        click.echo(_word("所见为同一份历史", "one history"))


def _open(folder: Path) -> Witness:
    return Witness(WitnessFolder.open(folder))


def _show(log: WatchedLog, folder: Path) -> None:
    keys = _word(f"{len(log.keys)} 把公钥", f"{len(log.keys)} keys")
    if log.note is None:
        click.echo(f"{log.origin}  {keys}  {_word('尚未副署', 'nothing cosigned yet')}")
        return
    seconds = verify_cosignature(log.note, WitnessFolder.open(folder).key.verifier_key)
    when = datetime.fromtimestamp(seconds, UTC).isoformat()
    click.echo(f"{log.origin}  {keys}  {log.size}  {log.root.hex()}  {when}")
