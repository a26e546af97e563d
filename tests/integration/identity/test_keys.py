"""The server's keys: rotation that devices can follow, retirement, folders that were disturbed."""

from __future__ import annotations

import json
import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from client_sdk.protocol.errors import StatementError
from client_sdk.protocol.keylist import KeyPurpose, follow, pin
from server.core.clock import FixedClock
from server.core.keyring import EVENT, TOKEN, KeyRing, KeyRingError


@pytest.fixture
def clock() -> FixedClock:
    """The clock of the key folder."""
    return FixedClock(datetime(2026, 3, 2, tzinfo=UTC))


@pytest.fixture
def ring(tmp_path: Path, clock: FixedClock) -> KeyRing:
    """A fresh folder of keys."""
    ring = KeyRing(tmp_path / "keys", clock)
    ring.initialise()
    return ring


def test_a_device_follows_rotations_it_missed(ring: KeyRing, clock: FixedClock) -> None:
    pinned = pin(ring.statement(), fingerprint=ring.active(EVENT).kid)
    for _ in range(3):
        clock.advance(timedelta(days=30))
        ring.add(EVENT)
        ring.add(TOKEN)
    keys = follow(pinned, ring.statement())
    assert keys.version > pinned.version
    assert keys.fingerprint == ring.active(EVENT).kid
    assert len([entry for entry in keys.keys if entry.purpose is KeyPurpose.EVENT]) == 4


def test_rotations_within_one_moment_keep_their_order(ring: KeyRing) -> None:
    made = [ring.add(EVENT).kid for _ in range(3)]
    assert [key.kid for key in ring.all(EVENT)][1:] == made
    assert ring.active(EVENT).kid == made[-1]
    since = [entry.since for entry in ring.published() if entry.purpose is KeyPurpose.EVENT]
    assert since == sorted(since)
    assert len(set(since)) == 4


def test_a_retired_key_still_vouches_for_what_it_signed(ring: KeyRing, clock: FixedClock) -> None:
    old = ring.active(EVENT)
    pinned = pin(ring.statement())
    with pytest.raises(KeyRingError, match="signs now"):
        ring.retire(old.kid)
    clock.advance(timedelta(days=1))
    new = ring.add(EVENT)
    before = ring.statement()
    ring.retire(old.kid)
    assert [key.kid for key in ring.all(EVENT)] == [new.kid]
    assert ring.find(EVENT, old.kid) is None
    assert ring.event_key(old.kid) == old.public
    after = follow(follow(pinned, before), ring.statement())
    entry = after.find(old.kid, KeyPurpose.EVENT)
    assert entry is not None
    assert entry.until == clock.now()
    assert after.version > follow(pinned, before).version
    # A device enrolled later can verify old receipts as well.
    assert pin(ring.statement()).event_key(old.kid) == old.public
    with pytest.raises(KeyRingError, match="no key in use"):
        ring.retire(old.kid)


def test_another_process_notices(ring: KeyRing, tmp_path: Path, clock: FixedClock) -> None:
    other = KeyRing(tmp_path / "keys", clock)
    first = other.active(TOKEN)
    for _ in range(20):  # also when both happen within a tick of the file system's clock
        new = ring.add(TOKEN)
        assert other.active(TOKEN).kid == new.kid
    ring.retire(first.kid)
    assert other.find(TOKEN, first.kid) is None


def test_files_are_private(ring: KeyRing, tmp_path: Path) -> None:
    folder = tmp_path / "keys"
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    files = [path for path in folder.iterdir() if path.is_file()]
    assert len(files) == 5  # the data key, two keys, and what is published of them
    assert {stat.S_IMODE(path.stat().st_mode) for path in files} == {0o600}


def test_initialising_again_changes_nothing(ring: KeyRing, tmp_path: Path) -> None:
    before = sorted(path.name for path in (tmp_path / "keys").iterdir())
    ring.initialise()
    assert sorted(path.name for path in (tmp_path / "keys").iterdir()) == before


def test_a_key_without_its_record_still_works(ring: KeyRing, tmp_path: Path) -> None:
    for path in (tmp_path / "keys").glob("*.json"):
        path.unlink()
    assert pin(ring.statement()).fingerprint == ring.active(EVENT).kid


def test_an_interrupted_retirement_counts(ring: KeyRing, tmp_path: Path, clock: FixedClock) -> None:
    old = ring.active(TOKEN)
    ring.add(TOKEN)
    record = tmp_path / "keys" / f"{old.stem}.json"
    entry = json.loads(record.read_text())
    record.unlink()
    record.write_text(json.dumps({**entry, "until": "2026-03-02T00:00:00.000Z"}))
    fresh = KeyRing(tmp_path / "keys", clock)
    assert fresh.find(TOKEN, old.kid) is None
    assert any(one.kid == old.kid and one.until for one in fresh.published())


def test_a_damaged_record_is_reported(ring: KeyRing, tmp_path: Path, clock: FixedClock) -> None:
    record = next((tmp_path / "keys").glob("event-*.json"))
    record.write_text("{")
    with pytest.raises(KeyRingError, match="cannot be read"):
        KeyRing(tmp_path / "keys", clock).statement()


def test_a_key_out_of_nowhere_is_not_followed(
    ring: KeyRing, tmp_path: Path, clock: FixedClock
) -> None:
    pinned = pin(ring.statement())
    other = KeyRing(tmp_path / "other", clock)
    other.initialise()
    with pytest.raises(StatementError):
        follow(pinned, other.statement())


def test_sealed_secrets_belong_to_their_place(ring: KeyRing) -> None:
    sealed = ring.seal(b"secret", "totp:1")
    assert ring.unseal(sealed, "totp:1") == b"secret"
    with pytest.raises(KeyRingError, match="not sealed"):
        ring.unseal(sealed, "totp:2")
    with pytest.raises(KeyRingError, match="not sealed"):
        ring.unseal(sealed[:-2] + ("00" if sealed[-2:] != "00" else "01"), "totp:1")


def test_before_init_the_message_says_what_to_do(tmp_path: Path, clock: FixedClock) -> None:
    ring = KeyRing(tmp_path / "nothing", clock)
    with pytest.raises(KeyRingError, match="init"):
        ring.active(EVENT)
    with pytest.raises(KeyRingError, match="init"):
        ring.mac(b"x", "y")
