"""Examination tasks that misbehave as a subverted parser would; the file's text says how."""

from __future__ import annotations

import ctypes
import hashlib
import json
import os
import signal
import socket
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, suppress
from pathlib import Path
from typing import BinaryIO

from server.evidence.findings import Derivative, Findings, Problem, Sniffed

ANSWER_FD = 4
Guard = Callable[[str], AbstractContextManager[None]]
Sink = Callable[[Derivative, bytes], None]

_HONEST = b'{"peaks":[]}'


def misbehave(
    source: BinaryIO,
    *,
    name: bytes,
    claimed_type: str,
    sink: Sink,
    guard: Guard,
    skip: Mapping[str, str],
) -> Findings:
    """Do in stage `bad` what the file says, unless that stage is to be skipped."""
    (order, _, argument) = source.read().decode().partition(" ")
    with guard("good"):
        sink(_derivative("peaks.json", _HONEST), _HONEST)
    if "bad" in skip:
        return _findings(problems=(Problem("bad", skip["bad"]),), made=("peaks.json",))
    with guard("bad"):
        return look_around(json.loads(argument)) if argument else _DEEDS[order](sink)


def _segfault(_sink: Sink) -> Findings:
    ctypes.string_at(0)
    return _findings()


def _abort(_sink: Sink) -> Findings:
    os.abort()


def _hang(_sink: Sink) -> Findings:
    # As native code does: deaf to the stage's alarm.
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGALRM})
    while True:
        time.sleep(60)


def _spin(_sink: Sink) -> Findings:
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGALRM})
    while True:
        pass


def _spin_in_python(_sink: Sink) -> Findings:
    while True:
        pass


def _eat(_sink: Sink) -> Findings:
    hoard = [bytes(64 << 20) for _ in range(1024)]
    return _findings(tags={"hoard": str(len(hoard))})


def _flood(_sink: Sink) -> Findings:
    while True:
        os.write(ANSWER_FD, bytes(1 << 16))


def _quit(_sink: Sink) -> Findings:
    os._exit(3)


def _babble(_sink: Sink) -> Findings:
    os.write(ANSWER_FD, b"R\x00\x00\x00\x04nope")
    os._exit(0)


def _escape(_sink: Sink) -> Findings:
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            os.setsid()
        while True:
            time.sleep(60)
    return _findings(made=("peaks.json",))


def _multiply(_sink: Sink) -> Findings:
    """Start processes until the kernel refuses; they wait to be killed."""
    started = 0
    with suppress(BlockingIOError):
        while started < 100:
            if os.fork() == 0:
                time.sleep(60)
                os._exit(0)
            started += 1
    return _findings(tags={"started": str(started)}, made=("peaks.json",))


def _pretend(_sink: Sink) -> Findings:
    return _findings(made=("peaks.json", "thumb.webp"))


def _climb(sink: Sink) -> Findings:
    sink(_derivative("../../escaped.json", _HONEST), _HONEST)
    return _findings()


def _disguise(sink: Sink) -> Findings:
    page = b"<html><script>x()</script></html>"
    sink(_derivative("thumb.webp", page, mime="image/webp"), page)
    return _findings()


def _miscount(sink: Sink) -> Findings:
    sink(_derivative("sprite.json", _HONEST), _HONEST + b" ")
    return _findings()


def look_around(places: Mapping[str, str]) -> Findings:
    """What a worker can see and reach; `places` names a file, a secret and a TCP port."""
    tags = {
        "environment": " ".join(sorted(os.environ)),
        "descriptors": " ".join(str(number) for number in range(256) if _is_open(number)),
        "superuser": str(os.getuid() == 0),
        "leads_session": str(os.getsid(0) == os.getpid()),
        "write": _try(lambda: Path(places["file"]).write_text("escaped", encoding="ascii")),
        "read": _try(lambda: Path(places["secret"]).read_text(encoding="ascii")),
        "network": _try(lambda: _connect(int(places["port"]))),
    }
    return _findings(tags=tags, made=("peaks.json",))


def _is_open(number: int) -> bool:
    try:
        os.fstat(number)
    except OSError:
        return False
    return True


def _connect(port: int) -> None:
    with socket.create_connection(("127.0.0.1", port), 2):
        pass


def _try(deed: Callable[[], object]) -> str:
    try:
        deed()
    except Exception as error:  # noqa: BLE001 - whichever it is, it is the answer
        return type(error).__name__
    return "done"


def _derivative(file: str, data: bytes, mime: str = "application/json") -> Derivative:
    digest = hashlib.sha256(data).hexdigest()
    return Derivative(Path(file).stem, mime, len(data), digest, file)


def _findings(
    *,
    tags: Mapping[str, str] | None = None,
    problems: tuple[Problem, ...] = (),
    made: tuple[str, ...] = (),
) -> Findings:
    return Findings(
        size_bytes=0,
        sniffed=Sniffed(
            "unknown", "application/octet-stream", "", "", "", agrees=True, unsafe=True
        ),
        raw_tags=dict(tags or {}),
        problems=problems,
        derivatives=tuple(_derivative(file, _HONEST) for file in made),
    )


_DEEDS: dict[str, Callable[[Sink], Findings]] = {
    "segfault": _segfault,
    "abort": _abort,
    "hang": _hang,
    "spin": _spin,
    "spin-in-python": _spin_in_python,
    "eat": _eat,
    "flood": _flood,
    "quit": _quit,
    "babble": _babble,
    "escape": _escape,
    "multiply": _multiply,
    "pretend": _pretend,
    "climb": _climb,
    "disguise": _disguise,
    "miscount": _miscount,
}
