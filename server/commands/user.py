"""``flask --app wsgi user …``: accounts, when nobody of the court can help."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any, Final

import click
from flask import Flask

from server.commands.console import EPILOG, CommandFailed, Console, Words, about, operated
from server.commands.people import (
    checked_line,
    court_coded,
    courts_asked,
    operating,
    user_named,
    within,
)
from server.core.context import Context
from server.core.paging import LIMIT_MAX
from server.core.permissions import Role
from server.core.problem import Kind, Problem
from server.identity import queries, service_users
from server.identity.commands import AddUser, ChangeUser, UserFilter
from server.identity.kinds import Post
from server.identity.models import Court, User
from server.identity.service_users import Account
from server.identity.wire import normal_login

ROLES: Final = tuple(role.value for role in Role)
_LOGIN: Final = re.compile(r"[\w.@+-]{2,64}")
_POSTS: Final = {
    Role.OFFICER: Post.OFFICER,
    Role.JUDICIAL_POLICE: Post.JUDICIAL_POLICE,
    Role.SUPERVISOR: Post.BUREAU_HEAD,
    Role.PRESIDENT: Post.COURT_PRESIDENT,
    Role.ADMINISTRATOR: Post.OTHER,
    Role.LIAISON: Post.LIAISON,
    Role.OBSERVER: Post.OBSERVER,
}
_HEAD: Final = (
    Words("法院", "court"), Words("账号", "login"), Words("姓名", "name"),
    Words("职务", "post"), Words("角色", "roles"), Words("状态", "state"),
)  # fmt: skip
_STATES: Final = {
    "active": Words("正常", "active"),
    "temporary-password": Words("待改密码", "temporary password"),
    "locked": Words("已锁定", "locked"),
    "disabled": Words("已停用", "disabled"),
}


@click.group("user", help=about("管理人员账号。", "People and their accounts."))
def group() -> None:
    """People."""


@group.command("add", help=about("新增人员。", "Add a person."), epilog=EPILOG)
@click.option("--court", required=True, help=about("法院代字。", "Code of the court."))
@click.option("--login", required=True, help=about("登录账号。", "Name to sign in with."))
@click.option("--name", required=True, help=about("姓名。", "Full name."))
@click.option(
    "--post", type=click.Choice([post.value for post in Post]),
    help=about("职务；默认按首个角色。", "Post; by default that of the first role."),
)  # fmt: skip
@click.option(
    "--role",
    "roles",
    multiple=True,
    required=True,
    type=click.Choice(ROLES),
    help=about("角色，可重复。", "Role; may be repeated."),
)
@click.option(
    "--password-stdin", is_flag=True,
    help=about("从标准输入读取密码。", "Read the password from standard input."),
)  # fmt: skip
@operated
def add(
    console: Console,
    *,
    court: str,
    login: str,
    name: str,
    post: str | None,
    roles: tuple[str, ...],
    password_stdin: bool,
) -> dict[str, Any]:
    """Add a person."""
    password = read_password() if password_stdin else None
    with operating() as ctx:
        own = court_coded(ctx.session, court)
        command = AddUser(
            login=login, name=name, post=post or usual_post(roles), roles=roles,
            password=password,
        )  # fmt: skip
        account = add_user(within(ctx, own.id), command)
        made = described(own, account)
    console.say(f"已新增人员 {name}（{login}）", f"added {name} ({login})")
    say_password(console, account.temporary_password)
    return {**made, "temporary_password": account.temporary_password}


@group.command("list", help=about("列出人员。", "List people."), epilog=EPILOG)
@click.option("--court", help=about("只列此法院。", "Only this court."))
@operated
def list_(console: Console, *, court: str | None) -> dict[str, Any]:
    """List people."""
    with operating(write=False) as ctx:
        found = [
            described(own, account)
            for own in courts_asked(ctx.session, court)
            for account in _accounts(within(ctx, own.id))
        ]
    console.table(
        _HEAD,
        [
            [
                one["court"], one["login"], one["name"], one["post"], ",".join(one["roles"]),
                _STATES[one["state"]].in_(console.lang),
            ]
            for one in found
        ],
    )  # fmt: skip
    return {"users": found}


@group.command(
    "reset-password", epilog=EPILOG,
    help=about("发放临时密码，并结束其全部登录。", "Give a temporary password, end sign-ins."),
)  # fmt: skip
@click.argument("login")
@operated
def reset_password(console: Console, *, login: str) -> dict[str, Any]:
    """Give a temporary password."""
    with operating() as ctx:
        temporary = service_users.reset_password(*user_named(ctx, login))
    console.say(
        f"{login} 的密码已重置，锁定已解除", f"reset the password of {login}, lock released"
    )
    say_password(console, temporary)
    return {"login": login, "temporary_password": temporary}


@group.command(
    "reset-totp", epilog=EPILOG,
    help=about("取消动态验证码（手机丢失时）。", "Take the second factor away (phone lost)."),
)  # fmt: skip
@click.argument("login")
@operated
def reset_totp(console: Console, *, login: str) -> dict[str, Any]:
    """Take the second factor away."""
    with operating() as ctx:
        service_users.reset_totp(*user_named(ctx, login))
    console.say(
        f"{login} 的动态验证码已取消；下次登录后请重新绑定",
        f"took the second factor of {login} away; it is set up anew after the next sign-in",
    )
    return {"login": login, "totp": False}


@group.command(
    "unlock", epilog=EPILOG,
    help=about("解除多次登录失败后的锁定。", "Release the lock after failed sign-ins."),
)  # fmt: skip
@click.argument("login")
@operated
def unlock(console: Console, *, login: str) -> dict[str, Any]:
    """Release the lock."""
    with operating() as ctx:
        service_users.unlock(*user_named(ctx, login))
    console.say(f"{login} 可以重新登录", f"{login} may sign in again")
    return {"login": login, "locked": False}


@group.command(
    "disable", epilog=EPILOG,
    help=about("停用账号；--enable 重新启用。", "Disable an account; --enable takes it back."),
)  # fmt: skip
@click.argument("login")
@click.option("--enable", is_flag=True, help=about("重新启用。", "Enable it again."))
@operated
def disable(console: Console, *, login: str, enable: bool) -> dict[str, Any]:
    """Disable or enable an account."""
    with operating() as ctx:
        service_users.change(*user_named(ctx, login), ChangeUser(disabled=not enable))
    if enable:
        console.say(f"{login} 已启用", f"{login} is enabled")
    else:
        console.say(f"{login} 已停用，其登录全部结束", f"{login} is disabled, every sign-in ended")
    return {"login": login, "disabled": not enable}


def add_user(ctx: Context, command: AddUser) -> Account:
    """Make an account after login and name were checked as the API does."""
    login = normal_login(command.login)
    if not _LOGIN.fullmatch(login):
        raise CommandFailed(
            "validation",
            Words(
                "账号为 2 至 64 位字母、数字及 . _ @ + -",
                "a login has 2 to 64 letters, digits or . _ @ + -",
            ),
            Words("例如 li.yanshi", "for example li.yanshi"),
        )
    name = checked_line(command.name)
    try:
        return service_users.add(ctx, replace(command, login=login, name=name))
    except Problem as problem:
        if problem.kind is not Kind.CONFLICT:
            raise
        raise CommandFailed(
            "conflict",
            Words(f"账号 {login} 已被使用", f"the login {login} is taken"),
            Words("换一个账号", "choose another login"),
        ) from None


def usual_post(roles: Sequence[str]) -> str:
    """The post of a person who was only given roles."""
    return _POSTS[Role(roles[0])].value


def read_password() -> str:
    """One line of standard input, so that no process list shows it."""
    return sys.stdin.readline().rstrip("\r\n")


def say_password(console: Console, temporary: str | None) -> None:
    """Show a temporary password, once."""
    if temporary is not None:
        console.say(
            f"临时密码（仅显示一次，首次登录须修改）：{temporary}",
            f"temporary password (shown once, to be changed at the first sign-in): {temporary}",
        )


def described(court: Court, account: Account) -> dict[str, Any]:
    """A person for programs."""
    user = account.user
    return {
        "id": str(user.id),
        "court": court.court_code,
        "login": user.login,
        "name": user.name,
        "post": user.post,
        "roles": list(user.roles),
        "state": _state(user, account),
        "locked_until": account.locked_until.isoformat() if account.locked_until else None,
        "totp": user.totp_confirmed_at is not None,
    }


def _state(user: User, account: Account) -> str:
    if user.disabled_at is not None:
        return "disabled"
    if account.locked_until is not None:
        return "locked"
    return "temporary-password" if user.password_temporary else "active"


def _accounts(ctx: Context) -> Iterator[Account]:
    cursor = None
    while True:
        page = queries.list_users(ctx, UserFilter(cursor=cursor, limit=LIMIT_MAX))
        for user in page.items:
            yield service_users.seen(ctx, user)
        cursor = page.next_cursor
        if cursor is None:
            return


def register(app: Flask) -> None:
    """Add the commands."""
    app.cli.add_command(group)
