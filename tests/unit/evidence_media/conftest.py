"""Fixtures of the evidence worker's tests."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from server.evidence.findings import Findings
from server.evidence.pipeline import examine
from tests.support.need import need

CHINA = timezone(timedelta(hours=8))


@pytest.fixture
def when() -> datetime:
    """A working afternoon in China."""
    return datetime(2025, 9, 30, 17, 3, 4, 56_000, tzinfo=CHINA)


@pytest.fixture
def look(tmp_path: Path) -> Callable[..., Findings]:
    """Examine a file, or bytes, in this process; derivatives go to `out` in the test's folder."""

    def run(what: Path | bytes, name: bytes = b"", claimed_type: str = "") -> Findings:
        path = what if isinstance(what, Path) else tmp_path / "subject"
        if isinstance(what, bytes):
            path.write_bytes(what)
        return examine(path, name=name, claimed_type=claimed_type, out_dir=tmp_path / "out")

    return run


@pytest.fixture
def samples() -> Path:
    """The folder of genuine camera files, where there is one."""
    folder = os.environ.get("TIEZHENG_SAMPLES", "")
    need(folder, "TIEZHENG_SAMPLES names the folder of sample data")
    return Path(folder)
