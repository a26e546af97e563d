"""Reading cases and missions: of one court, and only what the caller may see."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from server.cases.commands import CaseFilter, MissionFilter
from server.cases.extracts import case_extract, mission_extract
from server.cases.models import (
    Case,
    CaseAssignment,
    Mission,
    MissionCase,
    MissionDevice,
    MissionOfficer,
    Party,
)
from server.cases.states import MissionState
from server.cases.visibility import (
    concerned_case_ids,
    concerned_mission_ids,
    sees_case,
    sees_mission,
    visible_case_ids,
    visible_mission_ids,
)
from server.core.context import Context
from server.core.paging import Page, decode_id, page_of
from server.core.problem import not_found


def visible_case(ctx: Context, case_id: uuid.UUID, *, to_change: bool = False) -> Case:
    """The case, if the caller may see it; 404 otherwise.

    :param to_change: lock the row, so that the version compared is the version changed.
    """
    statement = sa.select(Case).where(Case.id == case_id, sees_case(ctx.actor))
    if to_change:
        statement = statement.with_for_update(of=Case)
    found = ctx.session.execute(statement).scalar_one_or_none()
    if found is None:
        raise not_found()
    return found


def case_in_court(session: Session, court_id: uuid.UUID, case_id: uuid.UUID) -> Case | None:
    """The case, whoever asks, within one court."""
    statement = sa.select(Case).where(Case.id == case_id, Case.court_id == court_id)
    return session.execute(statement).scalar_one_or_none()


def case_numbered(session: Session, court_id: uuid.UUID, case_no: str) -> Case | None:
    """The case with this number in its normal form."""
    statement = sa.select(Case).where(Case.case_no == case_no, Case.court_id == court_id)
    return session.execute(statement).scalar_one_or_none()


def visible_mission(ctx: Context, mission_id: uuid.UUID, *, to_change: bool = False) -> Mission:
    """The mission, if the caller may see it; 404 otherwise.

    :param to_change: lock the row, so that the version compared is the version changed.
    """
    statement = sa.select(Mission).where(Mission.id == mission_id, sees_mission(ctx.actor))
    if to_change:
        statement = statement.with_for_update(of=Mission)
    found = ctx.session.execute(statement).scalar_one_or_none()
    if found is None:
        raise not_found()
    return found


def mission_in_court(
    session: Session, court_id: uuid.UUID, mission_id: uuid.UUID
) -> Mission | None:
    """The mission, whoever asks, within one court."""
    statement = sa.select(Mission).where(Mission.id == mission_id, Mission.court_id == court_id)
    return session.execute(statement).scalar_one_or_none()


def list_cases(ctx: Context, wanted: CaseFilter) -> Page[Case]:
    """Visible cases, newest first."""
    rules = [sees_case(ctx.actor), *_equal_rules(_case_columns(wanted))]
    if wanted.text:
        named = Case.parties.any(Party.name.contains(wanted.text, autoescape=True))
        rules.append(sa.or_(Case.case_no.contains(wanted.text, autoescape=True), named))
    if wanted.cursor:
        rules.append(Case.id < decode_id(wanted.cursor))
    statement = sa.select(Case).where(*rules).order_by(Case.id.desc()).limit(wanted.limit + 1)
    rows = ctx.session.execute(statement).scalars().all()
    return page_of(rows, wanted.limit, lambda row: (str(row.id),))


def list_missions(ctx: Context, wanted: MissionFilter) -> Page[Mission]:
    """Visible missions, the latest made first."""
    rules = [sees_mission(ctx.actor), *_mission_rules(wanted)]
    if wanted.cursor:
        rules.append(Mission.id < decode_id(wanted.cursor))
    statement = sa.select(Mission).where(*rules).order_by(Mission.id.desc())
    rows = ctx.session.execute(statement.limit(wanted.limit + 1)).scalars().all()
    return page_of(rows, wanted.limit, lambda row: (str(row.id),))


def missions_for(
    session: Session,
    court_id: uuid.UUID,
    user_id: uuid.UUID | None = None,
    device_id: uuid.UUID | None = None,
    *,
    ends_after: datetime | None = None,
    ids: Sequence[uuid.UUID] | None = None,
) -> list[Mission]:
    """Missions, not cancelled, that the person or the device goes on, by their start.

    :param ends_after: leave out those that ended earlier; files of a card come after the mission,
        so by default ended ones are included.
    :param ids: only these.
    """
    concerned = concerned_mission_ids(court_id, user_id=user_id, device_id=device_id)
    statement = sa.select(Mission).where(Mission.id.in_(concerned))
    if ends_after is not None:
        statement = statement.where(Mission.ends_at > ends_after)
    if ids is not None:
        statement = statement.where(Mission.id.in_(ids))
    ordered = statement.order_by(Mission.starts_at, Mission.id)
    return list(session.execute(ordered).scalars().all())


def cases_for(
    session: Session,
    court_id: uuid.UUID,
    user_id: uuid.UUID | None = None,
    device_id: uuid.UUID | None = None,
    *,
    ids: Sequence[uuid.UUID] | None = None,
) -> list[Case]:
    """Cases that concern the person or the device itself; a supervisor's wider view is not meant.

    The same cases whose changes are noticed to ``user:<id>`` and ``device:<id>``.
    """
    concerned = concerned_case_ids(court_id, user_id=user_id, device_id=device_id)
    statement = sa.select(Case).where(Case.id.in_(concerned))
    if ids is not None:
        statement = statement.where(Case.id.in_(ids))
    return list(session.execute(statement.order_by(Case.id)).scalars().all())


def audience_of_case(session: Session, case: Case) -> frozenset[str]:
    """Recipients that hold the case: its people, and people and devices of its missions."""
    missions = (
        sa.select(MissionCase.mission_id)
        .join(Mission, Mission.id == MissionCase.mission_id)
        .where(MissionCase.case_id == case.id, Mission.state != MissionState.CANCELLED)
    )
    people = sa.union(
        sa.select(CaseAssignment.user_id).where(CaseAssignment.case_id == case.id),
        sa.select(MissionOfficer.user_id).where(MissionOfficer.mission_id.in_(missions)),
    )
    devices = sa.select(MissionDevice.device_id).where(MissionDevice.mission_id.in_(missions))
    users = set(session.execute(people).scalars())
    if case.handler_id is not None:
        users.add(case.handler_id)
    return _recipients(users, set(session.execute(devices).scalars()))


def audience_of_mission(mission: Mission) -> frozenset[str]:
    """Recipients that hold the mission; nobody holds a cancelled one."""
    if mission.state == MissionState.CANCELLED:
        return frozenset()
    return _recipients(mission.officer_ids, mission.device_ids)


def _recipients(
    users: Sequence[uuid.UUID] | set[uuid.UUID], devices: Sequence[uuid.UUID] | set[uuid.UUID]
) -> frozenset[str]:
    return frozenset(f"user:{one}" for one in users) | {f"device:{one}" for one in devices}


def _case_columns(wanted: CaseFilter) -> dict[Any, object]:
    return {
        Case.case_no: wanted.case_no,
        Case.status: wanted.status,
        Case.type_code: wanted.type_code,
        Case.handler_id: wanted.handler_id,
        Case.year: wanted.year,
    }


def _equal_rules(columns: dict[Any, object]) -> list[sa.ColumnElement[bool]]:
    return [column == value for column, value in columns.items() if value is not None]


def _mission_rules(wanted: MissionFilter) -> list[sa.ColumnElement[bool]]:
    rules = _equal_rules({Mission.state: wanted.state})
    if wanted.case_id is not None:
        rules.append(Mission.case_links.any(MissionCase.case_id == wanted.case_id))
    if wanted.officer_id is not None:
        rules.append(Mission.officer_links.any(MissionOfficer.user_id == wanted.officer_id))
    if wanted.device_id is not None:
        rules.append(Mission.device_links.any(MissionDevice.device_id == wanted.device_id))
    if wanted.overlaps_from is not None:
        rules.append(Mission.ends_at > wanted.overlaps_from)
    if wanted.overlaps_to is not None:
        rules.append(Mission.starts_at < wanted.overlaps_to)
    return rules


__all__ = [
    "audience_of_case", "audience_of_mission", "case_extract", "case_in_court", "case_numbered",
    "cases_for", "list_cases", "list_missions", "mission_extract", "mission_in_court",
    "missions_for", "visible_case", "visible_case_ids", "visible_mission", "visible_mission_ids",
]  # fmt: skip
