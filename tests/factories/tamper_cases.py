"""All tamper cases of a dossier (04-custody), one corpus for both verifiers.

`python -m tests.factories.tamper_cases FOLDER` writes `<number>/dossier.zip`, `trust.json`,
`prior-<n>.checkpoint` and one `expected.json` for verifiers in other languages. Numbers are those
of the plan; a suffix names a variant of the same attack, 0 is the genuine dossier.
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path
from typing import Any, Final

from tests.factories import (
    tamper_chains,
    tamper_clocks,
    tamper_custody,
    tamper_files,
    tamper_keys,
    tamper_log,
    tamper_time,
)
from tests.factories.tamper_kit import Kit, TamperCase

CASES: Final[tuple[TamperCase, ...]] = tuple(
    case
    for module in (
        tamper_files, tamper_log, tamper_time, tamper_chains, tamper_clocks, tamper_keys,
        tamper_custody,
    )
    for case in module.case.cases
)  # fmt: skip
# Faults of server, witness and device, tested there (00-decisions, "Dossier and verifiers").
ELSEWHERE: Final = frozenset({"44", "45", "46", "48", "54", "55", "56", "57", "65"})


def numbers() -> set[str]:
    """Numbers of the plan that the corpus has, without their suffixes."""
    return {case.number.partition("_")[0] for case in CASES}


def write_case(case: TamperCase, kit: Kit, folder: Path) -> dict[str, Any]:
    """One case in its folder; its row of expected.json."""
    folder.mkdir(parents=True)
    made = case.make(kit)
    made.package.write(folder / "dossier.zip")
    (folder / "trust.json").write_bytes(made.trust)
    priors = []
    for number, prior in enumerate(made.priors, start=1):
        name = f"prior-{number}.checkpoint"
        (folder / name).write_bytes(prior)
        priors.append(f"{folder.name}/{name}")
    return {
        "number": case.number,
        "title": case.title,
        "dossier": f"{folder.name}/dossier.zip",
        "trust": f"{folder.name}/trust.json",
        "priors": priors,
        "verdict": case.verdict.value,
        "reasons": sorted(reason.value for reason in case.reasons),
    }


def write_corpus(folder: Path) -> Path:
    """All cases below a folder, with expected.json."""
    with tempfile.TemporaryDirectory() as scratch:
        kit = Kit(Path(scratch))
        rows = [write_case(case, kit, folder / f"tamper_{case.number}") for case in CASES]
    path = folder / "expected.json"
    path.write_text(json.dumps({"v": 1, "cases": rows}, ensure_ascii=False, indent=1) + "\n")
    return path


if __name__ == "__main__":
    print(write_corpus(Path(sys.argv[1])))
