"""The register without scripts: forms of every kind, errors at the field, amending, lists."""

from __future__ import annotations

import re
import uuid
from typing import Any

import pytest
from flask import Flask

from client_sdk.protocol.entries import EntryKind, kinds
from server.core.transactions import unit_of_work
from server.register.models import Entry
from tests.factories.cases import add_case
from tests.factories.console import Desk, desk
from tests.factories.identity import World

HTML = re.compile(r"<[^>]+>")


@pytest.fixture
def world(app: Flask) -> World:
    return World.build(app)


@pytest.fixture
def case(world: World) -> uuid.UUID:
    return add_case(world.app, world.first.id, handler_id=world.first.officer.id)


@pytest.fixture
def officer(world: World) -> Desk:
    return desk(world.app, world.first.officer)


def entries(world: World) -> list[Entry]:
    with unit_of_work(world.first.id, write=False) as session:
        found = session.query(Entry).order_by(Entry.id).all()
        session.expunge_all()
        return found


def test_money_is_written_in_yuan_and_kept_in_fen(
    world: World, case: uuid.UUID, officer: Desk
) -> None:
    form = {
        "kind": "case.received",
        "f_on": "2025-06-20",
        "f_amount_fen": "1,280.5",
        "f_from": "甲",
    }
    taken = officer.post(f"/cases/{case}/register/new", form)
    assert taken.status_code == 303, taken.text
    assert entries(world)[0].data == {"on": "2025-06-20", "amount_fen": 128_050, "from": "甲"}
    shown = officer.get(f"/cases/{case}/register").text
    assert "¥1,280.50" in shown
    assert "金额（元）" in shown


def test_what_is_wrong_is_said_at_every_field_and_nothing_is_lost(
    world: World, case: uuid.UUID, officer: Desk
) -> None:
    form = {"kind": "case.received", "f_amount_fen": "12.345", "f_from": "乙虚构"}
    refused = officer.post(f"/cases/{case}/register/new", form)
    assert refused.status_code == 422
    assert 'id="f-on-error"' in refused.text
    assert 'id="f-amount_fen-error"' in refused.text
    assert 'value="乙虚构"' in refused.text
    assert 'value="12.345"' in refused.text
    english = desk(world.app, world.first.officer, lang="en")
    told = english.post(f"/cases/{case}/register/new", form).text
    assert "This has to be there" in told
    assert "An amount in yuan" in told
    assert entries(world) == []


def test_an_action_with_people_and_facts(world: World, case: uuid.UUID, officer: Desk) -> None:
    new = f"/cases/{case}/register/new"
    begun = officer.post(new, {"kind": "action.started", "f_type": "seal", "f_place": "清河镇"})
    assert begun.status_code == 303
    action = entries(world)[0].action_id
    assert begun.headers["Location"].startswith(f"/actions/{action}")
    people = {
        "kind": "action.people", "action": str(action), "p0_id": str(world.first.officer.id),
        "p0_role": "staff", "p3_name": "丙虚构", "p3_role": "debtor", "p3_sex": "M",
        "f_minors_on_site": "0",
    }  # fmt: skip
    assert officer.post(new, people).status_code == 303
    facts = {
        "kind": "action.facts", "action": str(action), "f_facts_uniform": "yes",
        "f_facts_list_signed": "no",
    }  # fmt: skip
    assert officer.post(new, facts).status_code == 303
    assert entries(world)[1].data == {
        "people": [
            {"id": str(world.first.officer.id), "role": "staff"},
            {"name": "丙虚构", "role": "debtor", "sex": "M"},
        ],
        "minors_on_site": 0,
    }
    assert entries(world)[2].data == {"facts": {"uniform": True, "list_signed": False}}


def test_more_rows_for_people_keep_what_was_written(
    world: World, case: uuid.UUID, officer: Desk
) -> None:
    form = {"kind": "action.people", "p0_name": "丁虚构", "more": "people"}
    again = officer.post(f"/cases/{case}/register/new", form)
    assert again.status_code == 200
    assert 'value="丁虚构"' in again.text
    assert 'name="p4_name"' in again.text
    assert entries(world) == []


def test_moments_are_local_and_kept_with_their_offset(
    world: World, case: uuid.UUID, officer: Desk
) -> None:
    form = {"kind": "action.planned", "f_type": "search", "f_begins_at": "2026-03-02T09:30:15"}
    assert officer.post(f"/cases/{case}/register/new", form).status_code == 303
    entry = entries(world)[0]
    assert entry.data["begins_at"] == "2026-03-02T09:30:15+08:00"
    shown = officer.get(f"/cases/{case}/register/new?amends={entry.id}").text
    assert 'value="2026-03-02T09:30:15"' in shown


def test_an_entry_is_amended_and_both_are_kept(
    world: World, case: uuid.UUID, officer: Desk
) -> None:
    new = f"/cases/{case}/register/new"
    talk = {
        "kind": "case.persuasion", "f_on": "2025-06-20", "f_with": "被执行人(虚构)",
        "f_content": "释明后果(虚构)",
    }  # fmt: skip
    officer.post(new, talk)
    first = entries(world)[0].id
    form = officer.get(f"{new}?amends={first}")
    assert "释明后果(虚构)" in form.text
    again = officer.post(new, {**talk, "f_content": "再次释明(虚构)", "amends": str(first)})
    assert "said_amended" in again.headers["Location"]
    listed = officer.get(f"/cases/{case}/register").text
    assert "再次释明(虚构)" in listed
    assert "释明后果(虚构)" not in listed
    both = officer.get(f"/cases/{case}/register?amended=true").text
    assert "释明后果(虚构)" in both
    one = officer.get(f"/cases/{case}/register/{first}").text
    assert "再次释明(虚构)" in one
    assert officer.post(new, {**talk, "amends": str(uuid.uuid4())}).status_code == 409


def test_what_names_another_entry_is_chosen(world: World, case: uuid.UUID, officer: Desk) -> None:
    new = f"/cases/{case}/register/new"
    empty = officer.get(f"{new}?kind=case.disbursed").text
    assert f"/cases/{case}/register/new?kind=case.received" in empty
    officer.post(new, {"kind": "case.received", "f_on": "2025-06-20", "f_amount_fen": "100"})
    arrival = entries(world)[0].id
    assert f'value="{arrival}"' in officer.get(f"{new}?kind=case.disbursed").text
    form = {
        "kind": "case.disbursed", "f_on": "2025-06-25", "f_amount_fen": "100", "f_of": str(arrival)
    }  # fmt: skip
    assert officer.post(new, form).status_code == 303
    assert f"/register/{arrival}" in officer.get(f"/cases/{case}/register").text


def test_leaders_kinds_are_not_offered_to_others(
    world: World, case: uuid.UUID, officer: Desk
) -> None:
    new = f"/cases/{case}/register/new"
    assert "kind=key.confirmed" not in officer.get(new).text
    leader = desk(world.app, world.first.supervisor)
    assert "kind=key.confirmed" in leader.get(new).text
    form = {"kind": "key.released", "f_on": "2025-06-20", "f_reason": "虚构"}
    refused = officer.post(new, form)
    assert refused.status_code == 403
    assert 'role="alert"' in refused.text


def test_the_list_as_json_and_csv_has_the_same_filters(
    world: World, case: uuid.UUID, officer: Desk
) -> None:
    new = f"/cases/{case}/register/new"
    officer.post(new, {"kind": "case.received", "f_on": "2025-06-20", "f_amount_fen": "100"})
    officer.post(new, {"kind": "case.petition", "f_on": "2025-06-21", "f_content": "=1+1(虚构)"})
    found: Any = officer.get(f"/cases/{case}/register.json?kind=case.received").get_json()
    assert [one["kind"] for one in found["items"]] == ["case.received"]
    rows = officer.get(f"/cases/{case}/register.csv").text.splitlines()
    assert len(rows) == 3
    assert "¥100.00" in rows[1]


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_every_kind_has_a_form(world: World, case: uuid.UUID, lang: str) -> None:
    leader = desk(world.app, world.first.president, lang=lang)
    for kind in kinds().values():
        shown = leader.get(f"/cases/{case}/register/new?kind={kind.id}")
        assert shown.status_code == 200, kind.id
        assert sorted(set(names_of(kind)) - set(re.findall(r'name="(\w+)"', shown.text))) == []


def names_of(kind: EntryKind) -> list[str]:
    found = []
    for field in kind.fields.values():
        if field.type == "people":
            found += ["p0_name", "p0_id", "p0_role", "p0_post", "p0_sex"]
        elif field.type == "facts":
            found += [f"f_{field.name}_{one}" for one in field.options]
        elif field.type == "digests":
            found += []  # the case has no evidence
        else:
            found.append(f"f_{field.name}")
    return found


def test_whether_a_number_is_taken_is_not_told(
    world: World, case: uuid.UUID, officer: Desk
) -> None:
    add_case(world.app, world.first.id, serial=77, handler_id=world.first.second_officer.id)
    form = {"kind": "case.resumed", "f_on": "2025-06-20", "f_reason": "虚构"}
    answers = [
        officer.post(f"/cases/{case}/register/new", {**form, "f_case": f"(2025)样0101执{serial}号"})
        for serial in (77, 78)
    ]
    assert [one.status_code for one in answers] == [422, 422]
