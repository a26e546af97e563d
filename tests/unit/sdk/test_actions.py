"""Enforcement actions on a device without a network."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from client_sdk import errors
from client_sdk._actions_signed import Where
from client_sdk.client import FieldClient
from client_sdk.protocol.entries import field_kinds
from tests.unit.sdk.fake_clock import FakeClock
from tests.unit.sdk.fake_server import FakeServer

CASE = "01936b1e-0000-7000-8000-0000000000a0"
OTHER = "01936b1e-0000-7000-8000-0000000000a1"
MISSION = "01936b1e-0000-7000-8000-0000000000e0"
ACTION = "01936b1e-0000-7000-8000-0000000000c0"
PEOPLE = [{"name": "孙样例(虚构)", "role": "staff", "post": "enforcement_judge", "sex": "F"}]


def pulled(server: FakeServer, client: FieldClient, kind: str, key: str, data: Any) -> None:
    server.changes = [{"kind": kind, "op": "put", "id": key, "data": data}]
    client.pull()


def payloads(server: FakeServer) -> list[dict[str, Any]]:
    return [server.wires[key].payload for key in sorted(server.wires)]


def everything(client: FieldClient) -> str:
    """One record of each kind; the action's id."""
    actions, where = client.actions, Where(case=CASE)
    planned = actions.plan(
        "seal", begins_at="2026-03-02T10:00:00+08:00", place="东坡村(虚构)", **where
    )
    action = planned.action or ""
    actions.start(action=action)
    actions.people(PEOPLE, vehicles="样A·F0001警(虚构)", minors_on_site=0)
    actions.facts({"credentials_shown": True, "uniform": True}, note="着装(虚构)")
    actions.announce("recording", words="全程录音录像")
    actions.item(1, "商铺(虚构)", photos=["0" * 64], fields={"value_fen": 1, "exempt": False})
    actions.record(["officers", "debtor"], refused_by=["family"], refusal_noted=True)
    actions.paper("ruling", fields={"served": True, "on": date(2026, 3, 1)})
    actions.seizure("real_estate", date(2026, 3, 2), "2029-03-01", value_fen=280_000_000)
    actions.detention(days=3, handed_to_police=True)
    actions.summons("2026-03-02T10:00:00+08:00", "2026-03-02T12:00:00+08:00", complex=False)
    actions.cash(500_000, fields={"receipt_issued": True})
    actions.body_search("F", "杨演练(虚构)")
    actions.tag(["0" * 64], "seal_notice")
    actions.deliver("成年家属(虚构)", what="家具(虚构)", signed_by=["family"])
    actions.explain_gap("2026-03-02T10:00:00Z", "2026-03-02T10:12:00Z", "电池更换(虚构)")
    actions.persuade("被执行人(虚构)", "释明后果(虚构)", minutes=20, **where)
    actions.promise("被执行人(虚构)", "付清(虚构)", "2026-04-01", amount_fen=100, **where)
    actions.end(result="完成(虚构)")
    actions.cancel("改期(虚构)", action=actions.plan("visit", case=CASE).action)
    return action


def test_every_kind_is_written_offline_and_sent(client: FieldClient, server: FakeServer) -> None:
    action = everything(client)
    known = client.actions.get(action)
    assert (known.state, known.type, known.place) == ("ended", "seal", "东坡村(虚构)")
    assert client.actions.open() == []
    client.sync(receipts_wait_seconds=0)
    sent = [payload for payload in payloads(server) if payload["act"] in field_kinds()]
    assert {payload["act"] for payload in sent} == field_kinds()
    assert {payload["case"] for payload in sent} == {CASE}


def test_open_actions_by_code(client: FieldClient) -> None:
    first = client.actions.start("search", case=CASE)
    second = client.actions.start("visit", case=OTHER)
    assert [one.id for one in client.actions.open()] == [first.action, second.action]
    code = client.actions.open()[0].code
    client.actions.announce("recording", action=code.lower())
    assert client.actions.get(code).has("action.announcement")
    with pytest.raises(errors.ActionUnknownError, match="2 are open"):
        client.actions.announce("recording")
    client.actions.announce("rights", case=OTHER)
    assert client.actions.get(str(second.action)).has("action.announcement")


def test_the_mission_in_use_names_the_case(client: FieldClient, server: FakeServer) -> None:
    pulled(server, client, "mission", MISSION, {"case_ids": [CASE]})
    client.use_mission(MISSION)
    begun = client.actions.start("visit")
    assert begun.case == CASE
    client.use_mission(None)
    client.actions.end()
    client.sync(receipts_wait_seconds=0)
    assert [p["mission"] for p in payloads(server) if p["act"] in field_kinds()] == [MISSION] * 2


def test_nothing_without_a_case(client: FieldClient, server: FakeServer) -> None:
    pulled(server, client, "mission", MISSION, {"case_ids": [CASE, OTHER]})
    client.use_mission(MISSION)
    with pytest.raises(errors.NoCaseError):
        client.actions.start("visit")
    with pytest.raises(errors.NoCaseError):
        client.actions.persuade("某(虚构)", "谈话(虚构)")
    assert list(client.outbox()) == []


@pytest.mark.parametrize(
    ("kind", "data", "named"),
    [
        pytest.param("action.item", {"no": 1}, "name", id="missing"),
        pytest.param("action.item", {"no": -1, "name": "车"}, "no", id="negative"),
        pytest.param("action.item", {"no": 1, "name": "车", "hue": "红"}, "hue", id="unknown"),
        pytest.param("action.announcement", {"what": "hello"}, "what", id="no choice"),
        pytest.param("case.closed", {}, "case.closed", id="not in the field"),
        pytest.param("log.note", {}, "log.note", id="no entry"),
    ],
)  # fmt: skip
def test_bad_fields_are_refused_before_signing(
    client: FieldClient, kind: str, data: dict[str, Any], named: str
) -> None:
    client.actions.start("seal", case=CASE)
    before = len(list(client.outbox()))
    with pytest.raises(errors.EntryInvalidError, match=named):
        client.actions.write(kind, data)
    assert len(list(client.outbox())) == before


def test_what_an_action_does_not_take(client: FieldClient) -> None:
    actions = client.actions
    first = actions.start("seal", case=CASE)
    for kind, data in (
        ("action.started", {"type": "seal"}),
        ("action.started", {"type": "search"}),
        ("action.planned", {"type": "seal"}),
        ("action.cancelled", {"reason": "晚了(虚构)"}),
    ):
        with pytest.raises(errors.ActionStateError):
            actions.write(kind, data, action=first.action)
    with pytest.raises(errors.ActionStateError, match="another case"):
        actions.end(action=first.action, case=OTHER)
    planned = actions.plan("visit", case=CASE)
    actions.cancel("改期(虚构)", action=planned.action)
    with pytest.raises(errors.ActionStateError):
        actions.announce("recording", action=planned.action)
    with pytest.raises(errors.ActionUnknownError):
        actions.end(action=ACTION)
    with pytest.raises(errors.EntryInvalidError):
        actions.write("case.promise", {}, action=first.action)
    with pytest.raises(errors.EntryInvalidError, match="type"):
        actions.start(case=CASE)


def test_an_entry_is_amended(client: FieldClient, clock: FakeClock) -> None:
    first = client.actions.start("seal", case=CASE)
    clock.move(60)
    again = client.actions.amend(first.hid, {"type": "impound", "place": "东坡村(虚构)"})
    known = client.actions.get(str(first.action))
    assert (known.type, known.place, len(known.entries)) == ("impound", "东坡村(虚构)", 1)
    assert (again.case, again.action) == (CASE, first.action)
    with pytest.raises(errors.ActionUnknownError):
        client.actions.amend("0" * 64, {})


def extract(*entries: dict[str, Any]) -> dict[str, Any]:
    action = {"id": ACTION, "mission_id": MISSION, "type": "search", "state": "started"}
    return {"case_no": "(2025)样0101执11号", "actions": [{**action, "entries": list(entries)}]}


def test_a_second_device_goes_on(client: FieldClient, server: FakeServer) -> None:
    begun = {
        "id": OTHER, "kind": "action.started", "data": {"type": "search"}, "record_hid": "1" * 64,
        "happened_at": "2026-03-02T01:00:00Z",
    }  # fmt: skip
    pulled(server, client, "case", CASE, extract(begun))
    assert [(one.id, one.state) for one in client.actions.open()] == [(ACTION, "started")]
    done = client.actions.end()
    assert (done.case, done.action) == (CASE, ACTION)
    client.actions.amend("1" * 64, {"type": "search", "place": "仓库(虚构)"})
    known = client.actions.get(ACTION)
    assert (known.state, known.place, len(known.entries)) == ("ended", "仓库(虚构)", 2)
    # What this device wrote comes back with the next pull and counts once.
    own = {"kind": "action.ended", "data": {}, "record_hid": done.hid, "happened_at": done.wall}
    pulled(server, client, "case", CASE, extract(begun, own))
    assert len(client.actions.get(ACTION).entries) == 2


def test_an_action_nobody_told_of_needs_its_case(client: FieldClient) -> None:
    done = client.actions.end(action=ACTION, case=CASE)
    assert (done.action, done.case) == (ACTION, CASE)
    assert client.actions.get(ACTION).state == "ended"
