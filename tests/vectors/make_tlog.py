"""Wrote tlog.json, once: the log's formats, for every implementation (also the browser's).

`python -m tests.vectors.make_tlog` refuses to change the file. The keys are for tests alone.
"""

from __future__ import annotations

import base64
import json
from hashlib import sha256
from typing import Any

from client_sdk.protocol.encoding import b64url_encode
from client_sdk.protocol.keys import Algorithm
from client_sdk.protocol.tlog.checkpoints import Checkpoint
from client_sdk.protocol.tlog.cosignatures import CosignatureKey
from client_sdk.protocol.tlog.leaves import CaseLink, case_tag, leaf_text
from client_sdk.protocol.tlog.merkle import (
    MemoryTree,
    consistency_proof,
    inclusion_proof,
    leaf_hash,
)
from client_sdk.protocol.tlog.notes import Note, NoteSignature, NoteSigner, format_vkey, sign_note
from client_sdk.protocol.tlog.proofs import TlogProof
from tests.vectors.make_vectors import HERE, test_key

CASE_KEY = bytes(range(32))
CASE_NO = "（2026）虚0102执1号"
ENTRIES = 21
WHEN = 1_795_399_200
LOG = NoteSigner("log.example/铁证", test_key(Algorithm.ED25519, "log"))
WITNESSES = [
    CosignatureKey(f"w{at}.example", test_key(Algorithm.ED25519, f"witness {at}")) for at in (1, 2)
]
P = 2**255 - 19
ORDER_8 = "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05"


def make() -> dict[str, Any]:
    """All vectors."""
    leaves = _leaves()
    tree = MemoryTree(leaf_hash(text.encode()) for text in leaves)
    note = _note(Checkpoint(LOG.name, ENTRIES, tree.root()))
    proof = TlogProof(5, tuple(inclusion_proof(5, ENTRIES, tree)), note)
    return {
        "case": {"key": CASE_KEY.hex(), "no": CASE_NO, "tag": case_tag(CASE_KEY, CASE_NO)},
        "leaves": [{"text": t, "hash": leaf_hash(t.encode()).hex()} for t in leaves],
        "roots": [tree.root(size).hex() for size in range(ENTRIES + 1)],
        "inclusion": [
            {"index": index, "size": size, "proof": _hex(inclusion_proof(index, size, tree))}
            for index, size in ((0, 1), (0, 2), (6, 7), (5, 21), (20, 21), (15, 16))
        ],
        "consistency": [
            {"old": old, "new": new, "proof": _hex(consistency_proof(old, new, tree))}
            for old, new in ((0, 21), (1, 2), (4, 21), (6, 7), (7, 21), (16, 21), (21, 21))
        ],
        "vkeys": {
            "log": format_vkey(LOG.verifier_key),
            "witnesses": [format_vkey(witness.verifier_key) for witness in WITNESSES],
            "refused": _weak_vkeys(),
        },
        "notes": {"good": [note.to_text()], "refused": _bad_notes(note)},
        "proofs": {
            "good": [proof.to_text()],
            "refused": [proof.to_text().replace(*change, 1) for change in (
                ("index 5", "index 05"), ("@v1", "@v2"), ("\n\n", "\n\n\n"), ("index 5\n", ""),
                ("=\n", "\n"), ("index 5\n", "index 5\n\n"))],
        },
        "policies": _policies(note),
    }  # fmt: skip


def _leaves() -> list[str]:
    """Entries of one case in every third place."""
    leaves: list[str] = []
    tag, number, last = case_tag(CASE_KEY, CASE_NO), 0, None
    for at in range(ENTRIES):
        link = None
        if at % 3 == 0:
            number += 1
            link = CaseLink(tag, number, last)
        header = json.dumps({"pc": sha256(b"%d" % at).hexdigest(), "src": "server", "v": 1},
                            separators=(",", ":"))  # fmt: skip
        text = leaf_text(k="server-1", h=header, s=b64url_encode(bytes([at]) * 64),
                         rx=f"2026-11-23T02:00:{at:02}.000Z", case=link)  # fmt: skip
        leaves.append(text)
        last = leaf_hash(text.encode()).hex() if link else last
    return leaves


def _note(checkpoint: Checkpoint) -> Note:
    body = checkpoint.body()
    lines = [witness.cosign(body, WHEN + at) for at, witness in enumerate(WITNESSES)]
    return sign_note(body, [LOG]).with_signatures(lines)


def _bad_notes(note: Note) -> list[str]:
    text, line = note.to_text(), note.signatures[0].to_line()
    forged = NoteSignature(LOG.name, LOG.verifier_key.key_id, bytes(64)).to_line()
    return [
        "", note.text, text + "\n", text[:-1], text + line, text + forged, text + "\n" + line[:-1],
        text.replace("\n", "\r\n"), text.replace("— ", "- "), text.replace("— ", "—  "),
        text.replace("\n\n", "\n"), text.replace("w1.example", "w1+example"),
        text.replace("w1.example", "w1\u3000example"), text.replace("w1.example", "w1\u0085x"),
        text.replace("log", "l\tog"), text[:-2] + "\n", text[:-1] + "=\n", text + "— a b\n",
        text + "— a AAAAAAB=\n", text + "— a AAAAAA==\n", text + "— a AAAA_AA=\n",
    ]  # fmt: skip


def _weak_vkeys() -> list[str]:
    """Low-order and non-canonical points under otherwise right verifier keys."""
    order_8 = int.from_bytes(bytes.fromhex(ORDER_8), "little")
    refused = []
    for y in (0, 1, order_8, P - order_8, P - 1, P, P + 1, 2**255 - 1):
        for sign in (0, 1):
            data = b"\x01" + (y | sign << 255).to_bytes(32, "little")
            key_id = sha256(b"weak.example\n" + data).hexdigest()[:8]
            refused.append(f"weak.example+{key_id}+{base64.b64encode(data).decode()}")
    good = format_vkey(LOG.verifier_key)
    return [*refused, good + "=", good + "\n", good.replace("log", "lag"), "a+b", ""]


def _policies(note: Note) -> dict[str, Any]:
    log = f"log {format_vkey(LOG.verifier_key)}\n"
    keys = [format_vkey(witness.verifier_key) for witness in WITNESSES]
    both = f"{log}witness 上级 {keys[0]}\nwitness B {keys[1]} https://w2.example/\n"
    one_line = Note(note.text, note.signatures[:2])
    spoilt = Note(note.text, (*note.signatures[:2], NoteSignature(
        WITNESSES[1].name, WITNESSES[1].verifier_key.key_id, bytes(72))))  # fmt: skip
    cases = [(note, True, True), (one_line, True, False), (spoilt, True, False),
             (Note(note.text, note.signatures[1:]), False, True)]  # fmt: skip
    return {
        "good": {
            "text": f"# 虚构\n{both}group all-of-them 2 上级 B\nquorum all-of-them\n",
            "verdicts": [
                {"note": item.to_text(), "log_ok": log_ok, "quorum_met": met}
                for item, log_ok, met in cases
            ],
        },
        "refused": [
            "", "quorum none", log, f"{both}quorum C\n", f"{both}quorum B\nquorum B\n",
            f"{log}{log}quorum none\n", f"{both}group g 3 B\nquorum g\n", "quorum none\r\n",
            f"{both}group g any B\ngroup h any B\nquorum h\n", f"quorum B\n{both}",
            f"log {keys[0]}\nquorum none\n", f"{both}group g 01 B\nquorum g\n",
            f"witness none {keys[0]}\nquorum none\n", "quorum\u3000none\n", "Quorum none\n",
        ],
    }  # fmt: skip


def _hex(hashes: list[bytes]) -> list[str]:
    return [item.hex() for item in hashes]


if __name__ == "__main__":
    with (HERE / "tlog.json").open("x", encoding="utf-8") as file:
        json.dump(make(), file, ensure_ascii=True, indent=1)
        file.write("\n")
