"""Records of actions in a dossier, and kinds of a later version, are no trouble to a verifier."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Final
from uuid import UUID

from client_sdk.protocol.verdicts import Verdict
from tests.factories.tamper_kit import Kit, Made, TamperCase, done
from tests.support import corpus
from tests.support.node import run_node

SCRIPT: Final = Path(__file__).with_name("run_corpus.mjs")
ACTION: Final = str(UUID(int=7, version=4))


def entries(kit: Kit) -> Made:
    scene = kit.scene()
    for act, data in (
        ("action.started", {"type": "search", "place": "东坡村(虚构)"}),
        ("action.facts", {"facts": {"credentials_shown": True}}),
        ("case.promise", {"on": "2026-03-02", "by": "某(虚构)", "due_on": "2026-04-01"}),
        ("action.of-a-later-version", {"anything": ["数据(虚构)"]}),
    ):
        scene.phone.record(act, entry={"data": data, "action": ACTION})
    return done(scene)


def test_both_verifiers_take_entries_and_kinds_of_later_versions(tmp_path: Path) -> None:
    case = TamperCase("entries", "entries of the register", entries, Verdict.VERIFIED)
    (judged,) = corpus.write(tmp_path, [case])
    assert (judged.report["verdict"], judged.reasons) == ("VERIFIED", set())
    told = json.loads(run_node(SCRIPT, tmp_path))
    assert corpus.facts(told["entries"]) == corpus.facts(judged.report)
