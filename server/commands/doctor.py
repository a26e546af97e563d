"""``flask --app wsgi doctor``: what is wrong or risky here, and what to do.

It needs neither working settings nor a database: it is for when they do not work.
Exit codes: 0 all is well, 1 something is risky, 2 something is wrong.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any, Final

import click
from flask import Flask, current_app
from flask.cli import with_appcontext

from server.commands.checks import databases, host, places, reports
from server.commands.checks.finding import Finding, Installation, Level, fail, ok
from server.commands.console import LANGUAGES, Console, Words, about, explained, language, width
from server.core.clock import Clock, SystemClock
from server.core.context import Runtime
from server.settings import Settings, SettingsError

FAILURE: Final = "tiezheng.failure"
_NAMES: Final = {Level.OK: "ok", Level.WARN: "warn", Level.FAIL: "fail"}
_MARKS: Final = {
    Level.OK: Words("正常", "ok"), Level.WARN: Words("警告", "warn"),
    Level.FAIL: Words("故障", "fail"),
}  # fmt: skip
_COLOURS: Final = {Level.OK: "green", Level.WARN: "yellow", Level.FAIL: "red"}


@click.command(
    "doctor",
    help=about("逐项检查本机安装，说明问题与处理办法。", "Say what is wrong here and what to do."),
    epilog=about(
        "退出码：0 正常；1 有警告；2 有故障。",
        "Exit codes: 0 all is well; 1 something is risky; 2 something is wrong.",
    ),
)
@click.option("--lang", type=click.Choice(LANGUAGES), help=about("语言。", "Language."))
@click.option(
    "--json", "as_json", is_flag=True,
    help=about("为程序输出一个 JSON 对象。", "Print one JSON object for programs."),
)  # fmt: skip
@with_appcontext
@click.pass_context
def doctor(context: click.Context, *, lang: str | None, as_json: bool) -> None:
    """Examine this installation."""
    console = Console(lang or language(os.environ), as_json)
    found = list(examined())
    worst = max(finding.level for finding in found)
    for finding in found:
        _show(console, finding)
    _sum_up(console, found)
    console.answer(
        {"level": _NAMES[worst], "findings": [_described(console, one) for one in found]}
    )
    context.exit(int(worst))


def examined() -> Iterator[Finding]:
    """Everything that can be looked at, whatever state the settings are in."""
    tools: Runtime | None = current_app.extensions.get("tiezheng")
    clock: Clock = tools.clock if tools else SystemClock()
    try:
        settings = tools.settings if tools else Settings.from_env(os.environ)
    except SettingsError as error:
        for problem in error.problems:
            yield fail(
                "settings",
                Words(problem, problem),
                Words(
                    "更正该环境变量；说明见 README", "change that variable; the README lists all"
                ),
            )
        yield from host.findings(clock)
        return
    yield ok("settings", "可用", "they can be used")
    failure: Exception | None = current_app.extensions.get(FAILURE)
    if failure is not None:
        said = explained(failure).said
        yield fail("start", said, Words("按下面的提示处理", "see what is said below"))
    yield from host.findings(clock)
    place = Installation(settings, clock, os.environ)
    yield from places.findings(place)
    yield from reports.findings(place)
    yield from databases.findings(place)


def _show(console: Console, finding: Finding) -> None:
    mark = _MARKS[finding.level].in_(console.lang)
    padded = mark + " " * (5 - width(mark))
    coloured = click.style(padded, fg=_COLOURS[finding.level])
    console.show(f"{coloured} {finding.check:<13} {finding.said.in_(console.lang)}")
    if finding.step is not None:
        console.show(f"{'':<20}→ {finding.step.in_(console.lang)}")


def _sum_up(console: Console, found: list[Finding]) -> None:
    failures = sum(one.level is Level.FAIL for one in found)
    warnings = sum(one.level is Level.WARN for one in found)
    console.show("")
    if failures or warnings:
        console.say(f"故障 {failures}，警告 {warnings}", f"{failures} wrong, {warnings} risky")
    else:
        console.say("一切正常", "all is well")


def _described(console: Console, finding: Finding) -> dict[str, Any]:
    return {
        "check": finding.check,
        "level": _NAMES[finding.level],
        "detail": finding.said.in_(console.lang),
        "do": finding.step.in_(console.lang) if finding.step else None,
    }


def register(app: Flask) -> None:
    """Add the command."""
    app.cli.add_command(doctor)
