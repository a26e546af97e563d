"""Blocking work that must not hold up others: under gevent it leaves the hub, else it runs here.

A greenlet that hashes or waits for the disk stops every other greenlet of its process; a thread
does not, since hashing and system calls release the interpreter lock.
"""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, ParamSpec, Protocol, TypeVar

P = ParamSpec("P")
T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)

_guard = threading.Lock()
_pool: ThreadPoolExecutor | None = None
_pool_pid = 0


class Job(Protocol[T_co]):
    """Work that was started beside the caller."""

    def done(self) -> bool:
        """True when ``result`` will not wait."""
        ...

    def result(self) -> T_co:
        """Wait for the work; returns what it returned or raises what it raised."""
        ...


def cooperative() -> bool:
    """Whether gevent has replaced the blocking calls of this process."""
    monkey = sys.modules.get("gevent.monkey")
    return monkey is not None and bool(monkey.is_module_patched("socket"))


def blocking(call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Run ``call`` and wait for it without stopping other greenlets."""
    if not cooperative():
        return call(*args, **kwargs)
    result: T = _hub_pool().apply(call, args, kwargs)
    return result


def start(call: Callable[[], T]) -> Job[T]:
    """Run ``call`` beside the caller, on one of as many threads as there are cores."""
    if cooperative():
        return _HubJob(_hub_pool().spawn(call))
    job: Future[T] = _own_pool().submit(call)
    return job


class _HubJob:
    """A result of gevent's thread pool with the names of :class:`Job`."""

    def __init__(self, waiting: Any) -> None:
        self._waiting = waiting

    def done(self) -> bool:
        return bool(self._waiting.ready())

    def result(self) -> Any:
        return self._waiting.get()


def _hub_pool() -> Any:
    return sys.modules["gevent"].get_hub().threadpool


def _own_pool() -> ThreadPoolExecutor:
    """The pool of this process; a forked child makes its own."""
    global _pool, _pool_pid  # noqa: PLW0603  one pool per process is the point
    with _guard:
        if _pool is None or _pool_pid != os.getpid():
            _pool = ThreadPoolExecutor(max(2, os.cpu_count() or 2), "beside")
            _pool_pid = os.getpid()
        return _pool
