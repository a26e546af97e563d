"""Whether this process has been told to stop, so that long requests can end at a good place.

The launcher says how to ask (a gunicorn worker knows it); without a launcher nobody stops.
"""

from __future__ import annotations

from collections.abc import Callable


def _never() -> bool:
    return False


_asked: Callable[[], bool] = _never


def watch(asked: Callable[[], bool]) -> None:
    """Let ``asked`` answer from now on; it must be cheap."""
    global _asked  # noqa: PLW0603  there is one process to stop
    _asked = asked


def stopping() -> bool:
    """True once the process should come to an end."""
    return _asked()
