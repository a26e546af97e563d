"""The operator's command line, ``flask --app wsgi …``, and the application that carries it.

With settings that cannot be used there is no application; the command line then still has every
command: ``doctor`` works and says what is wrong, the others say that it should be asked.
"""

from __future__ import annotations

import os
from typing import Any, Final

import click
from flask import Flask
from sqlalchemy.exc import SQLAlchemyError

from server.app import create_app
from server.commands import (
    assets,
    backup,
    court,
    demo,
    device,
    doctor,
    init,
    keys,
    scrub,
    signer,
    trust,
    user,
    witness,
    worker,
)
from server.commands.console import UNUSABLE, CommandFailed, Console, Words, explained, language
from server.settings import SettingsError
from storage.errors import StorageError

GROUPS: Final = (
    init,
    court,
    user,
    device,
    keys,
    worker,
    signer,
    witness,
    trust,
    scrub,
    backup,
    assets,
    doctor,
    demo,
)


def application() -> Flask:
    """What ``wsgi.py`` exports: the application, with the commands.

    A web server gets the error of bad settings; ``flask`` gets commands that explain it.
    """
    try:
        app = create_app()
    except (SettingsError, StorageError, SQLAlchemyError, OSError, ValueError) as error:
        if not os.environ.get("FLASK_RUN_FROM_CLI"):
            raise
        return _without_server(error)
    register(app)
    return app


def register(app: Flask) -> None:
    """Put the commands on the application."""
    for commands in GROUPS:
        commands.register(app)


def _without_server(error: Exception) -> Flask:
    app = Flask("server.app")
    app.extensions[doctor.FAILURE] = error
    register(app)
    for name in sorted(set(app.cli.commands) - {doctor.doctor.name}):
        app.cli.add_command(_refusing(name, error))

    @app.before_request
    def _no_requests() -> tuple[str, int]:
        return "not configured: run 'flask --app wsgi doctor'\n", 503

    return app


def _refusing(name: str, error: Exception) -> click.Command:
    """A command that says why it cannot work; its own options are not judged."""

    @click.command(
        name, add_help_option=False,
        context_settings={"ignore_unknown_options": True, "allow_extra_args": True},
    )  # fmt: skip
    @click.pass_context
    def refuse(context: click.Context, /, **_: Any) -> None:
        console = Console(language(os.environ), "--json" in context.args)
        console.fail(_unusable(error))
        context.exit(UNUSABLE)

    return refuse


def _unusable(error: Exception) -> CommandFailed:
    if not isinstance(error, SettingsError):
        return explained(error)
    problems = "".join(f"\n  {problem}" for problem in error.problems)
    return CommandFailed(
        "settings",
        Words(f"设置不可用：{problems}", f"the settings cannot be used:{problems}"),
        Words("运行 flask --app wsgi doctor", "'flask --app wsgi doctor' says more"),
        UNUSABLE,
    )
