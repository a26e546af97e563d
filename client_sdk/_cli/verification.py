"""`tiezheng verify`: judge an exported dossier, with no network, server or store."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Final

import click
from rich.markup import escape

from client_sdk._cli import attendance, settings
from client_sdk._cli.app import App, Exit
from client_sdk._cli.messages import Lang
from client_sdk.dossier.archive import ArchiveError, open_archive
from client_sdk.dossier.report import Finding, Report
from client_sdk.dossier.verify import verify_dossier
from client_sdk.dossier.words import VERDICTS, sentence
from client_sdk.protocol.dossier import CHECKPOINT, MAX_PROOF_BYTES
from client_sdk.protocol.errors import ProtocolError
from client_sdk.protocol.tlog.notes import Note, parse_note
from client_sdk.protocol.trust import MAX_TRUST_BYTES, Trust, parse_trust
from client_sdk.protocol.verdicts import Level, Verdict

EXITS: Final = {
    Verdict.VERIFIED: Exit.OK,
    Verdict.FINDINGS: Exit.NEEDS_PERSON,
    Verdict.INCOMPLETE: Exit.UNFINISHED,
    Verdict.FAILED: Exit.TRUST,
}
_HELP: Final = """Judge an exported DOSSIER by a policy that did not come with it.

An observer's signed note of attendance is judged as well.

\b
Exit codes:
  0  VERIFIED
  2  wrong usage, or a file that cannot be opened
  3  VERIFIED-WITH-FINDINGS: a person has to weigh them
  5  INCOMPLETE: nothing contradicts, something needed is absent
  7  FAILED: something contradicts
"""
_SHOWN_MAX: Final = 20
_LONG_BYTES: Final = 256 << 20
_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
_STYLES: Final = {Level.FAILED: "red", Level.INCOMPLETE: "yellow", Level.FINDING: "yellow"}


@click.command(help=_HELP)
@click.argument("dossier", type=_FILE)
@click.option("--policy", required=True, type=_FILE, help="Trust file, or a bare tlog-policy.")
@click.option(
    "--prior", "priors", multiple=True, type=_FILE,
    help="A checkpoint or dossier that you kept from earlier; may be given again.",
)  # fmt: skip
@settings.again
@click.pass_obj
def verify(app: App, *, dossier: Path, policy: Path, priors: tuple[Path, ...]) -> None:
    """Judge a dossier."""
    trust, kept = _trust(policy), [_note(path) for path in priors]
    if attendance.is_note(dossier):
        sys.exit(attendance.judge(app, dossier, trust))
    try:
        size_bytes = dossier.stat().st_size
        # A bar for what takes long, where somebody looks.
        hidden = app.quiet or size_bytes < _LONG_BYTES or not sys.stderr.isatty()
        with click.progressbar(length=size_bytes, file=sys.stderr, hidden=hidden) as bar:
            report = verify_dossier(dossier, trust, priors=kept, heard=bar.update)
    except OSError as error:
        raise click.BadParameter(str(error), param_hint="DOSSIER") from error
    if app.as_json:
        app.emit(report.to_dict())
    else:
        show(app, report)
    sys.exit(int(EXITS[report.verdict]))


def _trust(path: Path) -> Trust:
    try:
        return parse_trust(_bytes(path))
    except ProtocolError as error:
        raise click.BadParameter(str(error), param_hint="--policy") from error


def _note(path: Path) -> Note:
    """A checkpoint's note, or the one of an earlier dossier."""
    data = _bytes(path)
    try:
        if data.startswith(b"PK"):
            with open_archive(path) as archive:
                data = archive.read(CHECKPOINT, MAX_PROOF_BYTES)
        return parse_note(data)
    except (ProtocolError, ArchiveError, KeyError) as error:
        raise click.BadParameter(f"{path}: {error}", param_hint="--prior") from error


def _bytes(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(MAX_TRUST_BYTES + 1)


def show(app: App, report: Report) -> None:
    """The report for people."""
    chinese = app.lang is Lang.ZH
    worst = max((finding.level for finding in report.findings), default=Level.NOTE)
    style = _STYLES.get(worst, "green")
    out = app.out
    out.print(f"[bold {style}]{report.verdict.value}[/]  {VERDICTS[report.verdict][chinese]}")
    for line in _facts(report, chinese=chinese):
        out.print(escape(line), soft_wrap=True)
    told: dict[str, int] = {}
    for finding in sorted(report.findings, key=lambda one: -one.level):
        told[finding.reason] = told.get(finding.reason, 0) + 1
        if told[finding.reason] <= _SHOWN_MAX:
            out.print(escape(_line(finding, chinese=chinese)), soft_wrap=True)
    for reason, count in told.items():
        if count > _SHOWN_MAX:
            out.print(f"  … {reason}: {count}")


def _line(finding: Finding, *, chinese: bool) -> str:
    where = f" ({finding.where})" if finding.where else ""
    text = f"- [{finding.reason.value}] {sentence(finding.reason, chinese=chinese)}{where}"
    return text if chinese or not finding.detail else f"{text}: {finding.detail}"


def _facts(report: Report, *, chinese: bool) -> list[str]:
    found = report.about
    lines = []
    if "case" in found:
        word = ("Case", "案号")[chinese]
        lines.append(f"{word}: {found['case']['no']}")
        export = found["export"]
        words = ("Exported for", "导出给")[chinese], ("purpose", "用途")[chinese]
        lines.append(
            f"{words[0]}: {export['recipient']}; {words[1]}: {export['purpose']}; {export['made']}"
        )
    if "log" in found:
        log = found["log"]
        cosigned = ", ".join(f"{name} {at}" for name, at in log["cosigned"].items()) or "-"
        words = ("Log", "日志")[chinese], ("witnesses", "见证")[chinese]
        lines.append(f"{words[0]}: {log['origin']} {log['size']}; {words[1]}: {cosigned}")
    if found:
        words = ("Entries", "条目")[chinese], ("disclosed", "披露")[chinese]
        objects = ("originals", "原件")[chinese]
        lines.append(
            f"{words[0]}: {found['entries']} ({words[1]} {found['disclosed']});"
            f" {objects}: {found['objects']}"
        )
    return lines
