"""Enrolment: the QR that invites a device, and the proof that it holds its key.

The QR is `TZE1|<address>|<code>|<fingerprint>`: with the fingerprint of the server-event
key the device trusts the server that a person pointed it to, and no other.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from client_sdk.protocol import jcs
from client_sdk.protocol.encoding import b64url_decode, b64url_encode
from client_sdk.protocol.errors import ProtocolError
from client_sdk.protocol.keys import SIGNATURE_BYTES, PrivateKey, PublicKey

_DOMAIN: Final = b"tiezheng.enrol.v1\0"
_INVITATION: Final = re.compile(
    r"TZE1\|(https?://[^|\s]{1,200})\|([0-9A-Za-z-]{4,64})\|([0-9A-Za-z_-]{43})"
)


@dataclass(frozen=True, slots=True)
class Invitation:
    """What an enrolment QR says."""

    base_url: str
    code: str
    fingerprint: str

    @property
    def text(self) -> str:
        """What the code shows."""
        return f"TZE1|{self.base_url}|{self.code}|{self.fingerprint}"


def parse_invitation(text: str) -> Invitation:
    """Fields of an enrolment QR; ProtocolError (`invitation`) when it is anything else."""
    found = _INVITATION.fullmatch(text.strip())
    if found is None:
        raise ProtocolError("not an enrolment QR", code="invitation")
    return Invitation(found[1].rstrip("/"), found[2], found[3])


def _message(code: str, key: PublicKey) -> bytes:
    return _DOMAIN + jcs.dump_bytes({"code": code, "jkt": key.thumbprint})


def enrolment_proof(code: str, key: PrivateKey) -> str:
    """Base64url signature over the one-time code and the key's thumbprint."""
    return b64url_encode(key.sign(_message(code, key.public)))


def verify_enrolment_proof(proof: str, code: str, key: PublicKey) -> bool:
    """Whether the holder of `key` made `proof` for `code`."""
    try:
        return key.verify(b64url_decode(proof, size_bytes=SIGNATURE_BYTES), _message(code, key))
    except ProtocolError:
        return False
