"""Witness cosignatures (c2sp.org/tlog-cosignature): `cosignature/v1`, type 0x04 (Ed25519).

A witness signs, over the time and the whole checkpoint body, that the tree of that size is the
largest consistent one it has seen. The line's signature is an eight-byte time and 64 bytes.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Final

from client_sdk.protocol.errors import CosignatureError
from client_sdk.protocol.keys import SIGNATURE_BYTES, Algorithm, PrivateKey
from client_sdk.protocol.tlog.checkpoints import parse_checkpoint
from client_sdk.protocol.tlog.notes import TYPE_COSIGNATURE, Note, NoteSignature, VerifierKey

MAX_TIME_SECONDS: Final = 2**63 - 1
_TIME_BYTES: Final = 8


@dataclass(frozen=True)
class CosignatureKey:
    """A witness's name and its Ed25519 key, which signs nothing but cosignatures."""

    name: str
    key: PrivateKey

    def __post_init__(self) -> None:
        if self.key.alg is not Algorithm.ED25519:
            raise CosignatureError("a witness signs with Ed25519", code="key-type")

    @cached_property
    def verifier_key(self) -> VerifierKey:
        """The public side, type 0x04."""
        return VerifierKey(self.name, TYPE_COSIGNATURE, self.key.public.raw)

    def cosign(self, checkpoint_body: str, timestamp_seconds: int) -> NoteSignature:
        """Signature line over a checkpoint body at a time in seconds since 1970."""
        parse_checkpoint(checkpoint_body)
        if not 0 <= timestamp_seconds <= MAX_TIME_SECONDS:
            raise CosignatureError("the time is out of range", code="cosignature-time")
        signature = self.key.sign(_message(checkpoint_body, timestamp_seconds))
        stamped = timestamp_seconds.to_bytes(_TIME_BYTES) + signature
        return NoteSignature(self.name, self.verifier_key.key_id, stamped)


def cosign(
    checkpoint_body: str, name: str, key: PrivateKey, timestamp_seconds: int
) -> NoteSignature:
    """Cosignature line of the witness `name`; CheckpointError when the body is no checkpoint."""
    return CosignatureKey(name, key).cosign(checkpoint_body, timestamp_seconds)


def verify_cosignature(note: Note, vkey: VerifierKey) -> int:
    """Time (seconds since 1970) at which the witness `vkey` cosigned the note.

    CosignatureError: `cosignature-missing` without a line of that key, `cosignature-signature`
    when it does not verify, `cosignature-time` when its time is out of range.
    """
    if vkey.key_type != TYPE_COSIGNATURE:
        raise CosignatureError("not a witness's key", code="key-type")
    line = next((line for line in note.signatures if vkey.made(line)), None)
    if line is None:
        raise CosignatureError(f"no cosignature of {vkey.name}", code="cosignature-missing")
    stamp, signature = line.signature[:_TIME_BYTES], line.signature[_TIME_BYTES:]
    timestamp_seconds = int.from_bytes(stamp)
    if len(signature) != SIGNATURE_BYTES:
        raise CosignatureError("no signature of Ed25519", code="cosignature-signature")
    if timestamp_seconds > MAX_TIME_SECONDS:
        raise CosignatureError("the time is out of range", code="cosignature-time")
    if not vkey.key.verify(signature, _message(note.text, timestamp_seconds)):
        raise CosignatureError(f"not signed by {vkey.name}", code="cosignature-signature")
    return timestamp_seconds


def _message(checkpoint_body: str, timestamp_seconds: int) -> bytes:
    return f"cosignature/v1\ntime {timestamp_seconds}\n{checkpoint_body}".encode()
