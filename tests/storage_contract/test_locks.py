"""One writer per name, and the newest wins."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

import pytest

from storage.errors import LockTimeout
from storage.locks import FileLocker
from storage.ports import Locker
from tests.support.need import need

REPOSITORY = Path(__file__).parents[2]
NAMES = ["u1", "", "../../x", "执行/案卷\0", "x" * 5000, "\udcff"]

_HOLDER = """
import sys, time
from pathlib import Path
from storage.locks import FileLocker
with FileLocker(Path(sys.argv[1])).acquire("u1") as lease:
    print("held", lease.wanted, flush=True)
    while not (lease.wanted and sys.argv[2] == "polite"):
        time.sleep(0.001)
    print("stopped", flush=True)
print("released", flush=True)
"""

_COUNTER = """
import sys
from pathlib import Path
from storage.locks import FileLocker
locker, counter = FileLocker(Path(sys.argv[1])), Path(sys.argv[2])
for _ in range(int(sys.argv[3])):
    with locker.acquire("counter", 60.0):
        counter.write_text(str(int(counter.read_text()) + 1))
"""

_GEVENT = """
from gevent import monkey
monkey.patch_all()
import sys
from pathlib import Path
import gevent
from storage.locks import FileLocker
locker = FileLocker(Path(sys.argv[1]))
order = []
def old():
    with locker.acquire("u1") as lease:
        order.append("old")
        while not lease.wanted:
            gevent.sleep(0.001)
        order.append("old stops")
def new():
    with locker.acquire("u1") as lease:
        order.append("new")
first = gevent.spawn(old)
gevent.sleep(0.01)
gevent.joinall([first, gevent.spawn(new)], timeout=20, raise_error=True)
assert order == ["old", "old stops", "new"], order
"""


@contextmanager
def holder(folder: Path, manner: str) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-c", _HOLDER, str(folder), manner]
    child = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=REPOSITORY)
    assert child.stdout is not None
    try:
        assert child.stdout.readline() == "held False\n"
        yield child
    finally:
        child.kill()
        child.wait()
        child.stdout.close()


class Holding:
    """A thread that holds a lock until it is wanted, or told to let go."""

    def __init__(self, locker: Locker, name: str = "u1", *, polite: bool = True) -> None:
        self.held = threading.Event()
        self.let_go = threading.Event()
        self.saw_wanted = False
        self._polite = polite
        self._thread = threading.Thread(target=self._run, args=(locker, name))
        self._thread.start()

    def _run(self, locker: Locker, name: str) -> None:
        with locker.acquire(name, 30.0) as lease:
            self.held.set()
            while not self.let_go.wait(0.001):
                if lease.wanted:
                    self.saw_wanted = True
                    if self._polite:
                        return

    def end(self) -> None:
        self.let_go.set()
        self._thread.join()


@pytest.mark.parametrize("name", NAMES)
def test_a_free_lock_is_held_and_not_wanted(locker: Locker, name: str) -> None:
    for _ in range(3):
        with locker.acquire(name, 0.0) as lease:
            assert not lease.wanted
        assert lease.wanted  # released: whoever still asks must stop


def test_different_names_do_not_meet(locker: Locker) -> None:
    with locker.acquire("a", 0.0) as a, locker.acquire("b", 0.0) as b:
        assert not a.wanted
        assert not b.wanted


def test_a_newcomer_takes_over(locker: Locker) -> None:
    old = Holding(locker)
    assert old.held.wait(10)
    with locker.acquire("u1", 30.0) as lease:
        old.end()
        assert old.saw_wanted
        assert not lease.wanted


def test_a_holder_that_does_not_let_go_is_told_as_a_timeout(locker: Locker) -> None:
    old = Holding(locker, polite=False)
    assert old.held.wait(10)
    with pytest.raises(LockTimeout), locker.acquire("u1", 0.05):
        pytest.fail("two holders")
    old.end()
    assert old.saw_wanted
    with locker.acquire("u1", 30.0) as lease:
        assert not lease.wanted


def test_one_who_waited_while_a_newer_one_asked_must_stop(locker: Locker) -> None:
    first = Holding(locker, polite=False)
    assert first.held.wait(10)
    second = Holding(locker, polite=False)
    while not first.saw_wanted:  # the second is asking
        threading.Event().wait(0.001)
    with pytest.raises(LockTimeout), locker.acquire("u1", 0.02):  # the third asks, and gives up
        pytest.fail("two holders")
    first.end()
    assert second.held.wait(10)
    while not second.saw_wanted:
        threading.Event().wait(0.001)
    second.end()


def test_an_error_in_the_block_releases(locker: Locker) -> None:
    with pytest.raises(ZeroDivisionError), locker.acquire("u1"):
        raise ZeroDivisionError
    with locker.acquire("u1", 0.0):
        pass


def test_threads_never_hold_together(locker: Locker) -> None:
    inside: list[int] = []
    together: list[int] = []

    def run(number: int) -> None:
        for _ in range(25):
            with locker.acquire("u1", 60.0):
                inside.append(number)
                if len(inside) != 1:
                    together.append(number)
                inside.remove(number)

    threads = [threading.Thread(target=run, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert together == []


def test_take_over_from_another_process(tmp_path: Path) -> None:
    with holder(tmp_path, "polite") as child:
        with FileLocker(tmp_path).acquire("u1", 30.0) as lease:
            assert not lease.wanted
            assert child.stdout is not None
            assert child.stdout.readline() == "stopped\n"
        assert child.stdout.readline() == "released\n"


def test_a_process_that_never_asks_keeps_the_lock(tmp_path: Path) -> None:
    locker = FileLocker(tmp_path)
    with holder(tmp_path, "deaf"), pytest.raises(LockTimeout), locker.acquire("u1", 0.05):
        pytest.fail("two holders")


def test_a_killed_holder_has_let_go(tmp_path: Path) -> None:
    with holder(tmp_path, "deaf") as child:
        child.send_signal(signal.SIGKILL)
        child.wait()
        with FileLocker(tmp_path).acquire("u1", 30.0) as lease:
            assert not lease.wanted
    assert list(tmp_path.iterdir()) == []


def test_a_holder_killed_while_a_newcomer_waits(tmp_path: Path) -> None:
    with holder(tmp_path, "deaf") as child:
        waiting = Holding(FileLocker(tmp_path))
        child.send_signal(signal.SIGKILL)
        assert waiting.held.wait(30)
        waiting.end()


def test_processes_never_hold_together(tmp_path: Path) -> None:
    counter = tmp_path / "counter"
    counter.write_text("0")
    command = [sys.executable, "-c", _COUNTER, str(tmp_path / "locks"), str(counter), "150"]
    children = [subprocess.Popen(command, cwd=REPOSITORY) for _ in range(3)]
    assert [child.wait() for child in children] == [0, 0, 0]
    assert counter.read_text() == "450"
    assert list((tmp_path / "locks").iterdir()) == []


def test_files_do_not_pile_up(tmp_path: Path) -> None:
    locker = FileLocker(tmp_path)
    for number in range(200):
        with locker.acquire(f"upload-{number}"):
            assert len(list(tmp_path.iterdir())) == 1
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("word", [b"", b"\x01", b"\0" * 8, b"\xff" * 8, b"garbage beyond eight"])
def test_stale_files_do_no_harm(tmp_path: Path, word: bytes) -> None:
    with FileLocker(tmp_path).acquire("u1"):
        (path,) = tmp_path.iterdir()
    locker = FileLocker(tmp_path)
    path.write_bytes(word)  # left by the last boot, after this process swept
    with locker.acquire("u1", 0.0) as lease:
        assert not lease.wanted
    path.write_bytes(word)
    FileLocker(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_sweeping_leaves_a_held_lock(tmp_path: Path) -> None:
    with FileLocker(tmp_path).acquire("u1") as lease:
        other = FileLocker(tmp_path)
        assert len(list(tmp_path.iterdir())) == 1
        with pytest.raises(LockTimeout), other.acquire("u1", 0.0):
            pytest.fail("two holders")
        assert lease.wanted


def test_asking_calls_nothing(locker: Locker) -> None:
    called: list[object] = []

    def note(_frame: object, event: str, function: object) -> None:
        if event == "c_call":
            called.append(function)

    with locker.acquire("u1") as lease:
        sys.setprofile(note)
        wanted = lease.wanted
        sys.setprofile(None)
    assert not wanted
    assert [getattr(function, "__name__", "") for function in called[:-1]] in ([], ["get"])


def test_greenlets_take_over_from_each_other(tmp_path: Path) -> None:
    need(find_spec("gevent"), "gevent")
    command = [sys.executable, "-c", _GEVENT, str(tmp_path)]
    done = subprocess.run(
        command, cwd=REPOSITORY, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
