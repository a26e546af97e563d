"""``flask --app wsgi trust``: the file by which others judge a dossier, for publication."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

import click
import sqlalchemy as sa
from flask import Flask

from client_sdk.protocol.errors import ProtocolError
from client_sdk.protocol.tlog.policies import Policy
from client_sdk.protocol.trust import EnrolmentRoot, RootKind, Trust
from server.audit.device_models import DeviceKey
from server.commands.console import (
    EPILOG,
    UNUSABLE,
    CommandFailed,
    Console,
    Words,
    about,
    operated,
    runtime,
)
from server.commands.signer import opened
from server.core.context import Runtime
from server.core.keyring import EVENT
from server.core.transactions import EVERY_COURT, unit_of_work
from server.settings import Settings, listed

_POLICY: Final = Words("检查 TIEZHENG_WITNESS_POLICY", "look at TIEZHENG_WITNESS_POLICY")


@click.command(
    "trust", epilog=EPILOG,
    help=about(
        "输出核验卷宗所用的信任文件：日志与见证公钥、服务器公钥、时间戳根证书。"
        "请通过卷宗以外的渠道公布，并将其 SHA-256 印在笔录上。",
        "Print the trust file for judging dossiers: keys of log, witnesses and server, roots of "
        "timestamps. Publish it by another way than the dossiers, its SHA-256 on the 笔录.",
    ),
)  # fmt: skip
@click.option(
    "--devices", is_flag=True,
    help=about(
        "同时钉住现在已登记的每台设备的公钥（须与登记笔录核对）。",
        "Also pin the key of every device enrolled now (compare with the records of enrolment).",
    ),
)  # fmt: skip
@operated
def trust(console: Console, *, devices: bool) -> dict[str, Any]:
    """Print the trust file."""
    text = trust_of(runtime(), devices=devices).to_text()
    console.show(text)
    found: dict[str, Any] = json.loads(text)
    return found


def trust_of(tools: Runtime, *, devices: bool) -> Trust:
    """What this server would have others believe before they open a dossier of its."""
    policy = _policy(tools)
    roots = [_text(path) for path in listed(tools.settings.tsa_roots)]
    published = [key for key in tools.keyring.published() if key.purpose == EVENT]
    return Trust(
        policy=Policy.parse(policy),
        policy_text=policy,
        event_keys=tuple((key.kid, key.key) for key in published),
        enrolment_roots=tuple(_enrolled()) if devices else (),
        tsa_roots=tuple(roots),
    )


def _policy(tools: Runtime) -> str:
    settings: Settings = tools.settings
    if not settings.witness_policy:
        folder = opened(tools, hold=False)
        try:
            return "".join(f"log {vkey}\n" for vkey in folder.vkeys) + "quorum none\n"
        finally:
            folder.close()
    text = _text(settings.witness_policy)
    try:
        Policy.parse(text)
    except ProtocolError as error:
        said = Words(f"见证策略有误：{error}", f"the witness policy: {error}")
        raise CommandFailed("policy", said, _POLICY, UNUSABLE) from error
    return text


def _text(path: str) -> str:
    return Path(path).read_text(encoding="utf-8")


def _enrolled() -> list[EnrolmentRoot]:
    """The first key of every device that signs records: what its enrolment wrote into the log."""
    statement = sa.select(DeviceKey.kid).where(DeviceKey.from_seq == 1).order_by(DeviceKey.kid)
    with unit_of_work(EVERY_COURT, write=False) as session:
        return [
            EnrolmentRoot(RootKind.DEVICE, jkt=kid)
            for kid in session.execute(statement).scalars().unique()
        ]


def register(app: Flask) -> None:
    """Put the command on the application."""
    app.cli.add_command(trust)
