"""Recordings that run, are cut, lose a chunk, or cross a reboot."""

import hashlib
import os
import random
from pathlib import Path
from typing import Any

import pytest

from client_sdk import errors
from client_sdk._link import Options
from client_sdk._store import Store
from client_sdk.client import FieldClient
from client_sdk.models import Captured
from client_sdk.protocol.streams import CHUNK_BYTES, Chunker
from tests.unit.sdk.chains import assert_chained, wires
from tests.unit.sdk.conftest import Opener
from tests.unit.sdk.fake_clock import FakeClock
from tests.unit.sdk.fake_server import CODE, FakeServer
from tests.unit.sdk.test_steps import CutError, Cutter, Ring

DATA = random.Random(11).randbytes(2 * CHUNK_BYTES + 1000)
PIECE = 1 << 20
CASE = "01936b1e-0000-7000-8000-0000000000a0"


def pieces(data: bytes) -> list[bytes]:
    return [data[at : at + PIECE] for at in range(0, len(data), PIECE)]


def roots(data: bytes, *marks: int) -> list[str]:
    chunker = Chunker(marks)
    chunker.feed(data)
    return [chunker.roots[mark] for mark in marks]


def whole(data: bytes) -> str:
    chunker = Chunker()
    chunker.feed(data)
    return chunker.finish()


def payloads(client: FieldClient) -> list[dict[str, Any]]:
    return [dict(opened.payload) for opened in wires(client)]


def record(client: FieldClient, clock: FakeClock, seconds: float = 61) -> Captured:
    with client.recording("现场.mp4", case=CASE) as running:
        for piece in pieces(DATA):
            running.write(piece)
            clock.move(seconds / 4)
    assert running.captured is not None
    return running.captured


@pytest.mark.parametrize("ring", [None, Ring()], ids=["plain", "encrypted"])
def test_a_recording_is_bound_while_it_runs(
    open_client: Opener, clock: FakeClock, server: FakeServer, ring: Ring | None
) -> None:
    client = open_client(secrets=ring)
    client.enrol(CODE, name="phone")
    captured = record(client, clock)
    assert_chained(client, server)
    found = payloads(client)
    assert [p["act"] for p in found] == [
        "media.open", "media.progress", "media.progress", "capture.recorded", "media.close",
    ]  # fmt: skip
    assert [p["case"] for p in found] == [CASE] * 5
    streams = [p["stream"] for p in found]
    assert len({one["id"] for one in streams}) == 1
    assert (streams[0]["chunks"], streams[0]["size"]) == (0, 0)
    first, second = roots(DATA, 1, 2)
    assert streams[1] | {"chunks": 1, "size": CHUNK_BYTES, "root": first} == streams[1]
    assert streams[2] | {"chunks": 2, "size": 2 * CHUNK_BYTES, "root": second} == streams[2]
    assert streams[3] | {"chunks": 3, "size": len(DATA), "root": whole(DATA)} == streams[3]
    assert streams[4] == streams[3]
    assert found[3]["match"]["started_t"] == found[0]["t"]
    assert found[3]["obj"][0]["sha256"] == hashlib.sha256(DATA).hexdigest() == captured.sha256
    assert found[3]["media"] == "video"
    assert b"".join(client.read(captured.sha256)) == DATA
    assert list((client.root / "recordings").iterdir()) == []
    assert client.sync().complete


def test_a_quick_recording_has_no_progress_and_an_empty_one_no_file(
    client: FieldClient, clock: FakeClock
) -> None:
    record(client, clock, seconds=0)
    with client.recording("empty.mp4") as running:
        pass
    assert running.captured is None
    acts = [p["act"] for p in payloads(client)]
    assert acts[:3] == ["media.open", "capture.recorded", "media.close"]
    assert acts[3:] == ["media.open", "media.close"]


def test_tamper_60_an_interrupted_recording_keeps_a_provable_prefix(
    client: FieldClient, clock: FakeClock, open_client: Opener, server: FakeServer
) -> None:
    running = client.recording("现场.mp4", case=CASE)
    running.__enter__()
    for piece in pieces(DATA):
        running.write(piece)
        clock.move(20)
    clock.move(60)
    running.write(b"last words")
    running.write(b"unsaved")
    running._stack.close()  # as the system frees the lock of a process that died
    client.close()
    again = open_client()
    (digest,) = again.reconciled.interrupted
    found = payloads(again)
    assert [p["act"] for p in found if p["act"] != "media.progress"] == [
        "media.open", "capture.recovered",
    ]  # fmt: skip
    kept = b"".join(again.read(digest))
    assert kept == DATA + b"last words"
    newest = [p["stream"] for p in found if p["act"] == "media.progress"][-1]
    assert newest["root"] == roots(kept, newest["chunks"])[0]
    assert found[-1]["ref"] == {"sha256": digest, "reason": "interrupted"}
    assert found[-1]["stream"]["root"] == whole(kept)
    assert found[-1]["obj"][0]["name_b64"] == found[-1]["obj"][0]["name_b64"]
    assert not again.reconciled.clean
    assert again.sync().complete
    assert server.blobs[digest] == kept


@pytest.mark.parametrize("missing", [1, 2])
def test_tamper_60_a_missing_chunk_ends_what_is_provable(
    client: FieldClient, clock: FakeClock, open_client: Opener, missing: int
) -> None:
    running = client.recording("现场.mp4")
    running.__enter__()
    for piece in pieces(DATA):
        running.write(piece)
    clock.move(61)
    running.write(b"x")
    running._stack.close()
    (folder,) = (client.root / "recordings").iterdir()
    client.close()
    (folder / f"0000000{missing}").unlink()
    again = open_client()
    aside = sorted(path.name[37:] for path in (again.root / "leftovers").iterdir())
    assert not folder.exists()
    if missing == 1:
        assert again.reconciled.interrupted == ()  # not a byte of its beginning is left
        assert [p["act"] for p in payloads(again)] == ["media.open", "media.progress"]
        assert aside == ["00000002", "after-00000002"]
        return
    (digest,) = again.reconciled.interrupted
    assert b"".join(again.read(digest)) == DATA[:CHUNK_BYTES]
    assert payloads(again)[-1]["stream"]["chunks"] == 1
    assert aside == ["after-00000002"]


def test_tamper_62_a_recording_does_not_cross_a_reboot(
    client: FieldClient, clock: FakeClock
) -> None:
    def run() -> None:
        with client.recording("a.mp4") as running:
            running.write(DATA[:CHUNK_BYTES])
            clock.boot_id, clock.mono = "boot-2", 10
            running.write(DATA[CHUNK_BYTES:])

    with pytest.raises(errors.CaptureError):
        run()
    found = payloads(client)
    assert [p["act"] for p in found] == ["media.open", "capture.recovered"]
    assert found[1]["ref"]["reason"] == "interrupted"
    assert (found[0]["t"]["boot"], found[1]["t"]["boot"]) == ("boot-1", "boot-2")
    assert found[1]["match"]["started_t"]["boot"] == "boot-1"


def test_an_error_of_the_caller_interrupts_and_keeps(client: FieldClient) -> None:
    def run() -> None:
        with client.recording("a.mp3") as running:
            running.write(b"x" * 100)
            running.write(b"y" * CHUNK_BYTES)
            raise KeyError

    with pytest.raises(KeyError):
        run()
    found = payloads(client)
    assert [p["act"] for p in found] == ["media.open", "capture.recovered"]
    assert found[1]["stream"]["size"] == CHUNK_BYTES
    assert found[1]["media"] == "audio"


def test_nobody_recovers_a_recording_that_runs(
    client: FieldClient, open_client: Opener, clock: FakeClock
) -> None:
    with client.recording("a.mp4") as running:
        running.write(DATA)
        other = open_client()
        assert other.reconciled.clean
        other.log("meanwhile")
        clock.move(61)
        running.write(b"more")
    assert running.captured is not None
    assert open_client().reconciled.clean


def test_a_recording_is_cut_after_each_of_its_steps(
    open_client: Opener, monkeypatch: pytest.MonkeyPatch, server: FakeServer, clock: FakeClock
) -> None:
    """Whatever the last full chunk was, it and all before it are there at the next start."""
    options = Options(ballast_bytes=0)
    first = open_client(options=options)
    first.enrol(CODE, name="phone")
    first.close()
    step, cut = 0, True
    while cut:
        client = open_client(options=options)
        written, cut = recording_cut_at(client, step, monkeypatch, clock)
        client.close()
        after = open_client(options=options)
        assert list((after.root / "recordings").iterdir()) == []
        found = [p for p in payloads(after) if p.get("stream")]
        assert_chained(after, server)
        newest = [p for p in found if p["act"].startswith("capture")][-1:]
        if written >= CHUNK_BYTES:
            assert newest[0]["stream"]["size"] >= written // CHUNK_BYTES * CHUNK_BYTES
            digest = newest[0]["obj"][0]["sha256"]
            kept = b"".join(after.read(digest))
            assert kept == step_data(step)[: len(kept)]
        closes = [p for p in found if p["act"] == "media.close"]
        for close in closes:
            mates = [p for p in found if p["stream"]["id"] == close["stream"]["id"]]
            assert [p["act"] for p in mates].count("capture.recorded") == 1
            assert [p["act"] for p in mates].count("capture.recovered") == 0
        assert len({p["stream"]["id"] for p in found if p["act"].startswith("capture")}) == sum(
            p["act"].startswith("capture") for p in found
        )
        after.close()
        step += 1
    assert step > 20


def step_data(step: int) -> bytes:
    return b"%08d" % step + DATA[: CHUNK_BYTES + 500]


def recording_cut_at(
    client: FieldClient, step: int, monkeypatch: pytest.MonkeyPatch, clock: FakeClock
) -> tuple[int, bool]:
    """(bytes that were taken before the cut, whether the cut came)."""
    cutter = Cutter(step)
    written = 0
    running = client.recording("a.mp4")
    with monkeypatch.context() as patch:
        for name in ("fsync", "replace", "unlink", "open", "rmdir"):
            patch.setattr(os, name, cutter.wrap(getattr(os, name)))
        patch.setattr(Store, "run", cutter.wrap(Store.run))
        try:
            with running:
                for piece in pieces(step_data(step)):
                    running.write(piece)
                    written += len(piece)
                    clock.move(20)
        except CutError:
            return written, True
    return written, cutter.cut


def test_the_folder_is_private(client: FieldClient) -> None:
    assert (Path(client.root) / "recordings").stat().st_mode & 0o077 == 0
