"""The witness under gunicorn: one process, a few threads, connections kept alive."""

from __future__ import annotations

from typing import Any, Final

from flask import Flask
from gunicorn.app.base import BaseApplication

_THREADS: Final = 8
_KEEP_ALIVE_SECONDS: Final = 75
_TIMEOUT_SECONDS: Final = 30


class _Launcher(BaseApplication):  # type: ignore[misc]  # gunicorn ships no types
    """Hands gunicorn an application that is made already."""

    def __init__(self, app: Flask, options: dict[str, Any]) -> None:
        self._app = app
        self._options = options
        super().__init__()

    def load_config(self) -> None:
        """Set what differs from gunicorn's defaults."""
        for name, value in self._options.items():
            self.cfg.set(name, value)

    def load(self) -> Flask:
        """Give the application."""
        return self._app


def serve(app: Flask, bind: str) -> None:
    """Answer requests at ``host:port`` until SIGTERM."""
    options = {
        "bind": bind,
        "workers": 1,
        "worker_class": "gthread",
        "threads": _THREADS,
        "keepalive": _KEEP_ALIVE_SECONDS,
        "timeout": _TIMEOUT_SECONDS,
        "graceful_timeout": _TIMEOUT_SECONDS,
        "limit_request_fields": 64,
        "proc_name": "tiezheng-witness",
        "loglevel": "warning",
        "control_socket_disable": True,
    }
    _Launcher(app, options).run()
