"""Several writers at once, and writers that are killed."""

import os
import random
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from client_sdk import errors
from client_sdk._files import FileStore
from client_sdk.client import FieldClient
from tests.unit.sdk.chains import assert_chained, wires
from tests.unit.sdk.conftest import Opener
from tests.unit.sdk.fake_server import CODE, FakeServer
from tests.unit.sdk.fake_tus import BASE_URL

CASE = "01936b1e-0000-7000-8000-0000000000a0"


def test_threads_and_processes_share_one_chain(
    client: FieldClient, open_client: Opener, server: FakeServer
) -> None:
    second = open_client()
    failed: list[BaseException] = []

    def work(who: FieldClient, label: int) -> None:
        try:
            for n in range(10):
                who.capture(b"%d-%d" % (label, n))
        except BaseException as error:  # noqa: BLE001 - told by the test
            failed.append(error)

    threads = [
        threading.Thread(target=work, args=(who, label))
        for label, who in enumerate((client, client, second, second))
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failed
    assert len(wires(client)) == 40
    assert_chained(client, server)


def test_one_sync_at_a_time(client: FieldClient, open_client: Opener) -> None:
    second = open_client()
    caught: list[str] = []

    def listen(_event: object) -> None:
        try:
            second.sync()
        except errors.StoreBusyError as error:
            caught.append(error.code)

    client.log("x")
    assert client.sync(on_progress=listen).complete
    assert set(caught) == {"store-busy"}


# -- kill -9


KILLS = int(os.environ.get("TIEZHENG_KILL_POINTS", "12"))  # `make faults` may ask for more
CHILD = """
import sys
from client_sdk.client import FieldClient
client = FieldClient(store=sys.argv[1], passphrase=sys.argv[2] or None, secrets=None)
print("ready", flush=True)
n = 0
while True:
    n += 1
    data = (b"%s-%d-" % (sys.argv[3].encode(), n)) * 20_000
    captured = client.capture(data, name=f"{n}.jpg")
    print(captured.seq, captured.sha256, flush=True)
    print(client.log(f"entry {n}").seq, "-", flush=True)
"""


def run_until_killed(root: Path, passphrase: str, label: str, seconds: float) -> list[list[str]]:
    """What the capturing process said before SIGKILL, complete lines only."""
    process = subprocess.Popen(
        [sys.executable, "-c", CHILD, str(root), passphrase, label],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    with process.stdout:
        assert process.stdout.readline() == "ready\n"
        time.sleep(seconds)
        process.send_signal(signal.SIGKILL)
        process.wait()
        lines = process.stdout.read().splitlines(keepends=True)
    return [line.split() for line in lines if line.endswith("\n")]


@pytest.mark.parametrize("passphrase", ["", "铁证"])
def test_sigkill_at_random_points_loses_nothing_that_was_promised(
    open_client: Opener, tmp_path: Path, passphrase: str, server: FakeServer
) -> None:
    first = open_client(passphrase=passphrase or None)
    first.enrol(CODE, name="phone")
    first.close()
    generator = random.Random(20261123)
    promised: dict[int, str] = {}
    for attempt in range(KILLS):
        said = run_until_killed(
            tmp_path / "store", passphrase, str(attempt), generator.uniform(0.0, 0.15)
        )
        for seq, sha256 in said:
            assert int(seq) not in promised
            promised[int(seq)] = sha256
        client = open_client(passphrase=passphrase or None)
        assert not client.reconciled.lost
        assert not client.reconciled.damaged
        assert_chained(client, server)
        client.close()
    client = open_client(passphrase=passphrase or None)
    by_seq = {opened.header.seq: opened.payload for opened in wires(client)}
    for number, sha256 in promised.items():
        objects = [ref["sha256"] for ref in by_seq[number]["obj"]]
        assert objects == ([] if sha256 == "-" else [sha256])
    files: FileStore = client._files
    assert files.digests() == client._ledger.known_digests()
    for digest in files.digests():
        files.measure(digest)
    assert promised
    report = client.sync()
    assert report.complete, report
    assert set(server.blobs) == files.digests()


def test_the_base_url_is_remembered(client: FieldClient, tmp_path: Path) -> None:
    client.close()
    with FieldClient(store=tmp_path / "store", secrets=None) as again:
        assert again.base_url == BASE_URL
