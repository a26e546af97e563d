"""Cosignatures are collected, and what witnesses know is never talked away."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from flask import Flask

from client_sdk.protocol.tlog.notes import parse_note
from client_sdk.protocol.tlog.policies import Policy
from server.audit import attestors, log
from server.audit.attestors import WITNESS, Answer, Stand, Standing
from server.audit.models import CheckpointRow, CosignatureRow
from server.audit.outcalls import Reply
from server.audit.signing_state import SignerFolder
from server.audit.witness_state import WitnessState, witness_state
from server.core.clock import FixedClock
from server.core.transactions import EVERY_COURT, unit_of_work
from server.settings import Settings
from server.witness.errors import Conflict
from server.witness.wire import format_request
from tests.factories.identity import World, runtime_of
from tests.factories.log import enter_events, sign_log
from tests.factories.witnesses import Witnesses, backup, backup_log, with_policy
from tests.support.witness import SmallLog


@pytest.fixture
def settings(settings: Settings, tmp_path: Path) -> Settings:
    return replace(settings, witness_policy=str(tmp_path / "policy"))


@pytest.fixture
def world(app: Flask) -> World:
    world = World.build(app)
    enter_events(app, world.first.id, 30)
    sign_log(app)
    return world


@pytest.fixture
def witnesses(app: Flask, world: World, tmp_path: Path) -> Witnesses:
    found = Witnesses(app, tmp_path / "witnesses")
    for name in ("w1", "w2", "w3"):
        found.add(name)
    with_policy(app, found.policy())
    return found


def grow(app: Flask, world: World, count: int = 10) -> int:
    enter_events(app, world.first.id, count)
    return sign_log(app)


def newest() -> log.StoredCheckpoint:
    with unit_of_work(EVERY_COURT, write=False) as session:
        found = log.newest_checkpoint(session)
    assert found is not None
    return found


def stand_of(name: str) -> Stand:
    with unit_of_work(EVERY_COURT, write=False) as session:
        return attestors.overview(session).of(WITNESS, f"witness.example/{name}")


def all_stands() -> tuple[Stand, ...]:
    with unit_of_work(EVERY_COURT, write=False) as session:
        return attestors.overview(session).stands


def state(app: Flask) -> WitnessState:
    tools = runtime_of(app)
    with unit_of_work(EVERY_COURT, write=False) as session:
        return witness_state(session, tools.settings, tools.clock.now())


def test_a_quorum_makes_the_checkpoint_witnessed(app: Flask, witnesses: Witnesses) -> None:
    assert newest().level == "L1"
    witnesses.collector().turn()
    assert newest().level == "L2"
    verdict = Policy.parse(witnesses.policy()).judge(parse_note(newest().note))
    assert verdict.accepted
    assert set(verdict.cosigned) == {"w1", "w2", "w3"}
    assert state(app).problems() == []


def test_a_later_checkpoint_is_proven_from_the_one_that_each_knows(
    app: Flask, world: World, witnesses: Witnesses, clock: FixedClock
) -> None:
    collector = witnesses.collector()
    collector.turn()
    witnesses.away = {"w3"}
    grow(app, world)
    collector.turn()
    witnesses.away = set()
    size = grow(app, world, 300)
    clock.advance(timedelta(minutes=10))
    witnesses.asked.clear()
    collector.turn()
    assert witnesses.asked == ["w1", "w2", "w3"]
    assert newest().level == "L2"
    assert {name: stand_of(name).size for name in ("w1", "w2", "w3")} == dict.fromkeys(
        ("w1", "w2", "w3"), size
    )


def test_nothing_is_asked_while_nothing_is_new(
    app: Flask, witnesses: Witnesses, clock: FixedClock
) -> None:
    collector = witnesses.collector()
    collector.turn()
    witnesses.asked.clear()
    collector.turn()
    assert witnesses.asked == []
    clock.advance(timedelta(hours=1, seconds=1))  # then they are asked whether they live
    before = newest().note
    collector.turn()
    assert witnesses.asked == ["w1", "w2", "w3"]
    assert newest().note == before  # the first cosignature proves the earlier time
    assert stand_of("w1").good_at == clock.now()


def test_what_witnesses_know_is_learnt_after_the_database_forgot_it(
    app: Flask, world: World, witnesses: Witnesses
) -> None:
    witnesses.collector().turn()
    with unit_of_work(EVERY_COURT) as session:
        session.execute(sa.delete(attestors.Attestor))
    size = grow(app, world)
    witnesses.collector().turn()
    assert stand_of("w1").size == size
    assert newest().level == "L2"


def test_tamper_55_without_a_quorum_it_stays_signed_and_says_so(
    app: Flask, world: World, witnesses: Witnesses, clock: FixedClock
) -> None:
    collector = witnesses.collector()
    collector.turn()
    witnesses.away = {"w2", "w3"}
    size = grow(app, world)
    collector.turn()
    assert newest().level == "L1"
    with unit_of_work(EVERY_COURT, write=False) as session:
        assert log.level_of(session, size - 1) == "L1"
        assert log.level_of(session, 0) == "L2"  # what was witnessed stays so
    clock.advance(timedelta(minutes=30))
    collector.turn()
    shown = state(app)
    assert shown.is_late
    assert shown.witnessed_lag_seconds == 1800
    assert shown.problems()[0] == "no quorum of witnesses for 1800 s"
    assert "witness w2: down since 2026-03-02T01:00:00+00:00" in shown.problems()[1]
    assert not any("w1" in problem for problem in shown.problems())
    witnesses.away = set()
    clock.advance(timedelta(minutes=10))
    collector.turn()
    assert newest().level == "L2"
    assert state(app).problems() == []


def test_a_witness_that_is_away_is_asked_ever_less_often(
    app: Flask, witnesses: Witnesses, clock: FixedClock
) -> None:
    witnesses.away = {"w3"}
    collector = witnesses.collector()
    for _ in range(3600 // 5):
        collector.turn()
        clock.advance(timedelta(seconds=5))
    assert 10 < witnesses.asked.count("w3") < 25
    assert witnesses.asked.count("w1") == 1
    assert newest().level == "L2"  # two of three are enough


def test_tamper_56_once_the_missing_entries_are_back_it_goes_on(
    app: Flask, world: World, witnesses: Witnesses, clock: FixedClock
) -> None:
    witnesses.collector().turn()
    old = backup_log(app)
    size = grow(app, world)
    witnesses.collector().turn()
    new = backup_log(app)
    old()
    collector = witnesses.collector()
    collector.turn()
    assert state(app).halted_by
    halted = [one for one in all_stands() if one.standing is Standing.AHEAD]
    new()
    with unit_of_work(EVERY_COURT) as session:  # the newer backup knows nothing of the alarm
        for one in halted:
            answer = Answer(Standing.AHEAD, one.detail)
            attestors.write_down(session, WITNESS, one.name, answer, clock.now())
    sign_log(app)
    clock.advance(timedelta(minutes=2))
    collector.turn()
    collector.turn()
    assert newest().size == size
    assert newest().level == "L2"
    assert state(app).problems() == []


@pytest.mark.parametrize("more", [0, 3])
def test_tamper_56_a_restored_log_is_noticed_and_nobody_else_is_asked(
    app: Flask, world: World, witnesses: Witnesses, clock: FixedClock, more: int
) -> None:
    """The backup holds less than w3 has cosigned; the others were away and know nothing newer."""
    witnesses.collector().turn()
    restore = backup_log(app)
    witnesses.away = {"w1", "w2"}
    grow(app, world)
    witnesses.collector().turn()
    restore()
    grow(app, world, more)  # the signer was restored as well and goes on
    witnesses.away = set()
    collector = witnesses.collector()
    for _ in range(3):
        collector.turn()
        clock.advance(timedelta(minutes=10))
    assert stand_of("w3").standing is Standing.AHEAD
    assert stand_of("w3").detail.startswith(
        f"it has cosigned 40 entries, the log has {newest().size}"
    )
    assert {name: witnesses.known(name) for name in ("w1", "w2")} == {"w1": 30, "w2": 30}
    assert newest().level == ("L1" if more else "L2")
    assert [party.name for party in state(app).halted_by] == ["w3"]
    assert "was restored from a backup" in state(app).problems()[0]


def test_tamper_56_a_restored_log_that_went_on_is_refused(
    app: Flask, world: World, witnesses: Witnesses, clock: FixedClock
) -> None:
    collector = witnesses.collector()
    collector.turn()
    restore = backup_log(app)
    grow(app, world, 5)
    collector.turn()
    restore()
    grow(app, world, 20)  # another history, signed by a signer that was restored as well
    witnesses.collector().turn()
    assert stand_of("w1").standing is Standing.FORKED
    assert "are not the beginning of this log" in stand_of("w1").detail
    assert newest().level == "L1"
    assert {name: witnesses.known(name) for name in ("w1", "w2", "w3")} == dict.fromkeys(
        ("w1", "w2", "w3"), 35
    )
    assert state(app).halted_by


def test_tamper_56_a_witness_that_forgot_is_noticed_and_not_counted(
    app: Flask, world: World, witnesses: Witnesses, clock: FixedClock, tmp_path: Path
) -> None:
    collector = witnesses.collector()
    collector.turn()
    put_back = backup(witnesses.found["w3"])
    grow(app, world)
    collector.turn()
    put_back()
    grow(app, world)
    collector.turn()
    assert stand_of("w3").standing is Standing.ROLLED_BACK
    assert "its state was lost or restored" in state(app).problems()[0]
    assert not state(app).halted_by  # the log itself is not in doubt
    verdict = Policy.parse(witnesses.policy()).judge(parse_note(newest().note))
    assert set(verdict.cosigned) == {"w1", "w2"}
    assert newest().level == "L2"


def test_tamper_57_a_split_view_is_noticed(
    app: Flask, world: World, witnesses: Witnesses, clock: FixedClock
) -> None:
    """Whoever has the log key shows w2 another history of the same length."""
    with_key = SignerFolder(runtime_of(app).settings.signer_folder, patience=(0.0,))
    with_key.open("", clock.now(), hold=False)
    (signer,) = with_key.signers
    other = SmallLog(signer.name, signer._key).grow(newest().size, "other")
    witnesses.found["w2"].add_checkpoint(other.request(0))
    witnesses.collector().turn()
    assert stand_of("w2").standing is Standing.FORKED
    assert "another tree" in stand_of("w2").detail
    assert state(app).halted_by[0].name == "w2"
    with pytest.raises(Conflict):
        witnesses.found["w2"].add_checkpoint(format_request(30, [], newest().note))


def test_a_cosignature_of_another_key_is_not_kept(app: Flask, witnesses: Witnesses) -> None:
    def swapped(reply: Reply) -> Reply:
        return Reply(200, reply.body.replace(b"witness.example/w1", b"witness.example/wx"))

    witnesses.bent["w1"] = swapped
    witnesses.bent["w2"] = lambda _reply: Reply(200, b"\xff not a line")
    witnesses.collector().turn()
    assert stand_of("w1").standing is Standing.WRONG
    assert stand_of("w2").standing is Standing.WRONG
    assert newest().level == "L1"
    with unit_of_work(EVERY_COURT, write=False) as session:
        assert list(session.execute(sa.select(CosignatureRow.name)).scalars()) == [
            "witness.example/w3"
        ]


def test_a_forged_cosignature_is_not_kept(app: Flask, witnesses: Witnesses) -> None:
    def forged(reply: Reply) -> Reply:
        text = reply.body.decode()
        return Reply(200, (text[:-10] + ("A" if text[-10] != "A" else "B") + text[-9:]).encode())

    witnesses.bent["w1"] = forged
    witnesses.collector().turn()
    assert stand_of("w1").standing is Standing.WRONG


def test_further_lines_of_unknown_keys_are_ignored(app: Flask, witnesses: Witnesses) -> None:
    extra = "— other.example AAAAAAAA\n".encode()
    witnesses.bent["w1"] = lambda reply: Reply(200, extra + reply.body)
    witnesses.collector().turn()
    assert stand_of("w1").standing is Standing.GOOD


@pytest.mark.parametrize(
    ("reply", "standing"),
    [
        (Reply(404, b""), Standing.STRANGER),
        (Reply(403, b""), Standing.STRANGER),
        (Reply(500, b"oops"), Standing.DOWN),
        (Reply(429, b""), Standing.DOWN),
        (Reply(400, b""), Standing.DOWN),
        (Reply(409, b""), Standing.DOWN),
        (Reply(409, b"0\n"), Standing.DOWN),
        (Reply(409, b"x\n"), Standing.DOWN),
    ],
)
def test_every_answer_has_a_name(
    app: Flask, witnesses: Witnesses, reply: Reply, standing: Standing
) -> None:
    witnesses.bent["w1"] = lambda _reply: reply
    witnesses.collector().turn()
    assert stand_of("w1").standing is standing
    assert newest().level == "L2"


def test_a_witness_that_names_another_size_each_time_is_given_up(
    app: Flask, witnesses: Witnesses
) -> None:
    sizes = iter((1, 2, 3, 4, 5))
    witnesses.bent["w1"] = lambda _reply: Reply(409, f"{next(sizes)}\n".encode())
    witnesses.collector().turn()
    assert stand_of("w1").standing is Standing.WRONG
    assert witnesses.asked.count("w1") == 4  # once for what it knows


def test_a_clock_that_differs_is_told(app: Flask, witnesses: Witnesses, clock: FixedClock) -> None:
    fast, wrong = witnesses.found["w1"], witnesses.found["w2"]
    witnesses.found["w1"] = replace(fast, now_seconds=lambda: fast.now_seconds() + 600)
    witnesses.found["w2"] = replace(wrong, now_seconds=lambda: wrong.now_seconds() + 90_000)
    witnesses.collector().turn()
    assert stand_of("w1").standing is Standing.GOOD
    assert stand_of("w1").detail == "its clock differs from ours by 600 s"
    assert stand_of("w2").standing is Standing.WRONG


def test_a_policy_that_changes_is_read_again(
    app: Flask, world: World, witnesses: Witnesses, clock: FixedClock
) -> None:
    collector = witnesses.collector()
    witnesses.away = {"w2", "w3"}
    collector.turn()
    assert newest().level == "L1"
    with_policy(app, witnesses.policy(1))
    collector.turn()
    assert newest().level == "L2"
    with_policy(app, "quorum nobody\n")
    assert state(app).policy_problem == "line 1: the quorum is not defined above"
    grow(app, world)
    collector.turn()
    assert newest().level == "L2"  # the last good one goes on


@pytest.mark.parametrize("text", ["quorum none\n", None])
def test_no_witness_means_no_level_two(app: Flask, world: World, text: str | None) -> None:
    found = Witnesses(app, Path("unused"))
    if text is not None:
        with_policy(app, text)
    found.collector().turn()
    assert newest().level == "L1"
    assert bool(state(app).policy_problem) is (text is None)


def test_cosignatures_that_came_before_a_crash_count(app: Flask, witnesses: Witnesses) -> None:
    witnesses.collector().turn()
    with unit_of_work(EVERY_COURT) as session:
        session.execute(sa.update(CheckpointRow).values(witnessed_at=None))
    witnesses.asked.clear()
    witnesses.collector().turn()
    assert newest().level == "L2"
    assert len(witnesses.asked) == 3  # only what they know
