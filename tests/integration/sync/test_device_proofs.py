"""From capture to deletion: the SDK against the app, its signer and real witnesses' decisions."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
from flask import Flask

from client_sdk import FieldClient
from client_sdk._link import Options
from client_sdk._transport.wsgi import WsgiTransport
from client_sdk.protocol.tlog.cosignatures import verify_cosignature
from client_sdk.protocol.tlog.notes import parse_note, parse_vkey
from server.audit import receipts
from server.core.clock import FixedClock
from server.core.context import Context, system_actor
from server.core.transactions import EVERY_COURT, unit_of_work
from server.identity import service_devices
from server.identity.commands import OfferEnrolment
from server.settings import Settings
from tests.factories.field import issue_receipts, sequence
from tests.factories.identity import World, runtime_of
from tests.factories.log import sign_log
from tests.factories.witnesses import Witnesses, with_policy

CHINA = timezone(timedelta(hours=8))


@dataclass
class DeviceClock:
    """A field device's clocks that follow the server's."""

    server: FixedClock

    def wall(self) -> datetime:
        return self.server.now().astimezone(CHINA)

    def mono_ms(self) -> int:
        return int(self.server.now().timestamp() * 1000) % 10**10

    def boot(self) -> str:
        return "boot-1"

    def through_suspend(self) -> bool:
        return True

    def sleep(self, seconds: float) -> None:
        self.server.advance(timedelta(seconds=seconds))


@pytest.fixture
def settings(settings: Settings, tmp_path: Path) -> Settings:
    return replace(settings, witness_policy=str(tmp_path / "policy"))


@pytest.fixture
def world(app: Flask) -> World:
    return World.build(app)


@pytest.fixture
def witnesses(app: Flask, world: World, tmp_path: Path) -> Witnesses:
    sequence(app)
    sign_log(app)
    found = Witnesses(app, tmp_path / "witnesses")
    for name in ("w1", "w2", "w3"):
        found.add(name)
    with_policy(app, found.policy())
    return found


@pytest.fixture
def phone(app: Flask, world: World, clock: FixedClock, tmp_path: Path) -> Iterator[FieldClient]:
    with unit_of_work(EVERY_COURT) as session:
        ctx = Context(system_actor(world.first.id), session, runtime_of(app))
        code = service_devices.offer(ctx, OfferEnrolment(kind="phone", name="手机(虚构)")).code
    client = FieldClient(
        "http://localhost",
        store=tmp_path / "phone",
        transport=WsgiTransport(app),
        clock=DeviceClock(clock),
        secrets=None,
        options=Options(ballast_bytes=0),
    )
    with client:
        client.enrol(code, name="手机(虚构)")
        yield client


def settle(app: Flask, witnesses: Witnesses) -> None:
    """What worker, signer and collector do beside the requests."""
    issue_receipts(app)
    sign_log(app)
    witnesses.collector().turn()
    with unit_of_work(EVERY_COURT) as session:
        receipts.supersede(Context(system_actor(), session, runtime_of(app)))
    sequence(app)


def keeps(client: FieldClient) -> list[str | None]:
    return [item.keep.value if item.keep else None for item in client.wipe_plan()]


def test_an_original_goes_only_after_a_witnessed_proof_and_a_day(
    app: Flask, phone: FieldClient, witnesses: Witnesses, clock: FixedClock
) -> None:
    phone.use_log_policy(witnesses.policy())
    captured = phone.capture(b"photo", name="a.jpg")
    assert keeps(phone) == ["not-confirmed"]
    phone.sync(receipts_wait_seconds=0)
    issue_receipts(app)
    phone.sync(receipts_wait_seconds=0)
    assert keeps(phone) == ["no-proof"]
    settle(app, witnesses)
    phone.sync(receipts_wait_seconds=0)
    place = (1, captured.seq, captured.sha256)
    assert phone.proven()[place].level == "L2"
    assert keeps(phone) == ["too-young"]
    clock.advance(timedelta(hours=24))
    (item,) = phone.wipe_plan()
    assert item.safe
    assert phone.wipe(item)
    report = phone.sync(receipts_wait_seconds=0)
    assert not report.problems, report
    assert phone.log_alarm() is None


def test_the_policy_on_the_device_counts_the_witnesses_itself(
    app: Flask, phone: FieldClient, witnesses: Witnesses, clock: FixedClock
) -> None:
    phone.capture(b"photo", name="a.jpg")
    phone.sync(receipts_wait_seconds=0)
    settle(app, witnesses)
    phone.sync(receipts_wait_seconds=0)
    clock.advance(timedelta(hours=25))
    assert keeps(phone) == ["not-witnessed"]  # so far there is only the court's word for it
    phone.use_log_policy(witnesses.policy(quorum=3))
    assert keeps(phone) == [None]
    (receipt,) = [r for r, _ in phone.receipts() if r.sha256]
    note = parse_note(str(receipt.checkpoint))
    for witness in witnesses.found.values():
        assert verify_cosignature(note, parse_vkey(witness.vkey)) > 0
    stranger = witnesses.add("w4")
    assert stranger.vkey not in str(receipt.checkpoint)
    phone.use_log_policy(witnesses.policy(quorum=4))
    assert keeps(phone) == ["not-witnessed"]


def test_the_device_follows_the_log_as_it_grows(
    app: Flask, phone: FieldClient, witnesses: Witnesses, clock: FixedClock
) -> None:
    sizes = []
    for number in range(3):
        phone.log(f"第 {number} 条(虚构)")
        phone.sync(receipts_wait_seconds=0)
        settle(app, witnesses)
        clock.advance(timedelta(minutes=2))
        report = phone.sync(receipts_wait_seconds=0)
        assert not report.problems, report
        sizes.append(phone._store.get("witness.newest")["size"])
    assert sizes == sorted(set(sizes))
