"""Uploads over lines that hang: how soon a newcomer takes over, what a slow one costs, resuming."""

from __future__ import annotations

import hashlib
import os
import tempfile
import threading
import time
from pathlib import Path

from tests.bench.rows import Row, median
from tests.bench.uploads import MIB, Contender, block_of, our_server

SLOW = 200
STALLS = 20


def run(quick: bool) -> list[Row]:
    """Take-over, memory of slow senders, and the work of a resumption after a restart."""
    with (
        tempfile.TemporaryDirectory(prefix="bench-", dir=os.environ.get("BENCH_DIR")) as folder,
        our_server(Path(folder) / "ours") as ours,
    ):
        return [_take_over(ours), *_slow(ours), _resume(ours, 256 if quick else 1024)]


def _take_over(ours: Contender) -> Row:
    """From the newcomer's HEAD to its answer, while a stalled PATCH holds the upload."""
    waits, lost = [], 0
    for number in range(STALLS):
        data = block_of(MIB, f"stall {number}")
        sha256 = hashlib.sha256(data).hexdigest()
        headers = ours.headers_for([(sha256, len(data))])
        stalled, newcomer = ours.client(headers), ours.client(headers)
        address = stalled.create(len(data), sha256)
        stalled.begin_patch(address, 0, len(data))
        stalled.socket.sendall(data[: MIB // 2])
        time.sleep(0.2)
        started = time.perf_counter()
        offset = newcomer.head(address)
        waits.append((time.perf_counter() - started) * 1000)
        lost = max(lost, MIB // 2 - offset)
        stalled.close()
        newcomer.close()
    return Row(
        "uploads",
        f"take-over from a stalled sender, worst of {STALLS}",
        max(waits),
        "ms",
        goal=100,
        better="less",
        note=f"median {median(waits):.0f} ms, {lost} bytes lost",
    )


def _slow(ours: Contender) -> list[Row]:
    """Many senders that trickle: memory of each, and how long others wait meanwhile."""
    data = block_of(MIB, "slow")
    sha256 = hashlib.sha256(data).hexdigest()
    headers = ours.headers_for([(sha256, len(data))])
    clients = [ours.client(headers) for _ in range(SLOW)]
    before = ours.rss_bytes()
    for number, client in enumerate(clients):
        wanted = {"Idempotency-Key": f"slow {number}".replace(" ", "-")}
        client.headers = {**headers, **wanted}
        client.begin_patch(client.create(len(data), sha256), 0, len(data))
    over = threading.Event()

    def trickle() -> None:
        at = 0
        while not over.wait(0.2):
            for client in clients:
                client.socket.sendall(data[at : at + 1024])
            at += 1024

    sender = threading.Thread(target=trickle)
    sender.start()
    waits = []
    other = ours.client({})
    for _ in range(200):
        started = time.perf_counter()
        other.request("GET", "/healthz", {})
        waits.append((time.perf_counter() - started) * 1000)
        time.sleep(0.01)
    each = (ours.rss_bytes() - before) / SLOW / MIB
    over.set()
    sender.join()
    for client in (*clients, other):
        client.close()
    p99 = sorted(waits)[int(len(waits) * 0.99)]
    return [
        Row(
            "uploads",
            f"memory of each of {SLOW} slow senders",
            each,
            "MiB",
            goal=0.5,
            better="less",
        ),
        Row("uploads", f"/healthz beside {SLOW} slow senders, p99", p99, "ms"),
    ]


def _resume(ours: Contender, size_mib: int) -> Row:
    """The last MiB after a restart: the hash of the rest is made again, from the file."""
    block = block_of(MIB, "resume")
    digest = hashlib.sha256()
    for _ in range(size_mib):
        digest.update(block)
    sha256, size_bytes = digest.hexdigest(), size_mib * MIB
    headers = ours.headers_for([(sha256, size_bytes)])
    client = ours.client(headers)
    address = client.create(size_bytes, sha256)
    sent = size_bytes - MIB
    client.patch(address, 0, (block for _ in range(size_mib - 1)), sent)
    client.close()
    ours.restart()
    client = ours.client(headers)
    assert client.head(address) == sent
    started = time.perf_counter()
    client.patch(address, sent, [block], MIB)
    seconds = time.perf_counter() - started
    client.close()
    return Row(
        "uploads",
        f"resume of {size_mib} MiB after a restart: the last MiB",
        size_mib / seconds,
        "MiB/s re-hashed",
        note=f"{seconds:.2f} s",
    )
