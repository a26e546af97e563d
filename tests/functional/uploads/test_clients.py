"""The official clients, unmodified, with an upload token: upload, interrupt, resume."""

from __future__ import annotations

import io
import json
import random
import shutil
import subprocess
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from tusclient.client import TusClient
from tusclient.exceptions import TusCommunicationError, TusUploadFailed

from tests.factories.uploads import UPLOADS, sha256_of
from tests.functional.uploads.conftest import Field
from tests.support.need import need
from tests.support.proxy import Fault, FaultPlan, FaultProxy

ROOT = Path(__file__).resolve().parent.parent.parent.parent
SCRIPT = Path(__file__).with_name("tus_client.mjs")
BREAKS = (Fault.CUT_UP, Fault.CUT_DOWN, Fault.DROP_RESPONSE, Fault.RESET)


def content(seed: str, size: int = 2_000_000) -> bytes:
    return random.Random(seed).randbytes(size)


def tuspy(field: Field, data: bytes, port: int | None = None) -> TusClient:
    url = f"http://127.0.0.1:{port or field.server.port}{UPLOADS}"
    return TusClient(url, headers=field.headers(data))


def metadata_of(data: bytes) -> dict[str, str]:
    return {"sha256": sha256_of(data), "filename": "现场照片.jpg"}


@pytest.mark.parametrize("checked", [False, True])
def test_tuspy_uploads_in_chunks(field: Field, checked: bool) -> None:
    data = content(f"tuspy {checked}")
    uploader = tuspy(field, data).uploader(
        file_stream=io.BytesIO(data),
        chunk_size=300_000,
        metadata=metadata_of(data),
        upload_checksum=checked,
    )
    uploader.upload()
    seen = field.sees("")
    assert seen.stored(data)
    assert seen.row(str(uploader.url)).filename == "现场照片.jpg".encode()


def test_tuspy_is_interrupted_and_goes_on(field: Field) -> None:
    data = content("tuspy resume")
    client = tuspy(field, data)
    first = client.uploader(
        file_stream=io.BytesIO(data), chunk_size=100_000, metadata=metadata_of(data)
    )
    first.upload(stop_at=700_000)
    second = client.uploader(file_stream=io.BytesIO(data), chunk_size=100_000, url=first.url)
    assert second.offset == 700_000
    second.upload()
    assert field.sees("").stored(data)


@pytest.mark.parametrize("seed", range(3))
def test_tuspy_through_a_line_that_breaks(field: Field, seed: int) -> None:
    data = content(f"tuspy faults {seed}", 600_000)
    plan = FaultPlan(seed=seed, chance=0.5, faults=BREAKS, bytes_max=120_000, until=25)
    before = field.sees("").rows()
    with FaultProxy(field.server.port, plan) as proxy:
        client = tuspy(field, data, proxy.port)
        for _ in range(40):
            with suppress(TusCommunicationError, TusUploadFailed):
                uploader = client.uploader(
                    file_stream=io.BytesIO(data),
                    chunk_size=100_000,
                    metadata=metadata_of(data),
                    retries=5,
                    retry_delay=0,
                )
                uploader.upload()
                break
    seen = field.sees("")
    assert seen.stored(data)
    assert seen.rows() == before + 1, "a lost answer made a second upload"


def run_js(field: Field, data: bytes, folder: Path, **task: Any) -> list[dict[str, Any]]:
    """Run the JavaScript client; its lines of output."""
    node = shutil.which("node", path=f"{ROOT / '.venv/bin'}:/usr/local/bin:/usr/bin:/bin")
    installed = (ROOT / "node_modules/tus-js-client").is_dir()
    need(node and installed, "Node and tus-js-client, as 'make node' installs them")
    file = folder / "file.bin"
    file.write_bytes(data)
    token = task.pop("token", None) or bearer(field, data)
    port = task.pop("port", field.server.port)
    whole = {
        "endpoint": f"http://127.0.0.1:{port}{UPLOADS}",
        "token": token,
        "file": str(file),
        "sha256": sha256_of(data),
        **task,
    }
    done = subprocess.run(
        [str(node), str(SCRIPT), json.dumps(whole)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def bearer(field: Field, data: bytes) -> str:
    return field.headers(data)["Authorization"].removeprefix("Bearer ")


@pytest.mark.parametrize("how", ["plain", "chunks", "during-creation", "deferred", "parallel"])
def test_the_javascript_client_uploads(field: Field, tmp_path: Path, how: str) -> None:
    data = content(f"js {how}", 1_500_000)
    chunk = {"chunkSize": 400_000} if how in {"chunks", "deferred"} else {}
    run_js(field, data, tmp_path, how=how, **chunk)
    assert field.sees("").stored(data)


def test_the_javascript_client_dies_and_another_goes_on(field: Field, tmp_path: Path) -> None:
    data = content("js resume", 3_000_000)
    shared = {"memory": str(tmp_path / "urls.json"), "token": bearer(field, data)}
    died = run_js(field, data, tmp_path, chunkSize=500_000, abortAfter=1_000_000, **shared)
    assert died[-1]["sent"] >= 1_000_000
    before = field.sees("").rows()
    (resumed,) = run_js(field, data, tmp_path, chunkSize=500_000, **shared)
    assert resumed == {"resumed": 1}
    seen = field.sees("")
    assert seen.stored(data)
    assert seen.rows() == before


@pytest.mark.parametrize("seed", range(3))
def test_the_javascript_client_through_a_line_that_breaks(
    field: Field, tmp_path: Path, seed: int
) -> None:
    data = content(f"js faults {seed}", 1_000_000)
    plan = FaultPlan(seed=seed, chance=0.5, faults=BREAKS, bytes_max=200_000, until=12)
    before = field.sees("").rows()
    with FaultProxy(field.server.port, plan) as proxy:
        run_js(field, data, tmp_path, port=proxy.port, chunkSize=300_000)
    seen = field.sees("")
    assert seen.stored(data)
    assert seen.rows() == before + 1, "a lost answer made a second upload"
