r"""Time QR: `TZ1|unix_ms|nonce|sig`, new each second.

A camera without network photographs it; the difference to the photo's own time
calibrates the camera. The server-event key signs `tiezheng.timeqr.v1\0 ‖ TZ1|unix_ms|nonce`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from client_sdk.protocol.encoding import b64url_decode, b64url_encode
from client_sdk.protocol.errors import ProtocolError, TimeQrError
from client_sdk.protocol.keys import SIGNATURE_BYTES, PrivateKey, PublicKey

NONCE_BYTES: Final = 9
VALID_SECONDS: Final = 1
_DOMAIN: Final = b"tiezheng.timeqr.v1\0"
_TEXT: Final = re.compile(r"TZ1\|(0|[1-9][0-9]{0,15})\|([A-Za-z0-9_-]{12})\|([A-Za-z0-9_-]{86})")


@dataclass(frozen=True, slots=True)
class TimeQr:
    """A parsed time QR; not verified yet."""

    unix_ms: int
    nonce: str
    signature: bytes

    @property
    def signed_bytes(self) -> bytes:
        """What the signature is over."""
        return _DOMAIN + f"TZ1|{self.unix_ms}|{self.nonce}".encode()

    @property
    def text(self) -> str:
        """What the code shows."""
        return f"TZ1|{self.unix_ms}|{self.nonce}|{b64url_encode(self.signature)}"


def make(unix_ms: int, nonce: bytes, key: PrivateKey) -> TimeQr:
    """Signed time QR; `nonce` is 9 random bytes."""
    if len(nonce) != NONCE_BYTES or not 0 <= unix_ms < 10**16:
        raise TimeQrError("a nonce of 9 bytes and a time of at most 16 digits")
    bare = TimeQr(unix_ms, b64url_encode(nonce), b"")
    return TimeQr(unix_ms, bare.nonce, key.sign(bare.signed_bytes))


def parse(text: str) -> TimeQr:
    """Fields of a time QR text; TimeQrError when it is anything else."""
    match = _TEXT.fullmatch(text)
    if match is None:
        raise TimeQrError("not a time QR")
    try:
        signature = b64url_decode(match[3], size_bytes=SIGNATURE_BYTES)
    except ProtocolError as error:
        raise TimeQrError("not a time QR") from error
    return TimeQr(int(match[1]), match[2], signature)


def verify(code: TimeQr, key: PublicKey) -> bool:
    """Whether the server-event key `key` showed this code."""
    return key.verify(code.signature, code.signed_bytes)
