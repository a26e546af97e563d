"""A witness as an office runs it: its own process, without the server's settings or database."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from client_sdk.protocol.tlog.cosignatures import verify_cosignature
from client_sdk.protocol.tlog.notes import parse_note, parse_vkey
from server.witness.wire import format_request
from tests.support.ports import free_port
from tests.support.witness import (
    SmallLog,
    WitnessProcess,
    command,
    compared,
    running_witness,
)


@pytest.fixture
def log() -> SmallLog:
    return SmallLog().grow(60)


@pytest.fixture
def witness(tmp_path: Path, log: SmallLog) -> Iterator[WitnessProcess]:
    with running_witness(tmp_path / "w", "witness.example/w1", log.vkey) as running:
        yield running


def test_it_cosigns_over_http(witness: WitnessProcess, log: SmallLog) -> None:
    status, _, body = witness.submit(log.request(0))
    assert status == 200
    note = parse_note(log.note().to_text() + body.decode())
    assert verify_cosignature(note, parse_vkey(witness.vkey)) > 1_700_000_000
    status, headers, body = witness.submit(log.request(3))
    assert (status, body, headers["Content-Type"]) == (409, b"60\n", "text/x.tlog.size")


def test_kill_9_at_any_moment_forgets_nothing_that_was_told(
    witness: WitnessProcess, log: SmallLog
) -> None:
    """Requests run on while it is killed and started again; no size is ever told and forgotten."""
    told = 0
    for round_ in range(5):
        assert witness.submit(log.request(told, told + 1))[0] == 200
        told += 1
        killer = threading.Timer(0.01 * (round_ + 1), witness.kill)
        killer.start()
        for size in range(told + 1, told + 12):
            try:
                status, _, body = witness.submit(log.request(told, size))
            except OSError:
                break
            told = size if status == 200 else int(body)
        killer.join()
        witness.start()
        reached = witness.known(log.origin)
        assert reached in {told, told + 1}  # stored, then killed before the answer went out
        told = reached
    fork = SmallLog(log.origin, log.key).grow(60, "other")
    assert witness.submit(fork.request(told))[0] == 422


def test_tamper_56_a_restored_log_is_refused_after_a_restart_too(
    witness: WitnessProcess, log: SmallLog
) -> None:
    assert witness.submit(log.request(0, 40))[0] == 200
    witness.stop()
    witness.start()
    restored = SmallLog(log.origin, log.key).grow(30)
    assert witness.submit(restored.request(20))[::2] == (409, b"40\n")
    grown = restored.grow(45, "after the backup")
    assert witness.submit(grown.request(40))[0] == 422


def test_two_processes_on_one_folder_take_turns(witness: WitnessProcess, log: SmallLog) -> None:
    second = WitnessProcess(witness.folder, witness.vkey, free_port())
    second.start()
    try:
        statuses: list[int] = []
        start = threading.Barrier(8)

        def submit(at: WitnessProcess, size: int) -> None:
            start.wait()
            statuses.append(at.submit(log.request(0, size))[0])

        threads = [
            threading.Thread(target=submit, args=((witness, second)[size % 2], size))
            for size in range(1, 9)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        second.stop()
    assert sorted(statuses) == [200] + [409] * 7


def test_commands_show_what_it_watches(tmp_path: Path, log: SmallLog) -> None:
    folder = ("--folder", str(tmp_path / "w"))
    vkey = command("init", "witness.example/w1", *folder)
    assert command("vkey", *folder) == vkey
    assert "nothing cosigned yet" in command("trust", log.vkey, *folder)
    assert "log.example/evidence" in command("show", *folder)
    assert "0 keys" in command("distrust", log.vkey, *folder)


def test_a_request_for_a_log_that_was_added_while_it_runs(
    witness: WitnessProcess, log: SmallLog
) -> None:
    other = SmallLog("other.example/log").grow(3)
    body = format_request(0, [], other.note().to_text())
    assert witness.submit(body)[0] == 404
    command("trust", other.vkey, "--folder", str(witness.folder))
    assert witness.submit(body)[0] == 200


def test_tamper_57_a_split_view_across_two_witnesses_is_found_by_anybody(
    witness: WitnessProcess, log: SmallLog, tmp_path: Path
) -> None:
    policy = tmp_path / "policy"
    with running_witness(tmp_path / "w2", "witness.example/w2", log.vkey) as second:
        lines = [f"log {log.vkey}", f"witness w1 {witness.vkey} {witness.url}"]
        lines += [f"witness w2 {second.vkey} {second.url}/", "quorum none"]
        policy.write_text("".join(f"{line}\n" for line in lines))
        assert witness.submit(log.request(0))[0] == 200
        assert compared(policy)[0] == 3
        fork = SmallLog(log.origin, log.key).grow(60, "other")
        assert second.submit(fork.request(0))[0] == 200
        code, said = compared(policy)
    assert code == 1
    assert "SPLIT VIEW: w1 and w2" in said
    assert log.checkpoint().body() in said
    assert fork.checkpoint().body() in said
