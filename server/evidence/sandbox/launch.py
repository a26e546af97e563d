"""A running zygote, seen from the parent: started, given orders, ended."""

import os
import select
import signal
import socket
import subprocess
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from server.evidence.sandbox.confinement import ENVIRONMENT, Confinement

_START_SECONDS = 60.0
_STOP_SECONDS = 2.0
_READY = b"ready"
_MAX_COMPLAINT = 400


class StartError(RuntimeError):
    """This confinement brought up no zygote; the message is what it said."""


@dataclass(slots=True)
class Zygote:
    """One zygote: its process and the socket it takes orders from."""

    process: subprocess.Popen[bytes]
    control: socket.socket
    confinement: Confinement
    owner_pid: int

    def order(self, message: bytes, descriptors: Sequence[int]) -> None:
        """Hand over an order; OSError if the zygote is gone."""
        socket.send_fds(self.control, [message], list(descriptors))

    def is_alive(self) -> bool:
        """Whether it can be given orders by this process."""
        return self.owner_pid == os.getpid() and self.process.poll() is None

    def stop(self) -> None:
        """End it and everything it started. In a fork of its owner only let go of it."""
        self.control.close()
        if self.owner_pid != os.getpid():
            return
        try:
            self.process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()

    def kill(self) -> None:
        """End it at once, with all minders and workers."""
        self.control.close()
        # The group is led by this very child, which is not reaped yet: the number is its own.
        if self.process.poll() is None:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


def start(confinement: Confinement, task: str, roots: Sequence[Path]) -> Zygote:
    """Start a zygote and wait until it has its parsers; StartError if it hasn't."""
    (ours, theirs) = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with tempfile.TemporaryFile() as complaints, theirs:
        process = subprocess.Popen(
            confinement.command(theirs.fileno(), task, roots),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=complaints,
            env=ENVIRONMENT,
            cwd="/",
            pass_fds=(theirs.fileno(),),
            start_new_session=True,
            user=confinement.user,
            group=confinement.user,
            extra_groups=[] if confinement.as_nobody else None,
        )
        theirs.close()
        zygote = Zygote(process, ours, confinement, os.getpid())
        if _is_ready(ours):
            return zygote
        zygote.kill()
        complaints.seek(0)
        said = complaints.read(_MAX_COMPLAINT * 10).decode("utf-8", "replace").strip()
    raise StartError(said[-_MAX_COMPLAINT:] or "no answer")


def _is_ready(control: socket.socket) -> bool:
    listener = select.poll()
    listener.register(control, select.POLLIN)
    try:
        return bool(listener.poll(_START_SECONDS * 1000)) and control.recv(16) == _READY
    except OSError:
        return False
