"""Who sees which case and mission, as subqueries usable in ``IN``."""

from __future__ import annotations

import uuid

import sqlalchemy as sa

from server.cases.models import (
    Case,
    CaseAssignment,
    Mission,
    MissionCase,
    MissionDevice,
    MissionOfficer,
)
from server.cases.states import MissionState
from server.core.context import Actor
from server.core.permissions import Role

_IDS = sa.Select[uuid.UUID]


def visible_case_ids(actor: Actor) -> _IDS:
    """Ids of the cases the caller may see: all of the court, their own, or none."""
    if actor.sees_whole_court:
        return sa.select(Case.id).where(Case.court_id == actor.court_id)
    if actor.user_id is None or not actor.has_role(Role.OFFICER, Role.JUDICIAL_POLICE):
        return sa.select(Case.id).where(sa.false())
    return concerned_case_ids(actor.court_id, user_id=actor.user_id)


def visible_mission_ids(actor: Actor) -> _IDS:
    """Ids of the missions the caller may see: all of the court, those they go on, or none."""
    if actor.sees_whole_court:
        return sa.select(Mission.id).where(Mission.court_id == actor.court_id)
    if actor.user_id is None or not actor.has_role(Role.OFFICER, Role.JUDICIAL_POLICE):
        return sa.select(Mission.id).where(sa.false())
    return concerned_mission_ids(actor.court_id, user_id=actor.user_id)


def concerned_mission_ids(
    court_id: uuid.UUID, *, user_id: uuid.UUID | None = None, device_id: uuid.UUID | None = None
) -> _IDS:
    """Missions, not cancelled, that this person or this device goes on; nobody named, none."""
    sent: list[sa.ColumnElement[bool]] = [sa.false()]
    if user_id is not None:
        people = sa.select(MissionOfficer.mission_id).where(MissionOfficer.user_id == user_id)
        sent.append(Mission.id.in_(people))
    if device_id is not None:
        devices = sa.select(MissionDevice.mission_id).where(MissionDevice.device_id == device_id)
        sent.append(Mission.id.in_(devices))
    return sa.select(Mission.id).where(
        Mission.court_id == court_id, Mission.state != MissionState.CANCELLED, sa.or_(*sent)
    )


def concerned_case_ids(
    court_id: uuid.UUID, *, user_id: uuid.UUID | None = None, device_id: uuid.UUID | None = None
) -> _IDS:
    """Cases this person handles or is assigned to, and those of their or the device's missions."""
    missions = concerned_mission_ids(court_id, user_id=user_id, device_id=device_id)
    served = sa.select(MissionCase.case_id).where(MissionCase.mission_id.in_(missions))
    own: list[sa.ColumnElement[bool]] = [Case.id.in_(served)]
    if user_id is not None:
        assigned = sa.select(CaseAssignment.case_id).where(CaseAssignment.user_id == user_id)
        own += [Case.handler_id == user_id, Case.id.in_(assigned)]
    return sa.select(Case.id).where(Case.court_id == court_id, sa.or_(*own))
