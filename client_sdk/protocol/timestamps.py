"""Trusted time (RFC 3161): the query to an authority, and the judgement of its response.

Pure: no clock, no network.  A token counts when the chain of its certificate led to a pinned root
*at the moment it names* (a certificate that has expired since does no harm), when it is over the
data and answers the query, and when its certificate was not revoked.  What a revocation means for
older tokens follows RFC 3161 §4: with an innocent reason they stay valid, otherwise none is.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, Final, Self, cast

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.types import CertificateIssuerPublicKeyTypes
from cryptography.hazmat.primitives.serialization import Encoding
from rfc3161_client import (
    TimestampRequestBuilder,
    TimeStampResponse,
    VerificationError,
    VerifierBuilder,
    decode_timestamp_response,
)
from rfc3161_client.base import HashAlgorithm
from rfc3161_client.tsp import Accuracy

from client_sdk.protocol.errors import ProtocolError

QUERY_TYPE: Final = "application/timestamp-query"
REPLY_TYPE: Final = "application/timestamp-reply"
RESPONSE_BYTES_MAX: Final = 64 * 1024
_GRANTED: Final = 0
_SHA256: Final = x509.ObjectIdentifier("2.16.840.1.101.3.4.2.1")
_PEM_CRL: Final = b"-----BEGIN X509 CRL-----"
# Reasons after which what was signed before the revocation stays valid (RFC 3161 §4, 1).
_INNOCENT: Final = frozenset(
    {
        x509.ReasonFlags.unspecified,
        x509.ReasonFlags.affiliation_changed,
        x509.ReasonFlags.superseded,
        x509.ReasonFlags.cessation_of_operation,
    }
)


class TimestampError(ProtocolError):
    """A token that proves nothing; ``code`` says what is wrong with it.

    token-format, token-status, token-hash, token-imprint, token-nonce, token-chain, token-revoked.
    """

    default_code: ClassVar[str] = "token"


@dataclass(frozen=True, slots=True)
class TimeRoots:
    """The certificates that tokens must lead to, and what is known to be revoked."""

    roots: tuple[x509.Certificate, ...]
    revocations: tuple[x509.CertificateRevocationList, ...] = ()

    @classmethod
    def from_pem(cls, pem: bytes) -> Self:
        """Roots and, where there are any, revocation lists of one PEM text."""
        try:
            roots = x509.load_pem_x509_certificates(pem)
            lists = [x509.load_pem_x509_crl(_PEM_CRL + part) for part in pem.split(_PEM_CRL)[1:]]
        except ValueError as error:
            raise TimestampError(f"not certificates in PEM: {error}", code="roots") from None
        return cls(tuple(roots), tuple(lists))

    def with_revocations(self, lists: Iterable[x509.CertificateRevocationList]) -> Self:
        """The same roots with further revocation lists."""
        return type(self)(self.roots, (*self.revocations, *lists))


@dataclass(frozen=True, slots=True)
class Query:
    """What is sent to an authority; its response must carry the same nonce."""

    data: bytes
    nonce: int


@dataclass(frozen=True, slots=True)
class TrustedTime:
    """What a good token says: its data existed at ``at``, give or take ``accuracy_seconds``."""

    at: datetime
    accuracy_seconds: float
    serial: int
    signer: x509.Certificate

    @property
    def signer_name(self) -> str:
        """Subject of the authority's certificate (RFC 4514)."""
        return self.signer.subject.rfc4514_string()


def build_query(message: bytes) -> Query:
    """A query over SHA-256 of ``message`` with a fresh nonce, asking for the certificate too."""
    request = (
        TimestampRequestBuilder()
        .data(message)
        .hash_algorithm(HashAlgorithm.SHA256)
        .nonce(nonce=True)
        .cert_request(cert_request=True)
        .build()
    )
    if request.nonce is None:
        raise TimestampError("the query has no nonce", code="token-nonce")
    return Query(request.as_bytes(), request.nonce)


def open_token(
    response: bytes, message: bytes, roots: TimeRoots, *, nonce: int | None = None
) -> TrustedTime:
    """Judge a response (``.tsr``) over ``message``; raises :class:`TimestampError`.

    ``nonce`` is the query's, when the response is new; a stored one is judged without.
    """
    found = _parsed(response)
    info = found.tst_info
    if info.message_imprint.hash_algorithm != _SHA256:
        raise TimestampError("not over SHA-256", code="token-hash")
    if info.message_imprint.message != hashlib.sha256(message).digest():
        raise TimestampError("the token is over other data", code="token-imprint")
    if nonce is not None and info.nonce != nonce:
        raise TimestampError("the token answers another query", code="token-nonce")
    if not roots.roots:
        raise TimestampError("no root is pinned", code="token-chain")
    try:
        VerifierBuilder(roots=list(roots.roots)).build().verify_message(found, message)
    except (VerificationError, ValueError) as error:
        raise TimestampError(
            f"not an authority that is trusted: {error}", code="token-chain"
        ) from None
    certificates, signer = _certificates(found)
    _require_not_revoked(signer, info.gen_time, roots, certificates)
    return TrustedTime(info.gen_time, _accuracy_seconds(found), info.serial_number, signer)


def _parsed(response: bytes) -> TimeStampResponse:
    if len(response) > RESPONSE_BYTES_MAX:
        raise TimestampError("a response of that size is none", code="token-format")
    try:
        found = decode_timestamp_response(response)
        status = found.status
        if status == _GRANTED:
            found.tst_info  # noqa: B018  raises where there is no token
    except (ValueError, TypeError) as error:
        raise TimestampError(f"not a response of RFC 3161: {error}", code="token-format") from None
    if status != _GRANTED:
        said = "; ".join(found.status_string)
        raise TimestampError(f"the authority refused: {status} {said}", code="token-status")
    return found


def _certificates(
    found: TimeStampResponse,
) -> tuple[tuple[x509.Certificate, ...], x509.Certificate]:
    """Those in the token, and the one that signed it (named by the signed issuer and serial)."""
    try:
        certificates = tuple(
            x509.load_der_x509_certificate(der) for der in sorted(found.signed_data.certificates)
        )
        signers = list(found.signed_data.signer_infos)
    except ValueError as error:
        raise TimestampError(f"a certificate is unreadable: {error}", code="token-chain") from None
    for one in certificates:
        if len(signers) == 1 and (one.issuer, one.serial_number) == (
            signers[0].issuer,
            signers[0].serial_number,
        ):
            return certificates, one
    raise TimestampError("the token lacks the certificate that signed it", code="token-chain")


def _require_not_revoked(
    signer: x509.Certificate,
    at: datetime,
    roots: TimeRoots,
    certificates: tuple[x509.Certificate, ...],
) -> None:
    """Neither the signer nor an authority between it and a root was revoked."""
    known = (*roots.roots, *certificates)
    for one in _chain(signer, known):
        issuers = [other for other in known if other.subject == one.issuer]
        for listed in roots.revocations:
            if listed.issuer != one.issuer or not _is_signed(listed, issuers):
                continue
            entry = listed.get_revoked_certificate_by_serial_number(one.serial_number)
            if entry is not None and not (_is_innocent(entry) and at < entry.revocation_date_utc):
                raise TimestampError(
                    "the authority's certificate was revoked", code="token-revoked"
                )


def _chain(signer: x509.Certificate, known: tuple[x509.Certificate, ...]) -> list[x509.Certificate]:
    """The signer and whoever may stand above it by name, without roots.

    All of a name, so that a certificate put beside a revoked one does not hide it.
    """
    chain = [signer]
    for one in chain:  # grows while it is walked
        chain += [above for above in known if above.subject == one.issuer and above not in chain]
    return [one for one in chain if one.issuer != one.subject]


def _is_signed(listed: x509.CertificateRevocationList, issuers: list[x509.Certificate]) -> bool:
    for issuer in issuers:
        key = issuer.public_key()
        try:
            if listed.is_signature_valid(cast("CertificateIssuerPublicKeyTypes", key)):
                return True
        except (InvalidSignature, UnsupportedAlgorithm, TypeError):
            continue
    return False


def _is_innocent(entry: x509.RevokedCertificate) -> bool:
    try:
        reason = entry.extensions.get_extension_for_class(x509.CRLReason).value.reason
    except x509.ExtensionNotFound:
        return False
    return reason in _INNOCENT


def _accuracy_seconds(found: TimeStampResponse) -> float:
    accuracy = cast("Accuracy | None", found.tst_info.accuracy)  # optional in RFC 3161
    if accuracy is None:
        return 0.0
    millis, micros = accuracy.millis or 0, accuracy.micros or 0
    return (accuracy.seconds or 0) + millis / 1e3 + micros / 1e6


def fingerprint(certificate: x509.Certificate) -> str:
    """SHA-256 of a certificate in hex, as people compare it."""
    return hashlib.sha256(certificate.public_bytes(Encoding.DER)).hexdigest()


def token_time(response: bytes, message: bytes) -> datetime:
    """Time in a token over ``message``; the authority is not judged (``open_token`` does)."""
    info = _parsed(response).tst_info
    if info.message_imprint.message != hashlib.sha256(message).digest():
        raise TimestampError("the token is over other data", code="token-imprint")
    return info.gen_time
