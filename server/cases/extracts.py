"""What a device gets of a case or a mission: what field work needs, and no more (JSON-ready)."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from client_sdk.protocol.ids import short_code
from server.cases.models import Case, Mission, Party
from server.cases.parties import shown_details
from server.core.clock import rfc3339
from server.identity.models import Device, User


def case_extract(session: Session, case: Case) -> dict[str, Any]:
    """Number, cause, people in charge and parties; document numbers are masked."""
    people = _people(session, [*_some(case.handler_id), *case.officer_ids])
    basis = case.basis or {}
    return {
        "id": str(case.id),
        "code": short_code(case.id),
        "version": case.version,
        "case_no": case.case_no,
        "type_code": case.type_code,
        "status": case.status,
        "cause": case.cause,
        "basis": {name: basis[name] for name in ("kind", "doc_no") if basis.get(name)} or None,
        "claim_fen": case.claim_fen,
        "deadline_on": case.deadline_on.isoformat() if case.deadline_on else None,
        "handler": next((one for one in people if one["id"] == str(case.handler_id)), None),
        "officers": [one for one in people if one["id"] != str(case.handler_id)],
        "parties": [_party(party) for party in case.parties],
    }


def mission_extract(session: Session, mission: Mission) -> dict[str, Any]:
    """Where, when, for which cases, with whom and with what; the cases travel on their own."""
    return {
        "id": str(mission.id),
        "code": short_code(mission.id),
        "version": mission.version,
        "title": mission.title,
        "state": mission.state,
        "place": mission.place,
        "starts_at": rfc3339(mission.starts_at),
        "ends_at": rfc3339(mission.ends_at),
        "case_ids": [str(case_id) for case_id in mission.case_ids],
        "officers": _people(session, mission.officer_ids),
        "devices": _devices(session, mission.device_ids),
    }


def _party(party: Party) -> dict[str, Any]:
    return {
        "id": str(party.id),
        "role": party.role,
        "kind": party.kind,
        "name": party.name,
        **shown_details(party.details),
    }


def _people(session: Session, ids: Iterable[uuid.UUID]) -> list[dict[str, Any]]:
    statement = sa.select(User.id, User.name, User.post).where(User.id.in_(set(ids)))
    rows = session.execute(statement.order_by(User.id)).all()
    return [{"id": str(row.id), "name": row.name, "post": row.post} for row in rows]


def _devices(session: Session, ids: Iterable[uuid.UUID]) -> list[dict[str, Any]]:
    statement = sa.select(Device.id, Device.kind, Device.name, Device.serial)
    rows = session.execute(statement.where(Device.id.in_(set(ids))).order_by(Device.id)).all()
    return [
        {"id": str(row.id), "kind": row.kind, "name": row.name, "serial": row.serial}
        for row in rows
    ]


def _some(value: uuid.UUID | None) -> list[uuid.UUID]:
    return [] if value is None else [value]
