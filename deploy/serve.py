"""``make run``: the web server, its worker and the signer, started and stopped together."""

from __future__ import annotations

import argparse
import ctypes
import os
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping
from pathlib import Path
from types import FrameType
from typing import Final

from server.settings import Settings, SettingsError

ROOT: Final = Path(__file__).resolve().parent.parent
# glibc maps and unmaps each large buffer by default, which costs two thirds of the speed of an
# upload; the two belong together (08, finding 1).  Read once, when a process starts.
MALLOC: Final = {
    "MALLOC_MMAP_THRESHOLD_": "33554432",
    "MALLOC_TRIM_THRESHOLD_": "268435456",
}
_STOP_SECONDS: Final = 30.0
_POLL_SECONDS: Final = 0.2
_PR_SET_PDEATHSIG: Final = 1


def main() -> int:
    """Run until a signal comes or a child ends; 0 after a signal."""
    parser = argparse.ArgumentParser(prog="python -m deploy.serve", description=__doc__)
    parser.add_argument("--bind", metavar="HOST:PORT", help="instead of TIEZHENG_BIND")
    parser.add_argument("--no-worker", action="store_true", help="only the web server")
    parser.add_argument("--no-signer", action="store_true", help="the signer runs elsewhere")
    options = parser.parse_args()
    environment = environment_of(os.environ, options.bind)
    try:
        settings = Settings.from_env(environment)
    except SettingsError as error:
        print(error, file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory(prefix="tiezheng-metrics-") as metrics:
        if settings.web_processes > 1:
            environment.setdefault("PROMETHEUS_MULTIPROC_DIR", metrics)
        commands = [web_command()]
        if not options.no_worker:
            commands.append(worker_command())
        if not (options.no_worker or options.no_signer):
            commands.append(signer_command())
        return _run(commands, environment)


def environment_of(own: Mapping[str, str], bind: str | None = None) -> dict[str, str]:
    """Environment of the children: this process', the allocator's settings, the address."""
    path = os.pathsep.join(filter(None, [str(ROOT), own.get("PYTHONPATH")]))
    environment = {**own, **MALLOC, "PYTHONPATH": path}
    if bind:
        environment["TIEZHENG_BIND"] = bind
    return environment


def web_command() -> list[str]:
    """The web server; its settings are in ``deploy/gunicorn_conf.py``."""
    return [sys.executable, "-m", "gunicorn", "-c", "python:deploy.gunicorn_conf", "wsgi:app"]


def worker_command() -> list[str]:
    """Sequencer, receipts and jobs."""
    return [sys.executable, "-m", "flask", "--app", "wsgi", "worker"]


def signer_command() -> list[str]:
    """The signer of the log; on another host where the server's operator must not hold its key."""
    return [sys.executable, "-m", "flask", "--app", "wsgi", "signer"]


def _run(commands: list[list[str]], environment: Mapping[str, str]) -> int:
    stop = threading.Event()

    def ask(_signal: int, _frame: FrameType | None) -> None:
        stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, ask)
    children = [_start(command, environment) for command in commands]
    failed = 0
    while not failed and not stop.wait(_POLL_SECONDS):
        for command, child in zip(commands, children, strict=True):
            if child.poll() is not None:
                print(f"{command[-1]} ended with {child.returncode}; stopping", file=sys.stderr)
                failed = child.returncode or 1
    _stop(children)
    return failed


def _start(command: list[str], environment: Mapping[str, str]) -> subprocess.Popen[bytes]:
    # A session of its own: Ctrl-C reaches this process alone, which then stops them in order.
    return subprocess.Popen(
        command,
        env=dict(environment),
        start_new_session=True,
        preexec_fn=_end_with_parent,  # noqa: PLW1509  no thread runs yet
    )


def _end_with_parent() -> None:
    """Where Linux offers it, a child is told to stop when this process is killed."""
    try:
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    except (OSError, AttributeError):
        return


def _stop(children: list[subprocess.Popen[bytes]]) -> None:
    for child in children:
        if child.poll() is None:
            child.terminate()
    for child in children:
        try:
            child.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()


if __name__ == "__main__":
    sys.exit(main())
