"""Checks and findings over HTTP: an action recorded offline, looked at by whom it concerns."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask

from tests.factories.acting import JUDGE, OFFICER, VILLAGE, Acting
from tests.factories.cases import add_case, add_mission
from tests.factories.identity import Caller, World

SAID = {"text": "设备没电(虚构)"}


@pytest.fixture
def world(app: Flask) -> World:
    return World.build(app)


@pytest.fixture
def acting(world: World) -> Acting:
    """A sealing that one camera filmed, judged by the worker."""
    acting = Acting.build(world.app, court=world.first)
    acting.run("seal")
    acting.people(JUDGE, OFFICER, VILLAGE)
    acting.says(credentials_shown=True, uniform=True, list_signed=False)
    acting.write("action.announcement", what="recording")
    acting.film("A")
    acting.photo(b"notice", tag="seal_notice")
    acting.worker()
    return acting


@pytest.fixture
def officer(world: World) -> Caller:
    return world.caller(world.first.officer)


@pytest.fixture
def supervisor(world: World) -> Caller:
    return world.caller(world.first.supervisor)


def got(caller: Caller, path: str) -> Any:
    answer = caller.get(path)
    assert answer.status_code == 200, answer.text
    return answer.get_json()


def test_every_outcome_explains_itself(acting: Acting, officer: Caller) -> None:
    body = got(officer, f"/actions/{acting.action}/checks")
    checks = {one["rule"]: one for one in body["checks"]}
    assert len(checks) == 27
    assert all(one["reasons"] for one in checks.values())
    filmed = checks["CC20"]
    assert filmed["outcome"] == "warn"
    assert filmed["reasons"][0]["zh"] == "08:00:00 至 09:00:00 录像设备少于 2 台"
    assert filmed["evidence"] == [one["evidence_id"] for one in body["coverage"]["recordings"]]
    assert filmed["finding_id"]
    posted = checks["CC14"]
    assert (posted["outcome"], posted["reasons"][0]["code"]) == ("pass", "in-order")
    assert len(posted["evidence"]) == len(posted["entries"]) == 1
    assert checks["CC03"]["basis"][0]["law_version"] == "2023"
    assert checks["CC03"]["outcome"] == "unknown"
    assert body["coverage"]["covered_percent"] == "100.0"
    assert body["items"] == {"is_complete": True, "lines": [], "unlisted": [], "shared": []}


def test_the_page_of_an_action_is_fresh_and_the_lists_follow(
    acting: Acting, officer: Caller
) -> None:
    acting.write("action.record", signed_by=["officers", "debtor"])
    fresh = {one["rule"]: one for one in got(officer, f"/actions/{acting.action}/checks")["checks"]}
    assert fresh["CC03"]["outcome"] == "pass"

    def stored() -> tuple[str, bool]:
        (action,) = got(officer, f"/cases/{acting.case}/checks")["actions"]
        by_rule = {one["rule"]: one["outcome"] for one in action["checks"]}
        return by_rule["CC03"], action["is_due"]

    assert stored() == ("unknown", True)
    acting.worker()
    assert stored() == ("pass", False)


def test_a_finding_is_explained_and_decided(
    acting: Acting, officer: Caller, supervisor: Caller
) -> None:
    listed = got(officer, f"/findings?case_id={acting.case}&state=open&rule=CC20")["items"]
    (finding,) = listed
    path = f"/findings/{finding['id']}"
    assert officer.post(f"{path}/uphold", json=SAID).status_code == 403
    assert supervisor.post(f"{path}/uphold", json=SAID).status_code == 409
    assert officer.post(f"{path}/explain", json=SAID).get_json()["state"] == "explained"
    decided = supervisor.post(f"{path}/rectify", json={"text": "已换设备(虚构)"})
    assert decided.get_json()["state"] == "rectified"
    assert got(officer, path)["decision"] == "已换设备(虚构)"
    assert officer.post(f"{path}/explain", json=SAID).status_code == 409
    assert got(officer, "/findings?outcome=warn&state=open")["items"] == []


@pytest.mark.parametrize("text", ["", "\0", "x" * 2_001], ids=["nothing", "nul", "too much"])
def test_what_is_said_is_readable(acting: Acting, officer: Caller, text: str) -> None:
    finding = acting.findings("CC20")[0].id
    assert officer.post(f"/findings/{finding}/explain", json={"text": text}).status_code == 422


def test_findings_come_in_pages(acting: Acting, officer: Caller) -> None:
    everything = [one["id"] for one in got(officer, "/findings")["items"]]
    first = got(officer, "/findings?limit=1")
    second = got(officer, f"/findings?limit=1&cursor={first['next_cursor']}")
    assert [first["items"][0]["id"], second["items"][0]["id"]] == everything[:2]
    assert acting.findings("CC20")


def test_others_see_nothing(acting: Acting, world: World) -> None:
    stranger = world.caller(world.second.supervisor)
    finding = acting.findings("CC20")[0].id
    for path in (f"/actions/{acting.action}/checks", f"/cases/{acting.case}/checks",
                 f"/findings/{finding}"):  # fmt: skip
        assert stranger.get(path).status_code == 404
    assert stranger.post(f"/findings/{finding}/explain", json=SAID).status_code == 404
    assert got(stranger, "/findings")["items"] == []


def test_an_item_of_a_case_that_is_not_seen_counts_unnamed(world: World) -> None:
    """A film of the mission under another case covers the action; its handler may not see it."""
    acting = Acting.build(world.app, court=world.first)
    other = add_case(world.app, world.first.id, serial=12, parties=[])
    acting.mission = add_mission(world.app, world.first.id, case_ids=[acting.case])
    acting.run("visit")
    acting.film("A", case_id=other, mission_id=acting.mission)
    path = f"/actions/{acting.action}/checks"
    mine = got(world.caller(world.first.officer), path)
    assert (mine["coverage"]["covered_percent"], mine["coverage"]["recordings"]) == ("100.0", [])
    assert {one["rule"]: one["evidence"] for one in mine["checks"]}["CC20"] == []
    theirs = got(world.caller(world.first.supervisor), path)
    assert len(theirs["coverage"]["recordings"]) == 1


def test_a_court_rules_for_itself(acting: Acting, supervisor: Caller, officer: Caller) -> None:
    own = {"text": "[config]\nrecorders_min = 1\n", "reason": "设备不足(虚构)"}
    assert officer.post("/conduct-rules", json=own).status_code == 403
    made = supervisor.post("/conduct-rules", json=own)
    assert (made.status_code, made.get_json()["version"]) == (201, 1)
    refused = supervisor.post("/conduct-rules", json={**own, "text": "[CC02]"})
    assert refused.status_code == 422
    listed = got(officer, "/conduct-rules")
    assert (listed["version"], len(listed["rules"])) == (1, 27)
    checks = {
        one["rule"]: one for one in got(officer, f"/actions/{acting.action}/checks")["checks"]
    }
    assert checks["CC20"]["outcome"] == "pass"
