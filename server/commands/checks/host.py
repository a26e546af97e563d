"""The machine and the libraries, which need no settings."""

from __future__ import annotations

import ctypes
import socket
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from typing import Any, Final

from server.commands.checks.finding import Finding, fail, ok, warn
from server.commands.console import Words
from server.core.clock import Clock
from server.core.transactions import WAL_SAFE_FROM, sqlite_journal, sqlite_module
from server.evidence.byte_source import SocketSource, open_source

EARLIEST: Final = datetime(2026, 1, 1, tzinfo=UTC)  # this code is younger
_TIMEX_BYTES: Final = 208
_CLOCK_UNSYNCHRONISED: Final = 5
_BODY: Final = b"seam!"
_REQUEST: Final = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\n" + _BODY


def findings(clock: Clock) -> Iterator[Finding]:
    """All of them."""
    yield sqlite_library()
    yield uploads_seam()
    yield wall_clock(clock.now())


def sqlite_library() -> Finding:
    """Which SQLite is used, and the journal that keeps acknowledged rows with it."""
    module = sqlite_module()
    number = ".".join(map(str, module.sqlite_version_info))
    journal, synchronous = sqlite_journal(module)
    pair = f"{journal} + {synchronous}"
    if module.sqlite_version_info >= WAL_SAFE_FROM:
        return ok("sqlite", f"SQLite {number}，{pair}", f"SQLite {number}, {pair}")
    safe = ".".join(map(str, WAL_SAFE_FROM))
    return ok(
        "sqlite",
        f"SQLite {number}，{pair}（{safe} 起可用更快的 WAL）",
        f"SQLite {number}, {pair} (from {safe} on the faster WAL is safe)",
    )


def uploads_seam() -> Finding:
    """Whether upload bodies are read straight from gunicorn's connection (a private seam)."""
    try:
        number = version("gunicorn")
        straight = _reads_straight()
    except (PackageNotFoundError, ImportError, AttributeError, TypeError, OSError) as error:
        number, straight = "?", False
        reason = f" ({type(error).__name__}: {error})"
    else:
        reason = ""
    if straight:
        return ok(
            "uploads",
            f"直接读取 gunicorn {number} 的连接",
            f"bodies are read straight from gunicorn {number}'s connection",
        )
    return warn(
        "uploads",
        Words(
            f"gunicorn {number} 的内部结构不同，上传改走较慢的路径{reason}",
            f"gunicorn {number} looks different inside: uploads take the slower way{reason}",
        ),
        Words(
            "安装 requirements 中锁定的 gunicorn 版本",
            "install the version of gunicorn that the requirements lock",
        ),
    )


def wall_clock(now: datetime) -> Finding:
    """Whether this machine's clock can be believed: every receipt carries it."""
    if now < EARLIEST:
        return fail(
            "clock",
            Words(f"系统时间 {now:%Y-%m-%d} 显然有误", f"it says {now:%Y-%m-%d}, which is wrong"),
            Words("校正时间并启用 NTP", "set it and switch on time synchronisation"),
        )
    if synchronised() is False:
        return warn(
            "clock",
            Words("系统时钟未与时间服务器同步", "the clock is not synchronised"),
            Words("启用 chrony 或 systemd-timesyncd", "switch on chrony or systemd-timesyncd"),
        )
    shown = now.astimezone().isoformat(timespec="seconds")
    return ok("clock", f"系统时间 {shown}", f"it says {shown}")


def synchronised() -> bool | None:
    """What the kernel says of its clock (adjtimex(2), which only reads here); ``None``: unknown."""
    try:
        state = ctypes.CDLL(None).adjtimex(ctypes.create_string_buffer(_TIMEX_BYTES))
    except (OSError, AttributeError):
        return None
    return None if state < 0 else state != _CLOCK_UNSYNCHRONISED


def _reads_straight() -> bool:
    """Hand a real request to gunicorn's parser, as its workers do, and read the body."""
    from gunicorn.config import Config  # noqa: PLC0415  only the web server needs it loaded
    from gunicorn.http import get_parser  # noqa: PLC0415

    config = Config()
    config.set("http_parser", "python")
    here, there = socket.socketpair()
    with here, there:
        there.sendall(_REQUEST)
        request = next(get_parser(config, here, ("127.0.0.1", 0)))
        environ: dict[str, Any] = {
            "gunicorn.socket": here,
            "wsgi.input": request.body,
            "CONTENT_LENGTH": str(len(_BODY)),
        }
        source = open_source(environ)
        got = bytearray(len(_BODY))
        deadline = time.monotonic() + 1
        filled = 0
        with source.open(lambda: time.monotonic() > deadline):
            while filled < len(got) and time.monotonic() < deadline:
                filled += source.read_into(memoryview(got)[filled:]) or 0
        return isinstance(source, SocketSource) and bytes(got) == _BODY
