"""A hand-over of a device that was recorded offline: the same service as the online route."""

from __future__ import annotations

import uuid
from dataclasses import replace
from datetime import datetime

from client_sdk.protocol.payloads import RecordKind
from server.audit.chain import Line
from server.core.context import Actor, Context
from server.core.permissions import TokenKind
from server.core.problem import Problem, not_found
from server.identity import policy, service_duty
from server.identity import queries as identity
from server.identity.commands import HandOver
from server.identity.models import DutyBooking
from server.sync.reading import Understood, finding, identifier

REASON = "recorded offline"


def hand_over(ctx: Context, line: Line, one: Understood, at: datetime) -> None:
    """Carry out a ``duty.handover`` at its corrected time; a refusal becomes a finding.

    It runs in the name of whom the record names, else of the device's carrier, with their roles:
    whoever happens to send the record later decides nothing.
    """
    if one.act != RecordKind.DUTY_HANDOVER:
        return
    try:
        with ctx.session.begin_nested():
            booking = _booking(ctx, line, one, at)
            giver = _giver(ctx, line, one.who or booking.user_id)
            command = HandOver(to_user_id=_receiver(one), at=at, reason=REASON)
            service_duty.hand_over(replace(ctx, actor=giver), booking, command)
    except Problem as problem:
        detail = f"{problem.kind.slug}: {problem.detail or ''}".rstrip(": ")
        one.findings.append(finding("operation-refused", detail))


def _booking(ctx: Context, line: Line, one: Understood, at: datetime) -> DutyBooking:
    named = _id(one.payload.get("booking"))
    device_id = one.captured_by or line.device_id
    found = identity.booking_at(ctx.session, line.court_id, device_id, at)
    if found is None or (named is not None and named != found.id):
        raise not_found("no such booking at that time")
    return found


def _giver(ctx: Context, line: Line, user_id: uuid.UUID) -> Actor:
    user = identity.user_in_court(ctx.session, line.court_id, user_id)
    if user is None:
        raise not_found("the person who hands over")
    return Actor(
        token=TokenKind.ACCESS,
        court_id=line.court_id,
        user_id=user.id,
        device_id=line.device_id,
        roles=policy.roles_of(user),
        address=ctx.actor.address,
    )


def _receiver(one: Understood) -> uuid.UUID:
    found = _id(one.payload.get("to"))
    if found is None:
        raise not_found("the person who takes over")
    return found


def _id(value: object) -> uuid.UUID | None:
    return identifier(value) if isinstance(value, str) else None
