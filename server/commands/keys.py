"""``flask --app wsgi keys list|rotate|retire``: what this server signs with."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Final

import click
from flask import Flask

from client_sdk.protocol.keylist import KeyEntry
from server.audit import service as audit
from server.audit.events import EventKind
from server.audit.service import Subject
from server.commands.console import EPILOG, CommandFailed, Console, Words, about, operated, runtime
from server.commands.people import courts, operating, within
from server.core.context import Context
from server.core.keyring import EVENT, TOKEN, KeyRingError, ServerKey
from server.settings import Settings

_HEAD: Final = (
    Words("用途", "purpose"), Words("状态", "state"), Words("自", "since"), Words("至", "until"),
    Words("id", "id"),
)  # fmt: skip
_STATES: Final = {
    "signs": Words("正在签名", "signs"),
    "verifies": Words("仅验证", "verifies"),
    "retired": Words("已停用", "retired"),
}


@click.group("keys", help=about("管理服务器签名密钥。", "The server's own signing keys."))
def group() -> None:
    """Keys."""


@group.command("list", help=about("列出密钥。", "List the keys."), epilog=EPILOG)
@operated
def list_(console: Console) -> dict[str, Any]:
    """List the keys."""
    signing = {runtime().keyring.active(purpose).kid for purpose in (TOKEN, EVENT)}
    found = [_described(entry, signing) for entry in runtime().keyring.published()]
    rows = [
        [
            one["purpose"], _STATES[one["state"]].in_(console.lang), one["since"],
            one["until"] or "-", one["kid"],
        ]
        for one in found
    ]  # fmt: skip
    console.table(_HEAD, rows)
    return {"keys": found}


@group.command(
    "rotate", epilog=EPILOG,
    help=about(
        "新增密钥并改用它签名；旧密钥仍可验证。",
        "Make a new key that signs from now on; older ones go on verifying.",
    ),
)  # fmt: skip
@click.argument("purpose", type=click.Choice((TOKEN, EVENT)))
@operated
def rotate(console: Console, *, purpose: str) -> dict[str, Any]:
    """Make a new key."""
    with operating() as ctx:
        before = ctx.runtime.keyring.active(purpose)
        # The file first: an event about a key that is not there would be worse than none.
        made = ctx.runtime.keyring.add(purpose)
        facts = {"kid": made.kid, "purpose": purpose, "by": before.kid}
        _record(ctx, EventKind.KEY_ADDED, made.kid, {**facts, "jwk": made.public.to_jwk()})
    console.say(f"新密钥 {made.kid} 即刻生效", f"the new key {made.kid} signs from now on")
    console.say(
        f"旧密钥继续验证；到期后停用：flask --app wsgi keys retire {before.kid}",
        f"the old one goes on verifying; later: flask --app wsgi keys retire {before.kid}",
    )
    console.say("请重新备份密钥文件夹。", "Back the folder of keys up again.")
    return {**facts, "signs": True}


@group.command(
    "retire", epilog=EPILOG,
    context_settings={"ignore_unknown_options": True},  # a key id may begin with a dash
    help=about(
        "停用旧密钥：其签名不再被接受。", "Stop accepting what an older key signs."
    ),
)  # fmt: skip
@click.argument("kid")
@click.option(
    "--force", is_flag=True,
    help=about("密钥泄露时：不等待期限。", "At once, for a key that leaked."),
)  # fmt: skip
@operated
def retire(console: Console, *, kid: str, force: bool) -> dict[str, Any]:
    """Retire a key."""
    with operating() as ctx:
        if not force:
            _require_unused(ctx, kid)
        gone = _retired(ctx, kid)
        _record(ctx, EventKind.KEY_RETIRED, kid, {"kid": kid, "purpose": gone.purpose})
    console.say(f"密钥 {kid} 已停用", f"the key {kid} is retired")
    return {"kid": kid, "purpose": gone.purpose, "retired": True}


def waiting_time(settings: Settings, purpose: str) -> timedelta:
    """How long something that a replaced key signed may still come back.

    Tokens live as long as the settings say; tickets and clock readings come back with the records
    of a device that was away, which are waited for as long as for a held record.
    """
    if purpose == TOKEN:
        seconds = max(settings.access_token_seconds, settings.upload_token_seconds_max)
        return timedelta(seconds=seconds)
    return timedelta(days=settings.held_days)


def _require_unused(ctx: Context, kid: str) -> None:
    entries = ctx.runtime.keyring.published()
    entry = next((one for one in entries if one.kid == kid and one.until is None), None)
    if entry is None:
        return  # the key ring says it best
    later = [
        one.since for one in entries if one.purpose is entry.purpose and one.since > entry.since
    ]
    if not later:
        return
    free_at = min(later) + waiting_time(ctx.settings, entry.purpose.value)
    if ctx.clock.now() < free_at:
        when = free_at.isoformat(timespec="minutes")
        raise CommandFailed(
            "conflict",
            Words(
                f"{when} 之前仍可能收到该密钥的签名", f"what it signed may come back until {when}"
            ),
            Words(
                "届时再停用；密钥已泄露时加 --force", "retire it then; if it leaked, add --force"
            ),
        )


def _retired(ctx: Context, kid: str) -> ServerKey:
    try:
        return ctx.runtime.keyring.retire(kid)
    except KeyRingError as error:
        raise CommandFailed(
            "conflict",
            Words(f"不能停用该密钥：{error}", str(error)),
            Words("flask --app wsgi keys list 可列出全部", "'keys list' shows those there are"),
        ) from None


def _record(ctx: Context, kind: EventKind, kid: str, facts: dict[str, Any]) -> None:
    """Every court's log says so: each relies on the keys."""
    for court in courts(ctx.session):
        audit.record(within(ctx, court.id), kind, Subject("key", kid), facts)


def _described(entry: KeyEntry, signing: set[str]) -> dict[str, Any]:
    state = "signs" if entry.kid in signing else "verifies"
    if entry.until is not None:
        state = "retired"
    return {
        "kid": entry.kid,
        "purpose": entry.purpose.value,
        "state": state,
        "since": _text(entry.since),
        "until": None if entry.until is None else _text(entry.until),
        "by": entry.by,
    }


def _text(at: datetime) -> str:
    return at.isoformat(timespec="seconds")


def register(app: Flask) -> None:
    """Add the commands."""
    app.cli.add_command(group)
