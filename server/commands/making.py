"""Handlers that make files from evidence: redactions, copies for browsers and outsiders, faces."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Final

from server.core.units import Units
from server.evidence import making_jobs
from server.evidence.examination import TryAgainError
from server.evidence.making_jobs import MakesFiles
from server.evidence.sandbox import SandboxError
from server.evidence.sandbox.maker import Maker, maker_limits
from server.jobs.table import FACES, MARK, PREVIEW, REDACT, Handler, PostponeError
from server.settings import Settings
from server.shares import films

_BUSY_SECONDS: Final = 1.0
_UNEXAMINED_SECONDS: Final = 1.0


def maker_of(settings: Settings) -> Maker:
    """The sandbox of what is made; its process starts with the first order."""
    limits = maker_limits(settings.make_seconds_max)
    return Maker(limits, task=Maker.TASK, bubblewrap=settings.sandbox != "process")


def making(maker: MakesFiles, threads: int) -> dict[str, Handler]:
    """The handlers; they leave at least one of the worker's threads to examinations.

    A copy of a long recording takes minutes, and what has just arrived must not wait for it.
    """
    turns = threading.BoundedSemaphore(max(1, threads - 1))
    return {
        REDACT: _in_turn(turns, maker, making_jobs.redact),
        PREVIEW: _in_turn(turns, maker, making_jobs.preview),
        FACES: _in_turn(turns, maker, making_jobs.suggest_faces),
        MARK: _in_turn(turns, maker, films.mark),
    }


def _in_turn(
    turns: threading.BoundedSemaphore,
    maker: MakesFiles,
    work: Callable[[Units, MakesFiles, str], None],
) -> Handler:
    def handle(units: Units, subject_id: str) -> None:
        if not turns.acquire(blocking=False):
            raise PostponeError("another copy is being made", _BUSY_SECONDS)
        try:
            work(units, maker, subject_id)
        except TryAgainError as error:
            raise PostponeError(str(error), _UNEXAMINED_SECONDS) from error
        except SandboxError as error:
            raise PostponeError(str(error)) from error
        finally:
            turns.release()

    return handle
