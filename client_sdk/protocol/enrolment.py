"""Proof that an enrolling device holds the key it presents."""

from __future__ import annotations

from typing import Final

from client_sdk.protocol import jcs
from client_sdk.protocol.encoding import b64url_decode, b64url_encode
from client_sdk.protocol.errors import ProtocolError
from client_sdk.protocol.keys import SIGNATURE_BYTES, PrivateKey, PublicKey

_DOMAIN: Final = b"tiezheng.enrol.v1\0"


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
