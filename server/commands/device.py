"""``flask --app wsgi device code|list|revoke``: phones, docks and cameras."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import click
from flask import Flask

from client_sdk.protocol.ids import short_code
from server.commands.console import EPILOG, CommandFailed, Console, Words, about, operated
from server.commands.people import (
    checked_line,
    court_coded,
    courts_asked,
    device_named,
    operating,
    user_named,
    within,
)
from server.core import qr
from server.core.context import Context
from server.core.paging import LIMIT_MAX
from server.identity import queries, service_devices
from server.identity.commands import DeviceFilter, OfferEnrolment, Revoke
from server.identity.kinds import KEYED_KINDS
from server.identity.models import Court, Device

KINDS: Final = tuple(sorted(kind.value for kind in KEYED_KINDS))
_HEAD: Final = (
    Words("法院", "court"), Words("编码", "code"), Words("类型", "kind"), Words("名称", "name"),
    Words("状态", "state"), Words("最近出现", "last seen"), Words("id", "id"),
)  # fmt: skip
_STATES: Final = {
    "enrolled": Words("已注册", "enrolled"),
    "keyless": Words("无密钥", "keyless"),
    "revoked": Words("已吊销", "revoked"),
}


@click.group("device", help=about("管理设备。", "Phones, docks and cameras."))
def group() -> None:
    """Devices."""


@group.command(
    "code", epilog=EPILOG,
    help=about("生成一次性注册码。", "Make a one-time code that lets one device bind its key."),
)  # fmt: skip
@click.option("--court", required=True, help=about("法院代字。", "Code of the court."))
@click.option("--kind", default="phone", show_default=True, type=click.Choice(KINDS))
@click.option("--name", required=True, help=about("设备名称。", "What the device is called."))
@click.option("--holder", help=about("保管人账号。", "Login of who keeps it."))
@operated
def code(
    console: Console, *, court: str, kind: str, name: str, holder: str | None
) -> dict[str, Any]:
    """Make an enrolment code."""
    with operating() as ctx:
        own = within(ctx, court_coded(ctx.session, court).id)
        holder_id = None
        if holder is not None:
            theirs, person = user_named(ctx, holder)
            if theirs.actor.court_id != own.actor.court_id:
                said = Words(f"{holder} 不属于该法院", f"{holder} belongs to another court")
                raise CommandFailed("conflict", said)
            holder_id = person.id
        offer = service_devices.offer(
            own, OfferEnrolment(kind=kind, name=checked_line(name), holder_id=holder_id)
        )
    console.say(f"注册码：{offer.code}", f"code: {offer.code}")
    until = offer.expires_at.isoformat(timespec="minutes")
    console.say(f"有效至 {until}，仅可使用一次", f"good until {until}, once")
    if not console.as_json:
        console.show(qr.terminal(offer.qr))
    console.say("在设备上扫描，或执行：", "scan it with the device, or run there:")
    fingerprint = offer.qr.rpartition("|")[2]
    console.show(
        f"  tiezheng --server {ctx.settings.public_url} enrol {offer.code} --name '{name}' "
        f"--fingerprint {fingerprint}"
    )
    return {
        "code": offer.code, "expires_at": offer.expires_at.isoformat(), "qr": offer.qr,
        "kind": kind, "name": name,
    }  # fmt: skip


@group.command("list", help=about("列出设备。", "List the devices."), epilog=EPILOG)
@click.option("--court", help=about("只列此法院。", "Only this court."))
@operated
def list_(console: Console, *, court: str | None) -> dict[str, Any]:
    """List the devices."""
    with operating(write=False) as ctx:
        found = [
            described(own, device)
            for own in courts_asked(ctx.session, court)
            for device in _devices(within(ctx, own.id))
        ]
    rows = [
        [
            one["court"], one["code"], one["kind"], one["name"],
            _STATES[one["state"]].in_(console.lang), one["last_seen_at"] or "-", one["id"],
        ]
        for one in found
    ]  # fmt: skip
    console.table(_HEAD, rows)
    return {"devices": found}


@group.command(
    "revoke", epilog=EPILOG,
    help=about("吊销设备（丢失、报废）。", "Let a device speak no more (lost, retired)."),
)  # fmt: skip
@click.argument("device")
@click.option("--reason", required=True, help=about("原因，记入日志。", "Why; goes into the log."))
@operated
def revoke(console: Console, *, device: str, reason: str) -> dict[str, Any]:
    """Revoke a device."""
    with operating() as ctx:
        own, found = device_named(ctx, device)
        service_devices.revoke(own, found, Revoke(reason=checked_line(reason)))
        device_id, name = str(found.id), found.name
    console.say(f"设备 {name} 已吊销，立即生效", f"{name} is revoked, from its next request on")
    console.say(
        "已确认收到的内容不受影响；设备上未上传的内容请尽快取回。",
        "What was acknowledged stays; get what is still on the device out of it soon.",
    )
    return {"id": device_id, "revoked": True, "reason": reason}


def described(court: Court, device: Device) -> dict[str, Any]:
    """A device for programs."""
    state = "enrolled" if device.public_jwk is not None else "keyless"
    if device.revoked_at is not None:
        state = "revoked"
    seen = device.last_seen_at
    return {
        "id": str(device.id),
        "code": short_code(device.id),
        "court": court.court_code,
        "kind": device.kind,
        "name": device.name,
        "model": device.model,
        "serial": device.serial,
        "state": state,
        "last_seen_at": None if seen is None else seen.isoformat(timespec="seconds"),
    }


def _devices(ctx: Context) -> Iterator[Device]:
    cursor = None
    while True:
        page = queries.list_devices(ctx, DeviceFilter(cursor=cursor, limit=LIMIT_MAX))
        yield from page.items
        cursor = page.next_cursor
        if cursor is None:
            return


def register(app: Flask) -> None:
    """Add the commands."""
    app.cli.add_command(group)
