"""Both verifiers say the same of what chance bent, not only of what somebody thought of."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Final

import pytest

from tests.factories.bent import BENDS, write_bent
from tests.support import corpus
from tests.support.node import run_node

SCRIPT: Final = Path(__file__).with_name("run_corpus.mjs")
ROUNDS: Final = 30


# Octets of the ZIP are the browser's test: Node's inflation is laxer than the standard's.
@pytest.mark.parametrize("name", sorted(BENDS.keys() - {"zip"}))
def test_both_verifiers_agree_on_a_bent(name: str, tmp_path: Path) -> None:
    expected = corpus.judged(tmp_path, write_bent(tmp_path, name, ROUNDS))
    told = json.loads(run_node(SCRIPT, tmp_path))
    for case in expected:
        assert corpus.facts(told[case.number]) == corpus.facts(case.report), case.number
