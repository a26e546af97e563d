"""Waiting for a worker's answer and its minder's word, with a limit on time and on bytes."""

import json
import os
import select
import signal
import time
from dataclasses import dataclass
from typing import Any

from server.evidence.sandbox.limits import Limits

# The minder keeps the time; the parent only steps in when the minder doesn't.
_GRACE_SECONDS = 10.0
_CHUNK_BYTES = 1 << 18
_MAX_STATUS_BYTES = 4096
_CRASHES = frozenset(
    {signal.SIGSEGV, signal.SIGBUS, signal.SIGABRT, signal.SIGILL, signal.SIGFPE, signal.SIGSYS},
)


@dataclass(frozen=True, slots=True)
class Answer:
    """What came from a worker. `failure` is null if it ended well.

    `overdue`: nobody kept the time, end the zygote. `strays`: it left processes behind.
    """

    data: bytes = b""
    failure: str | None = "unavailable"
    error: str = ""
    overdue: bool = False
    strays: bool = False


def listen(answer: int, status: int, limits: Limits) -> Answer:
    """Read both pipes until the minder has told how the worker ended."""
    deadline = time.monotonic() + limits.wall_seconds + _GRACE_SECONDS
    data, told = bytearray(), bytearray()
    os.set_blocking(answer, False)
    open_pipes = {answer: data, status: told}
    poll = select.poll()
    for pipe in open_pipes:
        poll.register(pipe, select.POLLIN)
    while status in open_pipes:
        left = deadline - time.monotonic()
        ready = poll.poll(max(0.0, left) * 1000)
        if not ready and left <= 0:
            return Answer(bytes(data), "timeout", "nobody kept the time", overdue=True)
        for pipe, _events in ready:
            if not _read(pipe, open_pipes[pipe]):
                poll.unregister(pipe)
                del open_pipes[pipe]
        if len(data) > limits.output_bytes or len(told) > _MAX_STATUS_BYTES:
            # Closing the pipes, which the caller does, has the minder kill the worker.
            return Answer(failure="output-too-large")
    # The worker is dead; what it said last may still be in the pipe.
    while answer in open_pipes and _read(answer, data) and len(data) <= limits.output_bytes:
        pass
    if len(data) > limits.output_bytes:
        return Answer(failure="output-too-large")
    return _interpret(bytes(data), bytes(told))


def _read(pipe: int, buffer: bytearray) -> bool:
    """Take what is there; false at the end, or when nothing is there although it was asked."""
    try:
        chunk = os.read(pipe, _CHUNK_BYTES)
    except BlockingIOError:
        return False
    buffer += chunk
    return bool(chunk)


def _interpret(data: bytes, told: bytes) -> Answer:
    try:
        outcome: dict[str, Any] = json.loads(told)
    except ValueError:
        return Answer(error="the minder ended without a word")
    strays = bool(outcome.get("strays"))
    if "error" in outcome:
        return Answer(error=str(outcome["error"]))
    if outcome.get("timeout"):
        return Answer(data, "timeout", "wall clock", strays=strays)
    if "signal" in outcome:
        (code, detail) = _of_signal(int(outcome["signal"]))
        return Answer(data, code, detail, strays=strays)
    if outcome.get("exit") != 0:
        return Answer(data, "crashed", f"exit status {outcome.get('exit')}", strays=strays)
    return Answer(data, None, strays=strays)


def _of_signal(number: int) -> tuple[str, str]:
    name = signal.Signals(number).name if number in signal.valid_signals() else str(number)
    if number == signal.SIGXCPU:
        return "timeout", "processor time"
    return ("crashed" if number in _CRASHES else "killed"), name
