"""Running operator commands as a terminal would."""

from __future__ import annotations

import json
from typing import Any

from click.testing import Result
from flask import Flask

from server import cli


def run(app: Flask, *arguments: str, typed: str | None = None, lang: str | None = "en") -> Result:
    """Run one command in English, unless told; what it printed is in ``stdout`` and ``stderr``."""
    if "court" not in app.cli.commands:
        cli.register(app)
    language = [] if lang is None else ["--lang", lang]
    return app.test_cli_runner().invoke(args=[*arguments, *language], input=typed)


def asked(app: Flask, *arguments: str, typed: str | None = None, code: int = 0) -> dict[str, Any]:
    """The one JSON object that the command prints; it must end with ``code``."""
    done = run(app, *arguments, "--json", typed=typed)
    assert done.exit_code == code, (done.stdout, done.stderr)
    found: dict[str, Any] = json.loads(done.stdout)
    return found
