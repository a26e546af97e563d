"""`tiezheng verify` of a dossier of 2,000 entries, beside the bare signature verifications."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from client_sdk.dossier.verify import verify_dossier
from client_sdk.protocol.keys import Algorithm, PrivateKey
from client_sdk.protocol.trust import parse_trust
from tests.bench.rows import Row, median
from tests.factories.scenes import standard

ENTRIES: Final = 2_000
GOAL_SECONDS: Final = 2.0


def run(quick: bool) -> list[Row]:
    """Half of the entries are signed with ES256, half with Ed25519."""
    count = ENTRIES // 10 if quick else ENTRIES
    scene = standard()
    for number in range(count // 2):
        scene.phone.record("log.note", text=f"{number}（虚构）")
        scene.tablet.record("log.note", text=f"{number}（虚构）")
    trust = parse_trust(scene.trust_bytes())
    with tempfile.TemporaryDirectory() as folder:
        path = scene.export().write(Path(folder) / "dossier.zip")
        seconds = _median_seconds(lambda: verify_dossier(path, trust), 3 if quick else 7)
    bare = _median_seconds(lambda: _bare(count), 3)
    return [
        Row("custody", f"{count:,} bare signature verifications", bare, "s", note="calibration"),
        Row("custody", f"verify a dossier of {count:,} entries", seconds, "s",
            goal=GOAL_SECONDS, better="less", note=f"{seconds / bare:.1f} times the bare ones"),
    ]  # fmt: skip


def _bare(count: int) -> None:
    for algorithm in (Algorithm.ES256, Algorithm.ED25519):
        key = PrivateKey.generate(algorithm)
        signature, public = key.sign(b"record"), key.public
        for _ in range(count // 2):
            public.verify(signature, b"record")


def _median_seconds(work: Callable[[], object], rounds: int) -> float:
    found = []
    for _ in range(rounds):
        started = time.perf_counter()
        work()
        found.append(time.perf_counter() - started)
    return median(found)
