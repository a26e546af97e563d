"""``flask --app wsgi backup`` and ``restore``: everything into a folder, and back."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, Final

import click
from flask import Flask

from server.commands.console import (
    EPILOG,
    CommandFailed,
    Console,
    Words,
    about,
    operated,
    runtime,
)
from server.commands.scrub import DAMAGED
from server.core.db import db
from server.schema import upgrade
from server.upkeep.backup import back_up
from server.upkeep.keybox import PASSPHRASE_CHARACTERS_MIN
from server.upkeep.last_backup import remember
from server.upkeep.restore import RestoreError, open_source
from server.upkeep.restore import restore as restore_here
from server.upkeep.scrub import Options
from server.upkeep.scrub import scrub as run_scrub

PASSPHRASE: Final = "TIEZHENG_BACKUP_PASSPHRASE"  # noqa: S105  the name of a variable
_ZH: Final = {
    "not-empty": "恢复只能在空的安装中进行",
    "keys-missing": "备份中没有密钥，请先放回密钥文件夹",
    "passphrase-missing": "备份中的密钥需要口令",
    "keys-refused": "密钥无法打开",
    "schema-differs": "备份与程序的数据库结构不同",
    "backup-missing": "没有完整的备份",
    "backup-damaged": "备份已损坏",
    "backup-unreadable": "备份无法读取",
    "backup-version": "备份版本未知",
}


_NEXT: Final = {
    "backup-damaged": Words(
        "可用另一份备份的 blobs 文件夹补齐后重试，或以 --without-lost 恢复其余内容",
        "fill its blobs folder from another copy and try again, or restore the rest with "
        "--without-lost",
    )
}


@click.command(
    "backup", epilog=EPILOG,
    help=about(
        "备份数据库与全部字节；目标处已有的不再复制。",
        "Back up database and bytes; what the target has is not copied again.",
    ),
)  # fmt: skip
@click.argument("target", type=click.Path(file_okay=False, path_type=Path))
@click.option(
    "--with-keys", is_flag=True,
    help=about(
        "连同服务器密钥（以口令加密，口令取自环境变量或询问）。",
        f"Put the server's keys in as well, sealed with a passphrase ({PASSPHRASE}, or asked for).",
    ),
)  # fmt: skip
@click.option(
    "--reread", is_flag=True,
    help=about(
        "重读目标处已有的文件，替换损坏者。",
        "Re-read what the target has already, and replace what has rotted there.",
    ),
)  # fmt: skip
@operated
def backup(console: Console, *, target: Path, with_keys: bool, reread: bool) -> dict[str, Any]:
    """Make one backup."""
    passphrase = _passphrase(console, new=True) if with_keys else None
    made = back_up(runtime(), target, passphrase=passphrase, reread=reread)
    remember(runtime(), made)
    rows = sum(one["rows"] for one in made.manifest["tables"].values())
    console.say(
        f"已备份到 {made.path}：{rows} 行，新复制文件 {made.copied} 个",
        f"backed up to {made.path}: {rows} rows, {made.copied} files copied",
    )
    if with_keys:
        console.say(
            "密钥在备份内（已加密）：口令须另行保管。",
            "The keys are in the backup, sealed: keep the passphrase elsewhere.",
        )
    else:
        keys = runtime().settings.data_dir / "keys"
        console.say(
            f"密钥不在备份内：{keys} 须另行备份，否则无法恢复。",
            f"The keys are NOT in the backup: without a copy of {keys} it cannot be restored.",
        )
    signer = runtime().settings.signer_folder
    console.say(
        f"日志签名者的文件夹 {signer} 从不在内，须离线另存。",
        f"The log signer's folder {signer} is never in it: keep a copy of its key offline.",
    )
    found = {
        "path": str(made.path), "rows": rows, "copied": made.copied, "missing": made.missing,
        "keys": with_keys,
    }  # fmt: skip
    if made.missing:
        console.say(
            f"存储中缺失或损坏的文件：{len(made.missing)}，请运行 scrub",
            f"{len(made.missing)} files are gone or damaged in the store: run 'scrub'",
        )
        console.answer(found)
        raise click.exceptions.Exit(DAMAGED)
    return found


@click.command(
    "restore", epilog=EPILOG,
    help=about(
        "把备份恢复到空的安装，然后核对。",
        "Restore a backup into an empty installation, then scrub.",
    ),
)  # fmt: skip
@click.argument("source", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option(
    "--scrub/--no-scrub", "check", default=True, help=about("恢复后核对。", "Scrub after.")
)
@click.option(
    "--without-lost", is_flag=True,
    help=about(
        "备份自身丢失的文件除外，其余照常恢复。",
        "Restore everything else although the backup has lost bytes of its own.",
    ),
)  # fmt: skip
@operated
def restore(console: Console, *, source: Path, check: bool, without_lost: bool) -> dict[str, Any]:
    """Restore one backup."""
    tools = runtime()
    try:
        found = open_source(source)
        needs = found.has_keys and not (tools.settings.data_dir / "keys" / "data.key").exists()
        passphrase = _passphrase(console, new=False) if needs else None
        done = restore_here(
            tools, found, db.engine, upgrade, passphrase=passphrase, without_lost=without_lost
        )
    except RestoreError as error:
        said = Words(f"{_ZH[error.slug]}：{error}", str(error))
        raise CommandFailed(error.slug, said, _NEXT.get(error.slug)) from None
    if done.missing:
        console.say(
            f"备份中没有的文件：{len(done.missing)}，核对会逐一列出",
            f"{len(done.missing)} files are not in the backup; the scrub names each",
        )
    console.say(
        f"已恢复 {done.rows} 行、{done.blobs} 个文件，日志 {done.log_size} 条",
        f"restored {done.rows} rows, {done.blobs} files, {done.log_size} log entries",
    )
    console.say(
        "设备将重新同步；日志签名者会发现日志变短并拒绝签名，见 docs/operations.md。",
        "Devices pull anew. If the log is shorter than what was signed, the signer and the "
        "witnesses refuse: see docs/operations.md.",
    )
    answer = {"rows": done.rows, "blobs": done.blobs, "missing": done.missing}
    if not check:
        return answer
    report = run_scrub(tools, Options(resume=False))
    for finding in report.findings[:50]:
        console.show(f"✗ {finding.code.value}  {finding.subject}  {finding.detail}")
    if not report.is_clean:
        console.answer({**answer, "scrub": report.to_dict()})
        raise click.exceptions.Exit(DAMAGED)
    console.say("✓ 核对无误", "✓ scrubbed: sound")
    return {**answer, "scrub": report.to_dict()}


def _passphrase(console: Console, *, new: bool) -> str:
    given = os.environ.get(PASSPHRASE)
    if given is None:
        text = console.word("密钥口令", "Passphrase for the keys")
        given = click.prompt(text, hide_input=True, confirmation_prompt=new, err=True)
    if new and len(given) < PASSPHRASE_CHARACTERS_MIN:
        length = PASSPHRASE_CHARACTERS_MIN
        said = Words(f"口令至少 {length} 个字符", f"a passphrase has at least {length} characters")
        raise CommandFailed("passphrase-short", said)
    return str(given)


def register(app: Flask) -> None:
    """Put the commands on the application."""
    app.cli.add_command(backup)
    app.cli.add_command(restore)
