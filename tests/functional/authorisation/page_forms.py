"""What a valid form of each unsafe page holds, and which thing each name in a path means.

``ARGUMENTS`` maps a path's variable to a thing of :mod:`tests.factories.ground` or
:mod:`tests.factories.ground_pages`; a page with a variable that is not here fails the matrix.
``FORMS`` maps a page to a form that is taken for one's own things; a page without an entry has no
fields.  ``QUERIES`` are the same for what a page is asked with.  Both read what they name from the
ids they are given, so that the matrix knows what to replace by another court's or by nobody's.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

Ids = Mapping[str, str]
ARGUMENTS: Final = {
    "case_id": "case",
    "mission_id": "mission",
    "evidence_id": "evidence",
    "device_id": "device",
    "user_id": "officer",
    "officer_id": "user",
    "booking_id": "booking",
    "party_id": "party",
    "export_id": "report",
    "redaction_id": "redaction",
    "live_id": "live_mission",
    "entry_id": "live_entry",
    "share_id": "share",
    "webhook_id": "webhook",
    "delivery_id": "delivery",
    "hold_id": "hold",
    "job_id": "job",
    "ep": "held_ep",
    "seq": "held_seq",
    "given": "pass",
    "invitation_id": "invitation",
    "opinion_id": "opinion",
    "sample_id": "sample",
    "view_id": "view",
    "meeting_id": "meeting",
    "task_id": "task",
    "alert_id": "alert",
    "campaign_id": "campaign",
    "sign_in_id": "sign_in",
    "action_id": "action",
    "finding_id": "finding",
    "written_id": "written",
}
# Pages that need a thing in another state than the usual one.
PARTICULAR: Final[dict[str, dict[str, str]]] = {
    "POST /devices/{device_id}/held/{ep}/{seq}/release": {"device_id": "held_device"},
    "POST /e/{evidence_id}/redact/{redaction_id}/retry": {"redaction_id": "failed_redaction"},
    "POST /guests/{invitation_id}/mission": {"invitation_id": "open_invitation"},
    "POST /shares/{share_id}/items/{evidence_id}/copy": {"share_id": "named_share"},
    "POST /oversight/meetings/{meeting_id}/minutes": {"meeting_id": "held_meeting"},
    "POST /oversight/alerts/{alert_id}/clear": {"alert_id": "explained_alert"},
    "POST /oversight/campaigns/{campaign_id}/close": {"campaign_id": "running_campaign"},
}
# Pages of people without an account: their slices test who may open them.
OF_GUESTS: Final = ("/g", "/s/", "/s")
# Batches leave out what they do not find, and say how many were taken.
SKIPPING: Final = frozenset({"POST /review/bulk/apply"})
WHY: Final = {"reason": "核对(虚构)"}
_PARTY: Final = {"role": "applicant", "kind": "natural", "name": "乙虚构"}
_WINDOW: Final = {"starts_at": "2026-03-04T09:00", "ends_at": "2026-03-04T10:00"}
_VERSION: Final = {"version": "1"}
_SAY: Final = {"text": "已核实(虚构)"}


def _person(_: Ids) -> dict[str, Any]:
    return {"name": "改虚构", "post": "clerk", "roles": ["officer"], **_VERSION}


def _mission(n: Ids) -> dict[str, Any]:
    named = {"cases": n["case_no"], "officer": [n["user"]], "device": [n["camera"]]}
    return {"title": "清点(虚构)", **_WINDOW, **named}


def _share(n: Ids) -> dict[str, Any]:
    why = {"recipient": "某律师(虚构)", "purpose": "质证(虚构)"}
    what = {"case": n["case"], "item": [n["evidence"]], "original": [n["evidence"]]}
    return {**what, **why, "mode": "download"}


def _invite(n: Ids) -> dict[str, Any]:
    window = {"window_from": "2026-03-02T09:00", "window_to": "2026-03-02T18:00"}
    who = {"invitee": "某代表(虚构)", "invitee_kind": "npc_deputy"}
    return {**who, **window, "mission_id": n["mission"]}


def _bulk(n: Ids) -> dict[str, Any]:
    return {"item": [n["evidence"]], "decision": "query", "text": "请说明(虚构)"}


def _book(n: Ids) -> dict[str, Any]:
    named = {"device_id": n["camera"], "user_id": n["user"], "mission_id": n["mission"]}
    return {**named, **_WINDOW}


def _written(n: Ids) -> dict[str, Any]:
    people = {"p0_id": n["user"], "p0_role": "staff"}
    return {"kind": "action.people", "action": n["action"], **people}


def _reason(_: Ids) -> dict[str, Any]:
    return dict(WHY)


FORMS: Final[dict[str, Callable[[Ids], dict[str, Any]]]] = {
    "POST /admin/retention/holds": lambda n: {"target": n["case_no"], **WHY},
    "POST /admin/retention/holds/{hold_id}/lift": _reason,
    "POST /admin/retention/items/{evidence_id}/class": lambda _: {"category": "coercive", **WHY},
    "POST /admin/retention/due": lambda n: {"evidence_ids": [n["evidence"]], **WHY},
    "POST /admin/retention/lines": lambda n: {"log_entry_ids": [n["user"]], **WHY},
    "POST /admin/retention/lines/decide": lambda n: {"erasure_ids": [n["user"]], "verb": "refuse"},
    "POST /admin/retention/proposals": lambda n: {"erasure_ids": [n["erasure"]], "verb": "refuse"},
    "POST /admin/users/{user_id}": _person,
    "POST /admin/webhooks/{webhook_id}": lambda _: {**_VERSION, "state": "paused"},
    "POST /cases/new": lambda n: {"case_no": "(2026)样0101执88号", "handler_id": n["officer"]},
    "POST /cases/{case_id}/edit": lambda n: {**_VERSION, "handler_id": n["officer"]},
    "POST /cases/{case_id}/parties": lambda _: dict(_PARTY),
    "POST /cases/{case_id}/parties/{party_id}": lambda _: dict(_PARTY),
    "POST /cases/{case_id}/people": lambda n: {"officer": [n["officer"]]},
    "POST /cases/{case_id}/register/new": _written,
    "POST /conduct/rules": lambda _: {"text": "[config]\nstaff_min = 3\n", **WHY},
    "POST /devices/enrolment": lambda n: {
        "kind": "phone", "name": "手机(虚构)", "holder_id": n["user"], "device_id": n["device"]
    },
    "POST /devices/registration": lambda n: {
        "kind": "camera", "name": "相机(虚构)", "holder_id": n["user"]
    },
    "POST /devices/{device_id}/held/{ep}/{seq}/release": _reason,
    "POST /devices/{device_id}/lost": lambda _: {
        "lost_at": "2026-03-02T08:00", "confirmed": "true", **WHY
    },
    "POST /devices/{device_id}/revoke": _reason,
    "POST /duty": _book,
    "POST /duty/{booking_id}/hand-over": lambda n: {"to_user_id": n["user"]},
    "POST /e/{evidence_id}/rebind": lambda n: {
        "case_no": n["case_no"], "officer_id": n["user"], **WHY
    },
    "POST /e/{evidence_id}/redact": lambda _: {
        "box0_x": "0", "box0_y": "0", "box0_w": "50", "box0_h": "50", **WHY
    },
    "POST /e/{evidence_id}/redact/{redaction_id}/discard": _reason,
    "POST /e/{evidence_id}/report": lambda _: {"purpose": "移送(虚构)", "recipient": "虚构"},
    "POST /findings/{finding_id}/explain": lambda _: {"text": "已说明(虚构)"},
    "POST /findings/{finding_id}/rectify": lambda _: {"text": "已整改(虚构)"},
    "POST /findings/{finding_id}/uphold": lambda _: {"text": "成立(虚构)"},
    "POST /guests": _invite,
    "POST /guests/{invitation_id}/mission": lambda n: {"mission_id": n["mission"]},
    "POST /guests/{invitation_id}/revoke": _reason,
    "POST /live/{live_id}/entries/{entry_id}": lambda _: {"decision": "hold", **_VERSION},
    "POST /missions/new": _mission,
    "POST /missions/{mission_id}/edit": lambda n: {**_mission(n), **_VERSION},
    "POST /missions/{mission_id}/state": lambda _: {"state": "started", **_VERSION},
    "POST /opinions/{opinion_id}/answer": lambda _: {"reply": "公证员见证(虚构)"},
    "POST /oversight/rules": lambda _: {"idle_days": "120", "explain_days": "5", **WHY},
    "POST /oversight/plans": lambda _: {"week": "2026-W11", "steps": "走访(虚构)"},
    "POST /oversight/inspections": lambda n: {"week": "2026-W09", **_SAY, "case": n["case_no"]},
    "POST /oversight/meetings": lambda n: {"meets_on": "2026-03-16", "chair_id": n["lead"]},
    "POST /oversight/meetings/{meeting_id}/hold": lambda n: {"attendee_ids": [n["user"]]},
    "POST /oversight/meetings/{meeting_id}/minutes": lambda _: {"minutes": "逐案过堂(虚构)"},
    "POST /oversight/tasks": lambda n: {
        **_SAY, "owner_id": n["officer"], "due_on": "2026-03-20", "case": n["case_no"],
        "meeting_id": n["meeting"],
    },
    "POST /oversight/tasks/{task_id}/done": lambda _: {"result": "已补录(虚构)"},
    "POST /oversight/alerts/{alert_id}/explain": lambda _: dict(_SAY),
    "POST /oversight/alerts/{alert_id}/clear": lambda _: dict(_SAY),
    "POST /oversight/alerts/{alert_id}/escalate": lambda _: dict(_SAY),
    "POST /oversight/campaigns": lambda _: {
        "name": "涉民生(虚构)", "begins_on": "2026-03-01", "ends_on": "2026-04-30"
    },
    "POST /oversight/campaigns/{campaign_id}/items": lambda n: {"cases": n["case_no"]},
    "POST /oversight/campaigns/{campaign_id}/close": lambda _: {"result": "执结八件(虚构)"},
    "POST /review/bulk": _bulk,
    "POST /review/bulk/apply": _bulk,
    "POST /review/second/{sample_id}": lambda _: {"outcome": "agree"},
    "POST /review/{evidence_id}/decide": lambda _: {"decision": "comment", "text": "看过(虚构)"},
    "POST /review/{evidence_id}/mark": lambda _: {"text": "门牌(虚构)"},
    "POST /review/{evidence_id}/undo": _reason,
    "POST /shares": _share,
}  # fmt: skip
QUERIES: Final[dict[str, Callable[[Ids], dict[str, Any]]]] = {
    "GET /actions": lambda n: {"case": n["case"], "mission": n["mission"]},
    "GET /actions.csv": lambda n: {"case": n["case"]},
    "GET /actions.json": lambda n: {"case": n["case"], "mission": n["mission"]},
    "GET /admin/retention/holds": lambda n: {"target": n["case_no"]},
    "GET /admin/retention/preview": lambda _: {"category": "ordinary", "months": "12"},
    "GET /audit": lambda n: {"actor": n["officer"], "device": n["device"], "case": n["case_no"]},
    "GET /audit.csv": lambda n: {"subject": n["evidence"], "mission": n["mission"]},
    "GET /audit.json": lambda n: {"subject": n["evidence"], "mission": n["mission"]},
    "GET /cases": lambda n: {"handler": n["officer"]},
    "GET /cases/{case_id}": lambda n: {"item": n["evidence"]},
    "GET /cases/{case_id}/closing": lambda _: {"closing": "completed"},
    "GET /cases/{case_id}/register": lambda n: {"action": n["action"]},
    "GET /cases/{case_id}/register.csv": lambda n: {"action": n["action"]},
    "GET /cases/{case_id}/register.json": lambda n: {"action": n["action"]},
    "GET /cases/{case_id}/register/new": lambda n: {
        "kind": "action.people", "action": n["action"]
    },
    "GET /devices": lambda n: {"holder_id": n["officer"]},
    "GET /devices/new": lambda n: {"holder_id": n["officer"], "device_id": n["device"]},
    "GET /duty": lambda n: {"device_id": n["camera"], "user_id": n["officer"]},
    "GET /find": lambda n: {"q": n["case_no"]},
    "GET /findings": lambda n: {"case": n["case"], "action": n["action"]},
    "GET /findings.csv": lambda n: {"case": n["case"]},
    "GET /findings.json": lambda n: {"case": n["case"], "action": n["action"]},
    "GET /guests": lambda n: {"mission_id": n["mission"]},
    "GET /guests/new": lambda n: {"mission_id": n["mission"]},
    "GET /live/rules": lambda n: {
        "mission": n["live_mission"], "delay_minutes": "10", "round_seconds": "300",
        "place": "town",
    },
    "GET /live/{live_id}/control": lambda n: {"before": n["live_entry"]},
    "GET /missing": lambda n: {
        "case": n["case"], "device": n["device"], "officer": n["officer"]
    },
    "GET /missions": lambda n: {"case": n["case"], "device": n["camera"], "officer": n["officer"]},
    "GET /missions/new": lambda n: {"case": n["case"]},
    "GET /opinions": lambda n: {"mission_id": n["mission"]},
    "GET /reuse": lambda n: {"case": n["case"]},
    "GET /oversight/tasks": lambda n: {"owner_id": n["officer"], "case_id": n["case"]},
    "GET /oversight/alerts": lambda n: {"owner_id": n["officer"], "case_id": n["case"]},
    "GET /review": lambda n: {
        "case": n["case"], "mission": n["mission"], "officer": n["officer"],
        "device": n["device"], "done": n["evidence"],
    },
    "GET /shares": lambda n: {"case": n["case"]},
    "GET /shares/new": lambda n: {"case": n["case"], "item": [n["evidence"]]},
}  # fmt: skip
