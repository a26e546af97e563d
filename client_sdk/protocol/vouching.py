r"""Who vouches for a device key besides the server: a supervisor, or the hardware's maker.

Whoever holds log key and witnesses could enrol a device of his own and sign everything anew. So a
`device.enrolled` event may carry

    vouch        {"kid", "sig"}: a supervisor key over
                 `tiezheng.vouch.v1\0 ‖ JCS({alg, device, ep, jkt})`
    attestation  [base64 DER …]: certificate of the device key, then its issuers

and a verifier pins the supervisor keys and attestation roots, or the device keys themselves.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from client_sdk.protocol import jcs
from client_sdk.protocol.encoding import b64url_decode, b64url_encode
from client_sdk.protocol.errors import ProtocolError
from client_sdk.protocol.keys import SIGNATURE_BYTES, Algorithm, PrivateKey, PublicKey
from client_sdk.protocol.trust import EnrolmentRoot, RootKind

_DOMAIN: Final = b"tiezheng.vouch.v1\0"
_MAX_CERTIFICATES: Final = 8
_REFUSALS: Final = (
    ValueError, TypeError, InvalidSignature, UnsupportedAlgorithm,
    x509.ExtensionNotFound, x509.DuplicateExtension,
)  # fmt: skip


def _message(device: str, ep: int, key: PublicKey) -> bytes:
    claim = {"alg": key.alg.value, "device": device, "ep": ep, "jkt": key.thumbprint}
    return _DOMAIN + jcs.dump_bytes(claim)


def vouch(supervisor: PrivateKey, *, device: str, ep: int, key: PublicKey) -> dict[str, str]:
    """Member `vouch` of an enrolment: the supervisor saw this key on this device."""
    signature = supervisor.sign(_message(device, ep, key))
    return {"kid": supervisor.public.thumbprint, "sig": b64url_encode(signature)}


def is_vouched(
    facts: Mapping[str, Any],
    roots: Sequence[EnrolmentRoot],
    *,
    device: str,
    ep: int,
    key: PublicKey,
    at: datetime,
) -> bool:
    """Whether one of the pins vouches for `key`; `at` is the time of the enrolment."""
    return any(
        (root.kind is RootKind.DEVICE and root.jkt == key.thumbprint)
        or (root.kind is RootKind.SUPERVISOR and _supervised(facts, root, device, ep, key))
        or (root.kind is RootKind.ATTESTATION and _attested(facts, root, key, at))
        for root in roots
    )


def _supervised(
    facts: Mapping[str, Any], root: EnrolmentRoot, device: str, ep: int, key: PublicKey
) -> bool:
    given = facts.get("vouch")
    if not isinstance(given, Mapping) or root.key is None:
        return False
    try:
        signature = b64url_decode(given.get("sig"), size_bytes=SIGNATURE_BYTES)
    except ProtocolError:
        return False
    return root.key.verify(signature, _message(device, ep, key))


def _attested(facts: Mapping[str, Any], root: EnrolmentRoot, key: PublicKey, at: datetime) -> bool:
    """Certificates lead from the device key to the root, each valid at `at` (RFC 5280 §6)."""
    chain = _certificates(facts.get("attestation"))
    if not chain or root.certificate is None or _raw(chain[0]) != (key.alg, key.raw):
        return False
    issuers = [*chain[1:], root.certificate]
    if chain[-1] == root.certificate:
        issuers = chain[1:]
    return all(
        _issued(one, issuer) and one.not_valid_before_utc <= at <= one.not_valid_after_utc
        for one, issuer in zip(chain, issuers, strict=False)
    )


def _certificates(value: object) -> list[x509.Certificate]:
    if not isinstance(value, list) or not 0 < len(value) <= _MAX_CERTIFICATES:
        return []
    try:
        return [x509.load_der_x509_certificate(base64.b64decode(one)) for one in value]
    except (ValueError, TypeError, binascii.Error):
        return []


def _raw(certificate: x509.Certificate) -> tuple[Algorithm, bytes] | None:
    try:
        key = certificate.public_key()
    except (ValueError, UnsupportedAlgorithm):
        return None
    if isinstance(key, ed25519.Ed25519PublicKey):
        return Algorithm.ED25519, key.public_bytes_raw()
    if isinstance(key, ec.EllipticCurvePublicKey) and isinstance(key.curve, ec.SECP256R1):
        point = key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
        return Algorithm.ES256, point
    return None


def _issued(certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
    """Issued by a certificate authority (RFC 5280 §4.2.1.9), directly."""
    try:
        limits = issuer.extensions.get_extension_for_class(x509.BasicConstraints).value
        certificate.verify_directly_issued_by(issuer)
    except _REFUSALS:
        return False
    return limits.ca
