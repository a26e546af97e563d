"""The launcher: web server and worker start together and end together."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.serve import MALLOC
from tests.conftest import fresh_database
from tests.support.live import LiveServer, running


@pytest.fixture
def server(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[LiveServer]:
    with running(tmp_path, fresh_database(request, "sqlite", tmp_path), worker=True) as live:
        yield live


def ended(pids: list[int]) -> bool:
    """Whether none of the processes runs any more, after a while."""
    deadline = time.monotonic() + 30
    while any(Path(f"/proc/{pid}").exists() for pid in pids):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def child(server: LiveServer, word: str) -> int:
    """The launcher's child with this word in its command line."""
    launcher, *others = server.pids()
    for pid in others:
        parent = int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
        if parent == launcher and word in Path(f"/proc/{pid}/cmdline").read_text():
            return pid
    raise AssertionError(f"no child runs {word}")


def test_a_signal_ends_both(server: LiveServer) -> None:
    assert server.process is not None
    pids = server.pids()
    assert len(pids) >= 4  # launcher, gunicorn, its process, the worker
    os.kill(server.process.pid, signal.SIGINT)
    assert server.process.wait(30) == 0
    assert ended(pids)


@pytest.mark.parametrize("word", ["worker", "gunicorn"])
def test_one_that_dies_takes_the_other_along(server: LiveServer, word: str) -> None:
    assert server.process is not None
    pids = server.pids()
    os.kill(child(server, word), signal.SIGKILL)
    assert server.process.wait(40) not in {0, None}
    assert ended(pids)


def test_both_end_when_the_launcher_is_killed(server: LiveServer) -> None:
    assert server.process is not None
    pids = server.pids()
    server.process.kill()
    server.process.wait()
    assert ended(pids[1:])


def test_the_allocator_is_told_before_the_start(server: LiveServer) -> None:
    environ = Path(f"/proc/{child(server, 'gunicorn')}/environ").read_bytes().split(b"\0")
    assert {f"{name}={value}".encode() for name, value in MALLOC.items()} <= set(environ)


def test_settings_that_are_wrong_are_named(tmp_path: Path) -> None:
    environment = {**os.environ, "TIEZHENG_WEB_THREADS": "many"}
    done = subprocess.run(
        [sys.executable, "-m", "deploy.serve"],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert "TIEZHENG_WEB_THREADS" in done.stderr
