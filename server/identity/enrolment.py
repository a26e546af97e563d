"""One-time codes that let a device bind its key, and the QR text that carries one.

The text is ``TZE1|<address>|<code>|<fingerprint>``: the fingerprint of the server-event key lets
the device pin the key list without trusting the network (keylist).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from client_sdk.protocol.enrolment import verify_enrolment_proof
from client_sdk.protocol.errors import KeyFormatError
from client_sdk.protocol.keys import Algorithm, PublicKey
from server.core.keyring import EVENT, KeyRing
from server.core.problem import Kind, Problem, invalid
from server.identity.commands import Enrol
from server.identity.readable import normal, readable

_CODE_BYTES: Final = 10
_CONTEXT: Final = "enrolment-code"


def new_code(randbytes: Callable[[int], bytes]) -> str:
    """Sixteen characters (80 bits) in groups of four."""
    return readable(randbytes(_CODE_BYTES))


def code_hash(keyring: KeyRing, code: str) -> str:
    """What is stored of a code; case, dashes and look-alikes make no difference."""
    return keyring.mac(normal(code).encode(), _CONTEXT)


def qr_text(keyring: KeyRing, public_url: str, code: str) -> str:
    """What the enrolment QR shows."""
    fingerprint = keyring.active(EVENT).public.thumbprint
    return f"TZE1|{public_url.rstrip('/')}|{code}|{fingerprint}"


def proven_key(command: Enrol) -> PublicKey:
    """The key that the device presents and holds; raises ``validation`` or ``proof-invalid``."""
    return _proven(command, "public_jwk", command.public_jwk, command.proof)


def proven_record_key(command: Enrol) -> PublicKey:
    """The first key that signs records: one of its own, or else the device's only key."""
    if command.record_jwk is None:
        return proven_key(command)
    return _proven(command, "record_jwk", command.record_jwk, command.record_proof)


def _proven(command: Enrol, name: str, jwk: dict[str, object], proof: str) -> PublicKey:
    try:
        key = PublicKey.from_jwk(jwk)
    except KeyFormatError as error:
        raise invalid({name: [str(error)]}) from None
    if key.alg is not Algorithm(command.alg):
        wrong = {"alg": [f"is not the algorithm of {name}"]}
        raise invalid(wrong)
    if not verify_enrolment_proof(proof, command.code, key):
        raise Problem(Kind.PROOF_INVALID, "proof is not the signature over code and key")
    return key
