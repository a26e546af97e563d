"""Proof files (c2sp.org/tlog-proof@v1, `.tlog-proof`): inclusion proof and checkpoint in one text.

c2sp.org/tlog-proof@v1
extra <base64>            (optional; never authenticated)
index <n>
<base64 hash>             (zero or more, from the leaf's sibling upwards)

<checkpoint note>
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from client_sdk.protocol.errors import ProofError
from client_sdk.protocol.tlog._text import b64_decode, b64_encode, decimal
from client_sdk.protocol.tlog.checkpoints import Checkpoint, parse_checkpoint
from client_sdk.protocol.tlog.merkle import (
    HASH_BYTES,
    MAX_PROOF_HASHES,
    MAX_SIZE,
    verify_inclusion,
)
from client_sdk.protocol.tlog.notes import MAX_NOTE_BYTES, Note, parse_note

FILE_SUFFIX: Final = ".tlog-proof"
MAX_EXTRA_BYTES: Final = 64 * 1024
MAX_PROOF_BYTES: Final = MAX_NOTE_BYTES + 2 * MAX_EXTRA_BYTES

_HEADER: Final = "c2sp.org/tlog-proof@v1"


@dataclass(frozen=True)
class TlogProof:
    """Inclusion proof of entry `index` in the tree of `checkpoint_note`; nothing is verified.

    `extra` is the application's and must not be trusted: nothing signs it.
    """

    index: int
    proof: tuple[bytes, ...]
    checkpoint_note: Note
    extra: bytes | None = None

    def __post_init__(self) -> None:
        if not 0 <= self.index <= MAX_SIZE:
            raise ProofError("an index is from 0 to 2**63 - 1", code="proof-index")
        if len(self.proof) > MAX_PROOF_HASHES:
            raise ProofError("the proof is too long", code="proof-length")
        if any(len(item) != HASH_BYTES for item in self.proof):
            raise ProofError("a hash has 32 bytes", code="proof-hash")
        if self.extra is not None and not 0 < len(self.extra) <= MAX_EXTRA_BYTES:
            raise ProofError("extra data is absent or from 1 byte to 64 KiB", code="proof-extra")
        parse_checkpoint(self.checkpoint_note.text)  # a stray empty line ends up in this text

    def to_text(self) -> str:
        """The file's text; `parse_proof` gives the same proof again."""
        lines = [_HEADER]
        if self.extra is not None:
            lines.append(f"extra {b64_encode(self.extra)}")
        lines += [f"index {self.index}", *map(b64_encode, self.proof), ""]
        return "".join(f"{line}\n" for line in lines) + self.checkpoint_note.to_text()

    def verify(self, leaf: bytes, checkpoint: Checkpoint) -> None:
        """Check inclusion of the leaf hash `leaf` under `checkpoint`; ProofError when it is not.

        `checkpoint` is what the caller got by verifying this proof's note (`open_checkpoint` or a
        policy's verdict): the note itself is not looked at here, save that it is the same text.
        """
        if checkpoint.body() != self.checkpoint_note.text:
            raise ProofError("the checkpoint is not the proof's", code="proof-checkpoint")
        verify_inclusion(leaf, self.index, checkpoint.size, self.proof, checkpoint.root)


def parse_proof(text: str | bytes) -> TlogProof:
    """Proof of a file's text; ProofError, or NoteError and CheckpointError for its checkpoint."""
    head, blank, note = _decoded(text).partition("\n\n")
    lines = head.split("\n")
    if not blank or lines.pop(0) != _HEADER:
        raise ProofError("not a proof file", code="proof-format")
    extra = None
    if lines and lines[0].startswith("extra "):
        extra = b64_decode(lines.pop(0).removeprefix("extra "))
        if extra is None:
            raise ProofError("extra data is not canonical base64", code="proof-extra")
    if not lines or not lines[0].startswith("index "):
        raise ProofError("no index line", code="proof-index")
    index = decimal(lines.pop(0).removeprefix("index "))
    if index is None:
        raise ProofError("not an index", code="proof-index")
    return TlogProof(index, tuple(map(_hash, lines)), parse_note(note), extra)


def _hash(line: str) -> bytes:
    data = b64_decode(line)
    if data is None:
        raise ProofError("a hash that is not canonical base64", code="proof-hash")
    return data


def _decoded(text: str | bytes) -> str:
    if len(text) > MAX_PROOF_BYTES:
        raise ProofError("the proof file is too long", code="proof-length")
    try:
        return text.decode() if isinstance(text, bytes) else text
    except UnicodeDecodeError as error:
        raise ProofError("not UTF-8", code="proof-format") from error
