"""Work that blocks leaves gevent's hub, and stays in place elsewhere."""

from __future__ import annotations

import subprocess
import sys
import textwrap
import threading
from pathlib import Path

import pytest

from server.core import offload

ROOT = Path(__file__).resolve().parent.parent.parent.parent

UNDER_GEVENT = """
    from gevent import monkey
    monkey.patch_all()
    import gevent, threading
    from server.core import offload

    assert offload.cooperative()
    sleep = monkey.get_original("time", "sleep")  # blocks whoever calls it
    ticks = []

    def tick():
        while len(ticks) < 5:
            ticks.append(1)
            gevent.sleep(0.001)

    ticking = gevent.spawn(tick)

    def block(value):
        while len(ticks) < 5:  # ends only if other greenlets run meanwhile
            sleep(0.001)
        return value

    assert offload.blocking(block, 7) == 7
    ticks.clear()
    ticking = gevent.spawn(tick)
    job = offload.start(lambda: block(8))
    assert job.result() == 8
    assert job.done()
    try:
        offload.blocking(int, "no number")
    except ValueError:
        print("well")
"""


def test_other_greenlets_run_meanwhile() -> None:
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(UNDER_GEVENT)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.stdout == "well\n", done.stderr


def test_without_gevent_it_runs_here_and_jobs_beside() -> None:
    assert not offload.cooperative()
    assert offload.blocking(threading.get_ident) == threading.get_ident()
    job = offload.start(threading.get_ident)
    assert job.result() != threading.get_ident()
    assert job.done()


def test_errors_come_back() -> None:
    with pytest.raises(ValueError, match="invalid literal"):
        offload.blocking(int, "no number")
    with pytest.raises(ValueError, match="invalid literal"):
        offload.start(lambda: int("no number")).result()
