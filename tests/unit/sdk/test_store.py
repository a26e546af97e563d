"""What lies on the disk: crashes, losses, full disks, and secrets."""

import errno
import hashlib
import random
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from client_sdk import errors
from client_sdk._link import Options
from client_sdk._store import Store
from client_sdk._vault import PlainVault
from client_sdk.client import FieldClient
from client_sdk.models import ItemState
from client_sdk.protocol.payloads import Payload, RecordKind
from tests.unit.sdk.chains import assert_chained, wires
from tests.unit.sdk.conftest import Opener
from tests.unit.sdk.fake_server import CODE, FakeServer

CASE = "01936b1e-0000-7000-8000-0000000000a0"


def test_the_journal_is_the_safe_one(tmp_path: Path) -> None:
    store = Store(tmp_path, PlainVault())
    assert store.one("PRAGMA journal_mode") == ("truncate",)
    assert store.one("PRAGMA synchronous") == (3,)
    store.close()


def test_a_transaction_is_all_or_nothing(tmp_path: Path) -> None:
    store = Store(tmp_path, PlainVault())

    def write_and_fail() -> None:
        with store.transaction():
            store.put("a", 1)
            raise KeyError

    with pytest.raises(KeyError):
        write_and_fail()
    assert store.get("a") is None
    with store.transaction(), store.transaction():
        store.put("a", [1, "铁"])
    assert store.get("a") == [1, "铁"]
    store.put("a", None)
    assert store.get("a") is None
    store.close()


def test_a_store_of_another_version_is_refused(tmp_path: Path) -> None:
    Store(tmp_path, PlainVault()).close()
    connection = sqlite3.connect(tmp_path / "outbox.sqlite3")
    connection.execute("PRAGMA user_version=99")
    connection.close()
    with pytest.raises(errors.StoreError):
        Store(tmp_path, PlainVault())


def test_a_file_that_is_no_database(tmp_path: Path) -> None:
    (tmp_path / "outbox.sqlite3").write_bytes(b"x" * 4096)
    with pytest.raises(errors.StoreCorruptError):
        Store(tmp_path, PlainVault())


@pytest.mark.parametrize("passphrase", [None, "铁证"])
def test_a_capture_is_on_the_disk_when_it_returns(
    open_client: Opener, passphrase: str | None, server: FakeServer
) -> None:
    client = open_client(passphrase=passphrase)
    client.enrol(CODE, name="phone")
    data = random.Random(1).randbytes(5_000_000)
    captured = client.capture(data, name="a.jpg")
    assert captured.sha256 == hashlib.sha256(data).hexdigest()
    assert b"".join(client.read(captured.sha256)) == data
    assert not list((client.root / "tmp").iterdir())
    assert not list((client.root / "intents").iterdir())
    assert_chained(client, server)


def test_stolen_storage_shows_no_secret(open_client: Opener, server: FakeServer) -> None:
    client = open_client(passphrase="p")
    client.enrol(CODE, name="phone")
    client.sign_in("liu", "password")
    server.changes = [
        {"kind": "mission", "op": "put", "id": CASE, "data": {"title": "CANARY-mission"}}
    ]
    client.capture(b"CANARY-bytes" * 100_000, name="CANARY-name.jpg", text="CANARY-text")
    client.log("CANARY-note")
    client.sync()
    private = client.identity.key.to_pem().decode().splitlines()[1]
    secrets = ["CANARY", private, *server.tokens, *server.refresh_tokens]
    client.close()
    for path in client.root.rglob("*"):
        if path.is_file():
            stored = path.read_bytes()
            assert not [s for s in secrets if s.encode() in stored], path
            assert path.stat().st_mode & 0o077 == 0 or path.parent == client.root
    assert client.root.stat().st_mode & 0o077 == 0


# -- reconciliation


def test_a_file_without_a_row_is_recovered_with_its_context(
    client: FieldClient, open_client: Opener, monkeypatch: pytest.MonkeyPatch
) -> None:
    def dies(*_args: object, **_kwargs: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(client._outbox, "append", dies)
    with pytest.raises(KeyboardInterrupt):
        client.capture(b"evidence", name="证据.jpg", case=CASE)
    client.close()
    again = open_client()
    digest = hashlib.sha256(b"evidence").hexdigest()
    assert again.reconciled.recovered == (digest,)
    (opened,) = wires(again)
    payload = Payload.from_dict(opened.payload)
    assert payload.act is RecordKind.CAPTURE_RECOVERED
    assert str(payload.case) == CASE
    assert payload.obj[0].display_name == "证据.jpg"
    assert payload.ref is not None
    assert payload.ref.sha256 == digest
    assert payload.match is not None
    assert "intended_t" in payload.match
    again.close()
    assert open_client().reconciled.clean


def test_a_foreign_file_without_any_context_is_recovered_too(
    client: FieldClient, open_client: Opener, server: FakeServer
) -> None:
    digest = hashlib.sha256(b"found").hexdigest()
    (client.root / "files" / digest).write_bytes(b"found")
    client.close()
    again = open_client()
    assert again.reconciled.recovered == (digest,)
    assert_chained(again, server)
    assert again.sync().complete


def test_a_damaged_orphan_is_told_and_stays(client: FieldClient, open_client: Opener) -> None:
    digest = hashlib.sha256(b"true").hexdigest()
    path = client.root / "files" / digest
    path.write_bytes(b"false")
    client.close()
    assert open_client().reconciled.damaged == (digest,)
    assert path.exists()


def test_a_row_without_a_file_becomes_a_signed_loss(
    client: FieldClient, open_client: Opener, server: FakeServer
) -> None:
    captured = client.capture(b"evidence")
    assert captured.sha256
    (client.root / "files" / captured.sha256).unlink()
    client.close()
    again = open_client()
    assert again.reconciled.lost == (captured.sha256,)
    assert_chained(again, server)
    lost = Payload.from_dict(wires(again)[1].payload)
    assert lost.act is RecordKind.CAPTURE_LOST
    assert lost.ref is not None
    assert (lost.ref.sha256, lost.ref.seq, lost.ref.reason) == (captured.sha256, 1, "file-missing")
    report = again.sync()
    assert [problem.code for problem in report.problems] == ["lost"]
    assert len(server.records) == 3
    assert next(again.outbox()).state is ItemState.NEEDS_YOU
    again.close()
    assert open_client().reconciled.clean


def test_an_original_that_vanishes_after_its_receipt_is_told_once(
    client: FieldClient, open_client: Opener
) -> None:
    captured = client.capture(b"evidence")
    client.sync()
    (client.root / "files" / str(captured.sha256)).unlink()
    client.close()
    again = open_client()
    assert again.reconciled.lost == (captured.sha256,)
    assert next(again.outbox()).state is ItemState.CONFIRMED
    assert again.sync().complete
    again.close()
    assert open_client().reconciled.clean


def test_an_interrupted_copy_lies_aside(client: FieldClient, open_client: Opener) -> None:
    def source() -> Iterator[bytes]:
        yield b"half"
        raise KeyboardInterrupt

    class Cut:
        name = "x.mp4"
        pieces = source()

        def read(self, _size: int) -> bytes:
            return next(self.pieces)

    with pytest.raises(KeyboardInterrupt):
        client.capture(Cut())  # type: ignore[arg-type]
    client.close()
    again = open_client()
    assert [leftover.size_bytes for leftover in again.reconciled.leftovers] == [4]
    assert again.reconciled.clean
    assert not list(again.outbox())


def test_a_damaged_stored_file_is_parked_not_sent(client: FieldClient, server: FakeServer) -> None:
    captured = client.capture(b"evidence")
    other = client.capture(b"other")
    (client.root / "files" / str(captured.sha256)).write_bytes(b"tampered")
    report = client.sync()
    assert report.problems[0].sha256 == captured.sha256
    assert captured.sha256 not in server.blobs
    assert other.sha256 in server.blobs


# -- full disk


def test_a_full_disk_refuses_loudly_and_leaves_nothing(
    client: FieldClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Full:
        def write(self, _data: bytes) -> None:
            raise OSError(errno.ENOSPC, "No space left on device")

        def finish(self) -> None:
            raise AssertionError

    with monkeypatch.context() as patch:
        patch.setattr(PlainVault, "writer", lambda *_: Full())
        with pytest.raises(errors.StoreFullError):
            client.capture(b"x" * 1000)
    assert not list((client.root / "tmp").iterdir())
    assert not list(client.outbox())
    assert client.capture(b"x" * 1000).seq == 1


def test_a_capture_that_cannot_fit_is_refused_before_a_byte(
    client: FieldClient, tmp_path: Path
) -> None:
    sparse = tmp_path / "huge.mp4"
    with sparse.open("wb") as file:
        file.truncate(1 << 42)
    with pytest.raises(errors.StoreFullError):
        client.capture(sparse)


def test_the_ballast_lets_a_last_record_be_written(
    open_client: Opener, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = open_client(options=Options(ballast_bytes=4096))
    client.enrol(CODE, name="phone")
    assert (client.root / "ballast").stat().st_size == 4096
    real = Store.run

    def run(store: Store, sql: str, *values: object) -> int:
        if "INSERT INTO records" in sql and (client.root / "ballast").exists():
            raise errors.StoreFullError
        return real(store, sql, *values)

    monkeypatch.setattr(Store, "run", run)
    assert client.log("the last word").seq == 1
    assert not (client.root / "ballast").exists()


def test_a_source_that_changes_while_it_is_read_is_refused(
    client: FieldClient, tmp_path: Path
) -> None:
    growing = tmp_path / "recording.mp4"
    growing.write_bytes(b"x" * 3_000_000)

    def grow(_event: object) -> None:
        with growing.open("ab") as file:
            file.write(b"more")

    with pytest.raises(errors.CaptureError):
        client.capture(growing, on_progress=grow)
    assert not list(client.outbox())
    assert not list((client.root / "tmp").iterdir())
    assert client.capture(growing).seq == 1
