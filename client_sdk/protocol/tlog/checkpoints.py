"""Checkpoints (c2sp.org/tlog-checkpoint): the signed head of a tree.

The text is origin, tree size, base64 root and, discouraged, extension lines. Our log writes no
extension lines, and reading refuses them unless the caller asks for them: nobody audits them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from client_sdk.protocol.errors import CheckpointError
from client_sdk.protocol.tlog._text import b64_decode, b64_encode, decimal, has_control, is_unicode
from client_sdk.protocol.tlog.merkle import EMPTY_ROOT, HASH_BYTES, MAX_SIZE
from client_sdk.protocol.tlog.notes import Note, VerifierKey, verified_by

_FIXED_LINES: Final = 3


@dataclass(frozen=True)
class Checkpoint:
    """Head of the tree of `size` leaves of the log named `origin`; `root` has 32 bytes."""

    origin: str
    size: int
    root: bytes
    extensions: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for line in (self.origin, *self.extensions):
            if not line or "\n" in line or has_control(line) or not is_unicode(line):
                raise CheckpointError("origin and extensions are non-empty lines")
        if not 0 <= self.size <= MAX_SIZE:
            raise CheckpointError("a tree size is from 0 to 2**63 - 1", code="checkpoint-size")
        if len(self.root) != HASH_BYTES or (self.size == 0 and self.root != EMPTY_ROOT):
            raise CheckpointError("not a root of that size", code="checkpoint-root")

    def body(self) -> str:
        """The note text, with its final newline."""
        lines = (self.origin, str(self.size), b64_encode(self.root), *self.extensions)
        return "".join(f"{line}\n" for line in lines)


def parse_checkpoint(text: str) -> Checkpoint:
    """Checkpoint of a note text (no signature lines); CheckpointError when malformed."""
    if not text.endswith("\n"):
        raise CheckpointError("a checkpoint ends in a newline")
    lines = text.removesuffix("\n").split("\n")
    if len(lines) < _FIXED_LINES:
        raise CheckpointError("a checkpoint has at least three lines")
    size = decimal(lines[1])
    if size is None:
        raise CheckpointError("not a tree size", code="checkpoint-size")
    root = b64_decode(lines[2])
    if root is None:
        raise CheckpointError("the root is not canonical base64", code="checkpoint-root")
    return Checkpoint(lines[0], size, root, tuple(lines[_FIXED_LINES:]))


def open_checkpoint(
    note: Note, log_key: VerifierKey, *, extensions_allowed: bool = False
) -> Checkpoint:
    """Checkpoint of a note that `log_key` signed and whose origin is the key's name.

    CheckpointError says which it is not: signature, origin or extensions.
    """
    if not verified_by(note, log_key):
        raise CheckpointError("not signed by the log", code="checkpoint-signature")
    checkpoint = parse_checkpoint(note.text)
    if checkpoint.origin != log_key.name:
        raise CheckpointError("a checkpoint of another log", code="checkpoint-origin")
    if checkpoint.extensions and not extensions_allowed:
        raise CheckpointError("extension lines", code="checkpoint-extension")
    return checkpoint
