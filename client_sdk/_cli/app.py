"""What every command shares: store, language, output, exit codes."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, is_dataclass
from datetime import datetime
from enum import IntEnum
from pathlib import Path
from typing import Any, Final, NoReturn
from uuid import UUID

from rich.console import Console
from rich.markup import escape

from client_sdk import errors
from client_sdk._cli.messages import Lang, known, text
from client_sdk._keystore import Protection
from client_sdk._link import Options
from client_sdk._witness import LOG_INCONSISTENT
from client_sdk.client import FieldClient
from client_sdk.models import SyncReport
from client_sdk.protocol.errors import ProtocolError

_UNITS: Final = ("B", "KiB", "MiB", "GiB", "TiB")
_UNIT: Final = 1024


class Exit(IntEnum):
    """Exit codes, documented in the command's help."""

    OK = 0
    ERROR = 1
    USAGE = 2
    NEEDS_PERSON = 3
    REFUSED = 4
    UNFINISHED = 5
    STORE = 6
    TRUST = 7


@dataclass(slots=True)
class App:
    """Settings of one run of the command."""

    store: Path
    server: str | None
    lang: Lang
    as_json: bool
    quiet: bool
    passphrase: str | None
    allow_http: bool
    public_url: str | None
    make_client: Callable[..., FieldClient] = FieldClient

    @property
    def out(self) -> Console:
        """Standard output."""
        return Console(file=sys.stdout, soft_wrap=False, highlight=False)

    @property
    def err(self) -> Console:
        """Standard error: notices and progress."""
        return Console(stderr=True, highlight=False, quiet=self.quiet)

    def text(self, key: str, **values: object) -> str:
        """A message in the chosen language."""
        return text(self.lang, key, **values)

    def say(self, key: str, **values: object) -> None:
        """A message for people, unless the output is JSON."""
        if not self.as_json:
            self.out.print(escape(self.text(key, **values)), soft_wrap=True)

    def notice(self, key: str, **values: object) -> None:
        """A message beside the output."""
        self.err.print(escape(self.text(key, **values)), soft_wrap=True)

    def emit(self, data: object) -> None:
        """The result as JSON, if JSON was asked for."""
        if self.as_json:
            sys.stdout.write(json.dumps(jsonable(data), ensure_ascii=False, indent=1) + "\n")

    def hint(self, step: str) -> None:
        """The next thing to do, for people."""
        self.say(f"next.{step}")

    @contextmanager
    def client(self, *, enrolling: bool = False) -> Iterator[FieldClient]:
        """The client on this run's store; tells what a start reconciled.

        Only enrolling makes a store: NotEnrolledError where there is none yet.
        """
        if not enrolling and not self.store.exists():
            raise errors.NotEnrolledError(f"there is no device in {self.store}")
        options = Options(allow_http=self.allow_http, public_url=self.public_url)
        with self.make_client(
            self.server, store=self.store, passphrase=self.passphrase, options=options
        ) as client:
            if not client.enrolled and not enrolling:
                raise errors.NotEnrolledError(f"the device in {self.store} is not enrolled")
            if client.protection is Protection.PLAIN and not client.enrolled:
                self.notice("store-plain")
            for key in ("recovered", "lost", "damaged", "interrupted"):
                found = getattr(client.reconciled, key)
                if found:
                    self.notice(key, count=len(found))
            yield client


def jsonable(value: Any) -> Any:
    """A value of the SDK as JSON."""
    if is_dataclass(value) and not isinstance(value, type):
        return {key: jsonable(item) for key, item in asdict(value).items()}
    if isinstance(value, dict):
        return {str(key): jsonable(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set):
        return [jsonable(item) for item in value]
    if isinstance(value, UUID | Path):
        return str(value)
    if isinstance(value, datetime):
        return value.isoformat()
    return value


def size_text(size_bytes: int) -> str:
    """A length for people."""
    size = float(size_bytes)
    for unit in _UNITS:
        if size < _UNIT or unit == _UNITS[-1]:
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
        size /= _UNIT
    raise AssertionError


def exit_of_sync(report: SyncReport) -> Exit:
    """Exit code of a sync."""
    codes = {problem.code for problem in report.problems}
    if codes & {"receipt-rejected", "trust", LOG_INCONSISTENT}:
        return Exit.TRUST
    if "device-revoked" in codes:
        return Exit.REFUSED
    if codes:
        return Exit.NEEDS_PERSON
    return Exit.OK if report.complete else Exit.UNFINISHED


def exit_of_error(error: Exception) -> Exit:
    """Exit code of an error."""
    if isinstance(error, errors.TrustError):
        return Exit.TRUST
    if isinstance(error, errors.NoServerError | errors.EntryError):
        return Exit.USAGE
    if isinstance(error, errors.AlreadyEnrolledError):
        return Exit.REFUSED
    if isinstance(error, errors.StoreError):
        return Exit.STORE
    if isinstance(error, errors.FieldError) and error.transient:
        return Exit.UNFINISHED
    if isinstance(error, errors.ApiError | errors.NotEnrolledError | errors.NotSignedInError):
        return Exit.REFUSED
    return Exit.ERROR


def fail(app: App, error: Exception) -> NoReturn:
    """Tell an error and leave with its code."""
    code = exit_of_error(error)
    detail = str(error)
    if app.lang is Lang.ZH and isinstance(error, errors.ApiError) and error.title_zh:
        detail = error.title_zh
    slug = error.code if isinstance(error, errors.FieldError | ProtocolError) else "error"
    if app.as_json:
        app.emit({"error": slug, "detail": str(error), "exit": int(code)})
    key = f"error.{slug}"
    message = app.text(key, detail=detail, store=app.store) if known(key) else detail or slug
    Console(stderr=True, highlight=False).print(f"[red]{escape(message)}[/]", soft_wrap=True)
    raise SystemExit(int(code))
