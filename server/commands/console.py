"""How an operator command speaks: Chinese or English to people, one JSON object to programs.

Exit codes: 0 done; 1 refused, the message says why; 2 the command line is not understood;
3 the server cannot work as it is set up (settings, database, keys, store): ``doctor`` says more.
"""

from __future__ import annotations

import functools
import getpass
import json
import os
import unicodedata
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

import click
from flask import current_app
from flask.cli import with_appcontext
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from server.core.context import Runtime
from server.core.keyring import KeyRingError
from server.core.problem import Problem
from storage.errors import StorageError

REFUSED: Final = 1
UNUSABLE: Final = 3
LANGUAGES: Final = ("zh", "en")
_SEPARATOR: Final = "  "


@dataclass(frozen=True, slots=True)
class Words:
    """One text in both languages."""

    zh: str
    en: str

    def in_(self, lang: str) -> str:
        """The text in one of them."""
        return self.zh if lang == "zh" else self.en


class CommandFailed(Exception):
    """A command that cannot do its work; ``step`` says what to do next."""

    def __init__(
        self, slug: str, said: Words, step: Words | None = None, code: int = REFUSED
    ) -> None:
        super().__init__(said.en)
        self.slug = slug
        self.said = said
        self.step = step
        self.code = code


DOCTOR: Final = Words(
    "运行 flask --app wsgi doctor 查看原因",
    "run 'flask --app wsgi doctor', which says what is wrong",
)


def language(env: Mapping[str, str]) -> str:
    """What the terminal speaks, by the usual variables."""
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
        if env.get(name):
            return "zh" if env[name].lower().startswith("zh") else "en"
    return "en"


def about(zh: str, en: str) -> str:
    """A help text in the terminal's language, which is known before any option is read."""
    return Words(zh, en).in_(language(os.environ))


EPILOG: Final = about(
    "退出码：0 完成；1 被拒绝；2 命令行有误；3 设置、数据库、密钥或存储不可用。",
    "Exit codes: 0 done; 1 refused; 2 the command line is wrong; "
    "3 settings, database, keys or store cannot be used.",
)


@dataclass(frozen=True, slots=True)
class Console:
    """Where one command speaks."""

    lang: str
    as_json: bool

    def word(self, zh: str, en: str) -> str:
        """The text in the chosen language."""
        return Words(zh, en).in_(self.lang)

    def say(self, zh: str, en: str) -> None:
        """A line for people; programs do not see it."""
        if not self.as_json:
            click.echo(self.word(zh, en))

    def show(self, text: str) -> None:
        """A line that is the same in both languages."""
        if not self.as_json:
            click.echo(text)

    def table(self, head: Sequence[Words], rows: Sequence[Sequence[str]]) -> None:
        """Columns as wide as they must be; Chinese characters count twice."""
        lines = [[words.in_(self.lang) for words in head], *rows]
        widths = [max(width(line[at]) for line in lines) for at in range(len(head))]
        for line in lines:
            cells = [
                text + " " * (room - width(text)) for text, room in zip(line, widths, strict=True)
            ]
            self.show(_SEPARATOR.join(cells).rstrip())

    def answer(self, found: Mapping[str, Any]) -> None:
        """The result for programs."""
        if self.as_json:
            click.echo(json.dumps(found, ensure_ascii=False, default=str))

    def fail(self, failed: CommandFailed) -> None:
        """Say why, and what to do; for programs also on standard output."""
        click.echo(f"{self.word('错误', 'error')}: {failed.said.in_(self.lang)}", err=True)
        if failed.step is not None:
            click.echo(f"  → {failed.step.in_(self.lang)}", err=True)
        step = failed.step.in_(self.lang) if failed.step else None
        self.answer({"error": failed.slug, "detail": failed.said.in_(self.lang), "next": step})


def operated(view: Callable[..., Mapping[str, Any] | None]) -> Callable[..., None]:
    """Make a function ``view(console, …)`` the body of a command.

    Adds ``--json`` and ``--lang``, prints what it returns for programs, and turns every expected
    error into a sentence with a next step and an exit code.
    """

    @click.option("--lang", type=click.Choice(LANGUAGES), help=about("语言。", "Language."))
    @click.option(
        "--json", "as_json", is_flag=True,
        help=about("为程序输出一个 JSON 对象。", "Print one JSON object for programs."),
    )  # fmt: skip
    @with_appcontext
    @functools.wraps(view)
    def run(*, as_json: bool, lang: str | None, **given: Any) -> None:
        console = Console(lang or language(os.environ), as_json)
        with exits(console):
            console.answer(view(console, **given) or {})

    return run


@contextmanager
def exits(console: Console) -> Iterator[None]:
    """Turn expected errors into a sentence and an exit code."""
    try:
        yield
    except (CommandFailed, Problem, KeyRingError, SQLAlchemyError, StorageError, OSError) as error:
        failed = explained(error)
        console.fail(failed)
        raise click.exceptions.Exit(failed.code) from None


def explained(error: Exception) -> CommandFailed:
    """What an expected error means to an operator."""
    if isinstance(error, CommandFailed):
        return error
    if isinstance(error, Problem):
        return _refused(error)
    if isinstance(error, KeyRingError):
        text = str(error)
        return CommandFailed("keys", Words(f"密钥：{text}", text), DOCTOR, UNUSABLE)
    if isinstance(error, SQLAlchemyError):
        cause = error.orig if isinstance(error, DBAPIError) else error
        text = str(cause).strip().partition("\n")[0]
        said = Words(f"数据库：{text}", f"database: {text}")
        return CommandFailed("database", said, DOCTOR, UNUSABLE)
    text = str(error) or type(error).__name__
    return CommandFailed("store", Words(f"存储：{text}", f"store: {text}"), DOCTOR, UNUSABLE)


def _refused(problem: Problem) -> CommandFailed:
    errors = problem.extra.get("errors")
    facts = problem.detail or ""
    if isinstance(errors, Mapping):
        facts = "; ".join(f"{name} {' '.join(map(str, said))}" for name, said in errors.items())
    tail = f": {facts}" if facts else ""
    kind = problem.kind.value
    return CommandFailed(problem.kind.slug, Words(kind.title_zh + tail, kind.title + tail))


def runtime() -> Runtime:
    """The process' tools."""
    found: Runtime = current_app.extensions["tiezheng"]
    return found


def operator() -> str:
    """Who types: the account of this host, for the log."""
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):
        return str(os.getuid())


def width(text: str) -> int:
    """Columns that a text takes in a terminal."""
    return sum(2 if unicodedata.east_asian_width(one) in "WF" else 1 for one in text)
