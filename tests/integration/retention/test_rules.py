"""Rules of retention, classes and what they make of an item."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from flask import Flask

from server.audit.events import EventKind
from server.core.clock import FixedClock
from tests.factories.cases import Bench
from tests.factories.retention import Archive


@pytest.fixture
def archive(app: Flask, clock: FixedClock) -> Archive:
    return Archive.build(app, clock)


def rule(archive: Archive, category: str, months: int | None) -> Any:
    body = {"category": category, "months": months, "reason": "院长办公会(虚构)"}
    return archive.supervisor.post("/retention/rules", json=body)


def test_an_item_of_an_open_case_has_no_end(archive: Archive) -> None:
    item = archive.item(archive.case())
    archive.years(30)
    found = archive.judged(item)
    assert (found["kept"]["code"], found["kept"]["until"]) == ("open-case", None)
    assert archive.due() == []


def test_the_period_runs_from_the_closing(archive: Archive) -> None:
    case = archive.case()
    item = archive.item(case)
    archive.years(1)
    archive.close(case)
    found = archive.judged(item)
    kept = found["kept"]
    assert (kept["code"], kept["of"], kept["months"]) == ("period", "closing", 60)
    since, until = (datetime.fromisoformat(kept[name]) for name in ("since", "until"))
    assert timedelta(days=1825) < until - since < timedelta(days=1828)
    assert found["derived"] == {
        "category": "ordinary", "code": "ordinary", "word": None, "source": None,
    }  # fmt: skip
    archive.clock.advance(until - archive.clock.now() - timedelta(milliseconds=1))
    assert archive.due() == []
    archive.clock.advance(timedelta(milliseconds=1))
    assert archive.due() == [str(item)]


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"note": "被执行人暴力抗拒(虚构)"}, "hint"),
        ({"title": "强制腾退(虚构)"}, "hint"),
    ],
    ids=["log", "title"],
)
def test_signs_of_coercion_keep_it_for_good(
    archive: Archive, changes: dict[str, Any], code: str
) -> None:
    (item,) = archive.old(**changes)
    found = archive.judged(item)
    assert (found["derived"]["code"], found["kept"]["code"]) == (code, "permanent")
    archive.years(100)
    assert archive.due() == []


@pytest.mark.parametrize("case_known", [True, False], ids=["no-mission", "no-case"])
def test_what_nobody_knows_stays(archive: Archive, *, case_known: bool) -> None:
    case = archive.case() if case_known else None
    item = archive.item(case, note=None)
    if case is not None:
        archive.close(case)
    archive.years(100)
    found = archive.judged(item)
    assert (found["derived"]["category"], found["kept"]["code"]) == ("unclear", "unclear")
    assert archive.due() == []


def test_a_rule_is_a_version_with_reason_and_event(archive: Archive) -> None:
    (item,) = archive.old()
    assert archive.due() == [str(item)]
    answer = rule(archive, "ordinary", 120)
    assert (answer.status_code, answer.get_json()["version"]) == (201, 1)
    assert archive.due() == []
    assert rule(archive, "ordinary", None).get_json()["version"] == 2
    assert archive.judged(item)["kept"]["code"] == "permanent"
    shown = archive.supervisor.get("/retention/rules").get_json()
    assert [(one["version"], one["months"]) for one in shown["versions"]] == [(2, None), (1, 120)]
    assert {one["category"]: one["months"] for one in shown["rules"]} == {
        "ordinary": None, "recording": 60, "log": 60, "coercive": None, "unclear": None,
    }  # fmt: skip
    last = Bench(archive.app).events(EventKind.RETENTION_RULED)[-1]
    assert '"months":{"from":120,"to":null}' in (last.p or "")


@pytest.mark.parametrize(
    ("category", "months"),
    [("ordinary", 5), ("ordinary", 0), ("ordinary", -1), ("coercive", 60), ("unclear", 60),
     ("ordinary", 1201)],
    ids=["five", "zero", "negative", "coercive", "unclear", "too-long"],
)  # fmt: skip
def test_rules_that_no_court_can_make(archive: Archive, category: str, months: int) -> None:
    assert rule(archive, category, months).status_code == 422


def test_another_court_has_its_own_rules(archive: Archive) -> None:
    assert rule(archive, "ordinary", 120).status_code == 201
    other = archive.world.caller(archive.world.second.supervisor)
    shown = other.get("/retention/rules").get_json()
    assert shown["versions"] == []
    assert {one["months"] for one in shown["rules"]} == {60, None}


def test_a_preview_says_how_many_and_why_and_changes_nothing(archive: Archive) -> None:
    items = archive.old(3)
    archive.item(archive.case())  # its case is open: the months differ, the end does not come
    (kept,) = archive.old(note="查封(虚构)")
    path = "/retention/effects?category=ordinary&months=120"
    found = archive.supervisor.get(path).get_json()
    assert (found["looked_at"], found["changed"], found["longer"]) == (5, 4, 4)
    assert (found["due_now"], found["is_whole"], found["why"]) == (0, True, {"ordinary": 4})
    assert str(kept) not in {one["evidence_id"] for one in found["sample"]}
    shorter = archive.supervisor.get("/retention/effects?category=ordinary&months=6").get_json()
    assert (shorter["changed"], shorter["shorter"], shorter["due_now"]) == (4, 4, 0)
    assert set(archive.due()) == {str(one) for one in items}


def test_a_person_classes_with_a_reason(archive: Archive) -> None:
    case = archive.case()
    item = archive.item(case, note="查封(虚构)")
    archive.close(case)
    archive.years(6)
    body = {"evidence_ids": [str(item)], "category": "ordinary", "reason": "仅张贴公告(虚构)"}
    officer = archive.world.caller(archive.court.officer)
    assert officer.post("/retention/classes", json=body).status_code == 403
    assert archive.supervisor.post("/retention/classes", json=body).status_code == 201
    assert archive.judged(item)["derived"]["code"] == "set"
    assert archive.due() == [str(item)]
    back = {**body, "category": "coercive", "reason": "有抗拒情节(虚构)"}
    assert archive.president.post("/retention/classes", json=back).status_code == 201
    assert archive.due() == []
    kinds = Bench(archive.app).events(EventKind.RETENTION_CLASSED)
    assert [one.subject_id for one in kinds] == [str(item)] * 2


def test_unclear_is_no_class(archive: Archive) -> None:
    item = archive.item(archive.case())
    body = {"evidence_ids": [str(item)], "category": "unclear", "reason": "不清楚(虚构)"}
    assert archive.supervisor.post("/retention/classes", json=body).status_code == 422


def test_an_item_without_a_case_waits_for_those_of_its_mission(archive: Archive) -> None:
    case = archive.case()
    item = archive.item(case, of_mission_alone=True)
    archive.years(1)
    assert archive.judged(item)["kept"]["code"] == "open-case"
    archive.close(case)
    assert archive.judged(item)["kept"]["of"] == "closing"
    archive.years(6)
    assert archive.due() == [str(item)]
