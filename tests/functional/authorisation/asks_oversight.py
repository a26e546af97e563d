"""Valid requests about oversight; see :mod:`asks`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.functional.authorisation.asking import Ask, Names

_SAY = {"text": "已核实(虚构)"}
_RULE = {"idle_days": 120, "explain_days": 5, "reason": "院长办公会(虚构)"}
_PLAN = {"week": "2026-W11", "steps": ["走访债务人(虚构)"], "progress": "已查封(虚构)"}
_CAMPAIGN = {"name": "涉民生(虚构)", "begins_on": "2026-03-01", "ends_on": "2026-04-30"}
_AREA = "/api/v1/oversight"


def _task(n: Names) -> Ask:
    named = {"owner_id": n["officer"], "case_id": n["case"], "meeting_id": n["meeting"]}
    return Ask("/oversight/tasks", {**named, "text": "查清车辆(虚构)", "due_on": "2026-03-20"})


def _inspection(n: Names) -> Ask:
    body = {"week": "2026-W09", "text": "卷宗不全(虚构)", "case_id": n["case"]}
    return Ask("/oversight/inspections", body)


def _call(n: Names) -> Ask:
    return Ask("/oversight/meetings", {"meets_on": "2026-03-16", "chair_id": n["lead"]})


def _items(n: Names) -> Ask:
    named = {"case_ids": [n["case"]], "action_ids": [n["action"]]}
    return Ask(f"/oversight/campaigns/{n['campaign']}/items", named)


def _tasks(n: Names) -> Ask:
    by = f"case_id={n['case']}&owner_id={n['officer']}&meeting_id={n['meeting']}"
    return Ask(f"/oversight/tasks?{by}")


def _alerts(n: Names) -> Ask:
    return Ask(f"/oversight/alerts?case_id={n['case']}&owner_id={n['officer']}&standing=true")


def _whole(path: str, json: Any = None) -> Callable[[Names], Ask]:
    return lambda _: Ask(f"/oversight/{path}", json)


def _one(path: str, name: str, json: Any = None, verb: str = "") -> Callable[[Names], Ask]:
    return lambda n: Ask(f"/oversight/{path}/{n[name]}{verb}", json)


OVERSIGHT: dict[str, Callable[[Names], Ask]] = {
    f"GET {_AREA}/dashboard": _whole("dashboard?from=2026-01-01&to=2026-12-31"),
    f"GET {_AREA}/rules": _whole("rules"),
    f"POST {_AREA}/rules": _whole("rules", _RULE),
    f"GET {_AREA}/agenda": _whole("agenda?week=2026-W10"),
    f"GET {_AREA}/meetings": _whole("meetings"),
    f"POST {_AREA}/meetings": _call,
    f"GET {_AREA}/meetings/{{meeting_id}}": _one("meetings", "meeting"),
    f"POST {_AREA}/meetings/{{meeting_id}}/hold": lambda n: Ask(
        f"/oversight/meetings/{n['meeting']}/hold", {"attendee_ids": [n["user"]]}
    ),
    f"POST {_AREA}/meetings/{{meeting_id}}/minutes": _one(
        "meetings", "held_meeting", {"minutes": "逐案过堂(虚构)"}, "/minutes"
    ),
    f"POST {_AREA}/plans": _whole("plans", _PLAN),
    f"POST {_AREA}/inspections": _inspection,
    f"GET {_AREA}/tasks": _tasks,
    f"POST {_AREA}/tasks": _task,
    f"GET {_AREA}/tasks/{{task_id}}": _one("tasks", "task"),
    f"POST {_AREA}/tasks/{{task_id}}/done": _one(
        "tasks", "task", {"result": "已补录(虚构)"}, "/done"
    ),
    f"GET {_AREA}/alerts": _alerts,
    f"GET {_AREA}/alerts/{{alert_id}}": _one("alerts", "alert"),
    f"POST {_AREA}/alerts/{{alert_id}}/explain": _one("alerts", "alert", _SAY, "/explain"),
    f"POST {_AREA}/alerts/{{alert_id}}/clear": _one("alerts", "explained_alert", _SAY, "/clear"),
    f"POST {_AREA}/alerts/{{alert_id}}/escalate": _one("alerts", "alert", _SAY, "/escalate"),
    f"GET {_AREA}/campaigns": _whole("campaigns?state=running"),
    f"POST {_AREA}/campaigns": _whole("campaigns", _CAMPAIGN),
    f"GET {_AREA}/campaigns/{{campaign_id}}": _one("campaigns", "campaign"),
    f"POST {_AREA}/campaigns/{{campaign_id}}/items": _items,
    f"POST {_AREA}/campaigns/{{campaign_id}}/start": _one("campaigns", "campaign", None, "/start"),
    f"POST {_AREA}/campaigns/{{campaign_id}}/close": _one(
        "campaigns", "running_campaign", {"result": "执结八件(虚构)"}, "/close"
    ),
}
