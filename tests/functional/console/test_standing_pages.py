"""Where a case stands, trying to close it, and key cases: pages without scripts."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import Any

import pytest
from flask import Flask

from server.cases.closing_rules import Closing
from server.console.words import LANGUAGES
from tests.factories.cases import add_case
from tests.factories.console import Desk, desk
from tests.factories.identity import World
from tests.factories.identity_rows import Person


@dataclass
class Standing:
    """A case of the officer's, written about by hand."""

    world: World
    case: uuid.UUID

    def write(self, kind: str, data: Any, who: Person | None = None) -> str:
        """Write something down; the entry's id."""
        caller = self.world.caller(who or self.world.first.officer)
        answer = caller.post(f"/cases/{self.case}/entries", json={"kind": kind, "data": data})
        assert answer.status_code == 201, answer.text
        return str(answer.get_json()["id"])

    def desk(self, who: Person | None = None, lang: str = "zh") -> Desk:
        """Somebody's browser."""
        return desk(self.world.app, who or self.world.first.officer, lang)

    def page(self, name: str, lang: str = "zh") -> str:
        """A page of the case, as the officer sees it."""
        shown = self.desk(lang=lang).get(f"/cases/{self.case}/{name}")
        assert shown.status_code == 200, shown.text
        return shown.text


@pytest.fixture
def standing(app: Flask) -> Standing:
    world = World.build(app)
    case = add_case(app, world.first.id, handler_id=world.first.officer.id, cause="虚构")
    return Standing(world, case)


def test_amounts_and_measures_with_their_expiry(standing: Standing) -> None:
    standing.write("case.claim", {"on": "2026-01-05", "principal_fen": 10_000_000})
    standing.write("case.received", {"on": "2026-02-01", "amount_fen": 2_500_000})
    frozen = {
        "on": "2025-01-10", "type": "freeze", "asset": "账户(虚构)", "until_on": "2026-01-10",
        "value_fen": 100,
    }  # fmt: skip
    measure = standing.write("case.measure", frozen)
    shown = standing.page("state")
    for text in ("¥100,000.00", "¥25,000.00", "¥75,000.00", "账户(虚构)", "已届满"):
        assert text in shown
    assert f"/register/{measure}" in shown
    assert "已逾期" in standing.page("state")
    assert "Expired" in standing.page("state", "en")


def test_a_closing_is_tried_and_says_what_is_missing(standing: Standing) -> None:
    shown = standing.page("closing?closing=completed&on=2026-03-01")
    assert "✗" in shown
    assert "kind=case." in shown
    assert "法" in shown
    english = standing.page("closing?closing=completed&on=2026-03-01", "en")
    assert "✗ Missing" in english


def test_closing_is_refused_with_the_list(standing: Standing) -> None:
    form = {"kind": "case.closed", "f_on": "2026-03-01", "f_method": "round_terminated"}
    for lang, said in (("zh", "已发出执行通知、责令报告财产"), ("en", "property report order")):
        answer = standing.desk(lang=lang).post(f"/cases/{standing.case}/register/new", form)
        assert answer.status_code == 409
        assert 'role="alert"' in answer.text
        assert said in answer.text
        assert "/register/new?kind=case.paper" in answer.text
    state: Any = standing.world.caller(standing.world.first.officer).get(f"/cases/{standing.case}")
    assert state.get_json()["status"] != "closed"


def test_what_is_there_lets_the_case_be_closed(standing: Standing) -> None:
    standing.write("case.claim", {"on": "2026-01-05", "principal_fen": 100})
    arrived = standing.write("case.received", {"on": "2026-02-01", "amount_fen": 100})
    standing.write("case.disbursed", {"on": "2026-02-02", "amount_fen": 100, "of": arrived})
    address = f"/cases/{standing.case}/closing?closing=completed&on=2026-03-01"
    tried = standing.desk().get(address).text
    assert "✓ 条件具备" in tried
    form = {"kind": "case.closed", "f_on": "2026-03-01", "f_method": "completed"}
    assert standing.desk().post(f"/cases/{standing.case}/register/new", form).status_code == 303
    assert "已结案" in standing.page("state")
    assert 'name="f_method"' not in standing.desk().get(address).text


def test_a_key_case_is_suggested_confirmed_and_its_six_versioned(standing: Standing) -> None:
    standing.write(
        "case.applicant",
        {"on": "2026-01-05", "circumstance": "migrant_workers", "ground": "名册(虚构)"},
    )
    suggested = standing.page("key")
    assert "建议列为重点" in suggested
    assert "名册(虚构)" in suggested
    assert 'name="f_categories"' not in suggested
    leader = standing.desk(standing.world.first.supervisor)
    assert 'value="migrant_wages" checked' in leader.get(f"/cases/{standing.case}/key").text
    new = f"/cases/{standing.case}/register/new"
    form = {
        "kind": "key.confirmed", "f_on": "2026-02-01", "f_categories": ["migrant_wages"],
        "f_reason": "涉农民工(虚构)",
    }  # fmt: skip
    assert leader.post(new, form).status_code == 303
    officer = str(standing.world.first.officer.id)
    six = {
        "kind": "key.responsibility", "f_on": "2026-02-02", "f_handler": officer,
        "f_measures": "查封(虚构)",
    }  # fmt: skip
    assert leader.post(new, six).status_code == 303
    shown = standing.page("key")
    assert "不完整" in shown
    assert standing.world.first.officer.name in shown
    assert "未定" in shown


@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_way_of_closing_can_be_tried(standing: Standing, lang: str) -> None:
    for closing in Closing:
        standing.page(f"closing?closing={closing.value}", lang)
    for name in ("state", "closing", "key"):
        standing.page(name, lang)


def test_the_case_page_says_what_presses(standing: Standing) -> None:
    standing.write(
        "case.measure",
        {"on": "2025-01-10", "type": "freeze", "asset": "账户(虚构)", "until_on": "2026-01-10"},
    )
    shown = standing.desk().get(f"/cases/{standing.case}").text
    assert "应续行" in shown
    assert f'href="/cases/{standing.case}/closing"' in shown
