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


def sees_case(actor: Actor) -> sa.ColumnElement[bool]:
    """The same as a rule on :class:`Case`; a whole court needs no subquery."""
    if actor.sees_whole_court:
        return Case.court_id == actor.court_id
    return Case.id.in_(visible_case_ids(actor))


def sees_mission(actor: Actor) -> sa.ColumnElement[bool]:
    """The same as a rule on :class:`Mission`."""
    if actor.sees_whole_court:
        return Mission.court_id == actor.court_id
    return Mission.id.in_(visible_mission_ids(actor))


def concerned_mission_ids(
    court_id: uuid.UUID, *, user_id: uuid.UUID | None = None, device_id: uuid.UUID | None = None
) -> _IDS:
    """Missions, not cancelled, that this person or this device goes on; nobody named, none."""
    sent: list[_IDS] = []
    if user_id is not None:
        sent.append(sa.select(MissionOfficer.mission_id).where(MissionOfficer.user_id == user_id))
    if device_id is not None:
        taken = sa.select(MissionDevice.mission_id).where(MissionDevice.device_id == device_id)
        sent.append(taken)
    return sa.select(Mission.id).where(
        Mission.court_id == court_id,
        Mission.state != MissionState.CANCELLED,
        Mission.id.in_(sa.union(*sent)) if sent else sa.false(),
    )


def concerned_case_ids(
    court_id: uuid.UUID, *, user_id: uuid.UUID | None = None, device_id: uuid.UUID | None = None
) -> _IDS:
    """Cases this person handles or is assigned to, and those of their or the device's missions."""
    missions = concerned_mission_ids(court_id, user_id=user_id, device_id=device_id)
    # A union, not an OR: each part has an index of its own.
    theirs = [sa.select(MissionCase.case_id).where(MissionCase.mission_id.in_(missions))]
    if user_id is not None:
        handled = sa.select(Case.id).where(Case.court_id == court_id, Case.handler_id == user_id)
        assigned = sa.select(CaseAssignment.case_id).where(CaseAssignment.user_id == user_id)
        theirs += [handled, assigned]
    return sa.select(Case.id).where(Case.court_id == court_id, Case.id.in_(sa.union(*theirs)))
