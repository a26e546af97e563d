"""The search of the log as a page, its exports, and what it records of itself."""

from __future__ import annotations

import csv
import io
import json
import tracemalloc
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from client_sdk.protocol.ids import short_code
from server.audit.events import EventKind
from server.audit.models import Event
from server.audit.quota import EXPORTS_PER_HOUR
from server.core.clock import FixedClock
from server.core.context import Context, system_actor
from server.core.transactions import EVERY_COURT, unit_of_work
from server.notices import projecting
from server.notices.models import UserNotice
from tests.factories.cases import Bench, add_case
from tests.factories.console import Desk, desk
from tests.factories.field import Recorder, sequence
from tests.factories.identity import World, runtime_of
from tests.factories.log import enter_events, sign_log


@pytest.fixture
def world(app: Flask) -> World:
    return World.build(app)


@pytest.fixture
def supervisor(world: World) -> Desk:
    return desk(world.app, world.first.supervisor)


def lines(desk_: Desk, query: str = "") -> list[dict[str, str]]:
    answer = desk_.get(f"/audit.csv?{query}&bom=false&lang=en")
    assert answer.status_code == 200, answer.text[:500]
    return list(csv.DictReader(io.StringIO(answer.text)))


def searched(world: World) -> list[Any]:
    return [
        json.loads(one.p or "{}")["facts"]["search"]
        for one in Bench(world.app).events(EventKind.AUDIT_SEARCHED)
    ]


@pytest.mark.parametrize("who", ["officer", "administrator", "police"])
def test_who_may_not_search(world: World, who: str) -> None:
    here = desk(world.app, getattr(world.first, who))
    for path in ("/audit", "/audit.csv", "/audit.json"):
        assert here.get(path).status_code == 403


def test_nobody_is_sent_to_sign_in(world: World) -> None:
    assert desk(world.app).get("/audit").headers["Location"] == "/sign-in?next=/audit"


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_entries_are_told_in_words(world: World, lang: str) -> None:
    case = add_case(world.app, world.first.id)
    recorder = Recorder(world.app, world.first.phone)
    assert recorder.outcomes([recorder.note(who=str(world.first.officer.id))]) == ["accepted"]
    sequence(world.app)
    sign_log(world.app)
    text = desk(world.app, world.first.supervisor, lang).get("/audit").text
    sentences = {
        "zh": ("登记了案件", "记了现场日志"),
        "en": ("filed a case", "wrote a line of the log"),
    }
    for sentence in sentences[lang]:
        assert sentence in text
    assert f'href="/cases/{case}"' in text
    assert short_code(case) in text
    assert "/api/v1/log/proofs/" in text
    assert "L1" in text


@pytest.mark.parametrize("by", ["number", "code", "id"])
def test_a_case_is_found_by_what_people_call_it(world: World, supervisor: Desk, by: str) -> None:
    case = add_case(world.app, world.first.id, serial=71)
    add_case(world.app, world.first.id, serial=72)
    sequence(world.app)
    number = f"（2025）{world.first.code}执71号"
    text = {"number": number, "code": short_code(case).lower(), "id": str(case)}[by]
    assert {one["id of about"] for one in lines(supervisor, f"case={text}")} == {str(case)}
    if by != "number":
        assert {one["id of about"] for one in lines(supervisor, f"subject={text}")} == {str(case)}


@pytest.mark.parametrize("text", ["ZZZZ-ZZZZ", "nothing", "(2025)样0101执99号"])
def test_what_nothing_is_called_finds_nothing(world: World, supervisor: Desk, text: str) -> None:
    enter_events(world.app, world.first.id, 3)
    assert lines(supervisor, f"subject={text}") == []
    assert lines(supervisor, f"case={text}") == []
    assert supervisor.get(f"/audit?subject={text}").status_code == 200


def test_searching_for_somebody_is_an_entry_and_leafing_is_none(
    world: World, supervisor: Desk
) -> None:
    enter_events(world.app, world.first.id, 3)
    for path in ("/audit", "/audit?group=case", "/audit?case=7F3K-29QX", "/audit?kind=user.added"):
        assert supervisor.get(path).status_code == 200
    assert searched(world) == []
    person = world.first.officer.id
    first = supervisor.get(f"/audit?actor={person}&limit=1&from=2026-01-01T00:00")
    assert first.status_code == 200
    assert searched(world) == [{"actor": str(person), "since": "2026-01-01 00:00:00"}]
    for query in (f"device={world.first.phone.id}", f"subject={person}"):
        supervisor.get(f"/audit?{query}")
    assert len(searched(world)) == 3


def test_the_next_page_of_a_search_is_no_new_search(world: World) -> None:
    person = world.first.supervisor
    here = desk(world.app, person)
    for _ in range(3):
        here.get(f"/audit?subject={person.id}")
    sequence(world.app)
    first = here.get(f"/audit?actor={person.id}&limit=1")
    cursor = first.text.partition("cursor=")[2].partition('"')[0].partition("&")[0]
    before = len(searched(world))
    assert here.get(f"/audit?actor={person.id}&limit=1&cursor={cursor}").status_code == 200
    assert len(searched(world)) == before


def test_every_export_is_an_entry(world: World, supervisor: Desk) -> None:
    enter_events(world.app, world.first.id, 3)
    assert supervisor.get("/audit.csv?group=user").status_code == 200
    assert supervisor.get("/audit.json?group=user").status_code == 200
    found = Bench(world.app).events(EventKind.AUDIT_EXPORTED)
    assert [json.loads(one.p or "")["facts"] for one in found] == [
        {"search": {"group": "user"}}
    ] * 2


def test_table_and_document_hold_the_same(world: World, supervisor: Desk) -> None:
    enter_events(world.app, world.first.id, 1203)
    table = lines(supervisor, "kind=user.added")
    items = supervisor.get("/audit.json?kind=user.added").get_json()["items"]
    assert len(table) == len(items) == 1203
    indexes = [one["log_index"] for one in items]
    assert indexes == sorted(indexes, reverse=True)
    assert [one["log index"] for one in table] == [str(one) for one in indexes]


def test_a_table_runs_nothing_in_a_spreadsheet(world: World) -> None:
    boss = world.caller(world.first.supervisor)
    case = add_case(world.app, world.first.id)
    reason = '=HYPERLINK("https://example.invalid","x")'
    body = {"case_id": str(case), "reason": reason}
    assert boss.post("/retention/holds", json=body).status_code == 201
    sequence(world.app)
    here = desk(world.app, world.first.supervisor)
    (row,) = lines(here, "kind=hold.placed")
    assert row["reason or purpose"] == "'" + reason
    (item,) = here.get("/audit.json?kind=hold.placed").get_json()["items"]
    assert item["reason"] == reason


def test_the_mark_for_spreadsheets_may_be_left_out(world: World, supervisor: Desk) -> None:
    assert supervisor.get("/audit.csv").data.startswith(b"\xef\xbb\xbf")
    plain = supervisor.get("/audit.csv?bom=false")
    assert not plain.data.startswith(b"\xef\xbb\xbf")
    assert plain.headers["Content-Disposition"] == 'attachment; filename="audit.csv"'
    assert plain.headers["Cache-Control"] == "no-store"


def test_a_long_export_needs_little_memory(world: World, supervisor: Desk) -> None:
    enter_events(world.app, world.first.id, 4_000)
    sizes = []
    for query in ("kind=user.added&from=2026-03-02T08:00&to=2026-03-02T08:59", "kind=user.added"):
        tracemalloc.start()
        answer = supervisor.get(f"/audit.json?{query}", buffered=False)
        total = sum(len(part) for part in answer.response)
        sizes.append((total, tracemalloc.get_traced_memory()[1]))
        tracemalloc.stop()
        answer.close()
    (_, least), (total, peak) = sizes
    assert total > 1_000_000
    assert peak - least < total, "the export is gathered before it is sent"


def test_another_court_exports_only_its_own(world: World) -> None:
    case = add_case(world.app, world.first.id)
    add_case(world.app, world.second.id)
    sequence(world.app)
    other = desk(world.app, world.second.supervisor)
    assert str(case) not in other.get("/audit.json").text
    assert lines(other, f"case={case}") == []
    assert lines(other, f"actor={world.first.officer.id}") == []


def told_people(world: World) -> set[tuple[Any, str]]:
    """Who was told what of the log."""
    with unit_of_work(EVERY_COURT) as session:
        projecting.project(Context(system_actor(), session, runtime_of(world.app)), -1)
    with unit_of_work(EVERY_COURT, write=False) as session:
        found = session.execute(sa.select(UserNotice.user_id, UserNotice.topic))
        return {(row.user_id, row.topic) for row in found if row.topic == "export-limited"}


def test_the_hundred_and_first_export_of_an_hour_is_refused_and_told(
    world: World, clock: FixedClock
) -> None:
    here = desk(world.app, world.first.supervisor)
    for _ in range(EXPORTS_PER_HOUR):
        assert here.get("/audit.json?kind=webhook.added").status_code == 200
    for _ in range(2):
        refused = here.get("/audit.json?kind=webhook.added")
        assert refused.status_code == 429
        assert refused.headers["Retry-After"] == "3600"
    bench = Bench(world.app)
    (told,) = bench.events(EventKind.EXPORT_LIMITED)
    assert told.subject_id == str(world.first.supervisor.id)
    assert len(bench.events(EventKind.AUDIT_EXPORTED)) == EXPORTS_PER_HOUR
    other = desk(world.app, world.first.president)
    assert other.get("/audit.json?kind=webhook.added").status_code == 200
    sequence(world.app)
    assert told_people(world) == {(world.first.president.id, "export-limited")}
    assert here.get("/audit.json?kind=webhook.added").status_code == 429
    clock.advance(timedelta(hours=1, seconds=1))
    here = desk(world.app, world.first.supervisor)
    assert here.get("/audit.json?kind=webhook.added").status_code == 200


def test_a_package_counts_as_well(world: World) -> None:
    case = add_case(world.app, world.first.id)
    here = desk(world.app, world.first.supervisor)
    for _ in range(EXPORTS_PER_HOUR):
        assert here.get("/audit.json?kind=webhook.added").status_code == 200
    body = {"case_id": str(case), "purpose": "移送(虚构)", "recipient": "中级法院(虚构)"}
    answer = world.caller(world.first.supervisor).post("/exports", json=body)
    assert answer.status_code == 429


def test_wrong_words_are_refused_as_a_page(world: World, supervisor: Desk) -> None:
    for query in ("kind=no.such", "group=x", "from=yesterday", "cursor=x", "limit=0", "what=x"):
        answer = supervisor.get(f"/audit?{query}")
        assert answer.status_code in {400, 422}, query
        assert answer.mimetype == "text/html"


def test_the_log_itself_is_untouched_by_reading(world: World, supervisor: Desk) -> None:
    enter_events(world.app, world.first.id, 3)
    supervisor.get("/audit.csv")
    with unit_of_work(EVERY_COURT, write=False) as session:
        kinds = session.execute(sa.select(Event.kind)).scalars().all()
    assert "custody.audit-exported" not in kinds  # it waits for the sequencer, like every other
