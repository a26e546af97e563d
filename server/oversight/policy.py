"""Rules about meetings, tasks, alerts and campaigns: pure, on loaded rows."""

from __future__ import annotations

import uuid
from datetime import date
from typing import Final

from server.core.context import Actor
from server.core.permissions import Permission, Role
from server.core.problem import Kind, Problem, not_found
from server.identity.models import User
from server.oversight.kinds import (
    CAMPAIGN_NEXT,
    MEETING_NEXT,
    AlertState,
    CampaignState,
    MeetingState,
    TaskState,
)
from server.oversight.models import Campaign, OversightAlert, OversightTask, WeeklyMeeting

_LEADS: Final = frozenset({Role.SUPERVISOR, Role.PRESIDENT})
_WORKS: Final = _LEADS | {Role.OFFICER, Role.JUDICIAL_POLICE}


def require_worker(person: User | None) -> User:
    """Somebody of the court who can be given something to do."""
    return _require(person, _WORKS, "take part in the work of the bureau")


def require_chair(person: User | None) -> User:
    """Somebody who may lead the meeting."""
    return _require(person, _LEADS, "chair the meeting")


def require_own_plan(actor: Actor, officer_id: uuid.UUID) -> None:
    """Officers write their own plan; leaders may write anybody's."""
    if officer_id != actor.user_id and not actor.may(Permission.OVERSIGHT_RUN):
        raise Problem(Kind.FORBIDDEN, "you may write your own plan alone")


def require_meeting_step(meeting: WeeklyMeeting, to: MeetingState) -> None:
    """Agenda, then held, then minuted."""
    if MEETING_NEXT.get(MeetingState(meeting.state)) is not to:
        raise Problem(Kind.CONFLICT, f"a meeting that is {meeting.state} cannot become {to}")


def require_task_open(meeting: WeeklyMeeting) -> None:
    """The list of tasks of a meeting ends with its minutes."""
    if meeting.state == MeetingState.MINUTED:
        raise Problem(Kind.CONFLICT, "the minutes of the meeting are written")


def require_due(due_on: date, today: date) -> None:
    """Nobody can have done something by yesterday."""
    if due_on < today:
        raise Problem(Kind.VALIDATION, "due_on lies in the past")


def require_finishable(task: OversightTask) -> None:
    """The owner says that it is done, or a leader; others do not see it."""
    if task.state == TaskState.DONE:
        raise Problem(Kind.CONFLICT, "the task is done")


def require_explainable(alert: OversightAlert) -> None:
    """Whoever answers for it explains it, or a leader does; others do not see it."""
    if alert.state == AlertState.CLEARED:
        raise Problem(Kind.CONFLICT, "the alert is cleared")


def require_clearable(actor: Actor, alert: OversightAlert) -> None:
    """A leader accepts an explanation, but not their own."""
    if alert.state == AlertState.CLEARED:
        raise Problem(Kind.CONFLICT, "the alert is cleared")
    if alert.explained_at is None or alert.explained_at < alert.raised_at:
        raise Problem(Kind.CONFLICT, "nobody has explained it yet")
    if actor.user_id in {alert.explained_by, alert.owner_id}:
        raise Problem(Kind.FORBIDDEN, "somebody else has to accept your explanation")


def require_escalatable(alert: OversightAlert) -> None:
    """An alert is escalated once."""
    if alert.state in {AlertState.CLEARED, AlertState.ESCALATED}:
        raise Problem(Kind.CONFLICT, f"the alert is {alert.state}")


def require_days(begins_on: date, ends_on: date) -> None:
    """A campaign does not end before it begins."""
    if ends_on < begins_on:
        raise Problem(Kind.VALIDATION, "ends_on lies before begins_on")


def require_campaign_step(campaign: Campaign, to: CampaignState) -> None:
    """Planned, then running, then closed."""
    if CAMPAIGN_NEXT.get(CampaignState(campaign.state)) is not to:
        raise Problem(Kind.CONFLICT, f"a campaign that is {campaign.state} cannot become {to}")


def require_something(*given: tuple[uuid.UUID, ...]) -> None:
    """Something has to be named."""
    if not any(given):
        raise Problem(Kind.VALIDATION, "name at least one case or action")


def require_campaign_open(campaign: Campaign) -> None:
    """A closed campaign stays as it is."""
    if campaign.state == CampaignState.CLOSED:
        raise Problem(Kind.CONFLICT, "the campaign is closed")


def _require(person: User | None, roles: frozenset[Role], doing: str) -> User:
    if person is None:
        raise not_found("a person who is named")
    held = {role.value for role in roles}
    if person.disabled_at is not None or held.isdisjoint(person.roles):
        raise Problem(Kind.CONFLICT, f"{person.name} may not {doing}", user_id=str(person.id))
    return person
