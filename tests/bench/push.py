"""Sync push on PostgreSQL: signed records a second, beside the bare verification of signatures.

Both use both cores: the bare rate is two processes that only verify, the push is two server
processes, PostgreSQL and the sender on the same machine.  Requests are made beforehand, so that
the sender costs little; each carries 100 captures of one of several devices.
"""

from __future__ import annotations

import http.client
import json
import multiprocessing
import os
import tempfile
import threading
import time
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import sqlalchemy as sa
from flask import Flask

from client_sdk.protocol.keys import Algorithm, PrivateKey
from server.audit.models import DeviceRecord, OutboxRow
from server.core.transactions import EVERY_COURT, engine_options, prepare_engine, unit_of_work
from server.schema import upgrade
from tests.bench.rows import Row, median
from tests.factories.cases import add_case
from tests.factories.field import Recorder
from tests.factories.identity import (
    API,
    FieldDevice,
    World,
    add_booking,
    add_device,
    auth_headers,
    device_token,
)
from tests.support.live import HOST, LiveServer, running
from tests.support.postgres import running_postgres

PROCESSES: Final = 2
DEVICES: Final = 16
SENDERS: Final = 16
RECORDS: Final = 100
PATH: Final = f"{API}/sync/push"
GOAL: Final = 0.5
GEO: Final = {
    "lat": "38.2100000", "lon": "104.4100000", "acc_m": "8.0", "datum": "WGS84", "src": "gnss",
}  # fmt: skip


@dataclass(frozen=True)
class Request:
    """One push, ready to be sent."""

    headers: dict[str, str]
    body: bytes


@dataclass(frozen=True)
class Fleet:
    """The devices, and what all their records name."""

    app: Flask
    recorders: list[Recorder]
    members: dict[str, Any]

    def shares(self, count: int) -> list[list[Request]]:
        """So many requests of each device, in chain order."""
        return [
            [_request(self.app, recorder, self.members) for _ in range(count)]
            for recorder in self.recorders
        ]


def run(quick: bool) -> list[Row]:
    """The push row of the performance plan."""
    rounds, requests = (3, 2) if quick else (5, 6)
    with (
        tempfile.TemporaryDirectory(prefix="bench-", dir=os.environ.get("BENCH_DIR")) as folder,
        running_postgres() as postgres,
    ):
        database = postgres.create_database()
        engine = sa.create_engine(database.url, **engine_options(database.url))
        prepare_engine(engine)
        upgrade(engine)
        engine.dispose()
        with running(Path(folder), database.url, web_processes=PROCESSES, web_threads=16) as server:
            fleet = _fleet(server)
            _send(server, fleet.shares(2))  # warm up
            pushed, bare, spent, alone = [], [], [], []
            for _ in range(rounds):
                rate, micros = _bare_rate(0.5 if quick else 1.5)
                bare.append(rate)
                alone.append(micros)
                shares = fleet.shares(requests)
                before = _cpu_seconds(server, postgres.pid)
                seconds = _send(server, shares)
                count = requests * RECORDS * DEVICES
                pushed.append(count / seconds)
                spent.append((_cpu_seconds(server, postgres.pid) - before) / count * 1e6)
            _check(server)
    note = (
        f"{median(spent):.0f} µs of processor a record, {1e6 * PROCESSES / median(bare):.0f} bare"
    )
    return [
        Row(
            "sync", f"push, {RECORDS} signed records a request, PostgreSQL", median(pushed),
            "records/s", median(bare), "bare verifications/s", goal=GOAL, note=note,
        )
    ]  # fmt: skip


def _fleet(server: LiveServer) -> Fleet:
    world = World.build(server.app)
    fleet = []
    for _ in range(DEVICES):
        device = add_device(server.app, world.first.id, alg=Algorithm.ED25519)
        add_booking(server.app, device, world.first.officer)
        fleet.append(Recorder(server.app, device))
    case = str(add_case(server.app, world.first.id, handler_id=world.first.officer.id))
    return Fleet(server.app, fleet, {"case": case, "who": str(world.first.officer.id), "geo": GEO})


def _request(app: Flask, recorder: Recorder, members: dict[str, Any]) -> Request:
    device: FieldDevice = recorder.device
    wires = [recorder.capture(uuid.uuid4().bytes, **members) for _ in range(RECORDS)]
    token = device_token(app, device)
    headers = auth_headers(app, device.key, token, "POST", PATH)
    body = json.dumps({"records": wires}, ensure_ascii=False).encode()
    return Request({**headers, "Content-Type": "application/json"}, body)


def _send(server: LiveServer, shares: Sequence[Sequence[Request]]) -> float:
    """Send every share, one device after the other in each of several threads; seconds."""
    waiting, guard = list(shares), threading.Lock()
    errors: list[BaseException] = []

    def work() -> None:
        connection = http.client.HTTPConnection(HOST, server.port, timeout=120)
        try:
            while True:
                with guard:
                    if not waiting:
                        return
                    share = waiting.pop()
                for request in share:
                    _post(connection, request)
        except BaseException as error:  # noqa: BLE001  shown below
            errors.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=work) for _ in range(SENDERS)]
    started = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    seconds = time.perf_counter() - started
    if errors:
        raise errors[0]
    return seconds


def _post(connection: http.client.HTTPConnection, request: Request) -> None:
    connection.request("POST", PATH, request.body, request.headers)
    answer = connection.getresponse()
    text = answer.read()
    if answer.status != 200 or text.count(b'"accepted"') != RECORDS:
        raise RuntimeError(f"{answer.status}: {text[:500]!r}")


def _check(server: LiveServer) -> None:
    """Everything that was acknowledged is there, once."""
    with server.app.app_context(), unit_of_work(EVERY_COURT, write=False) as session:
        counted = sa.func.count()
        indexed = session.execute(sa.select(counted).select_from(DeviceRecord)).scalar_one()
        waiting = sa.select(counted).select_from(OutboxRow).where(OutboxRow.ep.is_not(None))
        if indexed != session.execute(waiting).scalar_one():
            raise RuntimeError("records are missing from the log")


def _bare_rate(seconds: float) -> tuple[float, float]:
    """Verifications a second of processes that do nothing else; µs of processor for one."""
    context = multiprocessing.get_context("spawn")
    with context.Pool(PROCESSES) as pool:
        pool.map(_verify_for, [0.05] * PROCESSES, chunksize=1)  # the processes are up
        found = pool.map(_verify_for, [seconds] * PROCESSES, chunksize=1)
    return sum(rate for rate, _ in found), median([micros for _, micros in found])


def _verify_for(seconds: float) -> tuple[float, float]:
    key = PrivateKey.generate(Algorithm.ED25519)
    message = os.urandom(230)
    signature = key.sign(message)
    verify: Callable[[bytes, bytes], bool] = key.public.verify
    count, started, used = 0, time.perf_counter(), time.process_time()
    while time.perf_counter() - started < seconds:
        for _ in range(50):
            verify(signature, message)
        count += 50
    micros = (time.process_time() - used) / count * 1e6
    return count / (time.perf_counter() - started), micros


def _cpu_seconds(server: LiveServer, postmaster: int) -> float:
    """Processor time of the server's and the database's processes, ended ones included."""
    return sum(_process_seconds(pid) for pid in [*server.pids(), *_family(postmaster)])


def _family(pid: int) -> list[int]:
    found = [pid]
    for one in found:
        for task in Path(f"/proc/{one}/task").glob("*/children"):
            found += [int(child) for child in task.read_text().split()]
    return found


def _process_seconds(pid: int) -> float:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    except OSError:
        return 0.0
    return sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK")
