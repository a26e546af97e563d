"""Uploads: this server, verifying and durable, beside ``@tus/server``, which does neither.

Both get the same bytes from the same bare client, in turn; medians of the rounds.
"""

from __future__ import annotations

import hashlib
import os
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa

from server.core.transactions import engine_options, prepare_engine
from server.schema import upgrade
from tests.bench.rows import Row, median
from tests.factories.identity import World, runtime_of, upload_token
from tests.support.live import LiveServer, running
from tests.support.ports import free_port
from tests.support.raw_tus import HOST, RawTus

MIB = 1 << 20
PEER = Path(__file__).with_name("tus_peer.mjs")
ROOT = PEER.parent.parent.parent
PHOTO_BYTES = 4_000_000
AT_A_TIME = 4


@dataclass
class Contender:
    """One server under test."""

    name: str
    port: int
    path: str
    headers_for: Callable[[list[tuple[str, int]]], dict[str, str]]
    pids: Callable[[], list[int]]
    clear: Callable[[], None]
    restart: Callable[[], None] = lambda: None

    def rss_bytes(self) -> int:
        """Resident memory of its processes."""
        return sum(_rss_bytes(pid) for pid in self.pids())

    def cpu_seconds(self) -> float:
        """Processor time its processes have used so far."""
        return sum(_cpu_seconds(pid) for pid in self.pids())

    def client(self, headers: dict[str, str]) -> RawTus:
        return RawTus(self.port, self.path, headers)


def run(quick: bool) -> list[Row]:
    """The upload rows of the performance plan."""
    rounds, big_mib, photos = (2, 256, 60) if quick else (5, 1024, 200)
    rows = _calibration()
    with (
        tempfile.TemporaryDirectory(prefix="bench-", dir=os.environ.get("BENCH_DIR")) as folder,
        our_server(Path(folder) / "ours") as ours,
        _peer(Path(folder) / "peer") as peer,
    ):
        rows += _big(ours, peer, rounds, big_mib)
        rows += _photos(ours, peer, rounds, photos)
    return rows


def _big(ours: Contender, peer: Contender, rounds: int, size_mib: int) -> list[Row]:
    speeds: dict[str, list[float]] = {ours.name: [], peer.name: []}
    grown: dict[str, list[float]] = {ours.name: [], peer.name: []}
    used: dict[str, list[float]] = {ours.name: [], peer.name: []}
    for number in range(rounds):
        block = block_of(MIB, number)
        digest = hashlib.sha256()
        for _ in range(size_mib):
            digest.update(block)
        for contender in (ours, peer):
            before = contender.cpu_seconds()
            seconds, extra = _send_big(contender, block, size_mib, digest.hexdigest())
            used[contender.name].append((contender.cpu_seconds() - before) * 1024 / size_mib)
            speeds[contender.name].append(size_mib / seconds)
            grown[contender.name].append(extra / MIB)
    return [
        Row(
            "uploads",
            f"{size_mib} MiB in one PATCH",
            median(speeds[ours.name]),
            "MiB/s",
            median(speeds[peer.name]),
            peer.name,
            goal=1.8,
        ),
        Row(
            "uploads",
            "processor time of the server meanwhile",
            median(used[ours.name]),
            "s/GiB",
            median(used[peer.name]),
            peer.name,
            better="less",
        ),
        Row(
            "uploads",
            "extra memory meanwhile",
            max(grown[ours.name]),
            "MiB",
            goal=10,
            better="less",
            note=f"{peer.name}: {max(grown[peer.name]):.0f}",
        ),
    ]


def _send_big(
    contender: Contender, block: memoryview, size_mib: int, sha256: str
) -> tuple[float, int]:
    size_bytes = size_mib * MIB
    client = contender.client(contender.headers_for([(sha256, size_bytes)]))
    address = client.create(size_bytes, sha256)
    with _peak(contender.rss_bytes) as peak:
        before = contender.rss_bytes()
        started = time.perf_counter()
        client.patch(address, 0, (block for _ in range(size_mib)), size_bytes)
        seconds = time.perf_counter() - started
    client.close()
    contender.clear()
    return seconds, peak[0] - before


def _photos(ours: Contender, peer: Contender, rounds: int, count: int) -> list[Row]:
    together: dict[str, list[float]] = {ours.name: [], peer.name: []}
    apart: dict[str, list[float]] = {ours.name: [], peer.name: []}
    used: dict[str, list[float]] = {ours.name: [], peer.name: []}
    for number in range(rounds):
        for speeds, with_creation in ((together, True), (apart, False)):
            photos = [block_of(PHOTO_BYTES, f"{number}.{n}.{with_creation}") for n in range(count)]
            named = [(photo, hashlib.sha256(photo).hexdigest()) for photo in photos]
            for contender in (ours, peer):
                before = contender.cpu_seconds()
                seconds = _send_photos(contender, named, with_creation=with_creation)
                if with_creation:
                    spent = contender.cpu_seconds() - before
                    used[contender.name].append(spent / count * 1000)
                speeds[contender.name].append(count * PHOTO_BYTES / MIB / seconds)
    label = f"{count} × 4 MB, {AT_A_TIME} at a time"
    return [
        Row(
            "uploads",
            f"{label}, creation with upload",
            median(together[ours.name]),
            "MiB/s",
            median(together[peer.name]),
            peer.name,
            goal=3.0,
        ),
        Row(
            "uploads",
            "processor time of the server for each of them",
            median(used[ours.name]),
            "ms",
            median(used[peer.name]),
            peer.name,
            better="less",
        ),
        Row(
            "uploads",
            f"{label}, POST and PATCH",
            median(apart[ours.name]),
            "MiB/s",
            median(apart[peer.name]),
            peer.name,
            goal=2.0,
        ),
    ]


def _send_photos(
    contender: Contender, photos: list[tuple[memoryview, str]], *, with_creation: bool
) -> float:
    headers = contender.headers_for([(sha256, len(photo)) for photo, sha256 in photos])
    clients = [contender.client(headers) for _ in range(AT_A_TIME)]
    waiting = iter(photos)
    guard = threading.Lock()

    def work(client: RawTus) -> None:
        while True:
            with guard:
                photo, sha256 = next(waiting, (None, ""))
            if photo is None:
                return
            if with_creation:
                client.create_with(photo, sha256)
            else:
                address = client.create(len(photo), sha256)
                client.patch(address, 0, [photo], len(photo))

    started = time.perf_counter()
    with ThreadPoolExecutor(AT_A_TIME) as pool:
        for done in [pool.submit(work, client) for client in clients]:
            done.result()
    seconds = time.perf_counter() - started
    for client in clients:
        client.close()
    contender.clear()
    return seconds


@contextmanager
def our_server(folder: Path) -> Iterator[Contender]:
    folder.mkdir()
    url = f"sqlite:///{folder / 'bench.db'}"
    engine = sa.create_engine(url, **engine_options(url))
    prepare_engine(engine)
    upgrade(engine)
    engine.dispose()
    with running(folder, url, web_threads=256) as server:
        court = World.build(server.app).first
        case_id = runtime_of(server.app).ids()

        def headers_for(objects: list[tuple[str, int]]) -> dict[str, str]:
            declared = [{"sha256": sha256, "size_bytes": size} for sha256, size in objects]
            token = upload_token(server.app, court.officer, court.phone, case_id, declared)
            return {"Authorization": f"Bearer {token}"}

        yield Contender(
            "tiezheng",
            server.port,
            "/api/v1/uploads",
            headers_for,
            lambda: server.pids()[1:],
            lambda: _drop_blobs(server),
            server.restart,
        )


@contextmanager
def _peer(folder: Path) -> Iterator[Contender]:
    folder.mkdir()
    port = free_port()
    process = subprocess.Popen(["node", str(PEER), str(port), str(folder)], cwd=ROOT)
    try:
        _wait_for(port, process)
        yield Contender(
            "@tus/server",
            port,
            "/files",
            lambda _: {},
            lambda: [process.pid],
            lambda: _empty(folder),
        )
    finally:
        process.terminate()
        process.wait(10)


def _drop_blobs(server: LiveServer) -> None:
    _empty(server.settings.data_dir / "sha256")


def _empty(folder: Path) -> None:
    """Unlink what a round left and let the disk come to rest, outside the measured time."""
    for path in folder.rglob("*"):
        if path.is_file():
            path.unlink()
    os.sync()


@contextmanager
def _peak(read: Callable[[], int]) -> Iterator[list[int]]:
    peak = [read()]
    over = threading.Event()

    def watch() -> None:
        while not over.wait(0.02):
            peak[0] = max(peak[0], read())

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield peak
    finally:
        over.set()
        watcher.join()


def _calibration() -> list[Row]:
    """What the machine itself can do in this run."""
    block = block_of(64 * MIB, "calibration")
    started = time.perf_counter()
    for _ in range(4):
        hashlib.sha256(block).digest()
    hashing = 256 / (time.perf_counter() - started)
    with tempfile.NamedTemporaryFile(dir=os.environ.get("BENCH_DIR")) as file:
        started = time.perf_counter()
        for _ in range(4):
            os.write(file.fileno(), block)
        os.fdatasync(file.fileno())
        writing = 256 / (time.perf_counter() - started)
    return [
        Row("machine", "SHA-256, one thread", hashing, "MiB/s"),
        Row("machine", "256 MiB written and synced", writing, "MiB/s"),
    ]


def block_of(size_bytes: int, seed: object) -> memoryview:
    start = hashlib.shake_128(str(seed).encode()).digest(4096)
    return memoryview((start + os.urandom(MIB - 4096) * (size_bytes // MIB + 1))[:size_bytes])


def _wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise RuntimeError("the peer did not start; run 'make node'")
        try:
            socket.create_connection((HOST, port), timeout=1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise RuntimeError("the peer does not answer")


def _cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _rss_bytes(pid: int) -> int:
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")
