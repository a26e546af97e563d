"""The note that a guest keeps: signed, with the times, the entries and the log's head."""

from __future__ import annotations

import json

import pytest
from flask import Flask

from client_sdk.protocol.attendance import AttendanceNote, verify_attendance
from client_sdk.protocol.errors import StatementError
from client_sdk.protocol.statements import SignedStatement
from server.audit.models import Event
from server.live.commands import Decision
from tests.factories.cases import Bench
from tests.factories.field import sequence
from tests.factories.guests import Watching, guest, invite
from tests.factories.identity import runtime_of
from tests.factories.live import Outing
from tests.factories.log import sign_log


@pytest.fixture
def outing(app: Flask) -> Outing:
    """A mission under way with two released entries, one held, all in the signed log."""
    outing = Outing.build(app)
    outing.start()
    for text in ("到达现场(虚构)", "出示证件(虚构)", "据举报该处有财产(虚构)"):
        outing.note(text)
    outing.read()
    outing.pass_time(minutes=10)
    outing.release_due()
    sequence(app)
    sign_log(app)
    return outing


@pytest.fixture
def visitor(app: Flask, outing: Outing) -> Watching:
    """A guest who watches for three minutes."""
    visitor = guest(app, invite(app, outing.court.supervisor, outing.mission))
    visitor.get("/g")
    outing.pass_time(minutes=3)
    visitor.get("/g")
    return visitor


def statement_of(visitor: Watching) -> SignedStatement:
    answer = visitor.get("/g/attendance.json")
    assert "attachment" in answer.headers["Content-Disposition"]
    return SignedStatement.from_dict(answer.get_json())


def note_of(app: Flask, visitor: Watching) -> AttendanceNote:
    return verify_attendance(statement_of(visitor), runtime_of(app).keyring)


def test_the_note_says_when_somebody_was_there_and_what_was_shown(
    app: Flask, outing: Outing, visitor: Watching
) -> None:
    note = note_of(app, visitor)
    assert (note.seconds, note.seen) == (180, 2)
    ((arrived, left),) = [(one.arrived, one.left) for one in note.visits]
    assert (left - arrived).total_seconds() == 180
    assert note.observer == "邓观摩(虚构)"
    assert note.court == str(outing.court.id)
    assert str(outing.mission) not in json.dumps(note.to_body())


def test_the_entries_name_their_places_in_the_log(
    app: Flask, outing: Outing, visitor: Watching
) -> None:
    note = note_of(app, visitor)
    places = [one.log_index for one in note.entries]
    assert None not in places
    assert note.head is not None
    with outing.system() as ctx:
        for place in places:
            event = ctx.session.get_one(Event, place)
            assert event.kind == "live.released"
            assert place is not None
            assert place < note.head.size


def test_what_a_person_released_has_its_place_as_well(app: Flask, outing: Outing) -> None:
    row = next(row for row in outing.rows() if row.state == "held")
    outing.decide(row, Decision.REDACT, text="现场清点(虚构)")
    sequence(app)
    visitor = guest(app, invite(app, outing.court.supervisor, outing.mission))
    visitor.get("/g")
    note = note_of(app, visitor)
    assert note.seen == 3
    assert None not in [one.log_index for one in note.entries]


def test_a_note_that_was_changed_is_refused(app: Flask, visitor: Watching) -> None:
    statement = statement_of(visitor)
    more = SignedStatement(
        statement.s.replace('"seconds":180', '"seconds":181'), statement.sig, statement.k
    )
    assert more.s != statement.s
    with pytest.raises(StatementError):
        verify_attendance(more, runtime_of(app).keyring)


def test_each_note_is_an_entry_of_the_log(app: Flask, visitor: Watching) -> None:
    statement = statement_of(visitor)
    (event,) = Bench(app).events("attendance.noted")
    facts = json.loads(event.p or "{}")["facts"]
    assert (facts["sig"], facts["k"], facts["seconds"]) == (statement.sig, statement.k, 180)


def test_a_note_is_made_anew_only_when_it_says_something_new(
    app: Flask, outing: Outing, visitor: Watching
) -> None:
    first = statement_of(visitor)
    outing.pass_time(seconds=30)
    visitor.get("/g/attendance")
    assert statement_of(visitor) == first
    assert len(Bench(app).events("attendance.noted")) == 1
    outing.pass_time(minutes=2)
    visitor.get("/g")
    second = statement_of(visitor)
    assert second != first
    assert verify_attendance(second, runtime_of(app).keyring).seconds == 330
    assert len(Bench(app).events("attendance.noted")) == 2


def test_the_note_can_be_printed(visitor: Watching) -> None:
    text = visitor.get("/g/attendance").get_data(as_text=True)
    assert "Attendance note" in text
    assert "3:00" in text
    assert "Signature" in text


def test_a_note_can_be_had_until_the_replay_ends(
    app: Flask, outing: Outing, visitor: Watching
) -> None:
    outing.pass_time(days=7)
    assert note_of(app, visitor).seconds == 180
    outing.pass_time(days=8)
    assert visitor.get("/g/attendance.json").status_code == 401
