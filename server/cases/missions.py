"""Writing missions: planning, changing, starting and ending, with notices to all concerned."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from server.audit import service as audit
from server.audit.events import EventKind
from server.audit.service import Notice, Subject
from server.cases import policy, queries
from server.cases.commands import AddMission, Change
from server.cases.models import Case, Mission, MissionCase, MissionDevice, MissionOfficer
from server.cases.service import notices_between
from server.cases.states import MissionState
from server.core.clock import rfc3339
from server.core.context import Context
from server.core.problem import not_found
from server.identity import queries as identity

_PLAIN = ("title", "place", "starts_at", "ends_at", "state")


@dataclass(frozen=True, slots=True)
class _Holders:
    """Who held the mission and its cases before a change."""

    mission: frozenset[str]
    cases: dict[Case, frozenset[str]]


def add(ctx: Context, command: AddMission) -> Mission:
    """Plan a mission over cases of the court, with its people and devices."""
    policy.require_window(command.starts_at, command.ends_at)
    cases = _cases(ctx, command.case_ids)
    before = _Holders(frozenset(), _audiences(ctx, cases))
    mission = Mission(
        id=ctx.new_id(), court_id=ctx.actor.court_id, title=command.title,
        place=dict(command.place) if command.place else None,
        starts_at=command.starts_at, ends_at=command.ends_at, state=MissionState.PLANNED,
        created_by=ctx.actor.user_id, created_at=ctx.clock.now(), version=1,
    )  # fmt: skip
    _link_cases(mission, command.case_ids)
    _link_officers(ctx, mission, command.officer_ids)
    _link_devices(ctx, mission, command.device_ids)
    ctx.session.add(mission)
    ctx.session.flush()  # the audiences are read from the tables
    facts = {
        "title": mission.title,
        **{name: _fact(getattr(mission, name)) for name in ("starts_at", "ends_at")},
        "cases": _texts(mission.case_ids),
        "officers": _texts(mission.officer_ids),
        "devices": _texts(mission.device_ids),
    }
    _record(ctx, EventKind.MISSION_ADDED, mission, facts, before)
    return mission


def change(ctx: Context, mission: Mission, command: Change) -> Mission:
    """Change a mission as the policy allows; whoever is taken off is told to drop it."""
    fields = command.fields
    policy.require_mission_change(ctx.actor, mission, fields)
    policy.require_window(
        fields.get("starts_at", mission.starts_at), fields.get("ends_at", mission.ends_at)
    )
    cases = _cases(ctx, {*mission.case_ids, *fields.get("case_ids", ())})
    before = _Holders(queries.audience_of_mission(mission), _audiences(ctx, cases))
    changes = {**_change_plain(mission, fields), **_change_links(ctx, mission, fields)}
    mission.version += 1
    ctx.session.flush()  # the audiences are read from the tables
    _record(ctx, EventKind.MISSION_CHANGED, mission, {"changes": changes}, before)
    return mission


def _change_plain(mission: Mission, fields: Mapping[str, Any]) -> dict[str, Any]:
    changes = {}
    for name in _PLAIN:
        if name in fields and getattr(mission, name) != fields[name]:
            changes[name] = {"from": _fact(getattr(mission, name)), "to": _fact(fields[name])}
            setattr(mission, name, fields[name])
    return changes


def _change_links(ctx: Context, mission: Mission, fields: Mapping[str, Any]) -> dict[str, Any]:
    changes = {}
    for name in ("case_ids", "officer_ids", "device_ids"):
        old: list[uuid.UUID] = getattr(mission, name)
        if name not in fields or set(old) == set(fields[name]):
            continue
        if name == "case_ids":
            _link_cases(mission, fields[name])
        elif name == "officer_ids":
            _link_officers(ctx, mission, fields[name])
        else:
            _link_devices(ctx, mission, fields[name])
        changes[name] = {"from": _texts(old), "to": _texts(fields[name])}
    return changes


def _link_cases(mission: Mission, ids: Iterable[uuid.UUID]) -> None:
    kept = {link.case_id: link for link in mission.case_links}
    mission.case_links = [
        kept.get(one) or MissionCase(court_id=mission.court_id, case_id=one)
        for one in dict.fromkeys(ids)
    ]


def _link_officers(ctx: Context, mission: Mission, ids: Iterable[uuid.UUID]) -> None:
    kept = {link.user_id: link for link in mission.officer_links}
    links = []
    for one in dict.fromkeys(ids):
        if one not in kept:
            policy.require_field_person(identity.user_in_court(ctx.session, mission.court_id, one))
        links.append(kept.get(one) or MissionOfficer(court_id=mission.court_id, user_id=one))
    mission.officer_links = links


def _link_devices(ctx: Context, mission: Mission, ids: Iterable[uuid.UUID]) -> None:
    kept = {link.device_id: link for link in mission.device_links}
    links = []
    for one in dict.fromkeys(ids):
        if one not in kept:
            policy.require_usable(identity.device_in_court(ctx.session, mission.court_id, one))
        links.append(kept.get(one) or MissionDevice(court_id=mission.court_id, device_id=one))
    mission.device_links = links


def _cases(ctx: Context, ids: Iterable[uuid.UUID]) -> list[Case]:
    found = []
    for case_id in sorted(set(ids)):
        case = queries.case_in_court(ctx.session, ctx.actor.court_id, case_id)
        if case is None:
            raise not_found("a case that is named")
        found.append(case)
    return found


def _audiences(ctx: Context, cases: Iterable[Case]) -> dict[Case, frozenset[str]]:
    return {case: queries.audience_of_case(ctx.session, case) for case in cases}


def _record(
    ctx: Context, kind: EventKind, mission: Mission, facts: Mapping[str, Any], before: _Holders
) -> None:
    after = queries.audience_of_mission(mission)
    notices = notices_between("mission", mission.id, before.mission, after)
    for case, held in before.cases.items():
        notices += _joined_or_left(ctx, case, held)
    audit.record(
        ctx,
        kind,
        Subject("mission", mission.id),
        {**facts, "state": str(mission.state), "version": mission.version},
        case_id=mission.case_ids[0] if len(mission.case_ids) == 1 else None,
        mission_id=mission.id,
        notices=notices,
    )


def _joined_or_left(ctx: Context, case: Case, before: frozenset[str]) -> list[Notice]:
    """The case itself is as it was: only who came to it or left it has to learn something."""
    after = queries.audience_of_case(ctx.session, case)
    return notices_between("case", case.id, before - after, after - before)


def _fact(value: Any) -> Any:
    if isinstance(value, datetime):
        return rfc3339(value)
    return str(value) if isinstance(value, str) else value


def _texts(ids: Iterable[uuid.UUID]) -> list[str]:
    return sorted(str(one) for one in ids)
