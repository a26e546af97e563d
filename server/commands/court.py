"""``flask --app wsgi court add|list``: the tenants of this server."""

from __future__ import annotations

from typing import Any

import click
from flask import Flask

from server.cases.case_no import is_court_code
from server.commands.console import EPILOG, CommandFailed, Console, Words, about, operated
from server.commands.people import checked_line, courts, operating
from server.core.context import Context
from server.identity import service_courts
from server.identity.models import Court
from server.identity.service_courts import AddCourt

CODE_WRONG = Words(
    "法院代字应为省份简称加最多四位数字",
    "a court code is one to three characters and up to four digits",
)
CODE_EXAMPLE = Words("例如 粤0106", "for example 粤0106")


@click.group("court", help=about("管理法院。", "Courts, the tenants of this server."))
def group() -> None:
    """Courts."""


@group.command("add", help=about("新增法院。", "Add a court."), epilog=EPILOG)
@click.option("--name", required=True, help=about("法院全称。", "Full name."))
@click.option("--code", required=True, help=about("法院代字，如 粤0106。", "Code, e.g. 粤0106."))
@click.option("--region", help=about("行政区划代码。", "Code of the administrative division."))
@operated
def add(console: Console, *, name: str, code: str, region: str | None) -> dict[str, Any]:
    """Add a court."""
    with operating() as ctx:
        made = described(add_court(ctx, name, code, region))
    console.say(f"已新增法院 {name}（{code}）", f"added the court {name} ({code})")
    console.say(
        f"下一步：flask --app wsgi user add --court {code} --role administrator --login … --name …",
        f"next: flask --app wsgi user add --court {code} --role administrator --login … --name …",
    )
    return made


@group.command("list", help=about("列出法院。", "List the courts."), epilog=EPILOG)
@operated
def list_(console: Console) -> dict[str, Any]:
    """List the courts."""
    with operating(write=False) as ctx:
        found = [described(court) for court in courts(ctx.session)]
    head = (
        Words("代字", "code"),
        Words("名称", "name"),
        Words("区划", "region"),
        Words("id", "id"),
    )
    rows = [[one["code"], one["name"], one["region"] or "-", one["id"]] for one in found]
    console.table(head, rows)
    return {"courts": found}


def add_court(ctx: Context, name: str, code: str, region: str | None) -> Court:
    """Make a court after its code and name were checked."""
    if not is_court_code(code):
        raise CommandFailed("validation", CODE_WRONG, CODE_EXAMPLE)
    command = AddCourt(name=checked_line(name), court_code=code, region_code=region)
    return service_courts.add(ctx, command)


def described(court: Court) -> dict[str, Any]:
    """A court for programs."""
    return {
        "id": str(court.id),
        "code": court.court_code,
        "name": court.name,
        "region": court.region_code,
    }


def register(app: Flask) -> None:
    """Add the commands."""
    app.cli.add_command(group)
