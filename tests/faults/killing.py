"""Real processes that are killed with SIGKILL and started again."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

from deploy.demo.processes import ROOT, get_json

_READY_SECONDS = 60
_PAUSE_SECONDS = 0.05


class Server:
    """``python -m deploy.serve`` with all its children, on one port and one data folder."""

    def __init__(self, environment: Mapping[str, str], log: Path) -> None:
        self._environment = dict(environment)
        self._log = log
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start and wait until it answers."""
        with self._log.open("ab") as sink:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "deploy.serve"],
                cwd=ROOT, env=self._environment, stdout=sink, stderr=subprocess.STDOUT,
            )  # fmt: skip
        deadline = time.monotonic() + _READY_SECONDS
        while time.monotonic() < deadline:
            with contextlib.suppress(OSError):
                get_json(self._environment["TIEZHENG_PUBLIC_URL"] + "/healthz")
                return
            assert self._process.poll() is None, self._log.read_text()[-3000:]
            time.sleep(_PAUSE_SECONDS)
        raise AssertionError(self._log.read_text()[-3000:])

    def kill(self) -> None:
        """SIGKILL for the launcher, the web server, its workers and the worker, all at once."""
        assert self._process is not None
        doomed = [self._process.pid, *descendants(self._process.pid)]
        for pid in doomed:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self._process.wait()
        wait_until_gone(doomed)

    def stop(self) -> None:
        """An orderly end."""
        if self._process is not None and self._process.poll() is None:
            self._process.terminate()
            self._process.wait(60)


def descendants(pid: int) -> list[int]:
    """Every process below ``pid``, by the kernel's own table."""
    parents: dict[int, int] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
                parents[int(entry.name)] = int(fields[1])
    found: list[int] = []
    layer = [pid]
    while layer:
        layer = [child for child, parent in parents.items() if parent in layer]
        found += layer
    return found


def wait_until_gone(pids: list[int]) -> None:
    """Orphans are reaped by init; their sockets are free only then."""
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline and any(_alive(pid) for pid in pids):
        time.sleep(_PAUSE_SECONDS)


def _alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


@contextlib.contextmanager
def officer(folder: Path, url: str, case_id: str, *more: str) -> Iterator[subprocess.Popen[bytes]]:
    """The client's process, killed at the end of the block if it still runs."""
    with (folder / "officer.log").open("ab") as sink:
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.faults.officer", str(folder), url, case_id, *more],
            cwd=ROOT, stdout=sink, stderr=subprocess.STDOUT,
        )  # fmt: skip
    try:
        yield process
    finally:
        process.kill()
        process.wait()
