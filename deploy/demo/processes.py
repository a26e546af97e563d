"""The real server with worker and signer as child processes, on loopback, stopped by their id."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

HOST = "127.0.0.1"
_START_SECONDS = 60
_STOP_SECONDS = 30
_PAUSE_SECONDS = 0.1
ROOT = Path(__file__).resolve().parent.parent.parent


class ProcessError(RuntimeError):
    """A child process did not do its work; the message carries the end of its log."""


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port


def server_environment(data_dir: Path, port: int, extra: Mapping[str, str]) -> dict[str, str]:
    """Environment of the server: this machine's, less any other installation's settings."""
    own = {name: value for name, value in os.environ.items() if not name.startswith("TIEZHENG_")}
    if "TIEZHENG_SAMPLES" in os.environ:
        own["TIEZHENG_SAMPLES"] = os.environ["TIEZHENG_SAMPLES"]
    return {
        **own,
        "PYTHONUNBUFFERED": "1",
        "TIEZHENG_DATA_DIR": str(data_dir),
        "TIEZHENG_BIND": f"{HOST}:{port}",
        "TIEZHENG_PUBLIC_URL": f"http://{HOST}:{port}",
        "TIEZHENG_LOG_LEVEL": "warning",
        **extra,
    }


def flask_command(environment: Mapping[str, str], *arguments: str) -> str:
    """Run ``flask --app wsgi …`` and return what it printed; raises :class:`ProcessError`."""
    done = subprocess.run(
        [sys.executable, "-m", "flask", "--app", "wsgi", *arguments],
        cwd=ROOT, env=dict(environment), capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode:
        shown = " ".join(arguments)
        raise ProcessError(f"'flask --app wsgi {shown}' failed:\n{done.stderr[-2000:]}")
    return done.stdout


@contextlib.contextmanager
def running_server(environment: Mapping[str, str], log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Start ``python -m deploy.serve`` with all it starts, wait until it is ready, stop it."""
    with log.open("ab") as sink:
        process = subprocess.Popen(
            [sys.executable, "-m", "deploy.serve"],
            cwd=ROOT, env=dict(environment), stdout=sink, stderr=subprocess.STDOUT,
        )  # fmt: skip
    try:
        _wait_until_ready(process, environment["TIEZHENG_PUBLIC_URL"], log)
        yield process
    finally:
        process.terminate()
        try:
            process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait_until_ready(process: subprocess.Popen[bytes], url: str, log: Path) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            break
        with contextlib.suppress(urllib.error.URLError, OSError):
            if get_json(f"{url}/readyz") is not None:
                return
        time.sleep(_PAUSE_SECONDS)
    raise ProcessError(f"the server did not become ready:\n{log.read_text()[-3000:]}")


def get_json(url: str) -> Any:
    """The JSON at an address; ``None`` for an empty answer."""
    with urllib.request.urlopen(url, timeout=10) as answer:  # noqa: S310  our own server
        body = answer.read()
    return json.loads(body) if body else None
