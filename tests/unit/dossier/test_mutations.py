"""The verifier loses something with every check: without it some attack passes for something else.

Each check is taken out of the table in turn; the corpus must notice. One case that notices is kept
by name for each check, so that the test runs a few cases and not all of them for every check.
"""

from pathlib import Path
from typing import Final

import pytest

from client_sdk.dossier.table import CHECKS
from client_sdk.dossier.verify import verify_dossier
from client_sdk.protocol.tlog.notes import parse_note
from client_sdk.protocol.trust import parse_trust
from client_sdk.protocol.verdicts import Check
from tests.factories.tamper_cases import CASES
from tests.factories.tamper_kit import Kit

_NOTICED_BY: Final = {
    Check.ARCHIVE: "8",
    Check.LAYOUT: "6_listed",
    Check.BAG: "6_declaration",
    Check.DIGESTS: "1",
    Check.CHECKPOINT: "20_log",
    Check.QUORUM: "20",
    Check.TIME: "24",
    Check.ENTRIES: "15",
    Check.INCLUSION: "14_time",
    Check.PROOFS: "42_other",
    Check.COMMITMENTS: "9",
    Check.SERVER_KEYS: "29_event",
    Check.ENROLMENT: "44b",
    Check.SIGNATURES: "33",
    Check.REVOCATION: "36",
    Check.DEVICE_CHAINS: "35",
    Check.RANGES: "12_stub",
    Check.TICKETS: "49",
    Check.ATTESTATIONS: "43",
    Check.CLOCKS: "38",
    Check.CASE_CHAIN: "11_event",
    Check.CASE_BINDING: "34_moved",
    Check.STATEMENT: "42",
    Check.DISCLOSURE: "13",
    Check.OBJECTS: "5_exported",
    Check.RECORDINGS: "60_chunk",
    Check.CUSTODY: "40",
    Check.PRIOR: "64",
}
_CASES: Final = {case.number: case for case in CASES}


def test_tamper_mutations_name_every_check() -> None:
    assert set(_NOTICED_BY) == set(Check) == set(CHECKS)


@pytest.mark.parametrize("check", Check, ids=lambda check: f"tamper_without_{check.value}")
def test_an_attack_passes_without(check: Check, kit: Kit, tmp_path: Path) -> None:
    case = _CASES[_NOTICED_BY[check]]
    made = case.make(kit)
    path = made.package.write(tmp_path / "dossier.zip")
    trust, priors = parse_trust(made.trust), [parse_note(prior) for prior in made.priors]
    assert verify_dossier(path, trust, priors=priors).verdict is case.verdict
    fewer = {name: function for name, function in CHECKS.items() if name is not check}
    assert verify_dossier(path, trust, priors=priors, checks=fewer).verdict is not case.verdict
