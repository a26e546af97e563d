"""Errors of the pure protocol.

ProtocolError
├── CanonicalError      text that is not restricted RFC 8785 (jcs)
├── KeyFormatError      a public or private key that is refused (keys)
├── RecordError         a device record that breaks its format (records)
│   ├── RecordShapeError       the envelope {h, p, salt, sig}
│   ├── RecordHeaderError      the header text
│   ├── RecordPayloadError     the payload text
│   ├── CommitmentError        the payload is not the one that the header commits to
│   └── KeyEpochError          a successor key that may not be certified (epochs)
├── StatementError      a signed statement of the server (statements, keylist)
├── PayloadError        a payload whose fields break API rules (payloads)
├── TimeFormatError     a time that is not RFC 3339 with an offset (times)
├── TimeQrError         a time QR text (timeqr)
└── TlogError           the transparency log's formats (tlog)
    ├── ProofError          a Merkle proof, or hashes that a proof needs (merkle, proofs)
    ├── TileError           a tile, its path or an entry bundle (tiles)
    ├── NoteError           a signed note or a verifier key (notes)
    ├── CheckpointError     a checkpoint, or one of another log (checkpoints)
    ├── CosignatureError    a witness's cosignature (cosignatures)
    ├── PolicyError         a trust policy (policies)
    └── LeafError           an entry of the log (leaves)

Every error has a stable `code` that may travel in problems and findings.
"""

from __future__ import annotations

from typing import ClassVar


class ProtocolError(ValueError):
    """Base of everything raised here; `code` is stable, the message is for people."""

    default_code: ClassVar[str] = "protocol"

    def __init__(self, message: str, *, code: str | None = None) -> None:
        super().__init__(message)
        self.code: str = code or self.default_code


class CanonicalError(ProtocolError):
    """Not canonical JSON in the restricted form."""

    default_code = "not-canonical"


class KeyFormatError(ProtocolError):
    """A key that is malformed, private where a public one is due, or weak."""

    default_code = "key-format"


class RecordError(ProtocolError):
    """A device record that cannot be opened."""

    default_code = "record"


class RecordShapeError(RecordError):
    """The envelope is not exactly {h, p, salt, sig} in the right encodings."""

    default_code = "record-shape"


class RecordHeaderError(RecordError):
    """The header text is not canonical or breaks a field rule."""

    default_code = "record-header"


class RecordPayloadError(RecordError):
    """The payload text is not a canonical object within the size limit."""

    default_code = "record-payload"


class CommitmentError(RecordError):
    """SHA-256 over salt and payload differs from the header's `pc`."""

    default_code = "record-commitment"


class KeyEpochError(RecordError):
    """`key.next` certifies a key that may not follow."""

    default_code = "record-key"


class StatementError(ProtocolError):
    """A signed statement is malformed, of an unknown key, or badly signed."""

    default_code = "statement"


class PayloadError(ProtocolError):
    """A payload with a missing, unknown or malformed field."""

    default_code = "payload"


class TimeFormatError(ProtocolError):
    """A time that is not RFC 3339 with an offset."""

    default_code = "time-format"


class TimeQrError(ProtocolError):
    """A time QR text that is malformed or badly signed."""

    default_code = "time-qr"


class TlogError(ProtocolError):
    """Something of the transparency log breaks its format."""

    default_code = "tlog"


class ProofError(TlogError):
    """A proof that does not prove, or a hash that is not there."""

    default_code = "proof"


class TileError(TlogError):
    """A tile, tile path or entry bundle of another form."""

    default_code = "tile"


class NoteError(TlogError):
    """A signed note or verifier key of another form."""

    default_code = "note"


class CheckpointError(TlogError):
    """Not a checkpoint, or not one of the log that is expected."""

    default_code = "checkpoint"


class CosignatureError(TlogError):
    """A cosignature that is missing or does not verify."""

    default_code = "cosignature"


class PolicyError(TlogError):
    """A trust policy that is malformed or ambiguous."""

    default_code = "policy"


class LeafError(TlogError):
    """An entry of the log of another form."""

    default_code = "leaf"
