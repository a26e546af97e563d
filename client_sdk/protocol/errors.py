"""Errors of the pure protocol.

ProtocolError
├── CanonicalError      text that is not restricted RFC 8785 (jcs)
├── KeyFormatError      a public or private key that is refused (keys)
├── RecordError         a device record that breaks its format (records)
│   ├── RecordShapeError       the envelope {h, p, salt, sig}
│   ├── RecordHeaderError      the header text
│   ├── RecordPayloadError     the payload text
│   └── CommitmentError        the payload is not the one that the header commits to
├── StatementError      a signed statement of the server (statements, keylist)
├── PayloadError        a payload whose fields break API rules (payloads)
├── TimeFormatError     a time that is not RFC 3339 with an offset (times)
└── TimeQrError         a time QR text (timeqr)

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
