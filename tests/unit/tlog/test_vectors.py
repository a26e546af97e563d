"""The fixed vectors of the log: hash inputs and texts that never move, texts never accepted."""

import json
from pathlib import Path
from typing import Any

import pytest

from client_sdk.protocol.errors import ProtocolError
from client_sdk.protocol.tlog.checkpoints import open_checkpoint
from client_sdk.protocol.tlog.cosignatures import verify_cosignature
from client_sdk.protocol.tlog.leaves import case_tag, parse_leaf
from client_sdk.protocol.tlog.merkle import root_of, verify_consistency, verify_inclusion
from client_sdk.protocol.tlog.notes import parse_note, parse_vkey
from client_sdk.protocol.tlog.policies import Policy
from client_sdk.protocol.tlog.proofs import parse_proof

PATH = Path(__file__).parents[2] / "vectors" / "tlog.json"
VECTORS: Any = json.loads(PATH.read_text(encoding="utf-8"))
LEAVES = [bytes.fromhex(leaf["hash"]) for leaf in VECTORS["leaves"]]
ROOTS = [bytes.fromhex(root) for root in VECTORS["roots"]]
LOG_KEY = parse_vkey(VECTORS["vkeys"]["log"])


def hashes(items: list[str]) -> list[bytes]:
    return [bytes.fromhex(item) for item in items]


def test_leaves_and_case_links() -> None:
    case, count, last = VECTORS["case"], 0, None
    tag = case_tag(bytes.fromhex(case["key"]), case["no"])
    assert tag == case["tag"]
    for vector in VECTORS["leaves"]:
        leaf = parse_leaf(vector["text"])
        assert leaf.to_text() == vector["text"]
        assert leaf.hash().hex() == vector["hash"]
        if leaf.case is not None:
            count += 1
            assert (leaf.case.ct, leaf.case.cs, leaf.case.cp) == (tag, count, last)
            last = vector["hash"]
    assert count == 7


def test_roots_and_proofs() -> None:
    assert [root_of(LEAVES[:size]) for size in range(len(LEAVES) + 1)] == ROOTS
    for item in VECTORS["inclusion"]:
        index, size = item["index"], item["size"]
        verify_inclusion(LEAVES[index], index, size, hashes(item["proof"]), ROOTS[size])
    for item in VECTORS["consistency"]:
        old, new = item["old"], item["new"]
        verify_consistency(old, ROOTS[old], new, ROOTS[new], hashes(item["proof"]))


def test_notes_and_proof_files() -> None:
    for text in VECTORS["notes"]["good"]:
        note = parse_note(text)
        assert note.to_text() == text
        assert open_checkpoint(note, LOG_KEY).root == ROOTS[-1]
        times = [verify_cosignature(note, parse_vkey(v)) for v in VECTORS["vkeys"]["witnesses"]]
        assert times == [1_795_399_200, 1_795_399_201]
    for text in VECTORS["proofs"]["good"]:
        proof = parse_proof(text)
        assert proof.to_text() == text
        proof.verify(LEAVES[proof.index], open_checkpoint(proof.checkpoint_note, LOG_KEY))


def test_policies() -> None:
    good = VECTORS["policies"]["good"]
    policy = Policy.parse(good["text"])
    for item in good["verdicts"]:
        verdict = policy.judge(parse_note(item["note"]))
        assert (verdict.log_ok, verdict.quorum_met) == (item["log_ok"], item["quorum_met"])


@pytest.mark.parametrize(
    ("kind", "parse"),
    [("notes", parse_note), ("proofs", parse_proof), ("policies", Policy.parse),
     ("vkeys", parse_vkey)],
)  # fmt: skip
def test_tamper_what_is_refused(kind: str, parse: Any) -> None:
    for text in VECTORS[kind]["refused"]:
        with pytest.raises(ProtocolError):
            parse(text)
