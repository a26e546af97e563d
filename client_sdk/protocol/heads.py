r"""A device's head as another device records it: `TZH1|device|ep|seq|hid|unix_ms|sig`.

Shown as a QR or read as text; the identity key of the device signs
`tiezheng.head.v1\0 ‖ TZH1|device|ep|seq|hid|unix_ms`. Whoever records it (`head.attest`) binds
every record up to that head: rewriting one of them contradicts the other device's chain.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Final, Self
from uuid import UUID

from client_sdk.protocol._members import Members
from client_sdk.protocol.encoding import b64url_decode, b64url_encode
from client_sdk.protocol.errors import PayloadError, ProtocolError
from client_sdk.protocol.keys import SIGNATURE_BYTES, PrivateKey, PublicKey

_DOMAIN: Final = b"tiezheng.head.v1\0"
_TEXT: Final = re.compile(
    r"TZH1\|([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\|([1-9][0-9]{0,8})\|"
    r"(0|[1-9][0-9]{0,14})\|([0-9a-f]{64})\|(0|[1-9][0-9]{0,14})\|([A-Za-z0-9_-]{86})"
)
SHORT_CHARS: Final = 16


@dataclass(frozen=True, slots=True)
class HeadText:
    """What a device said its newest record is, at `unix_ms` of its own clock."""

    device: UUID
    ep: int
    seq: int
    hid: str
    unix_ms: int
    sig: str = ""

    @property
    def claim(self) -> str:
        """What is signed, without its domain."""
        return f"TZH1|{self.device}|{self.ep}|{self.seq}|{self.hid}|{self.unix_ms}"

    @property
    def text(self) -> str:
        """What the code shows."""
        return f"{self.claim}|{self.sig}"

    @property
    def short(self) -> str:
        """Count and the first digits of the head: for paper, radio or a spoken note on video."""
        digits = self.hid[:SHORT_CHARS]
        grouped = " ".join(digits[at : at + 4] for at in range(0, SHORT_CHARS, 4))
        return f"{self.seq} {grouped}"

    def signed_by(self, key: PublicKey) -> bool:
        """Whether the device whose identity key this is showed the text."""
        try:
            signature = b64url_decode(self.sig, size_bytes=SIGNATURE_BYTES)
        except ProtocolError:
            return False
        return key.verify(signature, _DOMAIN + self.claim.encode())

    def to_dict(self) -> dict[str, Any]:
        """Member `head` of a `head.attest` payload: the text as it was shown."""
        return {"text": self.text}

    @classmethod
    def from_value(cls, value: object) -> Self:
        """Checked `head`; the signature is judged elsewhere."""
        members = Members(value, "head")
        text = members.text("text", max_chars=400)
        members.done()
        try:
            return cls.parse(text)
        except ProtocolError as error:
            raise PayloadError(f"head.text: {error}") from error

    @classmethod
    def parse(cls, text: str) -> Self:
        """Fields of a head text; ProtocolError (`head-text`) when it is anything else."""
        found = _TEXT.fullmatch(text.strip())
        if found is None:
            raise ProtocolError("not the head of a device (TZH1|…)", code="head-text")
        device, ep, seq, hid, unix_ms, sig = found.groups()
        try:
            b64url_decode(sig, size_bytes=SIGNATURE_BYTES)
        except ProtocolError as error:
            raise ProtocolError("not the head of a device", code="head-text") from error
        return cls(UUID(device), int(ep), int(seq), hid, int(unix_ms), sig)


def show(key: PrivateKey, *, device: UUID, ep: int, seq: int, hid: str, unix_ms: int) -> HeadText:
    """Signed head of a device; `key` is its identity key."""
    bare = HeadText(device, ep, seq, hid, unix_ms)
    sig = b64url_encode(key.sign(_DOMAIN + bare.claim.encode()))
    return HeadText(device, ep, seq, hid, unix_ms, sig)
