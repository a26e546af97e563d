"""Originals are deleted only when others can prove that the court has them."""

import contextlib
import json
import os
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from client_sdk._outbox import Outbox
from client_sdk._store import Store
from client_sdk._wiping import WipeItem
from client_sdk.client import FieldClient
from client_sdk.models import Captured, ItemState
from client_sdk.protocol import records
from client_sdk.protocol.keys import Algorithm, PrivateKey
from client_sdk.protocol.tlog.notes import VerifierKey, format_vkey
from tests.unit.sdk.cli_support import DAY, Run, card
from tests.unit.sdk.conftest import Opener
from tests.unit.sdk.fake_clock import FakeClock
from tests.unit.sdk.fake_log import FakeLog
from tests.unit.sdk.fake_server import FakeServer
from tests.unit.sdk.test_steps import CutError, Cutter

DAY_SECONDS = 24 * 3600


@pytest.fixture
def log(server: FakeServer) -> FakeLog:
    server.log = FakeLog()
    return server.log


@pytest.fixture
def proven(client: FieldClient, server: FakeServer, log: FakeLog) -> Captured:
    """A photo whose receipt was superseded by one with a proof."""
    client.use_log_policy(log.policy)
    captured = client.capture(b"photo", name="a.jpg")
    assert client.sync().complete
    server.prove()
    assert client.sync().complete
    return captured


def why(client: FieldClient) -> list[str | None]:
    return [item.keep.value if item.keep else None for item in client.wipe_plan()]


def last_payload(client: FieldClient) -> dict[str, Any]:
    rows = client._ledger.unsent_records(10**6, 10**9)
    return dict(records.open_record(rows[-1][2]).payload)


def test_what_is_proven_and_a_day_old_is_safe(
    client: FieldClient, clock: FakeClock, proven: Captured, server: FakeServer
) -> None:
    assert why(client) == ["too-young"]
    clock.move(DAY_SECONDS - 1)
    assert why(client) == ["too-young"]
    clock.move(1)
    (item,) = client.wipe_plan()
    assert item.safe
    assert client.wipe(item)
    tombstone = last_payload(client)
    assert tombstone["act"] == "capture.deleted"
    assert tombstone["ref"] == {"sha256": proven.sha256, "reason": "confirmed", "seq": 1}
    assert not client._files.exists(str(proven.sha256))
    assert client.wipe_plan() == []
    assert not client.wipe(item)
    report = client.sync()
    assert report.complete, report
    assert next(client.outbox()).state is ItemState.CONFIRMED
    assert any(o.payload["act"] == "capture.deleted" for o in server.wires.values())


def test_what_was_deleted_is_not_a_loss_at_the_next_start(
    client: FieldClient, clock: FakeClock, proven: Captured, open_client: Opener, server: FakeServer
) -> None:
    clock.move(DAY_SECONDS)
    assert client.wipe(client.wipe_plan()[0])
    client.close()
    again = open_client()
    assert again.reconciled.clean
    server.prove()  # a later receipt does not bring it back
    assert again.sync().complete
    assert open_client().reconciled.clean
    assert proven.sha256


@pytest.mark.parametrize("step", ["unsent", "receipt", "L1", "policy", "no-policy"])
def test_less_than_a_witnessed_proof_keeps_the_original(
    client: FieldClient, clock: FakeClock, server: FakeServer, log: FakeLog, step: str
) -> None:
    if step == "policy":
        nobody = PrivateKey.generate(Algorithm.ED25519).public.raw
        witness = format_vkey(VerifierKey("nobody", 4, nobody))
        client.use_log_policy(f"log {log.vkey}\nwitness n {witness}\nquorum n\n")
    elif step != "no-policy":
        client.use_log_policy(log.policy)
    client.capture(b"photo")
    expected = "not-confirmed"
    if step != "unsent":
        assert client.sync().complete
        expected = "no-proof"
    if step in {"L1", "policy", "no-policy"}:
        server.prove(level="L1" if step == "L1" else "L2")
        client.sync()
        expected = "not-witnessed"
    clock.move(3 * DAY_SECONDS)
    assert why(client) == [expected]
    assert not client.wipe(client.wipe_plan()[0])
    assert len(client.wipe_plan()) == 1


@pytest.mark.usefixtures("proven")
def test_a_clock_that_was_set_ahead_is_not_believed(client: FieldClient, clock: FakeClock) -> None:
    clock.now += _days(400)  # the running clock did not move
    assert why(client) == ["too-young"]
    clock.boot_id, clock.mono = "boot-2", 5
    assert why(client) == ["too-young"]


@pytest.mark.usefixtures("proven")
def test_after_a_reboot_the_servers_signed_time_counts(
    client: FieldClient, clock: FakeClock
) -> None:
    clock.boot_id, clock.mono = "boot-2", 5
    clock.move(DAY_SECONDS + 60)
    assert why(client) == ["too-young"]
    assert client.sync().complete  # the server's clock reading is newer by a day
    assert why(client) == [None]


@pytest.mark.usefixtures("proven")
def test_after_an_alarm_nothing_is_deleted(
    client: FieldClient, clock: FakeClock, server: FakeServer, log: FakeLog
) -> None:
    clock.move(DAY_SECONDS)
    (item,) = client.wipe_plan()
    assert item.safe
    server.log = FakeLog(key=log.key)
    server.log.add(b"another history")
    server.indices = {}
    server.prove()
    client.sync()
    assert why(client) == ["log-inconsistent"]
    assert not client.wipe(item)


def test_bytes_of_two_records_wait_for_both(
    client: FieldClient, clock: FakeClock, proven: Captured
) -> None:
    clock.move(DAY_SECONDS)
    client.capture(b"photo", name="again.jpg")
    assert why(client) == ["not-confirmed"]
    assert proven.sha256


def test_bytes_captured_again_while_they_are_being_deleted_stay(
    client: FieldClient, clock: FakeClock, proven: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock.move(DAY_SECONDS)
    (item,) = client.wipe_plan()
    rotate = client._outbox.rotate_if_due
    again: list[Captured] = []

    def meanwhile(*args: Any) -> bool:
        if not again:
            monkeypatch.setattr(client._outbox, "rotate_if_due", rotate)
            again.append(client.capture(b"photo", name="again.jpg"))
        return rotate(*args)

    monkeypatch.setattr(client._outbox, "rotate_if_due", meanwhile)
    assert not client.wipe(item)
    assert client._files.exists(str(proven.sha256))
    assert why(client) == ["not-confirmed"]


def test_a_deletion_is_cut_after_each_of_its_steps(
    open_client: Opener,
    client: FieldClient,
    clock: FakeClock,
    server: FakeServer,
    log: FakeLog,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Never a file without its row, never a missing file without its tombstone."""
    step, cut = 0, True
    client.use_log_policy(log.policy)
    client.close()
    while cut:
        working = open_client()
        captured = working.capture(b"photo %d" % step)
        working.sync()
        server.prove()
        working.sync()
        clock.move(DAY_SECONDS)
        item = next(one for one in working.wipe_plan() if one.sha256 == captured.sha256)
        assert item.safe
        cutter = Cutter(step)
        with monkeypatch.context() as patch:
            for name in ("fsync", "replace", "unlink", "open"):
                patch.setattr(os, name, cutter.wrap(getattr(os, name)))
            patch.setattr(Store, "run", cutter.wrap(Store.run))
            with contextlib.suppress(CutError):
                working.wipe(item)
        cut = cutter.cut
        working.close()
        after = open_client()
        assert after.reconciled.clean
        buried = [row for row in after._ledger.records() if row.act == "capture.deleted"]
        wiped = [o for o in after._ledger.objects() if o.state.value == "wiped"]
        assert len(buried) == len(wiped)
        assert {o.sha256 for o in wiped}.isdisjoint(after._files.digests())
        after.close()
        step += 1
    assert step > 4
    assert log.tree.size


# -- cards


@pytest.fixture
def docked(run: Run, enrolled: FakeServer, tmp_path: Path, log: FakeLog, clock: FakeClock) -> Path:
    """A card whose files were taken and proven, a day ago."""
    folder = card(tmp_path / "card", **DAY)
    assert run("dock", folder, "--yes").exit_code == 0
    enrolled.prove()
    assert run("sync").exit_code == 0
    clock.move(DAY_SECONDS)
    assert "Safe to delete: 0" in run("wipe", folder).stdout  # the court's word alone
    policy = tmp_path / "log-policy"
    policy.write_text(log.policy)
    assert "Safe to delete: 3" in run("wipe", folder, "--log-policy", policy).stdout
    return folder


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in (folder / "DCIM" / "100NIKON").iterdir())


def test_a_card_is_listed_first_and_deleted_after_typed_words(run: Run, docked: Path) -> None:
    listed = run("wipe", docked)
    assert listed.exit_code == 0
    assert "Safe to delete: 3" in listed.stdout
    assert names(docked) == ["A1.jpg", "A2.jpg", "A3.mp4"]
    for wrong in ("yes\n", "wipe 2\n", "\n"):
        assert run("wipe", docked, "--delete", stdin=wrong).exit_code == 1
    assert len(names(docked)) == 3
    done = run("wipe", docked, "--delete", stdin="wipe 3\n")
    assert done.exit_code == 0, done.output
    assert names(docked) == []
    assert (docked / "NIKON.DB").exists()
    assert "3 original(s) deleted" in done.stdout


def test_only_the_bytes_of_the_receipt_are_deleted_from_a_card(
    run: Run, docked: Path, enrolled: FakeServer
) -> None:
    path = docked / "DCIM" / "100NIKON" / "A2.jpg"
    times = path.stat()
    path.write_bytes(b"CONTENT of A2_jpg"[: times.st_size])
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
    (docked / "DCIM" / "100NIKON" / "A9.jpg").write_bytes(b"never taken")
    done = run("wipe", docked, "--delete", "--json", stdin="wipe 2\n")
    assert done.exit_code == 0, done.output
    assert names(docked) == ["A2.jpg", "A9.jpg"]
    kept = {item["name"].rsplit("/")[-1]: item["keep"] for item in json.loads(done.stdout)["items"]}
    assert kept == {"A1.jpg": None, "A2.jpg": "differs", "A3.mp4": None, "A9.jpg": "not-captured"}
    assert run("sync").exit_code == 0
    buried = [o.payload for o in enrolled.wires.values() if o.payload["act"] == "capture.deleted"]
    assert [one["ref"]["reason"] for one in buried] == ["card-confirmed"] * 2


def test_a_file_that_changes_at_the_last_moment_stays(
    run: Run, docked: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = docked / "DCIM" / "100NIKON" / "A1.jpg"
    real = Outbox.append

    def append(self: Outbox, *args: Any, **kwargs: Any) -> Any:
        recorded = real(self, *args, **kwargs)
        path.write_bytes(b"somebody writes")
        return recorded

    monkeypatch.setattr(Outbox, "append", append)
    done = run("wipe", docked, "--delete", stdin="wipe 3\n")
    assert done.exit_code != 0
    assert path.read_bytes() == b"somebody writes"


def test_originals_on_the_device_by_the_command(run: Run, docked: Path) -> None:
    assert "Safe to delete: 3" in run("wipe").stdout
    done = run("wipe", "--delete", "--json", stdin="wipe 3\n")
    assert done.exit_code == 0
    assert len(json.loads(done.stdout)["deleted"]) == 3
    assert "Safe to delete: 3" in run("wipe", docked).stdout  # the card's are still there
    assert run("outbox").exit_code == 0


def test_what_was_never_captured_is_never_deleted(client: FieldClient, tmp_path: Path) -> None:
    path = tmp_path / "foreign.jpg"
    path.write_bytes(b"foreign")
    assert not client.wipe(WipeItem("ab" * 32, "foreign.jpg", 7, None, 1, path))
    assert path.exists()


def _days(count: int) -> Any:
    return timedelta(days=count)
