"""A Merkle log in memory that proves, forks and forgets as a test wants it to."""

from __future__ import annotations

import base64
from dataclasses import dataclass, field, replace
from typing import Any

from client_sdk.protocol.keys import Algorithm, PrivateKey
from client_sdk.protocol.records import OpenedRecord
from client_sdk.protocol.statements import Receipt
from client_sdk.protocol.times import format_rfc3339
from client_sdk.protocol.tlog.checkpoints import Checkpoint
from client_sdk.protocol.tlog.cosignatures import CosignatureKey
from client_sdk.protocol.tlog.leaves import CaseLink, leaf_text
from client_sdk.protocol.tlog.merkle import (
    MemoryTree,
    consistency_proof,
    inclusion_proof,
    leaf_hash,
)
from client_sdk.protocol.tlog.notes import Note, NoteSigner, VerifierKey, format_vkey, sign_note
from client_sdk.protocol.tlog.proofs import TlogProof

ORIGIN = "log.example/court"
WITNESSED_AT = 1_790_000_000
LINK = CaseLink("ab" * 16, 1, None)


@dataclass
class FakeLog:
    """Entries of records, in the order in which they are added."""

    key: PrivateKey = field(default_factory=lambda: PrivateKey.generate(Algorithm.ED25519))
    witness: PrivateKey = field(default_factory=lambda: PrivateKey.generate(Algorithm.ED25519))
    tree: MemoryTree = field(default_factory=MemoryTree)
    entries: list[bytes] = field(default_factory=list)

    @property
    def signer(self) -> NoteSigner:
        return NoteSigner(ORIGIN, self.key)

    @property
    def vkey(self) -> str:
        return format_vkey(VerifierKey(ORIGIN, 1, self.key.public.raw))

    @property
    def policy(self) -> str:
        """A tlog-policy that asks for the one witness, which cosigns everything."""
        witness = format_vkey(self._cosigner.verifier_key)
        return f"log {self.vkey}\nwitness w {witness}\nquorum w\n"

    @property
    def _cosigner(self) -> CosignatureKey:
        return CosignatureKey("witness.example", self.witness)

    def _signed(self, checkpoint: Checkpoint) -> Note:
        body = checkpoint.body()
        line = self._cosigner.cosign(body, WITNESSED_AT)
        return sign_note(body, [self.signer]).with_signatures([line])

    def add(self, entry: bytes) -> int:
        """Index of a new entry."""
        self.entries.append(entry)
        return self.tree.append(leaf_hash(entry))

    def add_record(self, opened: OpenedRecord, receipt: Receipt) -> int:
        wire = opened.wire
        text = leaf_text(k="k", h=wire.h, s=wire.sig, rx=format_rfc3339(receipt.rx), case=LINK)
        return self.add(text.encode())

    def note(self, size: int | None = None) -> str:
        """The signed checkpoint of a size."""
        size = self.tree.size if size is None else size
        checkpoint = Checkpoint(ORIGIN, size, self.tree.root(size))
        return self._signed(checkpoint).to_text()

    def proven(self, receipt: Receipt, index: int, **changes: Any) -> Receipt:
        """The superseding receipt of an entry."""
        path = inclusion_proof(index, self.tree.size, self.tree)
        note = self._signed(Checkpoint(ORIGIN, self.tree.size, self.tree.root()))
        proof = TlogProof(index, tuple(path), note, self.entries[index])
        secured = {"level": "L2", "checkpoint": note.to_text(), "proof": proof.to_text()}
        return replace(receipt, log_index=index, **(secured | changes))

    def consistency(self, old: int, new: int) -> list[str] | None:
        """Proof in base64; None beyond the log."""
        if not 0 <= old <= new <= self.tree.size:
            return None
        return [base64.b64encode(h).decode() for h in consistency_proof(old, new, self.tree)]
