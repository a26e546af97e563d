"""`tiezheng action …` and `tiezheng entry KIND`: what can be written down, one command each.

Commands and options are made from the kinds (client_sdk/protocol/data/entry_kinds.toml).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

import click
from rich.markup import escape
from rich.table import Table

from client_sdk._cli.app import App
from client_sdk._cli.guard import guarded
from client_sdk._cli.messages import Lang
from client_sdk._cli.places import place_of, position_options
from client_sdk.models import FieldAction
from client_sdk.protocol.encoding import is_sha256_hex
from client_sdk.protocol.entries import EntryKind, Field, Label, field_kinds, kinds

# Short names within `tiezheng action`; the others are called as their kind.
_NAMES: Final = MappingProxyType(
    {
        "action.planned": "plan", "action.started": "start", "action.announcement": "announce",
        "action.delivery": "deliver", "action.ended": "end", "action.cancelled": "cancel",
        "case.persuasion": "persuade", "case.promise": "promise",
    }
)  # fmt: skip
_PREFIX: Final = "field_"  # a field may be called as an option of every command
_YES: Final = MappingProxyType({"yes": True, "true": True, "no": False, "false": False})


@click.group()
def action() -> None:
    """Enforcement actions in the field · 现场执行行动: begin, describe and end them, offline."""


@click.group()
def entry() -> None:
    """Write an entry KIND into the register of a case, offline · 现场登记."""


@action.command("list")
@click.option("--open", "only_open", is_flag=True, help="Only planned and begun ones · 仅进行中.")
@guarded
def list_actions(app: App, *, only_open: bool) -> None:
    """List the actions that this device knows · 列出本机所知的行动."""
    with app.client() as client:
        found = client.actions.open() if only_open else client.actions.all()
        numbers = {key: str(data.get("case_no") or key) for key, data in client.cases().items()}
    if not found:
        app.say("no-actions")
    elif not app.as_json:
        app.out.print(_table(app, found, numbers))
    app.emit({"actions": [{"code": one.code, **_shown(one)} for one in found]})


def _shown(one: FieldAction) -> dict[str, Any]:
    names = ("id", "case", "mission", "type", "state", "place", "begins_at", "ends_at")
    return {**{name: getattr(one, name) for name in names}, "entries": one.entries}


def _table(app: App, found: list[FieldAction], numbers: Mapping[str, str]) -> Table:
    table = Table(box=None)
    for key in ("action", "what", "state", "from", "case"):
        table.add_column(app.text(f"col.{key}"))
    types = kinds()["action.started"].fields["type"].options
    for one in found:
        label = types.get(one.type)
        table.add_row(
            one.code,
            escape(_word(app, label) if label else one.type),
            app.text(f"action.{one.state}"),
            escape((one.begins_at or one.planned_at or "")[:16].replace("T", " ")),
            escape(numbers.get(one.case, one.case)),
        )
    return table


def _word(app: App, label: Label) -> str:
    return label.zh if app.lang is Lang.ZH else label.en


# ------------------------------------------------------------------- one command for each kind


def command_of(kind: EntryKind, name: str) -> click.Command:
    """The command that writes an entry of this kind."""

    def write(app: App, /, **values: Any) -> None:
        data = {
            field.name: _value(field, values.pop(_PREFIX + field.name))
            for field in kind.fields.values()
        }
        chosen, amends = values.pop("action", None), values.pop("amends")
        with app.client() as client:
            where = place_of(values, client)
            where |= {"action": chosen} if kind.about == "action" else {}
            where |= {"amends": amends} if amends else {}
            done = client.actions.write(kind.id, data, **where)
            code = client.actions.get(done.action).code if done.action else ""
        app.say("entered", seq=done.seq, time=done.wall[11:19], what=_word(app, kind.label),
                action=code)  # fmt: skip
        app.emit({**{slot: getattr(done, slot) for slot in done.__slots__}, "code": code or None})

    write.__doc__ = f"{kind.label.en} · {kind.label.zh}."
    command: Callable[..., Any] = guarded(write)
    command = click.option("--amends", metavar="HID", help="Record it takes the place of · 更正.")(
        command
    )
    if kind.about == "action":
        told = "Its code or id; else the only open one · 行动代码."
        command = click.option("--action", metavar="CODE", help=told)(command)
    command = position_options(command)
    for field in reversed(tuple(kind.fields.values())):
        command = _option(field)(command)
    return click.command(name)(command)


def _option(field: Field) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    flag, dest = f"--{field.name.replace('_', '-')}", _PREFIX + field.name
    more = {"choice": {}, "choices": {"multiple": True}, "facts": {"multiple": True}}
    shape: dict[str, Any] = {"help": f"{field.label.en} · {field.label.zh}."}
    shape |= more.get(field.type, {})
    if field.type == "flag":
        return click.option(f"{flag}/--no-{flag[2:]}", dest, default=None, **shape)
    if field.type in ("choice", "choices"):
        shape["type"] = click.Choice(sorted(field.options))
    elif field.type in ("count", "fen"):
        shape["type"] = click.INT
    elif field.type == "digests":
        shape |= {"multiple": True, "metavar": "FILE|SHA256"}
    elif field.type == "people":
        shape |= {"multiple": True, "metavar": "NAME[,role=…][,post=…][,sex=…]"}
    elif field.type == "facts":
        shape["metavar"] = "NAME[=yes|no]"
        shape["help"] += " " + ", ".join(sorted(field.options))
    return click.option(flag, dest, **shape)


def _value(field: Field, given: Any) -> Any:
    """What was typed, as the field takes it; None for nothing."""
    if isinstance(given, tuple):
        if not given:
            return None
        if field.type == "facts":
            return dict(_fact(one) for one in given)
        readers: dict[str, Callable[[str], Any]] = {"people": _person, "digests": _digest}
        return [readers.get(field.type, str)(one) for one in given]
    return given


def _fact(text: str) -> tuple[str, bool]:
    name, _, said = text.partition("=")
    if said.lower() not in ("", *_YES):
        raise click.BadParameter(f"{text}: NAME, NAME=yes or NAME=no")
    return name, _YES.get(said.lower(), True)


def _person(text: str) -> dict[str, str]:
    name, *rest = text.split(",")
    members = (one.partition("=") for one in rest)
    return {"name": name.strip(), **{key.strip(): value.strip() for key, _, value in members}}


def _digest(text: str) -> str:
    """A digest, or that of a file."""
    if is_sha256_hex(text):
        return text
    path = Path(text)
    if not path.is_file():
        raise click.BadParameter(f"{text}: neither a file nor a SHA-256 digest")
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


for _name in sorted(field_kinds()):
    _made = command_of(kinds()[_name], _name)
    entry.add_command(_made)
    action.add_command(_made, _NAMES.get(_name, _name.partition(".")[2]))

COMMANDS: Final = (action, entry)
