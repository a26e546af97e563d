"""What several commands look for: courts, people and devices by the names operators use."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import sqlalchemy as sa
from marshmallow import ValidationError
from sqlalchemy.orm import Session

from client_sdk.protocol.ids import short_code
from server.commands.console import CommandFailed, Words, operator, runtime
from server.core.context import Context, system_actor
from server.core.ids import request_id
from server.core.permissions import Role
from server.core.transactions import EVERY_COURT, unit_of_work
from server.identity import queries
from server.identity.models import Court, Device, User
from server.identity.wire import normal_login, plain

_SHORT_CHARACTERS = 8


@contextmanager
def operating(*, write: bool = True) -> Iterator[Context]:
    """A unit of work of the operator, over all courts; see :func:`within` for one of them."""
    with unit_of_work(EVERY_COURT, write=write) as session:
        ctx = Context(
            actor=system_actor(),
            session=session,
            runtime=runtime(),
            request_id=request_id(),
            purpose=f"command line of {operator()}",
        )
        yield ctx
    for callback in ctx.after_commit:
        callback()


def within(ctx: Context, court_id: uuid.UUID) -> Context:
    """The same unit of work in the name of one court."""
    return replace(ctx, actor=system_actor(court_id))


def courts(session: Session) -> list[Court]:
    """Every court, by its code."""
    return list(session.execute(sa.select(Court).order_by(Court.court_code)).scalars())


def court_coded(session: Session, code: str) -> Court:
    """The court with a code."""
    found = session.execute(sa.select(Court).where(Court.court_code == code)).scalar_one_or_none()
    if found is None:
        raise CommandFailed(
            "not-found",
            Words(f"没有代字为 {code} 的法院", f"no court has the code {code}"),
            Words("flask --app wsgi court list 可列出全部", "'court list' shows those there are"),
        )
    return found


def courts_asked(session: Session, code: str | None) -> list[Court]:
    """The court with a code, or all of them."""
    return courts(session) if code is None else [court_coded(session, code)]


def user_named(ctx: Context, login: str) -> tuple[Context, User]:
    """The person with a login, to be changed, and a context of their court."""
    found = queries.user_by_login(ctx.session, normal_login(login))
    if found is None:
        raise CommandFailed(
            "not-found",
            Words(f"没有账号 {login}", f"nobody has the login {login}"),
            Words("flask --app wsgi user list 可列出全部", "'user list' shows those there are"),
        )
    own = within(ctx, found.court_id)
    return own, queries.visible_user(own, found.id, to_change=True)


def device_named(ctx: Context, text: str) -> tuple[Context, Device]:
    """The device with an id or a short code, to be changed, and a context of its court."""
    found = _matching_devices(ctx.session, text)
    if len(found) != 1:
        said = (
            Words(f"没有设备 {text}", f"there is no device {text}")
            if not found
            else Words(f"{text} 对应多台设备", f"{text} is the code of several devices")
        )
        raise CommandFailed(
            "not-found" if not found else "conflict",
            said,
            Words("用 flask --app wsgi device list 中的 id", "take the id from 'device list'"),
        )
    own = within(ctx, found[0].court_id)
    return own, queries.visible_device(own, found[0].id, to_change=True)


def checked_line(text: str) -> str:
    """A name as the API would take it."""
    try:
        plain(text)
    except ValidationError as error:
        raise CommandFailed(
            "validation",
            Words("名称不能为空，也不能含控制字符", f"the name {error.messages[0]}"),
        ) from None
    return text.strip()


def has_administrator(session: Session, court_id: uuid.UUID) -> bool:
    """Whether somebody who can sign in administers the court."""
    statement = sa.select(User.roles).where(User.court_id == court_id, User.disabled_at.is_(None))
    return any(Role.ADMINISTRATOR.value in roles for roles in session.execute(statement).scalars())


def _matching_devices(session: Session, text: str) -> list[Device]:
    try:
        wanted = uuid.UUID(text)
    except ValueError:
        short = text.upper().replace("-", "")
        if len(short) != _SHORT_CHARACTERS:
            return []
        every = session.execute(sa.select(Device)).scalars()
        return [one for one in every if short_code(one.id).replace("-", "") == short]
    return list(session.execute(sa.select(Device).where(Device.id == wanted)).scalars())
