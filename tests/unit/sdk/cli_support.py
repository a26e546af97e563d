"""The command on a temporary store, and cards with files of given times."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from client_sdk import cli
from client_sdk._transport.mock import MockTransport
from client_sdk.client import FieldClient
from client_sdk.protocol.times import parse_rfc3339, unix_ms
from tests.unit.sdk.fake_clock import FakeClock
from tests.unit.sdk.fake_server import CODE, OFFICER, FakeServer
from tests.unit.sdk.fake_tus import BASE_URL

CAMERA = "01936b1e-0000-7000-8000-0000000000ca"
CASE = "01936b1e-0000-7000-8000-0000000000a0"
OTHER_CASE = "01936b1e-0000-7000-8000-0000000000a1"
MISSION = "01936b1e-0000-7000-8000-0000000000e0"
NIGHT = "2026-11-22T23:00:00+08:00"

Run = Callable[..., Result]


@pytest.fixture
def run(tmp_path: Path, transport: MockTransport, clock: FakeClock) -> Run:
    def make(base_url: str | None, **settings: Any) -> FieldClient:
        return FieldClient(
            base_url, **{**settings, "secrets": None, "transport": transport, "clock": clock}
        )

    def invoke(
        *args: object, stdin: str | None = None, env: dict[str, str] | None = None
    ) -> Result:
        return CliRunner().invoke(
            cli.main,
            [
                "--store",
                str(tmp_path / "store"),
                "--server",
                BASE_URL,
                "--lang",
                "en",
                *map(str, args),
            ],
            obj={"make_client": make},
            input=stdin,
            env=env or {},
        )

    return invoke


@pytest.fixture
def enrolled(run: Run, server: FakeServer) -> FakeServer:
    server.changes = [
        put("mission", MISSION, title="搜查", case_ids=[CASE]),
        put("case", CASE, case_no="(2026)虚0106执123号"),
        put("case", OTHER_CASE, case_no="(2026)虚0106执124号"),
        put(
            "booking",
            "b1",
            device_id=CAMERA,
            user_id=OFFICER,
            mission_id=MISSION,
            device_name="Nikon 2",
            starts_at="2026-11-23T08:00:00+08:00",
            ends_at="2026-11-23T18:00:00+08:00",
        ),
    ]
    assert run("enrol", CODE, "--name", "dock").exit_code == 0
    assert run("sign-in", "liu", "--password-stdin", stdin="password\n").exit_code == 0
    return server


def put(kind: str, identifier: str, **data: Any) -> dict[str, Any]:
    return {"kind": kind, "op": "put", "id": identifier, "data": data}


def card(folder: Path, **times: str) -> Path:
    """A card whose files were closed at the given times."""
    (folder / "DCIM" / "100NIKON").mkdir(parents=True)
    for name, when in times.items():
        path = folder / "DCIM" / "100NIKON" / name.replace("_", ".")
        path.write_bytes(f"content of {name}".encode())
        ns = unix_ms(parse_rfc3339(when)) * 1_000_000
        os.utime(path, ns=(ns, ns))
    (folder / "NIKON.DB").write_bytes(b"index")
    (folder / ".hidden.jpg").write_bytes(b"hidden")
    (folder / "link.jpg").symlink_to(folder / "NIKON.DB")
    return folder


def snapshot(folder: Path) -> dict[str, tuple[bytes, int]]:
    files = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    return {str(path): (path.read_bytes(), path.stat().st_mtime_ns) for path in files}


MORNING = "2026-11-23T09:00:00+08:00"
DAY = {
    "A1_jpg": MORNING,
    "A2_jpg": "2026-11-23T10:00:00+08:00",
    "A3_mp4": "2026-11-23T11:00:00+08:00",
}


def payloads(server: FakeServer, act: str) -> list[dict[str, Any]]:
    found = [server.wires[key].payload for key in sorted(server.wires)]
    return [payload for payload in found if payload["act"] == act]
