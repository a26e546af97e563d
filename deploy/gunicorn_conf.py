"""How gunicorn serves the application; read by ``python -m deploy.serve``.

Threads carry bytes: one waits cheaply for each slow phone, so that none holds up others (08,
finding 6).
"""

from __future__ import annotations

import contextlib
import logging
import os
import socket
import struct
from typing import Any

from prometheus_client.multiprocess import mark_process_dead

from server.core import stopping
from server.core.settling import settle
from server.settings import Settings

_settings = Settings.from_env(os.environ)

bind = _settings.bind
workers = _settings.web_processes
worker_class = _settings.web_worker_class
threads = _settings.web_threads
worker_connections = 4_000
backlog = 2_048
worker_tmp_dir = "/dev/shm" if os.path.isdir("/dev/shm") else None  # noqa: PTH112, S108

keepalive = 30
timeout = 60
graceful_timeout = 20

# Upload-Metadata and DPoP proofs are the longest lines; anything longer is no client of ours.
limit_request_line = 4_096
limit_request_fields = 64
limit_request_field_size = 8_190
forwarded_allow_ips = ""  # who is believed is decided by TIEZHENG_TRUSTED_PROXIES
http_parser = "python"  # the straight reader knows this parser's buffers

accesslog = None  # the application writes one line of JSON for each request
errorlog = "-"
loglevel = "warning"
proc_name = "tiezheng"
control_socket_disable = True

_IDLE_SECONDS = 30
_PROBE_SECONDS = 10
_PROBES = 3
_UNACKNOWLEDGED_MS = 60_000
# A head that does not come, an answer that nobody reads: neither may keep a thread for ever.
_HEAD_SECONDS = 30
_ANSWER_SECONDS = 120


def when_ready(server: Any) -> None:
    """Let the kernel find out about phones that left without a word; connections inherit it."""
    for listener in server.LISTENERS:
        _time_out(listener.sock)
        if listener.sock.family in {socket.AF_INET, socket.AF_INET6}:
            _keep_alive(listener.sock)


def post_worker_init(worker: Any) -> None:
    """Long uploads end at a good place when the worker is told to stop."""
    settle()
    stopping.watch(lambda: not worker.alive)
    worker.log.error_log.addFilter(_is_news)


def child_exit(server: Any, worker: Any) -> None:  # noqa: ARG001  gunicorn's signature
    """A worker that is gone no longer counts in the gauges of several processes."""
    if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
        mark_process_dead(worker.pid)  # type: ignore[no-untyped-call]


def _is_news(record: logging.LogRecord) -> bool:
    """A connection that timed out is closed, which is no error of the server."""
    return not (record.exc_info and isinstance(record.exc_info[1], BlockingIOError))


def _time_out(listener: socket.socket) -> None:
    with contextlib.suppress(OSError):
        for option, seconds in (
            (socket.SO_RCVTIMEO, _HEAD_SECONDS),
            (socket.SO_SNDTIMEO, _ANSWER_SECONDS),
        ):
            listener.setsockopt(socket.SOL_SOCKET, option, struct.pack("@ll", seconds, 0))


def _keep_alive(listener: socket.socket) -> None:
    with contextlib.suppress(OSError, AttributeError):
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, _IDLE_SECONDS)
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, _PROBE_SECONDS)
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT, _PROBES)
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, _UNACKNOWLEDGED_MS)
