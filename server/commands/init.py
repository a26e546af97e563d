"""``flask --app wsgi init`` and ``migrate``: from an empty folder to a server that can start."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import click
import sqlalchemy as sa
from flask import Flask
from sqlalchemy.engine import Engine

from server.audit import sequencer
from server.audit.models import LogState
from server.commands.console import EPILOG, Console, Words, about, operated, runtime
from server.commands.court import add_court
from server.commands.people import courts, has_administrator, operating, within
from server.commands.user import add_user, read_password, say_password, usual_post
from server.core.context import Context, Runtime
from server.core.db import db
from server.core.keyring import EVENT, TOKEN
from server.core.permissions import Role
from server.identity.commands import AddUser
from server.identity.models import Court
from server.schema import is_current, upgrade

GENERATION_BYTES: Final = 16
ADMINISTRATOR_LOGIN: Final = "admin"
_PRIVATE: Final = 0o700
_HEAD: Final = (Words("步骤", "step"), Words("结果", "result"))
_STEPS: Final = {
    "folders": Words("数据文件夹", "data folder"),
    "database": Words("数据库结构", "database schema"),
    "keys": Words("签名密钥", "signing keys"),
    "log": Words("事件日志", "event log"),
    "court": Words("首个法院", "first court"),
    "administrator": Words("首位管理员", "first administrator"),
}
_RESULTS: Final = {
    "made": Words("已建立", "made"),
    "kept": Words("已存在，保持不变", "was there, kept"),
    "missing": Words("尚未建立", "not there yet"),
}


@dataclass(frozen=True, slots=True)
class Wanted:
    """The first court and administrator, as far as the operator named them."""

    court_name: str | None
    court_code: str | None
    region: str | None
    login: str | None
    name: str | None
    password: str | None = field(repr=False)
    ask: bool


@click.command(
    "init", epilog=EPILOG,
    help=about(
        "建立文件夹、数据库、密钥、首个法院与管理员；可重复执行，已有的保持不变。",
        "Make folders, database, keys, the first court and administrator. May be repeated: what "
        "is there stays as it is.",
    ),
)  # fmt: skip
@click.option("--court-name", help=about("法院全称。", "Full name of the first court."))
@click.option("--court-code", help=about("法院代字，如 粤0106。", "Its code, e.g. 粤0106."))
@click.option("--region", help=about("行政区划代码。", "Its administrative division."))
@click.option("--admin-login", help=about("管理员账号。", "Login of the first administrator."))
@click.option("--admin-name", help=about("管理员姓名。", "Name of the first administrator."))
@click.option(
    "--password-stdin",
    is_flag=True,
    help=about("从标准输入读取管理员密码。", "Read the administrator's password from stdin."),
)
@click.option("--no-input", is_flag=True, help=about("不提问。", "Never ask."))
@operated
def init(
    console: Console,
    *,
    court_name: str | None,
    court_code: str | None,
    region: str | None,
    admin_login: str | None,
    admin_name: str | None,
    password_stdin: bool,
    no_input: bool,
) -> dict[str, Any]:
    """Make what is missing."""
    wanted = Wanted(
        court_name, court_code, region, admin_login, admin_name,
        read_password() if password_stdin else None,
        ask=not (no_input or console.as_json or password_stdin),
    )  # fmt: skip
    tools = runtime()
    steps = {
        "folders": _private_folder(tools.settings.data_dir, db.engine),
        "database": _migrated(db.engine),
        "keys": _keys(tools),
    }
    with operating() as ctx:
        steps["log"] = _log(ctx)
    with operating() as ctx:
        court = _first_court(console, ctx, wanted, steps)
        found = None if court is None else (court.id, court.court_code)
    temporary = None
    if found is not None:
        with operating() as ctx:
            temporary = _administrator(console, within(ctx, found[0]), wanted, steps)
    rows = [[_STEPS[s].in_(console.lang), _RESULTS[r].in_(console.lang)] for s, r in steps.items()]
    console.table(_HEAD, rows)
    say_password(console, temporary)
    _next_steps(console, tools, steps, found[1] if found else None)
    return {"steps": steps, "court": found[1] if found else None, "temporary_password": temporary}


@click.command(
    "migrate", epilog=EPILOG,
    help=about("把数据库升级到当前版本。", "Bring the database to the present schema."),
)  # fmt: skip
@operated
def migrate(console: Console) -> dict[str, Any]:
    """Bring the database to the present schema."""
    result = _migrated(db.engine)
    if result == "made":
        console.say("数据库已升级；请重启服务", "the database is migrated; restart the server")
    else:
        console.say("数据库已是当前版本", "the database is at the present schema")
    return {"migrated": result == "made"}


def _private_folder(folder: Path, engine: Engine) -> str:
    """The folder, closed to other accounts at the first run; later its mode is the operator's."""
    folder.mkdir(parents=True, exist_ok=True, mode=_PRIVATE)
    status = folder.stat()
    if not _has_schema(engine) and status.st_uid == os.geteuid():
        if stat.S_IMODE(status.st_mode) != _PRIVATE:
            folder.chmod(_PRIVATE)
        return "made"
    return "kept"


def _has_schema(engine: Engine) -> bool:
    with engine.connect() as connection:
        return sa.inspect(connection).has_table("alembic_version")


def _migrated(engine: Engine) -> str:
    with engine.connect() as connection:
        if is_current(connection):
            return "kept"
    upgrade(engine)
    return "made"


def _keys(tools: Runtime) -> str:
    was_there = bool(tools.keyring.all(TOKEN) and tools.keyring.all(EVENT))
    tools.keyring.initialise()
    return "kept" if was_there else "made"


def _log(ctx: Context) -> str:
    was_there = ctx.session.get(LogState, 1) is not None
    sequencer.initialise(ctx.session, ctx.runtime.randbytes(GENERATION_BYTES).hex())
    return "kept" if was_there else "made"


def _first_court(
    console: Console, ctx: Context, wanted: Wanted, steps: dict[str, str]
) -> Court | None:
    found = courts(ctx.session)
    if found:
        steps["court"] = "kept"
        return next((one for one in found if one.court_code == wanted.court_code), found[0])
    name, code = wanted.court_name, wanted.court_code
    if wanted.ask:
        name = name or click.prompt(console.word("法院全称", "Full name of the first court"))
        code = code or click.prompt(console.word("法院代字（如 粤0106）", "Its code (e.g. 粤0106)"))
    if not name or not code:
        steps["court"] = steps["administrator"] = "missing"
        return None
    steps["court"] = "made"
    return add_court(ctx, name, code, wanted.region)


def _administrator(
    console: Console, ctx: Context, wanted: Wanted, steps: dict[str, str]
) -> str | None:
    if has_administrator(ctx.session, ctx.actor.court_id):
        steps["administrator"] = "kept"
        return None
    login, name = wanted.login, wanted.name
    if wanted.ask:
        login = login or click.prompt(
            console.word("管理员账号", "Login of the first administrator"),
            default=ADMINISTRATOR_LOGIN,
        )
        name = name or click.prompt(console.word("管理员姓名", "Their name"))
    if not login or not name:
        steps["administrator"] = "missing"
        return None
    steps["administrator"] = "made"
    account = add_user(
        ctx,
        AddUser(
            login=login, name=name, post=usual_post((Role.ADMINISTRATOR.value,)),
            roles=(Role.ADMINISTRATOR.value,), password=wanted.password,
        ),
    )  # fmt: skip
    return account.temporary_password


def _next_steps(
    console: Console, tools: Runtime, steps: dict[str, str], court_code: str | None
) -> None:
    console.say("", "")
    console.say("下一步：", "next:")
    if court_code is None:
        console.show("  flask --app wsgi init --court-name … --court-code …")
    elif steps["administrator"] == "missing":
        console.show(
            f"  flask --app wsgi user add --court {court_code} --role administrator "
            "--login … --name …"
        )
    else:
        console.show(
            f"  flask --app wsgi user add --court {court_code} --role officer --login … --name …"
        )
        console.show(f"  flask --app wsgi device code --court {court_code} --name … --holder …")
    console.show("  flask --app wsgi doctor")
    console.say(
        f"  make run          （服务地址 {tools.settings.public_url}）",
        f"  make run          (clients reach it at {tools.settings.public_url})",
    )
    keys = tools.settings.data_dir / "keys"
    console.say(f"请备份 {keys}：丢失后无法恢复。", f"Back up {keys}: nothing brings it back.")


def register(app: Flask) -> None:
    """Add the commands."""
    app.cli.add_command(init)
    app.cli.add_command(migrate)
