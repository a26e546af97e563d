"""A maker whose decoders were taken over: does in the sandbox what the file says."""

from __future__ import annotations

import ctypes
import json
import os
import signal
import socket
import time
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO

from server.evidence.pipeline import Guard
from server.evidence.sandbox.worker import OUTPUT_FD

JPEG = b"\xff\xd8\xff\xe0 the picture"


def misbehave(
    source: BinaryIO, *, output: BinaryIO, claimed_type: str, recipe: str, guard: Guard
) -> str:
    """Do the deed named in the file."""
    assert claimed_type
    assert recipe
    with guard("make"):
        (deed, _, argument) = source.read().decode().partition(" ")
        return _DEEDS[deed](output, argument)


def _said(**changes: Any) -> str:
    return json.dumps({"mime": "image/jpeg", "width": 4, "height": 3, "frames": 1} | changes)


def _honest(output: BinaryIO, _argument: str) -> str:
    output.write(JPEG)
    return _said()


def _segfault(output: BinaryIO, _argument: str) -> str:
    output.write(JPEG)
    output.flush()
    ctypes.string_at(0)
    return _said()


def _hang(_output: BinaryIO, _argument: str) -> str:
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGALRM})
    while True:
        time.sleep(60)


def _eat(_output: BinaryIO, _argument: str) -> str:
    hoard = [bytes(64 << 20) for _ in range(1024)]
    return _said(frames=len(hoard))


def _flood(output: BinaryIO, _argument: str) -> str:
    while True:
        output.write(bytes(1 << 20))


def _disguise(output: BinaryIO, _argument: str) -> str:
    output.write(b"<html><script>x()</script></html>")
    return _said()


def _claim(output: BinaryIO, _argument: str) -> str:
    output.write(JPEG)
    return _said(mime="text/html")


def _babble(output: BinaryIO, _argument: str) -> str:
    output.write(JPEG)
    return '{"mime": 4, "unknown": []}'


def _look(output: BinaryIO, argument: str) -> str:
    """What can be seen and reached: told as text."""
    places = json.loads(argument)
    seen = {
        "descriptors": [number for number in range(64) if _is_open(number)],
        "output": OUTPUT_FD,
        "write": _tried(lambda: Path(places["file"]).write_text("escaped", encoding="ascii")),
        "read": _tried(lambda: Path(places["secret"]).read_text(encoding="ascii")),
        "network": _tried(lambda: _connect(int(places["port"]))),
    }
    output.write(JPEG)
    return _said(text=json.dumps(seen))


def _is_open(number: int) -> bool:
    with suppress(OSError):
        os.fstat(number)
        return True
    return False


def _tried(deed: Any) -> str:
    try:
        deed()
    except Exception as error:  # noqa: BLE001  whichever it is, it is the answer
        return type(error).__name__
    return "done"


def _connect(port: int) -> None:
    with socket.create_connection(("127.0.0.1", port), 2):
        pass


_DEEDS = {
    "honest": _honest,
    "segfault": _segfault,
    "hang": _hang,
    "eat": _eat,
    "flood": _flood,
    "disguise": _disguise,
    "claim": _claim,
    "babble": _babble,
    "look": _look,
}
