"""Lines of the log book without bytes: judged by the rules, disposed of by two people, logged."""

from __future__ import annotations

import json
import uuid
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from server.audit.models import Event
from server.core.clock import FixedClock
from server.core.transactions import EVERY_COURT, unit_of_work
from server.fieldlog.models import LogEntry
from server.retention.models import LineErasure
from server.upkeep.scrub import Options, scrub
from tests.factories.cases import Bench
from tests.factories.console import desk
from tests.factories.field import sequence
from tests.factories.identity import Caller, runtime_of
from tests.factories.log import sign_log
from tests.factories.retention import Archive

SAID = "被执行人称三日内到院(虚构)"


@pytest.fixture
def archive(app: Flask, clock: FixedClock) -> Archive:
    return Archive.build(app, clock)


def written(archive: Archive, case: uuid.UUID | None, text: str = SAID) -> uuid.UUID:
    """A line that an officer wrote, and nothing else."""
    about = {"who": str(archive.court.officer.id), "case": str(case) if case else None}
    wire = archive.recorder.note(text, **about)
    assert archive.recorder.outcomes([wire]) == ["accepted"]
    sequence(archive.app)
    with unit_of_work(archive.court.id, write=False) as session:
        newest = sa.select(LogEntry.id).order_by(LogEntry.id.desc()).limit(1)
        return session.execute(newest).scalar_one()


def old(archive: Archive, text: str = SAID) -> uuid.UUID:
    """A line of a case that was closed six years ago."""
    case = archive.case()
    line = written(archive, case, text)
    archive.close(case)
    archive.years(6)
    return line


def items(answer: Any) -> list[dict[str, Any]]:
    assert answer.status_code == 200, answer.get_json()
    found: list[dict[str, Any]] = answer.get_json()["items"]
    return found


def due(archive: Archive, who: Caller | None = None) -> list[str]:
    found = items((who or archive.supervisor).get("/retention/due-lines"))
    return [one["log_entry_id"] for one in found]


def propose(archive: Archive, *lines: uuid.UUID, by: Caller | None = None) -> list[dict[str, Any]]:
    body = {"log_entry_ids": [str(one) for one in lines], "reason": "期满(虚构)"}
    return items((by or archive.supervisor).post("/retention/line-disposals", json=body))


def decide(
    archive: Archive, asked: list[dict[str, Any]], verb: str = "approve", by: Caller | None = None
) -> list[dict[str, Any]]:
    ids = [one["erasure_id"] for one in asked if one["erasure_id"]]
    path = f"/retention/line-disposals/{verb}"
    return items((by or archive.president).post(path, json={"erasure_ids": ids}))


def text_of(archive: Archive, line: uuid.UUID) -> str | None:
    with unit_of_work(archive.court.id, write=False) as session:
        return session.get_one(LogEntry, line).text


def everything(archive: Archive) -> str:
    """All that the log still says."""
    with unit_of_work(EVERY_COURT, write=False) as session:
        return "".join(text or "" for text in session.execute(sa.select(Event.p)).scalars())


def test_two_people_dispose_of_a_line_and_its_header_stays(archive: Archive) -> None:
    line = old(archive)
    assert due(archive) == [str(line)]
    asked = propose(archive, line)
    assert [one["state"] for one in asked] == ["requested"]
    assert (due(archive), text_of(archive, line)) == ([], SAID)
    assert [one["state"] for one in decide(archive, asked)] == ["erased"]
    sequence(archive.app)
    assert text_of(archive, line) is None
    assert SAID not in everything(archive)
    with unit_of_work(EVERY_COURT, write=False) as session:
        hid = session.get_one(LogEntry, line).record_hid
        record = session.execute(sa.select(Event).where(Event.hid == hid)).scalar_one()
        assert (record.p, record.salt) == (None, None)
        told = sa.select(Event.p).where(Event.kind == "evidence.erased")
        facts = json.loads(session.execute(told).scalar_one() or "")["facts"]
    assert facts["hids"] == [hid]
    assert facts["requested_by"] == str(archive.court.supervisor.id)
    assert facts["legal_basis"].startswith("retention period over: log")
    assert due(archive) == []


def found(archive: Archive) -> set[tuple[str, str]]:
    """What a scrub complains of: this world's people were planted without a word to the log."""
    sequence(archive.app)
    sign_log(archive.app)
    report = scrub(runtime_of(archive.app), Options(resume=False))
    return {(one.code.value, one.subject) for one in report.findings}


def test_the_log_stays_whole_after_it(archive: Archive) -> None:
    line = old(archive)
    before = found(archive)
    assert [one["state"] for one in decide(archive, propose(archive, line))] == ["erased"]
    assert found(archive) == before


def test_nobody_decides_on_what_they_proposed(archive: Archive) -> None:
    asked = propose(archive, old(archive))
    (one,) = decide(archive, asked, by=archive.supervisor)
    assert (one["state"], one["problem"]) == ("left", "forbidden")


def test_a_refused_line_may_be_proposed_again(archive: Archive) -> None:
    line = old(archive)
    asked = propose(archive, line)
    (again,) = propose(archive, line, by=archive.president)
    assert (again["state"], again["problem"]) == ("left", "conflict")
    assert [one["state"] for one in decide(archive, asked, "refuse")] == ["refused"]
    assert due(archive) == [str(line)]
    assert [one["state"] for one in decide(archive, propose(archive, line))] == ["erased"]


@pytest.mark.parametrize("why", ["period", "permanent", "unclear", "open-case", "held"])
def test_what_must_stay_is_neither_due_nor_proposed(archive: Archive, why: str) -> None:
    case = None if why == "unclear" else archive.case()
    line = written(archive, case, "强制搜查住所(虚构)" if why == "permanent" else SAID)
    if case is not None and why != "open-case":
        archive.close(case)
    if why != "period":
        archive.years(50)
    if why == "held" and case is not None:
        archive.hold(case_id=case)
    assert due(archive) == []
    (one,) = propose(archive, line)
    assert (one["state"], one["why"]) == ("left", why)


def test_a_hold_that_came_meanwhile_is_heard_when_it_is_decided(archive: Archive) -> None:
    line = old(archive)
    asked = propose(archive, line)
    with unit_of_work(archive.court.id, write=False) as session:
        case = session.get_one(LogEntry, line).case_id
    assert case is not None
    archive.hold(case_id=case)
    (one,) = decide(archive, asked)
    assert (one["state"], one["why"]) == ("left", "held")
    assert text_of(archive, line) == SAID


def test_lines_beside_bytes_and_lines_of_others_are_not_found(archive: Archive) -> None:
    case = archive.case()
    archive.item(case)
    archive.close(case)
    archive.years(6)
    (line,) = due(archive)  # the note; the photo's own record is evidence
    other = archive.world.caller(archive.world.second.president)
    assert due(archive, other) == []
    (one,) = propose(archive, uuid.UUID(line), by=other)
    assert (one["state"], one["problem"]) == ("left", "not-found")
    (unknown,) = propose(archive, uuid.uuid4())
    assert (unknown["state"], unknown["problem"]) == ("left", "not-found")


@pytest.mark.parametrize("who", ["officer", "administrator", "police"])
def test_who_may_not(archive: Archive, who: str) -> None:
    caller = archive.world.caller(getattr(archive.court, who))
    body = {"log_entry_ids": [str(uuid.uuid4())], "reason": "x"}
    assert caller.post("/retention/line-disposals", json=body).status_code == 403
    assert caller.get("/retention/due-lines").status_code == 403


def test_on_the_pages_one_proposes_and_another_decides(archive: Archive) -> None:
    line, place = old(archive), "/admin/retention/lines"
    one = desk(archive.app, archive.court.supervisor, "en")
    other = desk(archive.app, archive.court.president, "en")
    assert SAID in one.get(place).get_data(as_text=True)
    form = {"log_entry_ids": str(line), "reason": "期满(虚构)"}
    assert one.post(place, form).status_code == 303
    with unit_of_work(archive.court.id, write=False) as session:
        asked = str(session.execute(sa.select(LineErasure.id)).scalar_one())
    assert "Log lines to decide on" in other.get("/inbox").get_data(as_text=True)
    assert "Log lines to decide on" not in one.get("/inbox").get_data(as_text=True)
    decision = {"erasure_ids": asked, "verb": "approve"}
    own = one.post(f"{place}/decide", decision)
    assert "Somebody else has to decide" in own.get_data(as_text=True)
    assert other.post(f"{place}/decide", decision).status_code == 303
    assert text_of(archive, line) is None
    assert SAID not in other.get(place).get_data(as_text=True)


def test_each_step_is_an_entry_of_the_log_without_words(archive: Archive) -> None:
    decide(archive, propose(archive, old(archive)))
    bench = Bench(archive.app)
    for kind in ("erasure.requested", "evidence.erased"):
        told = [row.p or "" for row in bench.events(kind)]
        assert SAID not in "".join(told)
