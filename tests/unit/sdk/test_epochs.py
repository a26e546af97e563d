"""Signing keys follow each other; the old ones are gone, wherever a cut comes."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from client_sdk import errors
from client_sdk._epochs import KeyLife
from client_sdk._link import Options
from client_sdk._store import Store
from client_sdk.client import FieldClient
from client_sdk.protocol import records
from client_sdk.protocol.keys import Algorithm
from tests.unit.sdk.chains import assert_chained, wires
from tests.unit.sdk.conftest import Opener
from tests.unit.sdk.fake_clock import FakeClock
from tests.unit.sdk.fake_server import CODE, FakeServer
from tests.unit.sdk.test_steps import CutError, Cutter, Ring

THREE = Options(ballast_bytes=0, key_life=KeyLife(records=3, seconds=900))


def acts(client: FieldClient) -> list[str]:
    return [opened.payload["act"] for opened in wires(client)]


def key_files(client: FieldClient) -> list[Path]:
    return sorted((client.root / "keys").iterdir())


@pytest.mark.parametrize("alg", list(Algorithm))
def test_a_key_is_followed_after_its_records(
    open_client: Opener, server: FakeServer, alg: Algorithm
) -> None:
    client = open_client(options=THREE)
    client.enrol(CODE, name="phone", alg=alg)
    (first,) = key_files(client)
    for number in range(5):
        client.log(f"第{number}条")
    assert acts(client) == ["log.note"] * 3 + ["key.next"] + ["log.note"] * 2
    (second,) = key_files(client)
    assert first != second
    found = assert_chained(client, server)
    assert not records.verify_signature(found[4], server.first_key)
    assert not records.verify_signature(found[0], client.identity.key.public)
    assert client.sync().complete
    assert [server.wires[1, n].payload["act"] for n in (4,)] == ["key.next"]


def test_a_key_is_followed_after_its_time(
    client: FieldClient, clock: FakeClock, server: FakeServer
) -> None:
    clock.move(3600)  # it has signed nothing yet
    client.log("一")
    clock.move(899)
    client.log("二")
    clock.move(1)
    captured = client.capture(b"photo")
    assert acts(client) == ["log.note", "log.note", "key.next", "capture.recorded"]
    assert captured.seq == 4
    times = [opened.payload["t"] for opened in assert_chained(client, server)]
    assert times[2] == times[3]  # the certificate does not move the capture's own time


@pytest.mark.parametrize("seconds", [-60, 1000])
def test_after_a_reboot_the_wall_clock_decides_and_is_not_trusted(
    client: FieldClient, clock: FakeClock, server: FakeServer, seconds: float
) -> None:
    client.log("一")
    clock.boot_id = "boot-2"
    clock.move(seconds)
    clock.mono = 5
    client.log("二")
    assert acts(client) == ["log.note", "key.next", "log.note"]
    assert_chained(client, server)


def test_opening_and_syncing_let_go_of_an_old_key(
    client: FieldClient, clock: FakeClock, open_client: Opener, server: FakeServer
) -> None:
    client.log("一")
    client.close()
    clock.move(2000)
    again = open_client()
    assert acts(again) == ["log.note", "key.next"]
    again.log("二")
    clock.move(2000)
    assert again.sync().complete
    sent = [server.wires[key].payload["act"] for key in sorted(server.wires)]
    assert sent == ["log.note", "key.next", "log.note", "key.next", "clock.observed"]


def test_the_identity_key_stays_and_signs_requests(open_client: Opener, server: FakeServer) -> None:
    client = open_client(options=THREE)
    identity = client.enrol(CODE, name="phone")
    for _ in range(20):
        client.log("x")
    again = open_client(options=THREE)
    assert again.identity.key.public == identity.key.public == server.device_key
    assert again.sync().complete


@pytest.mark.parametrize("ring", [None, Ring()], ids=["plain", "encrypted"])
def test_a_rotation_is_cut_after_each_of_its_steps(
    open_client: Opener, monkeypatch: pytest.MonkeyPatch, server: FakeServer, ring: Ring | None
) -> None:
    """No cut leaves the chain without its key, or an old key on the disk after the next start."""
    options = Options(ballast_bytes=0, key_life=KeyLife(records=2, seconds=900))
    first = open_client(secrets=ring, options=options)
    first.enrol(CODE, name="phone")
    first.close()
    step, cut, seen = 0, True, 0
    while cut:
        client = open_client(secrets=ring, options=options)
        while not client._outbox.keys.due(1, _now(client)):
            client.log("x")
        cut = rotation_cut_at(client, step, monkeypatch)
        client.close()
        after = open_client(secrets=ring, options=options)
        assert len(key_files(after)) == 1
        found = assert_chained(after, server)
        assert len(found) >= seen
        seen = len(found)
        after.log(f"after {step}")
        assert_chained(after, server)
        after.close()
        step += 1
    assert step > 8
    assert acts(open_client(secrets=ring, options=options)).count("key.next") >= step


def rotation_cut_at(client: FieldClient, step: int, monkeypatch: pytest.MonkeyPatch) -> bool:
    """Whether the cut came at all."""
    cutter = Cutter(step)
    with monkeypatch.context() as patch:
        for name in ("fsync", "replace", "unlink", "open"):
            patch.setattr(os, name, cutter.wrap(getattr(os, name)))
        patch.setattr(Store, "run", cutter.wrap(Store.run))
        try:
            client._outbox.rotate_if_due()
        except CutError:
            return True
    return cutter.cut


def _now(client: FieldClient) -> Any:
    from client_sdk._clock import read_instant  # noqa: PLC0415  the only use

    return read_instant(client._clock)


def test_the_old_key_is_overwritten_before_its_name_goes(
    open_client: Opener, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = open_client(options=THREE)
    client.enrol(CODE, name="phone")
    for _ in range(3):
        client.log("x")
    (old,) = key_files(client)
    last: list[bytes] = []
    real: Callable[..., None] = Path.unlink

    def unlink(path: Path, missing_ok: bool = False) -> None:
        if path == old:
            last.append(path.read_bytes())
        real(path, missing_ok=missing_ok)

    monkeypatch.setattr(Path, "unlink", unlink)
    client.log("x")
    assert last == [bytes(len(last[0]))]
    assert last[0]


def test_a_lost_key_is_told_and_nothing_is_signed(client: FieldClient) -> None:
    (only,) = key_files(client)
    only.write_bytes(b"damaged")
    with pytest.raises(errors.StoreCorruptError):
        client.log("x")
    assert wires(client) == []


def test_a_lost_answer_to_the_enrolment_offers_the_same_keys(
    open_client: Opener, server: FakeServer
) -> None:
    server.fault = lambda request: "lost-answer" if "enrol" in request.url else None
    client = open_client()
    for _ in range(2):
        with pytest.raises(errors.TransportError):
            client.enrol(CODE, name="phone")
    first = server.first_key
    client.close()
    server.fault = None
    again = open_client()
    again.enrol(CODE, name="phone")
    assert server.first_key == first
    again.log("x")
    assert again.sync().complete
