"""Options of the whole command, accepted before a subcommand and after it."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeVar

import click
from click.core import ParameterSource

from client_sdk._cli.app import App
from client_sdk._cli.messages import Lang, detect

F = TypeVar("F", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class _Setting:
    """One option and the field of `App` that it fills."""

    field: str
    flags: tuple[str, ...]
    attributes: dict[str, Any]
    envvar: str | None = None
    default: Callable[[], Any] | None = None
    read: Callable[[Any], Any] = lambda value: value


def _passphrase(file: Path | None) -> str | None:
    if file is None:
        return os.environ.get("TIEZHENG_PASSPHRASE") or None
    lines = file.read_text(encoding="utf-8").splitlines()
    if not lines or not lines[0]:
        raise click.BadParameter("the file is empty", param_hint="--passphrase-file")
    return lines[0]


def _folder() -> Path:
    return Path(click.get_app_dir("tiezheng"))


_SETTINGS: Final = (
    _Setting(
        "store",
        ("--store",),
        {
            "type": click.Path(file_okay=False, path_type=Path),
            "help": "This device's folder.  [env: TIEZHENG_STORE]",
        },
        envvar="TIEZHENG_STORE",
        default=_folder,
        read=Path.expanduser,
    ),
    _Setting(
        "server",
        ("--server",),
        {"help": "Address.  [env: TIEZHENG_SERVER]"},
        envvar="TIEZHENG_SERVER",
    ),
    _Setting(
        "lang",
        ("--lang",),
        {"type": click.Choice([lang.value for lang in Lang]), "help": "Language."},
        read=lambda name: Lang(name) if name else detect(),
    ),
    _Setting(
        "as_json", ("--json",), {"is_flag": True, "help": "One JSON value on standard output."}
    ),
    _Setting("quiet", ("--quiet", "-q"), {"is_flag": True, "help": "No notices and no progress."}),
    _Setting(
        "passphrase",
        ("--passphrase-file",),
        {
            "type": click.Path(dir_okay=False, exists=True, path_type=Path),
            "help": "File whose first line encrypts the store.  [env: TIEZHENG_PASSPHRASE]",
        },
        read=_passphrase,
    ),
    _Setting(
        "allow_http",
        ("--allow-http",),
        {"is_flag": True, "help": "Allow plain HTTP to other machines."},
        envvar="TIEZHENG_ALLOW_HTTP",
    ),
    _Setting("public_url", ("--public-url",), {"hidden": True}, envvar="TIEZHENG_PUBLIC_URL"),
)


def first(group: F) -> F:
    """The options before a subcommand, each a keyword argument; :func:`app_of` takes them."""
    for one in reversed(_SETTINGS):
        option = {"envvar": one.envvar, **one.attributes}
        if one.default is not None:
            option["default"] = one.default
        group = click.option(*one.flags, one.field, **option)(group)
    return group


def again(command: F) -> F:
    """The same options after a subcommand; what is given there counts."""
    for one in reversed(_SETTINGS):
        option = {"expose_value": False, "callback": _taking(one), **one.attributes}
        command = click.option(*one.flags, f"_{one.field}", **option)(command)
    return command


def app_of(values: dict[str, Any], **made: Any) -> App:
    """The run's settings from the options before the subcommand."""
    return App(**{one.field: one.read(values[one.field]) for one in _SETTINGS}, **made)


def _taking(one: _Setting) -> Callable[[click.Context, click.Parameter, Any], None]:
    def take(context: click.Context, parameter: click.Parameter, value: Any) -> None:
        given = context.get_parameter_source(parameter.name or "")
        app = context.find_root().obj
        if given is ParameterSource.COMMANDLINE and isinstance(app, App):
            setattr(app, one.field, one.read(value))

    return take
