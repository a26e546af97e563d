"""A real S3 server for tests: Ceph's object gateway on loopback, in a temporary folder.

One monitor, one object daemon in memory and one gateway.  Test use only: unreplicated, and the
daemons do not authenticate to each other.
"""

from __future__ import annotations

import http.client
import secrets
import shutil
import socket
import subprocess
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

PROGRAMS = ("monmaptool", "ceph-mon", "ceph", "ceph-osd", "radosgw", "radosgw-admin")
START_SECONDS_MAX = 40.0
STOP_SECONDS_MAX = 5.0

# "crc" mode towards the monitor is what lets the gateway connect without keys, and the number of
# placement groups must not be below the number for placement.
_CONFIG = """\
[global]
fsid = {fsid}
mon host = v2:127.0.0.1:{mon_port}
mon initial members = a
public addr = 127.0.0.1
cluster addr = 127.0.0.1
auth cluster required = none
auth service required = none
auth client required = none
auth supported = none
ms mon client mode = crc
ms client mode = crc
keyring = /dev/null
run dir = {folder}
admin socket = {folder}/$name.$pid.asok
pid file =
log file = {folder}/$name.log
osd pool default size = 1
osd pool default min size = 1
osd pool default pg num = 1
osd pool default pgp num = 1
osd pool default pg autoscale mode = off
mon allow pool size one = true
mon max pg per osd = 1000
mon data avail warn = 1
osd crush chooseleaf type = 0
paxos propose interval = 0.05
paxos min wait = 0.01
[mon.a]
mon data = {folder}/mon
[osd.0]
osd data = {folder}/osd
osd objectstore = memstore
memstore device bytes = 4294967296
[client.rgw]
rgw frontends = beast endpoint=127.0.0.1:{port}
rgw rados pool pg num min = 1
rgw gc obj min wait = 1
"""


@dataclass(frozen=True, slots=True)
class RgwServer:
    """How to reach the server, and how to take it away and bring it back."""

    endpoint: str
    access_key: str
    secret_key: str = field(repr=False)
    stop_gateway: Callable[[], None] = field(repr=False)
    start_gateway: Callable[[], None] = field(repr=False)


def missing_programs() -> list[str]:
    """Programs that are not installed (Debian: radosgw, ceph-mon, ceph-osd)."""
    return [name for name in PROGRAMS if shutil.which(name) is None]


@contextmanager
def running_rgw() -> Iterator[RgwServer]:
    """Start the three daemons, yield the server, stop them by pid and remove their folder."""
    with ExitStack() as cleanup:
        # Short: a socket's path may hold 107 bytes.
        folder = Path(tempfile.mkdtemp(prefix="rgw-"))
        cleanup.callback(shutil.rmtree, folder, ignore_errors=True)
        mon_port, port = _free_ports(2)
        cluster = _Cluster(folder, mon_port, port, cleanup)
        cluster.start_store()
        cluster.start_gateway()
        access_key, secret_key = cluster.add_user()
        yield RgwServer(
            f"http://127.0.0.1:{cluster.port}",
            access_key,
            secret_key,
            cluster.stop_gateway,
            cluster.start_gateway,
        )


class _Cluster:
    """The daemons of one folder."""

    def __init__(self, folder: Path, mon_port: int, port: int, cleanup: ExitStack) -> None:
        self.folder = folder
        self.port = port
        self._mon_port = mon_port
        self._fsid = str(uuid.uuid4())
        self._config = folder / "ceph.conf"
        self._cleanup = cleanup
        self._gateway: subprocess.Popen[bytes] | None = None
        text = _CONFIG.format(fsid=self._fsid, folder=folder, mon_port=mon_port, port=port)
        self._config.write_text(text)
        (folder / "mon").mkdir()
        (folder / "osd").mkdir()

    def start_store(self) -> None:
        """Monitor and object daemon."""
        monmap = self.folder / "monmap"
        address = f"v2:127.0.0.1:{self._mon_port}"
        self._run(
            "monmaptool", "--create", "--clobber", "--fsid", self._fsid,
            "--addv", "a", address, str(monmap), config=False,
        )  # fmt: skip
        self._run(
            "ceph-mon", "-i", "a", "--mkfs", "--monmap", str(monmap), "--keyring", "/dev/null"
        )
        self._daemon("ceph-mon", "-f", "-i", "a")
        osd_id = str(uuid.uuid4())
        self._run("ceph", "osd", "new", osd_id)
        self._run("ceph-osd", "-i", "0", "--mkfs", "--osd-uuid", osd_id)
        self._daemon("ceph-osd", "-f", "-i", "0")

    def start_gateway(self) -> None:
        """Start the gateway and wait until it answers."""
        self._gateway = self._daemon(
            "radosgw", "-f", "-n", "client.rgw", "--ms-mon-client-mode=crc"
        )
        deadline = time.monotonic() + START_SECONDS_MAX
        while not self._answers():
            if self._gateway.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"the gateway did not start:\n{self._logs()}")
            time.sleep(0.05)

    def stop_gateway(self) -> None:
        """Stop the gateway; the objects stay with the object daemon.

        Not by SIGKILL: others would wait ten seconds for the dead one's answer to notifications.
        """
        if self._gateway is not None:
            _stop(self._gateway)

    def add_user(self) -> tuple[str, str]:
        """A fresh user; returns the access key and the secret key."""
        access_key, secret_key = secrets.token_hex(10), secrets.token_hex(20)
        self._run(
            "radosgw-admin", "-n", "client.rgw", "user", "create", "--uid=t", "--display-name=t",
            f"--access-key={access_key}", f"--secret-key={secret_key}",
        )  # fmt: skip
        return access_key, secret_key

    def _run(self, program: str, *arguments: str, config: bool = True) -> None:
        command = [program, *(("-c", str(self._config)) if config else ()), *arguments]
        done = subprocess.run(
            command, capture_output=True, text=True, check=False, timeout=START_SECONDS_MAX
        )
        if done.returncode != 0:
            raise RuntimeError(f"{program} failed:\n{done.stdout}{done.stderr}{self._logs()}")

    def _daemon(self, program: str, *arguments: str) -> subprocess.Popen[bytes]:
        command = [program, "-c", str(self._config), *arguments]
        if shutil.which("setpriv"):  # so that it ends even when the tests are killed
            command = ["setpriv", "--pdeathsig", "KILL", *command]
        with (self.folder / f"{program}.out").open("ab") as output:
            process = subprocess.Popen(command, stdout=output, stderr=output, cwd=self.folder)
        self._cleanup.callback(_stop, process)
        return process

    def _answers(self) -> bool:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=2.0)
        try:
            connection.request("GET", "/")
            return connection.getresponse().status < http.HTTPStatus.INTERNAL_SERVER_ERROR
        except OSError:
            return False
        finally:
            connection.close()

    def _logs(self) -> str:
        paths = sorted(self.folder.glob("*.out"))
        return "\n".join(
            f"{path.name}:\n{path.read_text(errors='replace')[-2000:]}" for path in paths
        )


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(STOP_SECONDS_MAX)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _free_ports(count: int) -> list[int]:
    with ExitStack() as held:  # all at once, so that they differ
        listeners = [held.enter_context(socket.socket()) for _ in range(count)]
        for listener in listeners:
            listener.bind(("127.0.0.1", 0))
        return [int(listener.getsockname()[1]) for listener in listeners]
