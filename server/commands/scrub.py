"""``flask --app wsgi scrub``: re-read everything that is stored and say what is not as it was."""

from __future__ import annotations

import time
from typing import Any, Final

import click
from flask import Flask

from server.commands.console import (
    Console,
    about,
    operated,
    runtime,
)
from server.upkeep.findings import NOTES, Report
from server.upkeep.scrub import Options
from server.upkeep.scrub import scrub as run_scrub

DAMAGED: Final = 4
SHOWN: Final = 50
TELL_SECONDS: Final = 5.0
MEBI: Final = 2**20
EPILOG: Final = about(
    "退出码：0 完好（含已修复）；4 有问题；2 命令行有误；3 设置、数据库、密钥或存储不可用。",
    "Exit codes: 0 sound, or repaired; 4 something is wrong; 2 the command line is wrong; "
    "3 settings, database, keys or store cannot be used.",
)


@click.command(
    "scrub", epilog=EPILOG,
    help=about(
        "核对日志、各表与全部字节；坏副本以好副本修复。",
        "Check the log, every table and all bytes; replace bad copies by good ones.",
    ),
)  # fmt: skip
@click.option("--log/--no-log", default=True, help=about("核对日志与各表。", "Log and tables."))
@click.option("--bytes/--no-bytes", "bytes_", default=True, help=about("重读字节。", "All bytes."))
@click.option(
    "--rate",
    type=click.IntRange(min=0),
    default=0,
    metavar="MIB",
    help=about("每秒最多读取的 MiB，0 不限。", "Read at most so many MiB a second; 0: no limit."),
)
@click.option(
    "--every-copy",
    is_flag=True,
    help=about("S3 中的副本也全部重读。", "Re-read the copies in S3 as well."),
)
@click.option(
    "--fresh", is_flag=True,
    help=about("从头重读，不接续上次中断处。", "Begin anew, not where the last one stopped."),
)  # fmt: skip
@operated
def scrub(
    console: Console, *, log: bool, bytes_: bool, rate: int, every_copy: bool, fresh: bool
) -> dict[str, Any]:
    """Check everything."""
    options = Options(log, bytes_, rate * MEBI, every_copy, resume=not fresh)
    report = run_scrub(runtime(), options, _Teller(console))
    _tell(console, report)
    if not report.is_clean:
        console.answer(report.to_dict())
        raise click.exceptions.Exit(DAMAGED)
    return report.to_dict()


class _Teller:
    """Says how far it is, every few seconds, on standard error."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._next = time.monotonic() + TELL_SECONDS

    def __call__(self, what: str, count: int) -> None:
        if not self._console.as_json and time.monotonic() >= self._next:
            self._next = time.monotonic() + TELL_SECONDS
            click.echo(f"… {what}: {count}", err=True)


def _tell(console: Console, report: Report) -> None:
    for finding in report.findings[:SHOWN]:
        mark = "·" if finding.code in NOTES else "✗"
        console.show(f"{mark} {finding.code.value}  {finding.subject}  {finding.detail}")
    more = sum(report.counts[name] for name in ("findings", "notes")) - SHOWN
    if more > 0:
        console.say(f"……另有 {more} 条", f"… and {more} more")
    counts = report.counts
    console.say(
        f"日志 {counts['entries']} 条，行 {counts['rows']}，文件 {counts['blobs']}"
        f"（{counts['bytes'] // MEBI} MiB），提示 {counts['notes']}，问题 {counts['findings']}",
        f"{counts['entries']} log entries, {counts['rows']} rows, {counts['blobs']} blobs "
        f"({counts['bytes'] // MEBI} MiB), {counts['notes']} notes, {counts['findings']} findings",
    )
    if report.is_clean:
        console.say("✓ 完好", "✓ sound")


def register(app: Flask) -> None:
    """Put the command on the application."""
    app.cli.add_command(scrub)
