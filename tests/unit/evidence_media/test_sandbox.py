"""The sandbox with parsers that do their worst, and with genuine files."""

from __future__ import annotations

import json
import os
import random
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest

import tests
from server.evidence.findings import Findings
from server.evidence.pipeline import examine
from server.evidence.sandbox import Limits, Sandbox, SandboxError, SandboxFailure
from tests.support import hostile_media
from tests.support.media import gps_photo, heic_photo, short_audio, short_video
from tests.support.need import need

TASK = "tests.support.hostile_tasks:misbehave"
ROOT = Path(tests.__file__).resolve().parent.parent
LIMITS = Limits(
    wall_seconds=2,
    stage_seconds=0.5,
    cpu_seconds=1,
    memory_bytes=256 << 20,
    output_bytes=1 << 20,
)


@pytest.fixture(scope="module", params=["bubblewrap", "rlimits"])
def kind(request: pytest.FixtureRequest) -> str:
    """Both confinements."""
    chosen: str = request.param
    return chosen


@pytest.fixture(scope="module")
def hostile(kind: str) -> Iterator[Sandbox]:
    """A sandbox around the misbehaving task."""
    os.environ["TIEZHENG_CANARY"] = "must not be seen"
    with Sandbox(LIMITS, task=TASK, roots=[ROOT], bubblewrap=kind == "bubblewrap") as sandbox:
        need(sandbox.confinement().kind == kind, f"{kind} does not work here")
        yield sandbox
    del os.environ["TIEZHENG_CANARY"]


@pytest.fixture(scope="module")
def genuine(kind: str) -> Iterator[Sandbox]:
    """A sandbox around the real examination."""
    with Sandbox(bubblewrap=kind == "bubblewrap") as sandbox:
        need(sandbox.confinement().kind == kind, f"{kind} does not work here")
        yield sandbox


def _order(sandbox: Sandbox, folder: Path, order: str) -> Findings | SandboxFailure:
    path = folder / "subject"
    path.write_text(order)
    return sandbox.examine(path, name=b"a", claimed_type="", out_dir=folder / "out")


@pytest.mark.parametrize(
    ("deed", "code"),
    [
        ("segfault", "crashed"),
        ("abort", "crashed"),
        ("quit", "crashed"),
        ("hang", "timeout"),
        ("spin", "timeout"),
        ("spin-in-python", "crashed"),
        ("eat", "memory"),
    ],
)
def test_a_stage_that_kills_its_worker_costs_only_itself(
    deed: str,
    code: str,
    hostile: Sandbox,
    tmp_path: Path,
) -> None:
    findings = _order(hostile, tmp_path, deed)
    assert isinstance(findings, Findings)
    assert [(problem.stage, problem.code) for problem in findings.problems] == [("bad", code)]
    assert [derivative.name for derivative in findings.derivatives] == ["peaks"]
    assert (tmp_path / "out" / "peaks.json").read_bytes() == b'{"peaks":[]}'


@pytest.mark.parametrize(
    ("deed", "code"),
    [
        ("flood", "output-too-large"),
        ("babble", "malformed"),
        ("pretend", "malformed"),
        ("climb", "malformed"),
        ("disguise", "malformed"),
        ("miscount", "malformed"),
    ],
)
def test_an_answer_that_lies_is_not_believed(
    deed: str,
    code: str,
    hostile: Sandbox,
    tmp_path: Path,
) -> None:
    failure = _order(hostile, tmp_path, deed)
    assert isinstance(failure, SandboxFailure)
    assert failure.code == code
    assert not (tmp_path / "out").exists()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["subject"]


def test_what_a_worker_can_see_and_reach(kind: str, hostile: Sandbox, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("of another court")
    secret.chmod(0o600)
    escaped = tmp_path / "escaped"
    with socket.create_server(("127.0.0.1", 0)) as listener:
        places = {"file": str(escaped), "secret": str(secret), "port": listener.getsockname()[1]}
        findings = _order(hostile, tmp_path, f"look {json.dumps(places)}")
    assert isinstance(findings, Findings)
    seen = findings.raw_tags
    assert set(seen["environment"].split()) <= {"LC_ALL", "LC_CTYPE", "OPENBLAS_NUM_THREADS", "PWD"}
    # /dev/null three times, the file, the answer.
    assert seen["descriptors"] == "0 1 2 3 4"
    assert seen["leads_session"] == "True"
    assert seen["superuser"] == "False"
    assert seen["write"] != "done"
    assert not escaped.exists() or escaped.stat().st_size == 0
    if kind == "bubblewrap" or os.geteuid() == 0:
        assert seen["read"] in {"FileNotFoundError", "PermissionError"}
        assert seen["network"] == "OSError" or seen["network"].endswith("Error")


@pytest.mark.parametrize("deed", ["escape", "multiply"])
def test_what_a_worker_starts_ends_with_it(deed: str, hostile: Sandbox, tmp_path: Path) -> None:
    hostile.confinement()
    before = len(_descendants())
    findings = _order(hostile, tmp_path, deed)
    assert isinstance(findings, Findings)
    assert _settles_at(before)


def test_the_number_of_processes_is_as_limited_as_is_said(hostile: Sandbox, tmp_path: Path) -> None:
    """Root inside bubblewrap is bound by no process limit, and `doctor` says so."""
    findings = _order(hostile, tmp_path, "multiply")
    assert isinstance(findings, Findings)
    limited = int(findings.raw_tags["started"]) < LIMITS.processes
    assert limited == ("not limited" not in hostile.confinement().detail)


def test_a_dead_zygote_is_replaced(hostile: Sandbox, tmp_path: Path) -> None:
    assert isinstance(_order(hostile, tmp_path, "segfault"), Findings)
    zygote = hostile._zygote
    assert zygote is not None
    os.killpg(zygote.process.pid, signal.SIGKILL)
    zygote.process.wait()
    assert isinstance(_order(hostile, tmp_path, "segfault"), Findings)
    assert hostile._zygote is not zygote


def test_a_zygote_that_dies_at_work_costs_no_file(hostile: Sandbox, tmp_path: Path) -> None:
    results: list[Findings | SandboxFailure] = []
    worker = threading.Thread(target=lambda: results.append(_order(hostile, tmp_path, "hang")))
    hostile.confinement()
    zygote = hostile._zygote
    assert zygote is not None
    before = len(_descendants())
    worker.start()
    while len(_descendants()) <= before:
        time.sleep(0.01)
    os.killpg(zygote.process.pid, signal.SIGKILL)
    worker.join()
    (result,) = results
    assert isinstance(result, Findings)
    assert [problem.code for problem in result.problems] == ["timeout"]


def test_files_are_examined_side_by_side(hostile: Sandbox, tmp_path: Path) -> None:
    """A hanging file does not keep the others waiting: they all end, each with its own."""
    deeds = ["hang", "segfault", "eat", "hang", "quit"]
    results: dict[int, Findings | SandboxFailure] = {}

    def run(number: int) -> None:
        folder = tmp_path / str(number)
        folder.mkdir()
        results[number] = _order(hostile, folder, deeds[number])

    threads = [threading.Thread(target=run, args=(number,)) for number in range(len(deeds))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    codes = []
    for number in range(len(deeds)):
        result = results[number]
        assert isinstance(result, Findings)
        codes.append(result.problems[0].code)
    assert codes == ["timeout", "crashed", "memory", "timeout", "crashed"]


def test_the_sandbox_finds_what_the_pipeline_finds(
    genuine: Sandbox,
    tmp_path: Path,
    when: datetime,
) -> None:
    for path in (
        gps_photo(tmp_path / "a.jpg", 38.2, 104.4, when),
        heic_photo(tmp_path / "b.heic", 38.2, 104.4, when),
        short_video(tmp_path / "c.mp4", 1),
        short_audio(tmp_path / "d.m4a", 1),
    ):
        (inside, outside) = (tmp_path / "in" / path.name, tmp_path / "out" / path.name)
        name = path.name.encode()
        findings = genuine.examine(path, name=name, claimed_type="", out_dir=inside)
        assert findings == examine(path, name=name, claimed_type="", out_dir=outside)
        assert _bytes_of(inside) == _bytes_of(outside)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        bytes(4096),
        hostile_media.tiff_bomb(),
        hostile_media.tiff_bomb(4000),
        hostile_media.jpeg_with_exif(hostile_media.tiff_bomb(2000)),
        hostile_media.png_bomb(),
        hostile_media.SVG_SCRIPT,
        hostile_media.HTML_PAGE,
        hostile_media.jpeg_zip_polyglot(),
        hostile_media.zip_file(),
        hostile_media.PLAYLIST,
    ],
)
def test_hostile_files_leave_findings(data: bytes, genuine: Sandbox, tmp_path: Path) -> None:
    path = tmp_path / "subject"
    path.write_bytes(data)
    name = b"\x00../../\xff" * 500
    findings = genuine.examine(path, name=name, claimed_type="x" * 10_000, out_dir=tmp_path / "o")
    assert isinstance(findings, Findings)
    assert findings.size_bytes == len(data)
    assert path.read_bytes() == data


def test_damaged_files_leave_findings(genuine: Sandbox, tmp_path: Path, when: datetime) -> None:
    """Bytes changed at random: whatever the parsers make of them, there is an answer."""
    chance = random.Random(20250930)
    originals = [
        gps_photo(tmp_path / "a.jpg", 38.2, 104.4, when, size_px=(320, 240)),
        heic_photo(tmp_path / "b.heic", 38.2, 104.4, when, size_px=(160, 120)),
        short_video(tmp_path / "c.mp4", 1),
        short_video(tmp_path / "d.ts", 1),
        short_audio(tmp_path / "e.mp3", 0.5),
    ]
    for number in range(40):
        data = bytearray(originals[number % len(originals)].read_bytes())
        for _ in range(chance.choice((1, 5, 50))):
            data[chance.randrange(min(len(data), 2000))] = chance.randrange(256)
        path = tmp_path / "subject"
        path.write_bytes(data)
        result = genuine.examine(path, name=b"", claimed_type="", out_dir=tmp_path / "out")
        assert isinstance(result, Findings), f"file {number}: {result}"


def test_a_decoder_that_wants_too_much_memory_is_a_problem_only(tmp_path: Path) -> None:
    """100 MPix pass the header check, but not into 64 MiB."""
    path = tmp_path / "a.png"
    path.write_bytes(hostile_media.png_bomb(10_000, 10_000))
    with Sandbox(Limits(memory_bytes=64 << 20)) as sandbox:
        findings = sandbox.examine(path, name=b"", claimed_type="", out_dir=tmp_path / "out")
    assert isinstance(findings, Findings)
    assert [(p.stage, p.code) for p in findings.problems] == [("image", "memory")]


def test_only_regular_files_are_examined(genuine: Sandbox, tmp_path: Path) -> None:
    target, link, pipe = tmp_path / "a", tmp_path / "link", tmp_path / "pipe"
    target.write_bytes(b"x")
    link.symlink_to(target)
    os.mkfifo(pipe)
    for path in (link, pipe, tmp_path, Path("/dev/zero")):
        failure = genuine.examine(path, name=b"", claimed_type="", out_dir=tmp_path / "out")
        assert failure == SandboxFailure("refused", "not a regular file")
    missing = genuine.examine(tmp_path / "b", name=b"", claimed_type="", out_dir=tmp_path / "out")
    assert isinstance(missing, SandboxFailure)
    assert missing.code == "unreadable"


def test_a_closed_sandbox_leaves_nothing_running(tmp_path: Path, when: datetime) -> None:
    before = len(_descendants())
    with Sandbox() as sandbox:
        path = gps_photo(tmp_path / "a.jpg", 38.2, 104.4, when)
        assert isinstance(
            sandbox.examine(path, name=b"", claimed_type="", out_dir=tmp_path / "out"),
            Findings,
        )
        assert len(_descendants()) > before
    assert _settles_at(before)


def test_a_task_that_does_not_exist_is_told_at_once(tmp_path: Path) -> None:
    with (
        Sandbox(task="server.evidence.pipeline:nowhere", bubblewrap=False) as sandbox,
        pytest.raises(SandboxError, match="nowhere"),
    ):
        sandbox.confinement()


def test_loading_the_sandbox_loads_no_parser() -> None:
    """The web process reads findings; it must not carry FFmpeg for that."""
    code = (
        "import sys, server.evidence.sandbox, server.evidence.findings;"
        "print(sorted({'av', 'PIL', 'exifread', 'numpy', 'zxingcpp'} & set(sys.modules)))"
    )
    assert _run_python(code) == "[]"


def test_the_examination_needs_neither_web_nor_database() -> None:
    code = (
        "import sys, server.evidence.sandbox.zygote, server.evidence.pipeline;"
        "print(sorted({'flask', 'sqlalchemy', 'marshmallow', 'boto3'} & set(sys.modules)))"
    )
    assert _run_python(code) == "[]"


def _run_python(code: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.strip()


def _bytes_of(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def _descendants() -> set[int]:
    """The living processes that descend from this one."""
    parents: dict[int, int] = {}
    for entry in Path("/proc").glob("[0-9]*/stat"):
        try:
            (state, parent) = entry.read_text().rpartition(")")[2].split()[:2]
        except OSError:
            continue
        if state != "Z":
            parents[int(entry.parent.name)] = int(parent)
    found = {os.getpid()}
    while more := {pid for pid, parent in parents.items() if parent in found} - found:
        found |= more
    return found - {os.getpid()}


def _settles_at(count: int) -> bool:
    """Whether the descendants become no more than this many (the kernel takes a moment)."""
    for _ in range(500):
        if len(_descendants()) <= count:
            return True
        time.sleep(0.01)
    return False
