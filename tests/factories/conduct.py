"""Facts of an action by which every conduct rule passes, for tests to spoil one at a time."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

from server.fieldlog.conduct_facts import (
    ActionFacts,
    Approval,
    BodySearch,
    Cash,
    Detention,
    Participant,
    Record,
    Ruling,
    Seizure,
    Settlement,
    Sex,
    Summons,
)
from server.fieldlog.recording_coverage import Recording

BEGIN = datetime(2025, 6, 20, 2, 0, tzinfo=UTC)  # 10:00 in China
END = BEGIN + timedelta(hours=1)
JUDGE = Participant("ST03", "enforcement_judge", Sex.FEMALE)
OFFICER = Participant("ST04", "enforcement_officer", Sex.MALE)
POLICE = Participant("ST06", "judicial_police", Sex.FEMALE)
STATED = {
    "credentials_shown": True, "uniform": True, "list_signed": True, "list_copy_given": True,
    "notified_party": True, "warrant_shown": True, "outsiders_kept_out": True,
    "family_present": True, "force_opened": True, "ordered_to_open": True,
    "items_list_signed": True, "ruling_served": True, "held_by_third_party": True,
    "assistance_notice_served": True, "recording_announced": True, "night_approval": True,
    "guardian_arranged": True, "minors_redacted": True, "service_refused": True,
    "papers_left": True, "service_witnessed": True,
}  # fmt: skip


def recording(device: str, begins: datetime = BEGIN, ends: datetime = END) -> Recording:
    """A film from a body recorder, there an hour after the end."""
    return Recording(
        f"EV-{device}-{begins:%H%M}", device, True, begins, ends, END + timedelta(hours=1)
    )


def facts(type_: str = "seal", **changes: Any) -> ActionFacts:
    """An action without fault; ``stated`` changes single plain facts, ``None`` takes one away."""
    stated = {**STATED, **changes.pop("stated", {})}
    approval = Approval(True, "(2025)样0101号", date(2025, 6, 1), date(2025, 6, 12))
    found = ActionFacts(
        type=type_, begins_at=BEGIN, ends_at=END, participants=(JUDGE, OFFICER), police=(POLICE,),
        stated={name: value for name, value in stated.items() if value is not None},
        record=Record(frozenset({"officers", "debtor"})), debtor_is_natural=True,
        grassroots_present=True, minors_on_site=1, warrant=approval, eviction_notice=approval,
        items_delivered_to="成年家属",
        detention=Detention(approval, 10, BEGIN, BEGIN + timedelta(hours=4), True),
        summons=Summons(approval, BEGIN, END),
        seizure=Seizure("movable", date(2025, 6, 20), date(2027, 6, 20), 100, 100, 0),
        cash=Cash(date(2025, 6, 20), True, True, date(2025, 6, 20)),
        body_search=BodySearch(Sex.FEMALE, JUDGE),
        ruling=Ruling("理由", "民事诉讼法第267条", True, True),
        settlement=Settlement(True, frozenset({"applicant", "debtor"})),
        recordings=(recording("DV1"), recording("DV2")), tags=frozenset({"seal_notice"}),
        on_holiday=True, as_of=END + timedelta(days=9),
    )  # fmt: skip
    return replace(found, **changes)
