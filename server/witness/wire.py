"""The body of ``add-checkpoint`` (c2sp.org/tlog-witness), read and written.

An old size line, at most 63 lines with a hash of the consistency proof each, an empty line, and
the checkpoint as a signed note.  Nothing here decides anything.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from client_sdk.protocol.errors import ProtocolError
from client_sdk.protocol.tlog.checkpoints import Checkpoint, parse_checkpoint
from client_sdk.protocol.tlog.notes import Note, parse_note
from server.witness.errors import BadRequest

PATH: Final = "/add-checkpoint"
SIZE_TYPE: Final = "text/x.tlog.size"
PROOF_LINES_MAX: Final = 63
# 63 lines of proof and sixteen post-quantum signatures, which signed-note asks to be accepted.
BODY_BYTES_MAX: Final = 256 * 1024
_HASH_BYTES: Final = 32
_OLD: Final = re.compile(r"old (0|[1-9][0-9]{0,18})")


@dataclass(frozen=True, slots=True)
class AddCheckpoint:
    """A request as it was sent; the signatures of ``note`` have not been looked at."""

    old_size: int
    proof: tuple[bytes, ...]
    note: Note
    checkpoint: Checkpoint


def parse_request(body: bytes) -> AddCheckpoint:
    """Read a body to the letter; raises :class:`BadRequest` for any deviation."""
    try:
        head, blank, note_text = body.decode().partition("\n\n")
    except UnicodeDecodeError:
        raise BadRequest("the body is not UTF-8") from None
    if not blank:
        raise BadRequest("no empty line stands before the checkpoint")
    first, *lines = head.split("\n")
    old = _OLD.fullmatch(first)
    if old is None:
        raise BadRequest("the first line is not 'old' with a size")
    if len(lines) > PROOF_LINES_MAX:
        raise BadRequest(f"more than {PROOF_LINES_MAX} lines of proof")
    try:
        note = parse_note(note_text)
        checkpoint = parse_checkpoint(note.text)
    except ProtocolError as error:
        raise BadRequest(f"not a checkpoint: {error}") from None
    return AddCheckpoint(int(old[1]), tuple(_hash(line) for line in lines), note, checkpoint)


def format_request(old_size: int, proof: Sequence[bytes], note_text: str) -> bytes:
    """Write a body; ``note_text`` is the signed checkpoint with its final newline."""
    lines = [f"old {old_size}", *(base64.b64encode(entry).decode() for entry in proof)]
    return ("".join(f"{line}\n" for line in lines) + "\n" + note_text).encode()


def parse_size(body: bytes) -> int | None:
    """The size that a 409 answer names; ``None`` when it names none."""
    found = re.fullmatch(rb"(0|[1-9][0-9]{0,18})\n", body)
    return int(found[1]) if found else None


def _hash(line: str) -> bytes:
    try:
        raw = base64.b64decode(line.encode(), validate=True)
    except (binascii.Error, ValueError):
        raise BadRequest("a line of the proof is not base64") from None
    if len(raw) != _HASH_BYTES or base64.b64encode(raw).decode() != line:
        raise BadRequest("a line of the proof is not the base64 of a hash")
    return raw
