"""Before the start there is no operation, to the byte; afterwards only what was decided."""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass

import pytest
from flask import Flask

from server.cases.commands import PartyCommand
from server.cases.parties import PartyKind, PartyRole
from server.cases.states import MissionState
from server.core.transactions import EVERY_COURT, unit_of_work
from server.live import feed
from server.live.commands import Decision
from tests.factories.identity import World
from tests.factories.live import Outing

CANARIES = (
    "蔡卫国", "孔若兰", "邻居赵建军", "冯样例", "38.2112345", "104.4198765", "13800001234",
    "990101197805120117", "东坡村12号", "样A12345", "14:02:33", "账户余额三千元", "进入卧室",
    "据线索前往", "7岁男童", "正在赶往", "(2025)样0101执11号", "fa@example.com", "88号3栋502室",
    "欧阳若兰",
)  # fmt: skip
PARTIES = (
    PartyCommand(role=PartyRole.DEBTOR, kind=PartyKind.NATURAL, name="蔡卫国"),
    PartyCommand(role=PartyRole.APPLICANT, kind=PartyKind.NATURAL, name="欧阳若兰"),
    PartyCommand(
        role=PartyRole.OUTSIDER, kind=PartyKind.LEGAL, name="样例工程队(虚构)",
        details={"legal_representative": "孔若兰"},
    ),
)  # fmt: skip
GEO = {"lat": "38.2112345", "lon": "104.4198765", "datum": "WGS84", "src": "gnss"}


@dataclass(frozen=True)
class Answers:
    """All that the observers' side says of a mission, as bytes."""

    state: bytes
    entries: bytes
    entry: bytes

    @classmethod
    def about(cls, mission: uuid.UUID, entry: uuid.UUID) -> Answers:
        with unit_of_work(EVERY_COURT, write=False) as session:
            state = feed.observer_state(session, mission)
            entries = feed.observer_entries(session, mission)
            one = feed.observer_entry(session, mission, entry)
        return cls(
            json.dumps(state.as_dict()).encode(),
            json.dumps([found.as_dict() for found in entries]).encode(),
            json.dumps(one.as_dict() if one else None).encode(),
        )


@pytest.mark.parametrize("notes", [0, 1, 7])
@pytest.mark.parametrize("cancelled", [False, True])
def test_a_planned_mission_answers_as_one_that_never_was(
    app: Flask,
    notes: int,
    cancelled: bool,
) -> None:
    nothing = Answers.about(uuid.uuid4(), uuid.uuid4())
    outing = Outing.build(app, parties=PARTIES)
    for number in range(notes):
        outing.note(f"{CANARIES[number]}", geo=GEO)
        outing.capture(f"photo {number}".encode())
    if cancelled:
        outing.become(MissionState.CANCELLED)
    outing.read()
    outing.pass_time(hours=2)
    outing.release_due()
    assert Answers.about(outing.mission, uuid.uuid4()) == nothing


def test_until_the_delay_is_over_the_number_of_entries_makes_no_difference(app: Flask) -> None:
    outing = Outing.build(app, parties=PARTIES)
    outing.start()
    outing.read()
    before = Answers.about(outing.mission, uuid.uuid4())
    for canary in CANARIES:
        outing.note(canary, geo=GEO)
    outing.read()
    hidden = outing.rows()[0].id
    assert Answers.about(outing.mission, hidden) == before


def test_no_canary_reaches_an_observer(app: Flask) -> None:
    outing = Outing.build(app, parties=PARTIES, title="清河镇蔡卫国案(虚构)")
    outing.start()
    for number, canary in enumerate(CANARIES):
        outing.note(f"到达现场，{canary}，宣读裁定", geo=GEO)
        outing.capture(f"photo {number}".encode(), geo=GEO)
    outing.read()
    hidden = [str(row.source_id) for row in outing.rows()]
    outing.pass_time(minutes=10)
    outing.release_due()
    assert len(outing.seen()) == 2 * len(CANARIES)
    entry = outing.rows()[0].id
    answers = Answers.about(outing.mission, entry)
    told = (answers.state + answers.entries + answers.entry).decode()
    told = json.dumps(json.loads(answers.entries), ensure_ascii=False) + told
    state = json.dumps(json.loads(answers.state), ensure_ascii=False)
    for canary in (*CANARIES, *hidden, str(outing.case), str(outing.court.officer.id)):
        assert canary not in told
        assert canary not in state
        assert json.dumps(canary)[1:-1] not in told


def test_ids_that_observers_get_hold_no_time(app: Flask) -> None:
    outing = Outing.build(app)
    outing.start()
    outing.note()
    outing.read()
    assert [row.id.version for row in outing.rows()] == [4]


def test_a_replay_gives_each_entry_once_as_it_is_now(app: Flask) -> None:
    outing = Outing.build(app)
    outing.start()
    for number in range(4):
        outing.note(f"第{number}次宣读(虚构)")
    outing.read()
    outing.pass_time(minutes=10)
    outing.release_due()
    outing.decide(outing.rows()[1], Decision.WITHDRAW, reason="误发(虚构)")
    seen = outing.seen()
    assert [entry.position for entry in seen] == [1, 3, 4, 5]
    assert [entry.state for entry in seen] == ["released"] * 3 + ["withdrawn"]
    assert outing.seen(after=4) == seen[3:]
    assert outing.seen(limit=2) == seen[:2]


def test_the_title_is_masked_and_the_lag_is_whole_minutes(app: Flask) -> None:
    outing = Outing.build(app, parties=PARTIES, title="蔡卫国案清点(虚构)")
    outing.start()
    outing.note()
    outing.pass_time(seconds=20)
    outing.read()
    outing.pass_time(minutes=10)
    outing.release_due()
    state = outing.state()
    assert (state.title, state.lag_seconds) == ("蔡某案清点(虚构)", 600)


def test_another_missions_entry_is_not_found_under_this_one(app: Flask) -> None:
    world = World.build(app)
    first = Outing.build(app, world=world)
    first.start()
    first.note()
    first.read()
    first.pass_time(minutes=10)
    first.release_due()
    entry = first.rows()[0].id
    with unit_of_work(EVERY_COURT, write=False) as session:
        assert feed.observer_entry(session, first.mission, entry) is not None
        assert feed.observer_entry(session, uuid.uuid4(), entry) is None
