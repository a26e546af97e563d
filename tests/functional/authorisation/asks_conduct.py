"""Valid requests about the register and what is judged by it; see :mod:`asks`."""

from __future__ import annotations

from collections.abc import Callable

from tests.functional.authorisation.asking import Ask, Names
from tests.functional.authorisation.asks_oversight import OVERSIGHT


def _entry(n: Names) -> Ask:
    talk = {"on": "2025-06-20", "with": "被执行人(虚构)", "content": "释明后果(虚构)"}
    return Ask(f"/cases/{n['case']}/entries", {"kind": "case.persuasion", "data": talk})


def _said(what: str) -> Callable[[Names], Ask]:
    return lambda n: Ask(f"/findings/{n['finding']}/{what}", {"text": "已整改(虚构)"})


def _gates(n: Names) -> Ask:
    return Ask(f"/cases/{n['case']}/gates?closing=round_terminated")


CONDUCT: dict[str, Callable[[Names], Ask]] = {
    "GET /api/v1/entry-kinds": lambda _: Ask("/entry-kinds"),
    "POST /api/v1/cases/{case_id}/entries": _entry,
    "GET /api/v1/cases/{case_id}/entries": lambda n: Ask(
        f"/cases/{n['case']}/entries?action_id={n['action']}"
    ),
    "GET /api/v1/case-states": lambda _: Ask("/case-states?overdue=false"),
    "GET /api/v1/cases/{case_id}/state": lambda n: Ask(f"/cases/{n['case']}/state"),
    "GET /api/v1/cases/{case_id}/clocks": lambda n: Ask(f"/cases/{n['case']}/clocks"),
    "GET /api/v1/cases/{case_id}/gates": _gates,
    "GET /api/v1/actions": lambda n: Ask(f"/actions?case_id={n['case']}&mission_id={n['mission']}"),
    "GET /api/v1/actions/{action_id}": lambda n: Ask(f"/actions/{n['action']}"),
    "GET /api/v1/actions/{action_id}/checks": lambda n: Ask(f"/actions/{n['action']}/checks"),
    "GET /api/v1/cases/{case_id}/checks": lambda n: Ask(f"/cases/{n['case']}/checks"),
    "GET /api/v1/findings": lambda n: Ask(f"/findings?case_id={n['case']}&action_id={n['action']}"),
    "GET /api/v1/findings/{finding_id}": lambda n: Ask(f"/findings/{n['finding']}"),
    "POST /api/v1/findings/{finding_id}/explain": _said("explain"),
    "POST /api/v1/findings/{finding_id}/rectify": _said("rectify"),
    "POST /api/v1/findings/{finding_id}/uphold": _said("uphold"),
    "GET /api/v1/conduct-rules": lambda _: Ask("/conduct-rules"),
    "POST /api/v1/conduct-rules": lambda _: Ask(
        "/conduct-rules", {"text": "[config]\nstaff_min = 3\n", "reason": "加强(虚构)"}
    ),
    **OVERSIGHT,
}
