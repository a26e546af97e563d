"""A small log of the test's own, and real witness processes that watch it."""

from __future__ import annotations

import http.client
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

from client_sdk.protocol.keys import Algorithm, PrivateKey
from client_sdk.protocol.tlog.checkpoints import Checkpoint
from client_sdk.protocol.tlog.merkle import MemoryTree, consistency_proof, leaf_hash
from client_sdk.protocol.tlog.notes import Note, NoteSigner, format_vkey, parse_vkey, sign_note
from server.witness.state import WitnessFolder
from server.witness.wire import PATH, format_request
from server.witness.witness import Witness
from tests.support.ports import free_port

HOST = "127.0.0.1"
ROOT = Path(__file__).resolve().parent.parent.parent
ORIGIN = "log.example/evidence"
_START_SECONDS = 60


@dataclass
class SmallLog:
    """A log in memory: grows, signs its heads, proves that one extends the other."""

    origin: str = ORIGIN
    key: PrivateKey = field(default_factory=lambda: PrivateKey.generate(Algorithm.ED25519))
    tree: MemoryTree = field(default_factory=MemoryTree)

    @property
    def signer(self) -> NoteSigner:
        return NoteSigner(self.origin, self.key)

    @property
    def vkey(self) -> str:
        return format_vkey(self.signer.verifier_key)

    def grow(self, size: int, salt: str = "") -> SmallLog:
        """Append entries until there are ``size``; another ``salt`` makes another history."""
        while self.tree.size < size:
            self.tree.append(leaf_hash(f"{salt}{self.tree.size}".encode()))
        return self

    def checkpoint(self, size: int | None = None) -> Checkpoint:
        size = self.tree.size if size is None else size
        return Checkpoint(self.origin, size, self.tree.root(size))

    def note(self, size: int | None = None) -> Note:
        return sign_note(self.checkpoint(size).body(), [self.signer])

    def proof(self, old: int, size: int | None = None) -> list[bytes]:
        return consistency_proof(old, self.tree.size if size is None else size, self.tree)

    def request(self, old: int, size: int | None = None) -> bytes:
        """A request that a witness which cosigned ``old`` leaves has to accept."""
        return format_request(old, self.proof(old, size), self.note(size).to_text())


@dataclass
class WitnessProcess:
    """A witness that runs; ``kill`` ends it as a power cut would, ``start`` brings it back."""

    folder: Path
    vkey: str
    port: int
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.port}"

    def start(self) -> None:
        bind = f"{HOST}:{self.port}"
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                _command("run", "--bind", bind, "--folder", str(self.folder)),
                cwd=ROOT, env=_environment(), stdout=log, stderr=log,
            )  # fmt: skip
        deadline = time.monotonic() + _START_SECONDS
        while not self._lives():
            if self.process.poll() is not None or time.monotonic() > deadline:
                self.stop()
                raise RuntimeError(f"no witness:\n{(self.folder / 'log').read_text()[-2000:]}")
            time.sleep(0.05)

    def stop(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()
            self.process.wait(30)
        self.process = None

    def kill(self) -> None:
        """End launcher and server process at once, by their ids.

        The launcher first, as it would start another server process.
        """
        if self.process is None:
            return
        pids = [self.process.pid, *_children(self.process.pid)]
        for pid in pids:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.process.wait(10)
        self.process = None

    def submit(self, body: bytes) -> tuple[int, Mapping[str, str], bytes]:
        """Status, headers and body of the answer to a request."""
        connection = http.client.HTTPConnection(HOST, self.port, timeout=20)
        try:
            connection.request("POST", PATH, body)
            answer = connection.getresponse()
            return answer.status, dict(answer.getheaders()), answer.read()
        finally:
            connection.close()

    def known(self, origin: str) -> int:
        """Size of the tree that it says it cosigned last."""
        connection = http.client.HTTPConnection(HOST, self.port, timeout=20)
        try:
            connection.request("GET", f"/{quote(origin, safe='')}/checkpoint")
            answer = connection.getresponse()
            text = answer.read().decode()
            return int(text.split("\n")[1]) if answer.status == 200 else 0
        finally:
            connection.close()

    def _lives(self) -> bool:
        connection = http.client.HTTPConnection(HOST, self.port, timeout=2)
        try:
            connection.request("GET", "/healthz")
            return connection.getresponse().status == 200
        except OSError:
            return False
        finally:
            connection.close()


def command(*arguments: str) -> str:
    """Run ``python -m server.witness …`` on a machine without settings; returns what it printed."""
    done = subprocess.run(
        _command(*arguments), cwd=ROOT, env=_environment(), capture_output=True, text=True,
        check=True,
    )  # fmt: skip
    return done.stdout.strip()


def compared(policy: Path) -> tuple[int, str]:
    """Exit code and words of ``compare``."""
    done = subprocess.run(
        _command("compare", str(policy)), cwd=ROOT, env=_environment(), capture_output=True,
        text=True, check=False,
    )  # fmt: skip
    return done.returncode, done.stdout


@contextmanager
def running_witness(folder: Path, name: str, *vkeys: str) -> Iterator[WitnessProcess]:
    """A new witness in ``folder`` that watches the logs of ``vkeys``; stopped at the end."""
    made = Witness(WitnessFolder.create(folder, name))
    for watched in vkeys:
        made.trust(parse_vkey(watched))
    witness = WitnessProcess(folder, made.vkey, free_port())
    witness.start()
    try:
        yield witness
    finally:
        witness.stop()


def _command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "server.witness", *arguments]


def _environment() -> dict[str, str]:
    """Nothing of the evidence server is configured where a witness runs."""
    own = {name: text for name, text in os.environ.items() if not name.startswith("TIEZHENG_")}
    return {**own, "PYTHONUNBUFFERED": "1", "LC_ALL": "C.UTF-8"}


def _children(pid: int) -> list[int]:
    found = Path(f"/proc/{pid}/task/{pid}/children")
    return [int(child) for child in found.read_text().split()] if found.exists() else []
