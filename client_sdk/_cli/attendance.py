"""`tiezheng verify` of a note of attendance: who was there, when, and what had been shown."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.markup import escape

from client_sdk._cli.app import App, Exit
from client_sdk._cli.messages import Lang
from client_sdk.dossier.words import VERDICTS
from client_sdk.protocol.attendance import AttendanceNote, verify_attendance
from client_sdk.protocol.errors import ProtocolError
from client_sdk.protocol.keys import PublicKey
from client_sdk.protocol.statements import MAX_STATEMENT_BYTES, SignedStatement
from client_sdk.protocol.times import format_rfc3339
from client_sdk.protocol.trust import Trust
from client_sdk.protocol.verdicts import Verdict

_FILE_BYTES_MAX = 4 * MAX_STATEMENT_BYTES  # its text is quoted in the file


@dataclass(frozen=True, slots=True)
class _Pinned:
    """The event keys of a trust file."""

    trust: Trust

    def event_key(self, kid: str) -> PublicKey | None:
        """The key with this id, if the verifier believes in it."""
        return dict(self.trust.event_keys).get(kid)


def is_note(path: Path) -> bool:
    """Whether a file is a signed statement and no dossier."""
    with path.open("rb") as file:
        return file.read(64).lstrip().startswith(b"{")


def judge(app: App, path: Path, trust: Trust) -> int:
    """Verify the note, say what it says, and return the exit code."""
    note: AttendanceNote | None = None
    problem = ""
    try:
        with path.open("rb") as file:
            value = json.loads(file.read(_FILE_BYTES_MAX))
        note = verify_attendance(SignedStatement.from_dict(value), _Pinned(trust))
    except (ProtocolError, ValueError, RecursionError) as error:
        problem = str(error)
    verdict = Verdict.FAILED if note is None else Verdict.VERIFIED
    if app.as_json:
        about = None if note is None else note.to_body()
        app.emit({"verdict": verdict.value, "attendance": about, "problem": problem or None})
    else:
        _show(app, verdict, note, problem)
    return int(Exit.TRUST if note is None else Exit.OK)


def _show(app: App, verdict: Verdict, note: AttendanceNote | None, problem: str) -> None:
    chinese = app.lang is Lang.ZH
    app.out.print(f"[bold]{verdict.value}[/]  {VERDICTS[verdict][chinese]}")
    lines = [problem] if note is None else _lines(note, chinese=chinese)
    for line in lines:
        app.out.print(escape(line), soft_wrap=True)


def _lines(note: AttendanceNote, *, chinese: bool) -> list[str]:
    words: dict[str, tuple[str, str]] = {
        "observer": ("Observer", "观摩人"),
        "mission": ("Operation", "执行行动"),
        "seconds": ("Seconds attended", "观摩秒数"),
        "seen": ("Entries seen", "已查看条目"),
        "log": ("Log", "日志"),
        "issued": ("Issued", "出具时间"),
    }
    head = note.head
    values: dict[str, Any] = {
        "observer": f"{note.observer} ({note.capacity})",
        "mission": f"{note.mission}, {note.court_name}",
        "seconds": note.seconds,
        "seen": note.seen,
        "log": note.log if head is None else f"{note.log} {head.size} {head.root}",
        "issued": format_rfc3339(note.issued),
    }
    return [f"{words[name][chinese]}: {value}" for name, value in values.items()]
