"""Every tamper case of a dossier gives its verdict and its reasons."""

from pathlib import Path

import pytest

from client_sdk.dossier.report import Report
from client_sdk.dossier.verify import verify_dossier
from client_sdk.protocol.tlog.notes import parse_note
from client_sdk.protocol.trust import parse_trust
from client_sdk.protocol.verdicts import Reason
from tests.factories.tamper_cases import CASES, ELSEWHERE, numbers
from tests.factories.tamper_kit import Kit, TamperCase


def judge(case: TamperCase, kit: Kit, folder: Path) -> Report:
    made = case.make(kit)
    path = made.package.write(folder / "dossier.zip")
    priors = [parse_note(prior) for prior in made.priors]
    return verify_dossier(path, parse_trust(made.trust), priors=priors)


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"tamper_{case.number}")
def test_verdict_of(case: TamperCase, kit: Kit, tmp_path: Path) -> None:
    report = judge(case, kit, tmp_path)
    told = [f"{one.reason}: {one.where} {one.detail}" for one in report.findings]
    assert report.verdict is case.verdict, told
    assert case.reasons <= report.reasons, told


def test_tamper_numbers_are_all_there() -> None:
    plan = {str(number) for number in range(1, 66)} | {"44b"}
    assert plan - ELSEWHERE <= numbers()


def test_tamper_reasons_are_all_given_by_some_case() -> None:
    given = set().union(*(case.reasons for case in CASES))
    assert set(Reason) == given
