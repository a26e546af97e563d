"""The case as a dossier, judged offline, and judged again with one bit flipped."""

from __future__ import annotations

import json
import subprocess
import sys
import time
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from client_sdk import FieldClient
from deploy.demo.processes import ROOT, ProcessError, flask_command
from deploy.demo.report import say

EXPORT_SECONDS_MAX: Final = 120
VERIFIED_EXITS: Final = frozenset({0, 3})
FAILED_EXIT: Final = 7
_PAUSE_SECONDS: Final = 0.2
_OBJECTS: Final = "/data/objects/"
_WANTED: Final = {"purpose": "演示：移送核验(虚构)", "recipient": "复核人(虚构)"}


def export_and_verify(
    desk: FieldClient, case_id: str, folder: Path, environment: Mapping[str, str]
) -> bool:
    """Whether the genuine dossier is verified and the altered one refused."""
    trust = folder / "trust.json"
    trust.write_text(flask_command(environment, "trust", "--devices", "--json"))
    dossier = _exported(desk, case_id, folder)
    say(f"dossier {dossier} ({dossier.stat().st_size:,} bytes), trust file {trust}")
    exit_code, verdict = _judged(dossier, trust)
    say(f"tiezheng verify {dossier.name}: [green]{verdict}[/green]")
    altered = _with_one_bit_flipped(dossier)
    altered_exit, altered_verdict = _judged(altered, trust)
    say(f"one bit of one photo flipped, {altered.name}: [red]{altered_verdict}[/red]")
    return exit_code in VERIFIED_EXITS and altered_exit == FAILED_EXIT


def _exported(desk: FieldClient, case_id: str, folder: Path) -> Path:
    asked = desk.request("POST", "/exports", json={"case_id": case_id, **_WANTED}).json()
    deadline = time.monotonic() + EXPORT_SECONDS_MAX
    while asked["state"] not in {"done", "failed"}:
        if time.monotonic() > deadline:
            raise ProcessError(f"the export was not ready in time: {asked}")
        time.sleep(_PAUSE_SECONDS)
        asked = desk.request("GET", f"/exports/{asked['id']}").json()
    if asked["state"] == "failed":
        raise ProcessError(f"the export failed: {asked['problem']}")
    answer = desk.request("GET", f"/exports/{asked['id']}/content")
    path = folder / f"dossier-{asked['code']}.zip"
    path.write_bytes(answer.body)
    return path


def _judged(dossier: Path, trust: Path) -> tuple[int, str]:
    """Exit code and words of the verifier, a process that knows no server."""
    done = subprocess.run(
        [sys.executable, "-m", "client_sdk.cli", "--json", "verify", str(dossier),
         "--policy", str(trust)],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    try:
        report: dict[str, Any] = json.loads(done.stdout)
    except ValueError:
        raise ProcessError(f"tiezheng verify said nothing:\n{done.stderr[-2000:]}") from None
    reasons = {one["reason"]: 0 for one in report["findings"]}
    for one in report["findings"]:
        reasons[one["reason"]] += 1
    told = ", ".join(f"{reason} × {count}" for reason, count in reasons.items())
    return done.returncode, f"{report['verdict']}" + (f" ({told})" if told else "")


def _with_one_bit_flipped(dossier: Path) -> Path:
    """A copy in which one bit in the middle of the largest original is another."""
    with zipfile.ZipFile(dossier) as archive:
        objects = [one for one in archive.infolist() if _OBJECTS in one.filename]
        largest = max(objects, key=lambda one: one.file_size)
        with archive.open(largest) as member:
            member.seek(largest.file_size // 2)
            genuine = member.read(64)
    data = bytearray(dossier.read_bytes())
    data[data.index(genuine, largest.header_offset)] ^= 1
    altered = dossier.with_name(f"{dossier.stem}-altered.zip")
    altered.write_bytes(data)
    return altered
