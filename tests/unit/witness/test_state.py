"""A witness' memory: durable before it is told, one changer at a time, lies noticed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from client_sdk.protocol.keys import Algorithm, PrivateKey
from client_sdk.protocol.tlog.notes import Note, NoteSigner, parse_note, parse_vkey
from server.witness.errors import (
    Conflict,
    FolderError,
    Refused,
    StateLostError,
    WitnessError,
)
from server.witness.state import WitnessFolder
from server.witness.web import create_app
from server.witness.witness import Witness
from tests.support.witness import ORIGIN, ROOT, SmallLog

NAME = "witness.example/w1"


@pytest.fixture
def log() -> SmallLog:
    return SmallLog().grow(300)


@pytest.fixture
def folder(tmp_path: Path, log: SmallLog) -> Path:
    Witness(WitnessFolder.create(tmp_path / "w", NAME)).trust(parse_vkey(log.vkey))
    return tmp_path / "w"


def opened(folder: Path) -> Witness:
    return Witness(WitnessFolder.open(folder))


def edit(folder: Path, **changes: Any) -> None:
    path = folder / "state.json"
    found = json.loads(path.read_text())
    found["logs"][ORIGIN].update(changes)
    path.write_text(json.dumps(found))


def test_it_survives_a_restart(folder: Path, log: SmallLog) -> None:
    opened(folder).add_checkpoint(log.request(0, 5))
    with pytest.raises(Conflict) as caught:
        opened(folder).add_checkpoint(log.request(0, 7))
    assert caught.value.size == 5


def test_the_new_state_is_on_the_disk_before_anything_is_signed_away(
    folder: Path, log: SmallLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The data is synced, then renamed, then the folder is synced, and only then is it told."""
    done: list[str] = []
    real_sync, real_rename = os.fsync, Path.rename

    def sync(descriptor: int) -> None:
        done.append("sync")
        real_sync(descriptor)

    def rename(own: Path, to: Path) -> Path:
        done.append("rename")
        return real_rename(own, to)

    monkeypatch.setattr(os, "fsync", sync)
    monkeypatch.setattr(Path, "rename", rename)
    opened(folder).add_checkpoint(log.request(0, 5))
    assert done == ["sync", "rename", "sync"]


def test_a_disk_that_does_not_take_it_means_no_cosignature(
    folder: Path, log: SmallLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_descriptor: int) -> None:
        raise OSError(5, "Input/output error")

    client = create_app(opened(folder)).test_client()
    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", broken)
        answer = client.post("/add-checkpoint", data=log.request(0, 5))
    assert (answer.status_code, answer.text) == (500, "the witness cannot use its folder\n")
    assert opened(folder).logs()[ORIGIN].size == 0


def test_of_two_that_come_at_once_one_wins(folder: Path, log: SmallLog) -> None:
    """The race of the specification: many requests extend the same size, in many threads."""
    outcomes: list[int] = []
    refused: list[int] = []
    start = threading.Barrier(8)

    def submit(size: int) -> None:
        witness = opened(folder)
        start.wait()
        try:
            witness.add_checkpoint(log.request(0, size))
            outcomes.append(size)
        except Conflict as conflict:
            refused.append(conflict.size)

    threads = [threading.Thread(target=submit, args=(size,)) for size in range(1, 9)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(outcomes) == 1
    assert refused == outcomes * 7
    assert opened(folder).logs()[ORIGIN].size == outcomes[0]


_CLIMB = """
import sys
from pathlib import Path
from server.witness.errors import Conflict
from server.witness.state import WitnessFolder
from server.witness.witness import Witness
folder, requests = Path(sys.argv[1]), Path(sys.argv[2])
witness = Witness(WitnessFolder.open(folder))
won, old = [], 0
while old < 40:
    try:
        witness.add_checkpoint((requests / f"{old}-{old + 1}").read_bytes())
        won.append(old + 1)
        old += 1
    except Conflict as conflict:
        assert conflict.size >= old, (conflict.size, old)
        old = conflict.size
print(*won)
"""


def test_two_processes_never_cosign_the_same_step_twice(
    folder: Path, log: SmallLog, tmp_path: Path
) -> None:
    requests = tmp_path / "requests"
    requests.mkdir()
    for old in range(40):
        (requests / f"{old}-{old + 1}").write_bytes(log.request(old, old + 1))
    climbers = [
        subprocess.Popen(
            [sys.executable, "-c", _CLIMB, folder, requests],
            cwd=ROOT, stdout=subprocess.PIPE, text=True,
        )
        for _ in range(2)
    ]  # fmt: skip
    said = [climber.communicate(timeout=60)[0] for climber in climbers]
    assert [climber.returncode for climber in climbers] == [0, 0]
    won = [int(step) for text in said for step in text.split()]
    assert sorted(won) == list(range(1, 41))


def test_a_witness_that_lost_its_memory_signs_no_more(folder: Path) -> None:
    (folder / "state.json").unlink()
    with pytest.raises(StateLostError, match="must not sign on"):
        opened(folder)


def test_memory_that_vanishes_while_it_runs_stops_it(folder: Path, log: SmallLog) -> None:
    client = create_app(opened(folder)).test_client()
    (folder / "state.json").unlink()
    assert client.post("/add-checkpoint", data=log.request(0)).status_code == 500
    assert client.get("/healthz").status_code == 500


def test_a_size_that_was_lowered_by_hand_is_noticed(folder: Path, log: SmallLog) -> None:
    opened(folder).add_checkpoint(log.request(0, 9))
    edit(folder, note=log.note(5).to_text())
    with pytest.raises(FolderError, match="not cosigned by this witness"):
        opened(folder)


def test_another_logs_checkpoint_in_its_place_is_noticed(folder: Path, log: SmallLog) -> None:
    other = SmallLog("other.example/log").grow(3)
    witness = opened(folder)
    witness.trust(parse_vkey(other.vkey))
    witness.add_checkpoint(log.request(0, 9))
    witness.add_checkpoint(other.request(0))
    kept = witness.logs()["other.example/log"].note
    assert kept is not None
    edit(folder, note=kept.to_text())
    with pytest.raises(FolderError, match="another log's"):
        opened(folder)


def test_another_witness_memory_is_noticed(folder: Path, log: SmallLog, tmp_path: Path) -> None:
    other = Witness(WitnessFolder.create(tmp_path / "other", NAME))
    other.trust(parse_vkey(log.vkey))
    other.add_checkpoint(log.request(0, 9))
    (folder / "state.json").write_bytes((tmp_path / "other" / "state.json").read_bytes())
    with pytest.raises(FolderError, match="not cosigned by this witness"):
        opened(folder)


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"v": 2, "name": "x", "logs": {}}'])
def test_a_memory_that_cannot_be_read_stops_it(folder: Path, text: str) -> None:
    (folder / "state.json").write_text(text)
    with pytest.raises(FolderError):
        opened(folder)


def test_a_folder_is_never_made_over(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(FolderError, match="already"):
        WitnessFolder.create(folder, NAME)
    with pytest.raises(FolderError, match="'init'"):
        WitnessFolder.open(tmp_path / "none")


def test_key_and_memory_are_private(folder: Path) -> None:
    for name in ("key.pem", "state.json"):
        assert (folder / name).stat().st_mode & 0o077 == 0


def test_a_key_that_was_not_trusted_cannot_be_dropped(folder: Path) -> None:
    stranger = NoteSigner(ORIGIN, PrivateKey.generate(Algorithm.ED25519))
    with pytest.raises(WitnessError):
        opened(folder).distrust(stranger.verifier_key)


def test_forgetting_a_key_does_not_forget_the_size(folder: Path, log: SmallLog) -> None:
    witness = opened(folder)
    witness.add_checkpoint(log.request(0, 9))
    witness.distrust(parse_vkey(log.vkey))
    assert witness.trust(parse_vkey(log.vkey)).size == 9


def test_the_kept_note_carries_both_signatures(folder: Path, log: SmallLog) -> None:
    line = opened(folder).add_checkpoint(log.request(0, 9))
    kept = json.loads((folder / "state.json").read_text())["logs"][ORIGIN]["note"]
    assert parse_note(kept) == Note(log.note(9).text, (*log.note(9).signatures, line))


def test_a_second_history_is_kept_as_proof(folder: Path, log: SmallLog) -> None:
    witness = opened(folder)
    witness.add_checkpoint(log.request(0, 5))
    same = SmallLog(ORIGIN, log.key).grow(5, "other")
    longer = SmallLog(ORIGIN, log.key).grow(9, "other")
    for body in (same.request(5), longer.request(5), longer.request(5)):
        with pytest.raises(Refused):
            witness.add_checkpoint(body)
    kept = {path.read_text() for path in (folder / "refused").iterdir()}
    assert kept == {same.note().to_text(), longer.note().to_text()}


def test_an_old_size_that_is_behind_proves_nothing(folder: Path, log: SmallLog) -> None:
    witness = opened(folder)
    witness.add_checkpoint(log.request(0, 5))
    with pytest.raises(Conflict):
        witness.add_checkpoint(log.request(3, 9))
    assert not (folder / "refused").exists()
