"""Cases and missions for tests, made by the real services in the name of the system."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from flask import Flask

from server.cases import missions, service
from server.cases.commands import AddCase, AddMission, PartyCommand
from server.cases.parties import PartyKind, PartyRole
from server.core.context import Context, system_actor
from server.core.transactions import unit_of_work
from server.identity.models import Court

DEBTOR = PartyCommand(
    role=PartyRole.DEBTOR,
    kind=PartyKind.NATURAL,
    name="云虚构",
    id_no="990102200901201217",
    details={"sex": "M", "address": "清河镇(虚构)"},
)
PLACE = {"name": "清河镇(虚构)", "lat": "38.2100000", "lon": "104.4100000"}


def add_case(
    app: Flask,
    court_id: uuid.UUID,
    *,
    serial: int = 11,
    handler_id: uuid.UUID | None = None,
    officer_ids: Sequence[uuid.UUID] = (),
    parties: Sequence[PartyCommand] = (DEBTOR,),
    **fields: Any,
) -> uuid.UUID:
    """File ``(2025)<court code>执<serial>号`` and return its id."""
    with unit_of_work(court_id) as session:
        ctx = Context(system_actor(court_id), session, app.extensions["tiezheng"])
        court = session.get(Court, court_id)
        assert court is not None
        command = AddCase(
            case_no=f"(2025){court.court_code}执{serial}号",
            handler_id=handler_id,
            officer_ids=tuple(officer_ids),
            parties=tuple(parties),
            **fields,
        )
        return service.add(ctx, command).id


def add_mission(
    app: Flask,
    court_id: uuid.UUID,
    case_ids: Sequence[uuid.UUID],
    *,
    officer_ids: Sequence[uuid.UUID] = (),
    device_ids: Sequence[uuid.UUID] = (),
    title: str = "清河镇现场调查(虚构)",
    starts_at: datetime | None = None,
    ends_at: datetime | None = None,
) -> uuid.UUID:
    """Plan a mission and return its id; by default from now for eight hours."""
    with unit_of_work(court_id) as session:
        ctx = Context(system_actor(court_id), session, app.extensions["tiezheng"])
        start = starts_at or ctx.clock.now()
        command = AddMission(
            title=title,
            case_ids=tuple(case_ids),
            starts_at=start,
            ends_at=ends_at or start + timedelta(hours=8),
            place=PLACE,
            officer_ids=tuple(officer_ids),
            device_ids=tuple(device_ids),
        )
        return missions.add(ctx, command).id


__all__ = ["DEBTOR", "PLACE", "add_case", "add_mission"]
