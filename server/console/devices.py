"""Devices: the list, enrolment by QR, one device with its clock and chain, and a lost one."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any, Final

from flask import Blueprint, Response, url_for

from server.clocks import queries as clocks
from server.clocks.commands import LedgerFilter
from server.console import qr
from server.console.admin_forms import (
    DeviceListQuery,
    EnrolmentForm,
    LossForm,
    LossQuery,
    NewDeviceQuery,
    ReasonForm,
    RegistrationForm,
    in_court_zone,
    wall_text,
)
from server.console.ledger_chart import Measured, chart
from server.console.pages import page, render, see
from server.core.clock import unix_ms
from server.core.context import Context
from server.core.permissions import Permission
from server.identity import listing, queries, service_devices
from server.identity.commands import BookingFilter, OfferEnrolment, RegisterDevice, Revoke
from server.identity.kinds import KEYED_KINDS, KEYLESS_KINDS, DeviceKind
from server.identity.listing import DeviceSearch
from server.identity.models import Device
from server.sync import chain_view, lost
from server.sync import service as sync
from server.sync.commands import ChainQuery
from server.sync.lost import ReportLoss

blueprint = Blueprint("console_devices", __name__)
_RECORDS_SHOWN: Final = 20
_READINGS_SHOWN: Final = 50
_BOOKINGS_SHOWN: Final = 20


@blueprint.get("/devices")
@page(Permission.DEVICES_VIEW, query=DeviceListQuery)
def list_devices(ctx: Context, query: DeviceSearch) -> Response:
    """List the devices of the court."""
    return render(
        ctx,
        "devices/list.html",
        page=listing.devices(ctx, query),
        total=listing.count_devices(ctx, query),
        query=query,
        kinds=list(DeviceKind),
        people=listing.people(ctx),
    )


@blueprint.get("/devices/new")
@page(Permission.DEVICES_MANAGE, query=NewDeviceQuery)
def new_device(ctx: Context, query: dict[str, Any]) -> Response:
    """The forms that let a device in."""
    return render(
        ctx,
        "devices/new.html",
        asked=dict.fromkeys(NewDeviceQuery().fields) | query,
        keyed=sorted(KEYED_KINDS),
        keyless=sorted(KEYLESS_KINDS),
        people=listing.people(ctx),
    )


@blueprint.post("/devices/enrolment")
@page(Permission.DEVICES_MANAGE, form=EnrolmentForm)
def offer_enrolment(ctx: Context, form: OfferEnrolment) -> Response:
    """Make a one-time code and show it this once."""
    offer = service_devices.offer(ctx, form)
    return render(
        ctx,
        "devices/code.html",
        offer=offer,
        picture=qr.svg(offer.qr),
        fingerprint=offer.qr.rpartition("|")[2],
        address=ctx.settings.public_url.rstrip("/"),
        name=form.name,
    )


@blueprint.post("/devices/registration")
@page(Permission.DEVICES_MANAGE, form=RegistrationForm)
def register_device(ctx: Context, form: RegisterDevice) -> Response:
    """Register a camera or recorder."""
    device = service_devices.register(ctx, form)
    return see(_place(device.id), said="devices.said_registered")


@blueprint.get("/devices/<uuid:device_id>")
@page(Permission.DEVICES_VIEW)
def show_device(ctx: Context, device_id: uuid.UUID) -> Response:
    """One device: facts, clock, chain, records, bookings, keys."""
    device = queries.visible_device(ctx, device_id)
    readings = clocks.observations_of(ctx, device.id, LedgerFilter(limit=_READINGS_SHOWN)).items
    drawn = chart([Measured(unix_ms(r.observed_at), r.offset_ms, r.error_ms) for r in readings])
    bookings = queries.list_bookings(
        ctx, BookingFilter(device_id=device.id, limit=_BOOKINGS_SHOWN)
    ).items
    holder = queries.user_in_court(ctx.session, device.court_id, device.holder_id or device.id)
    return render(
        ctx,
        "devices/device.html",
        device=device,
        holder=holder,
        silent=listing.is_silent(ctx, device),
        readings=readings,
        chart=drawn,
        chain=_chain(ctx, device),
        waiting=_held(ctx, device),
        bookings=bookings,
        names={one.id: one.name for one in listing.people(ctx, active=False)},
    )


@blueprint.post("/devices/<uuid:device_id>/held/<int:ep>/<int:seq>/release")
@page(Permission.HELD_RELEASE, form=ReasonForm)
def release_held(
    ctx: Context, device_id: uuid.UUID, ep: int, seq: int, form: dict[str, str]
) -> Response:
    """Let a held record, and those before it, into the log although predecessors are missing."""
    released = sync.release(ctx, device_id, ep, seq, form["reason"])
    return see(_place(device_id), said="devices.said_released", n=released.records)


@blueprint.post("/devices/<uuid:device_id>/revoke")
@page(Permission.DEVICES_MANAGE, form=ReasonForm)
def revoke_device(ctx: Context, device_id: uuid.UUID, form: dict[str, str]) -> Response:
    """Revoke a device that is given back or broken."""
    device = queries.visible_device(ctx, device_id, to_change=True)
    service_devices.revoke(ctx, device, Revoke(reason=form["reason"]))
    return see(_place(device.id), said="devices.said_revoked")


@blueprint.get("/devices/<uuid:device_id>/lost")
@page(Permission.DEVICES_MANAGE, query=LossQuery)
def show_loss(ctx: Context, device_id: uuid.UUID, query: dict[str, datetime]) -> Response:
    """All about a device that may be lost, and the one step that handles it."""
    since = in_court_zone(ctx, query["since"]) if "since" in query else None
    loss = lost.view(ctx, queries.visible_device(ctx, device_id), since)
    return render(
        ctx,
        "devices/lost.html",
        loss=loss,
        device=loss.device,
        since_text=wall_text(ctx, loss.since),
        names={one.id: one.name for one in listing.people(ctx, active=False)},
    )


@blueprint.post("/devices/<uuid:device_id>/lost")
@page(Permission.DEVICES_MANAGE, form=LossForm)
def report_loss(ctx: Context, device_id: uuid.UUID, form: dict[str, Any]) -> Response:
    """Revoke the device and set apart what came since it was lost."""
    lost_at = in_court_zone(ctx, form["lost_at"])
    done = lost.report(ctx, device_id, ReportLoss(lost_at=lost_at, reason=form["reason"]))
    place = url_for("console_devices.show_loss", device_id=device_id)
    return see(f"{place}?since={wall_text(ctx, lost_at)}", said="devices.said_lost", n=done.marked)


def _chain(ctx: Context, device: Device) -> dict[str, Any] | None:
    """The end of its chain, for those who may audit; none for a device without a key."""
    if device.public_jwk is None or not ctx.actor.may(Permission.AUDIT_VIEW):
        return None
    head = chain_view.view(ctx, device.id, ChainQuery(limit=1))["head"]["seq"]
    after = max(0, head - _RECORDS_SHOWN)
    return chain_view.view(ctx, device.id, ChainQuery(after=after, limit=_RECORDS_SHOWN))


def _held(ctx: Context, device: Device) -> list[sync.Held]:
    """Records that wait for a predecessor, for those who may release them."""
    if not ctx.actor.may(Permission.HELD_RELEASE):
        return []
    return sync.held_of_device(ctx, device.id, _RECORDS_SHOWN)


def _place(device_id: uuid.UUID) -> str:
    return url_for("console_devices.show_device", device_id=device_id)
