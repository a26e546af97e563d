"""A command whose errors are told in words and whose result is the exit code."""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec

import click

from client_sdk._cli import settings
from client_sdk._cli.app import App, Exit, fail
from client_sdk.errors import FieldError, StoreError
from client_sdk.protocol.errors import ProtocolError

P = ParamSpec("P")


def guarded(command: Callable[Concatenate[App, P], Exit | None]) -> Callable[..., None]:
    """A command whose errors are told in words and whose result is the exit code."""

    @settings.again
    @wraps(command)
    @click.pass_obj
    def run(app: App, /, *args: P.args, **kwargs: P.kwargs) -> None:
        try:
            code = command(app, *args, **kwargs)
        except (FieldError, ProtocolError) as error:
            fail(app, error)
        except OSError as error:
            fail(app, StoreError(f"{error.strerror or error}: {error.filename or ''}".rstrip(": ")))
        if code:
            sys.exit(int(code))

    return run
