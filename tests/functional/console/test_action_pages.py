"""Actions and findings without scripts: what an action's page says, and what people answer."""

from __future__ import annotations

import re
import uuid
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask

from server.conduct import service
from server.conduct.judging import judge
from server.conduct.models import Finding
from server.console.words import LANGUAGES
from server.core.clock import FixedClock
from server.core.context import Context, system_actor
from server.core.transactions import unit_of_work
from server.register.models import Action
from tests.factories.cases import add_case, add_mission
from tests.factories.console import Desk, desk
from tests.factories.identity import World, runtime_of
from tests.factories.identity_rows import Person

ALONE = [{"name": "李演示(虚构)", "role": "staff", "post": "enforcement_officer", "sex": "M"}]


@dataclass
class Seal:
    """A sealing of half an hour by one officer alone, without recordings."""

    world: World
    case: uuid.UUID
    action: str

    def write(self, kind: str, data: Any, **more: Any) -> None:
        """Write down what happened."""
        body = {"kind": kind, "data": data, "action_id": self.action, **more}
        caller = self.world.caller(self.world.first.officer)
        answer = caller.post(f"/cases/{self.case}/entries", json=body)
        assert answer.status_code == 201, answer.text

    def desk(self, person: Person | None = None, lang: str = "zh") -> Desk:
        """Somebody's browser."""
        return desk(self.world.app, person or self.world.first.officer, lang)

    def judged(self) -> dict[str, str]:
        """What the worker does: store the checks and open findings; their ids by rule."""
        court = self.world.first.id
        with unit_of_work(court) as session:
            ctx = Context(system_actor(court), session, runtime_of(self.world.app))
            service.store(ctx, judge(ctx, session.get_one(Action, uuid.UUID(self.action))))
            session.flush()
            return {row.rule: str(row.id) for row in session.query(Finding)}


@pytest.fixture
def seal(app: Flask, clock: FixedClock) -> Seal:
    world = World.build(app)
    case = add_case(app, world.first.id, handler_id=world.first.officer.id)
    one = Seal(world, case, str(uuid.uuid4()))
    one.write("action.started", {"type": "seal", "place": "清河镇(虚构)"})
    one.write("action.people", {"people": ALONE, "vehicles": "样A·00001"})
    one.write("action.facts", {"facts": {"uniform": True, "credentials_shown": True}})
    one.write("action.item", {"no": 1, "name": "机床(虚构)", "value_fen": 500_000})
    clock.advance(timedelta(minutes=30))
    one.write("action.ended", {})
    return one


def test_a_page_says_everything_of_an_action(seal: Seal) -> None:
    shown = seal.desk().get(f"/actions/{seal.action}")
    assert shown.status_code == 200
    for text in ("李演示(虚构)", "样A·00001", "机床(虚构)", "¥5,000.00", "清河镇(虚构)"):
        assert text in shown.text
    assert len(set(re.findall(r'id="check-(CC\d\d)"', shown.text))) == 27


def test_a_failed_check_says_why_by_what_and_where(seal: Seal) -> None:
    row = row_of(seal.desk().get(f"/actions/{seal.action}").text, "CC02")
    assert "✗ 不合规" in row
    assert "执行人员 1 人，少于 2 人" in row
    assert "执行工作惯例" in row
    assert "/register/" in row
    good = row_of(seal.desk().get(f"/actions/{seal.action}").text, "CC01")
    assert "✓ 合规" in good
    assert "民事诉讼法" in good
    assert "2023" in good
    english = row_of(seal.desk(lang="en").get(f"/actions/{seal.action}").text, "CC02")
    assert "✗ Fail" in english
    assert "1 enforcement staff, 2 are needed" in english


def row_of(text: str, rule: str) -> str:
    """A check's row."""
    found = re.search(rf'<tr id="check-{rule}">.*?</tr>', text, re.DOTALL)
    assert found, rule
    return found[0]


def test_the_list_of_items_says_what_each_lacks(seal: Seal) -> None:
    text = seal.desk().get(f"/actions/{seal.action}").text
    for lack in ("缺照片", "缺地点", "缺签名"):
        assert lack in text


def test_a_gap_is_explained_from_its_row(seal: Seal) -> None:
    officer = seal.desk()
    text = officer.get(f"/actions/{seal.action}").text
    assert "尚未说明" in text
    address = re.search(r'href="(/cases/[^"]*kind=action.gap[^"]*from=[^"]*)"', text)
    assert address
    form = officer.get(address[1].replace("&amp;", "&")).text
    begins, ends = (
        re.search(rf'name="f_{name}" value="([^"]+)"', form) for name in ("begins_at", "ends_at")
    )
    assert begins
    assert ends
    filled = {
        "kind": "action.gap", "action": seal.action, "f_begins_at": begins[1],
        "f_ends_at": ends[1], "f_reason": "电池耗尽(虚构)",
    }  # fmt: skip
    assert officer.post(f"/cases/{seal.case}/register/new", filled).status_code == 303
    after = officer.get(f"/actions/{seal.action}").text
    assert "尚未说明" not in after
    assert "电池耗尽(虚构)" in after


def test_a_finding_is_explained_and_somebody_else_upholds_it(seal: Seal) -> None:
    finding = seal.judged()["CC02"]
    officer, leader = seal.desk(), seal.desk(seal.world.first.supervisor)
    early = leader.post(f"/findings/{finding}/uphold", {"text": "成立(虚构)"})
    assert early.status_code == 409
    said = officer.post(f"/findings/{finding}/explain", {"text": "同事途中抛锚(虚构)"})
    assert said.status_code == 303
    assert said.headers["Location"].endswith(f"#finding-{finding}")
    assert officer.post(f"/findings/{finding}/uphold", {"text": "虚构"}).status_code == 403
    shown = leader.get(f"/actions/{seal.action}").text
    assert "同事途中抛锚(虚构)" in shown
    assert f'action="/findings/{finding}/uphold"' in shown
    assert leader.post(f"/findings/{finding}/uphold", {"text": "人数不足(虚构)"}).status_code == 303
    listed = leader.get("/findings?state=upheld")
    assert "CC02" in listed.text
    assert "问题成立" in leader.get(f"/actions/{seal.action}").text


def test_lists_have_files_with_the_same_filters(seal: Seal) -> None:
    seal.judged()
    officer = seal.desk()
    rows: Any = officer.get("/actions.json?state=ended&type=seal").get_json()["items"]
    assert [row["id"] for row in rows] == [seal.action]
    assert rows[0]["fail"] > 0
    assert officer.get("/actions.json?state=planned").get_json()["items"] == []
    assert len(officer.get("/actions.csv").text.splitlines()) == 2
    found: Any = officer.get(f"/findings.json?rule=CC02&case={seal.case}").get_json()["items"]
    assert [one["rule"] for one in found] == ["CC02"]
    assert "CC02" in officer.get("/findings.csv?rule=CC02").text


@pytest.mark.parametrize("lang", LANGUAGES)
def test_pages_open_in_both_languages(seal: Seal, lang: str) -> None:
    seal.judged()
    leader = seal.desk(seal.world.first.supervisor, lang)
    for path in (f"/actions/{seal.action}", "/actions", f"/actions?case={seal.case}", "/findings"):
        assert leader.get(path).status_code == 200, path


def test_others_actions_are_not_there(seal: Seal) -> None:
    stranger = seal.desk(seal.world.first.second_officer)
    assert stranger.get(f"/actions/{seal.action}").status_code == 404
    assert stranger.get("/actions.json").get_json()["items"] == []


def test_a_court_sets_its_own_numbers(seal: Seal) -> None:
    leader = seal.desk(seal.world.first.president)
    assert "CC27" in leader.get("/conduct/rules").text
    wrong = leader.post("/conduct/rules", {"text": "[config]\nstaff_max = 3", "reason": "虚构"})
    assert wrong.status_code == 422
    assert "staff_max" in wrong.text
    good = {"text": "[config]\nstaff_min = 3\n", "reason": "加强力量(虚构)"}
    assert leader.post("/conduct/rules", good).status_code == 303
    assert "加强力量(虚构)" in leader.get("/conduct/rules").text
    assert "少于 3 人" in row_of(seal.desk().get(f"/actions/{seal.action}").text, "CC02")
    assert seal.desk().post("/conduct/rules", good).status_code == 403


def test_a_list_names_no_evidence(seal: Seal) -> None:
    """A reason may rest on items of another case of the same mission."""
    seal.judged()
    with unit_of_work(seal.world.first.id) as session:
        found = session.query(Finding).filter_by(rule="CC02").one()
        found.reasons = [{**found.reasons[0], "evidence": [str(uuid.uuid4())]}]
    shown: Any = seal.desk().get("/findings.json?rule=CC02").get_json()["items"]
    assert [set(why) for why in shown[0]["reasons"]] == [{"code", "values"}]


def test_a_mission_that_one_does_not_go_on_stays_unnamed(seal: Seal) -> None:
    app, court = seal.world.app, seal.world.first
    other = add_case(app, court.id, serial=12, handler_id=court.second_officer.id)
    mission = add_mission(
        app, court.id, [other], officer_ids=[court.second_officer.id], title="夜间布控(虚构)"
    )
    with unit_of_work(seal.world.first.id) as session:
        session.get_one(Action, uuid.UUID(seal.action)).mission_id = mission
    assert "夜间布控(虚构)" not in seal.desk().get(f"/actions/{seal.action}").text
    leader = seal.desk(seal.world.first.supervisor)
    assert "夜间布控(虚构)" in leader.get(f"/actions/{seal.action}").text
