"""Tokens are fetched, judged on receipt and stored; an authority that is away loses nothing."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest
import sqlalchemy as sa
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from flask import Flask

from client_sdk.protocol.timestamps import TimestampError, build_query
from client_sdk.protocol.tlog.notes import parse_note
from server.audit import attestors, log
from server.audit.attestors import AUTHORITY, Stand, Standing
from server.audit.models import TimestampRow
from server.audit.outcalls import Outcalls
from server.audit.timestamping import Stamper, authorities, judge_stored, want
from server.audit.witness_state import WitnessState, witness_state
from server.core.clock import FixedClock
from server.core.transactions import EVERY_COURT, unit_of_work
from server.settings import Settings, SettingsError
from tests.factories.identity import World, runtime_of
from tests.factories.log import enter_events, sign_log
from tests.factories.witnesses import Witnesses, with_policy
from tests.support.tsa import Authority, new_authority, serving


@pytest.fixture
def clock() -> FixedClock:
    """The authorities live in the present, since ``openssl ts`` has no other time."""
    return FixedClock(datetime.now(UTC))


@pytest.fixture
def first(tmp_path: Path) -> Iterator[Authority]:
    with serving(new_authority(tmp_path / "tsa-1", "First (fictional)")) as authority:
        yield authority


@pytest.fixture
def second(tmp_path: Path) -> Iterator[Authority]:
    with serving(new_authority(tmp_path / "tsa-2", "Second (fictional)")) as authority:
        yield authority


@pytest.fixture
def settings(settings: Settings, first: Authority, second: Authority) -> Settings:
    return replace(
        settings,
        timestamp_seconds=120,
        tsa_urls=f"{first.url}, {second.url}",
        tsa_roots=f"{first.folder / 'root.pem'},{second.folder / 'root.pem'}",
    )


@pytest.fixture
def world(app: Flask) -> World:
    world = World.build(app)
    enter_events(app, world.first.id, 30)
    sign_log(app)
    return world


@pytest.fixture
def outcalls() -> Iterator[Outcalls]:
    calls = Outcalls()
    yield calls
    calls.close()


@pytest.fixture
def stamper(app: Flask, world: World, outcalls: Outcalls) -> Stamper:
    return Stamper(runtime_of(app), outcalls.post)


def grow(app: Flask, world: World) -> int:
    enter_events(app, world.first.id, 10)
    return sign_log(app)


def newest() -> log.StoredCheckpoint:
    with unit_of_work(EVERY_COURT, write=False) as session:
        found = log.newest_checkpoint(session)
    assert found is not None
    return found


def tokens() -> dict[tuple[int, str], bytes]:
    with unit_of_work(EVERY_COURT, write=False) as session:
        rows = session.execute(sa.select(TimestampRow)).scalars()
        return {(row.size, row.authority): row.token for row in rows}


def name_of(authority: Authority) -> str:
    return authority.url.removeprefix("http://").removesuffix("/tsa")


def stand_of(authority: Authority) -> Stand:
    with unit_of_work(EVERY_COURT, write=False) as session:
        return attestors.overview(session).of(AUTHORITY, name_of(authority))


def state(app: Flask) -> WitnessState:
    tools = runtime_of(app)
    with unit_of_work(EVERY_COURT, write=False) as session:
        return witness_state(session, tools.settings, tools.clock.now())


def test_both_authorities_stamp_the_checkpoint(
    app: Flask, stamper: Stamper, first: Authority, second: Authority, tmp_path: Path
) -> None:
    stamper.turn()
    found = tokens()
    assert set(found) == {(30, name_of(first)), (30, name_of(second))}
    assert newest().timestamped_at == runtime_of(app).clock.now()
    body = tmp_path / "body"
    body.write_bytes(parse_note(newest().note).text.encode())
    for authority in (first, second):
        (tmp_path / "token").write_bytes(found[30, name_of(authority)])
        done = subprocess.run(
            ["openssl", "ts", "-verify", "-data", body, "-in", tmp_path / "token",
             "-CAfile", authority.folder / "root.pem"],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert "Verification: OK" in done.stdout
    assert state(app).problems() == []


def test_a_witnessed_checkpoint_becomes_level_three(
    app: Flask, world: World, outcalls: Outcalls, settings: Settings, tmp_path: Path
) -> None:
    tools = runtime_of(app)
    tools = replace(tools, settings=replace(settings, witness_policy=str(tmp_path / "policy")))
    app.extensions["tiezheng"] = tools
    witnesses = Witnesses(app, tmp_path / "witnesses")
    for name in ("w1", "w2"):
        witnesses.add(name)
    with_policy(app, witnesses.policy())
    stamper = Stamper(tools, outcalls.post)
    stamper.turn()
    assert tokens() == {}  # a token over what nobody witnessed would prove less
    witnesses.collector().turn()
    stamper.turn()
    assert newest().level == "L3"
    assert len(tokens()) == 2


def test_the_cadence_is_kept(
    app: Flask, world: World, stamper: Stamper, first: Authority, clock: FixedClock
) -> None:
    stamper.turn()
    assert len(first.asked) == 1
    clock.advance(timedelta(hours=1))
    stamper.turn()
    assert len(first.asked) == 1  # nothing is new
    grow(app, world)
    clock.advance(timedelta(hours=-1, seconds=100))
    stamper.turn()
    assert len(first.asked) == 1  # something is, but the last token is young
    clock.advance(timedelta(seconds=100))
    stamper.turn()
    assert len(first.asked) == 2
    assert stand_of(first).size == 40


def test_an_export_does_not_wait_for_the_cadence(
    app: Flask, world: World, stamper: Stamper, first: Authority, clock: FixedClock
) -> None:
    stamper.turn()
    tools = runtime_of(app)
    with unit_of_work(EVERY_COURT) as session:
        want(session, tools.settings, 35, clock.now())
    stamper.turn()
    assert len(first.asked) == 1  # no such checkpoint yet
    grow(app, world)
    stamper.turn()
    assert stand_of(first).size == 40
    grow(app, world)
    stamper.turn()
    assert stand_of(first).size == 40  # wanted once


def test_tamper_54_a_day_without_the_authorities_is_survived_and_shown(
    app: Flask,
    world: World,
    stamper: Stamper,
    first: Authority,
    second: Authority,
    clock: FixedClock,
) -> None:
    stamper.turn()
    began = clock.now()
    first.away = second.away = True
    clock.advance(timedelta(minutes=10))
    size = grow(app, world)
    for _ in range(24 * 6):
        stamper.turn()
        clock.advance(timedelta(minutes=10))
    assert stand_of(first).standing is Standing.DOWN
    assert stand_of(first).good_at == began
    shown = state(app)
    assert shown.timestamped_size == 0  # nobody witnessed
    assert shown.timestamped_lag_seconds == 86_400
    assert shown.problems()[0] == "no trusted time for 86400 s"
    assert f"authority {name_of(first)}: down since" in shown.problems()[1]
    with unit_of_work(EVERY_COURT, write=False) as session:
        assert log.level_of(session, size - 1) == "L1"  # the log went on meanwhile
    first.away = False
    clock.advance(timedelta(days=-1, minutes=-6))  # the authority's time is that of this machine
    with unit_of_work(EVERY_COURT) as session:
        session.execute(sa.update(attestors.Attestor).values(next_at=clock.now()))
    stamper.turn()
    assert (size, name_of(first)) in tokens()
    assert stand_of(first).standing is Standing.GOOD
    assert stand_of(second).standing is Standing.DOWN
    assert [problem.split(":")[0] for problem in state(app).problems()] == ["authority 127.0.0.1"]


def test_an_authority_that_is_away_is_asked_ever_less_often(
    app: Flask, stamper: Stamper, first: Authority, clock: FixedClock
) -> None:
    times: list[datetime] = []
    first.away = True
    for _ in range(1800):
        before = stand_of(first).asked_at
        stamper.turn()
        if stand_of(first).asked_at != before:
            times.append(clock.now())
        clock.advance(timedelta(seconds=2))
        if len(times) > 14:
            break
    gaps = [(b - a).total_seconds() for a, b in pairwise(times)]
    assert gaps == sorted(gaps)
    assert gaps[-1] == 300


def refused(app: Flask, stamper: Stamper, authority: Authority) -> str:
    stamper.turn()
    assert not any(name == name_of(authority) for _, name in tokens())
    stand = stand_of(authority)
    assert stand.standing is Standing.WRONG
    return stand.detail


def test_tamper_23_a_token_for_other_data_is_refused_on_receipt(
    app: Flask, stamper: Stamper, first: Authority
) -> None:
    first.bent = lambda _query: first.reply(build_query(b"other data").data)
    assert refused(app, stamper, first).startswith("token-imprint")


def test_tamper_24_a_token_of_a_foreign_root_is_refused_on_receipt(
    app: Flask, stamper: Stamper, first: Authority, tmp_path: Path
) -> None:
    foreign = new_authority(tmp_path / "foreign", "First (fictional)")
    first.bent = foreign.reply
    assert refused(app, stamper, first).startswith("token-chain")


def test_one_authority_cannot_answer_for_the_other(
    app: Flask, stamper: Stamper, first: Authority, second: Authority
) -> None:
    """Each address has its own root, so that two tokens are two witnesses of time."""
    first.bent = second.reply
    assert refused(app, stamper, first).startswith("token-chain")


def test_a_token_for_an_earlier_query_is_refused_on_receipt(
    app: Flask, stamper: Stamper, first: Authority
) -> None:
    body = parse_note(newest().note).text.encode()
    first.bent = lambda _query: first.reply(build_query(body).data)
    assert refused(app, stamper, first).startswith("token-nonce")


def test_a_token_of_another_time_is_refused_on_receipt(
    app: Flask, stamper: Stamper, first: Authority, clock: FixedClock
) -> None:
    clock.advance(timedelta(minutes=20))
    assert refused(app, stamper, first).startswith("token-time")


def test_tamper_53_a_revoked_authority_is_refused_on_receipt(
    app: Flask, stamper: Stamper, first: Authority
) -> None:
    listed = first.root.crl(
        first, datetime.now(UTC) - timedelta(days=1), x509.ReasonFlags.superseded
    )
    (first.folder / "root.pem").write_bytes(first.root.pem + listed.public_bytes(Encoding.PEM))
    assert refused(app, stamper, first).startswith("token-revoked")


def test_tamper_53_an_expired_authority_is_refused_on_receipt(
    app: Flask, stamper: Stamper, first: Authority, tmp_path: Path
) -> None:
    ended = datetime.now(UTC) - timedelta(days=1)
    old = new_authority(tmp_path / "old", "First (fictional)", root=first.root, ends_at=ended)
    first.bent = old.reply
    assert refused(app, stamper, first).startswith("token-chain")


@pytest.mark.parametrize("answer", [b"", b"<html>busy</html>", b"\x30\x80" * 10, b"x" * 100_000])
def test_nonsense_is_survived(
    app: Flask, stamper: Stamper, first: Authority, second: Authority, answer: bytes
) -> None:
    first.bent = lambda _query: answer
    stamper.turn()
    assert {name for _, name in tokens()} == {name_of(second)}
    assert stand_of(first).standing in {Standing.WRONG, Standing.DOWN}


def test_roots_that_are_missing_are_told(app: Flask, stamper: Stamper, first: Authority) -> None:
    (first.folder / "root.pem").unlink()
    assert "No such file" in refused(app, stamper, first)


def test_stored_tokens_are_judged_anew(
    app: Flask, stamper: Stamper, settings: Settings, first: Authority, second: Authority
) -> None:
    stamper.turn()
    stored, name = tokens(), name_of(first)
    when = judge_stored(name, stored[30, name], newest(), settings).at
    assert abs(when - runtime_of(app).clock.now()) < timedelta(minutes=5)
    with pytest.raises(TimestampError):
        judge_stored(name, stored[30, name_of(second)], newest(), settings)
    with pytest.raises(TimestampError):
        judge_stored("elsewhere", stored[30, name], newest(), settings)


def test_settings_say_what_is_wrong_with_them() -> None:
    for env in (
        {"TIEZHENG_TSA_URLS": "http://a,http://b,http://c", "TIEZHENG_TSA_ROOTS": "x"},
        {"TIEZHENG_TSA_URLS": "ftp://a", "TIEZHENG_TSA_ROOTS": "x"},
        {"TIEZHENG_TSA_URLS": "http://a"},
        {"TIEZHENG_TSA_URLS": "http://a", "TIEZHENG_TSA_ROOTS": "x,y"},
    ):
        with pytest.raises(SettingsError):
            Settings.from_env(env)
    env = {"TIEZHENG_TSA_URLS": "http://a/x, http://a/y", "TIEZHENG_TSA_ROOTS": "r"}
    found = authorities(Settings.from_env(env))
    assert [(one.name, one.roots_file) for one in found] == [("a", Path("r")), ("a-2", Path("r"))]
