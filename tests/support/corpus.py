"""The tamper corpus as files, with what the command line's verifier says of each case."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from client_sdk._cli.app import jsonable
from client_sdk.dossier.verify import verify_dossier
from client_sdk.protocol.tlog.notes import parse_note
from client_sdk.protocol.trust import parse_trust
from tests.factories.tamper_cases import write_case
from tests.factories.tamper_kit import Kit, TamperCase


@dataclass(frozen=True)
class Written:
    """One case: its files, and the report in the shape of ``--json``."""

    number: str
    dossier: Path
    trust: Path
    priors: tuple[Path, ...]
    report: dict[str, Any]

    @property
    def reasons(self) -> set[str]:
        return {finding["reason"] for finding in self.report["findings"]}


def write(folder: Path, cases: Iterable[TamperCase]) -> list[Written]:
    """The cases below a folder, with ``expected.json``, each judged by the command line's rules."""
    kit = Kit(folder / "scratch")
    kit.folder.mkdir(parents=True)
    rows = [write_case(case, kit, folder / f"tamper_{case.number}") for case in cases]
    return judged(folder, rows)


def judged(folder: Path, rows: list[dict[str, Any]]) -> list[Written]:
    """Rows of ``expected.json``, which is written, with the reports of the command line."""
    (folder / "expected.json").write_text(json.dumps({"v": 1, "cases": rows}))
    return [_judged(folder, row) for row in rows]


def facts(report: dict[str, Any]) -> dict[str, Any]:
    """A report without the sentences for experts, which name each one's own libraries."""
    assert "error" not in report, report["error"]
    found = [{**finding, "detail": ""} for finding in report["findings"]]
    found.sort(key=lambda finding: json.dumps(finding, sort_keys=True))
    return {**report, "findings": found}


def _judged(folder: Path, row: dict[str, Any]) -> Written:
    dossier, trust = folder / row["dossier"], folder / row["trust"]
    priors = tuple(folder / name for name in row["priors"])
    report = verify_dossier(
        dossier,
        parse_trust(trust.read_bytes()),
        priors=[parse_note(prior.read_bytes()) for prior in priors],
    )
    plain = json.loads(json.dumps(jsonable(report.to_dict())))
    return Written(row["number"], dossier, trust, priors, plain)
