"""Device and server keys: ES256 (P-256, RFC 7518 §3.4) and Ed25519 (RFC 8032).

The algorithm is fixed when a key is enrolled and never read from a record.
ES256 signatures are raw r‖s, 64 bytes, as in JOSE.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property, lru_cache
from typing import Final, Self

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.asymmetric.utils import (
    decode_dss_signature,
    encode_dss_signature,
)

from client_sdk.protocol import jcs
from client_sdk.protocol.encoding import b64url_decode, b64url_encode
from client_sdk.protocol.errors import KeyFormatError, ProtocolError

SIGNATURE_BYTES: Final = 64
_COORDINATE_BYTES: Final = 32
_SHA256: Final = ec.ECDSA(hashes.SHA256())
_OPTIONAL_JWK: Final = frozenset({"alg", "ext", "key_ops", "kid", "use"})

# Curve25519 in Edwards form: RFC 8032 §5.1.
_P: Final = 2**255 - 19
_D: Final = -121665 * pow(121666, _P - 2, _P) % _P
_Y_ORDER_8: Final = int.from_bytes(
    bytes.fromhex("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05"), "little"
)
_LOW_ORDER_Y: Final = frozenset({0, 1, _P - 1, _Y_ORDER_8, _P - _Y_ORDER_8})


class Algorithm(StrEnum):
    """What a key signs with; the values are the ones of enrolment."""

    ES256 = "ES256"
    ED25519 = "Ed25519"

    @property
    def jose(self) -> str:
        """The `alg` of a JWS header (RFC 7518, RFC 8037)."""
        return "ES256" if self is Algorithm.ES256 else "EdDSA"


@lru_cache(maxsize=4096)
def _load_public(
    alg: Algorithm, raw: bytes
) -> ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey:
    """Library key of checked raw bytes; cached, as loading a P-256 point costs a verification."""
    if alg is Algorithm.ED25519:
        return ed25519.Ed25519PublicKey.from_public_bytes(raw)
    return ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), raw)


@lru_cache(maxsize=4096)
def _check_ed25519(raw: bytes) -> None:
    """Refuse non-canonical, off-curve and low-order points (RFC 8032 §5.1.3)."""
    y = int.from_bytes(raw, "little") & ~(1 << 255)
    if len(raw) != _COORDINATE_BYTES or y >= _P:
        raise KeyFormatError("not an encoded Ed25519 point")
    if y in _LOW_ORDER_Y:
        raise KeyFormatError("Ed25519 point of low order", code="key-low-order")
    u, v = (y * y - 1) % _P, (_D * y * y + 1) % _P
    if pow(u * v % _P, (_P - 1) // 2, _P) != 1:
        raise KeyFormatError("not on the Ed25519 curve")


@dataclass(frozen=True)
class PublicKey:
    """A verification key. `raw`: Ed25519 32 bytes; ES256 uncompressed point, 65 bytes."""

    alg: Algorithm
    raw: bytes

    def __post_init__(self) -> None:
        if self.alg is Algorithm.ED25519:
            _check_ed25519(self.raw)
        elif len(self.raw) != 2 * _COORDINATE_BYTES + 1:
            raise KeyFormatError("not an uncompressed P-256 point")
        try:
            _load_public(self.alg, self.raw)
        except ValueError as error:
            raise KeyFormatError(f"not a point of {self.alg}") from error

    @classmethod
    def from_jwk(cls, jwk: Mapping[str, object]) -> Self:
        """Key of a public JWK (RFC 7517, RFC 8037); private or unknown members are refused."""
        if not isinstance(jwk, Mapping):
            raise KeyFormatError("a JWK is an object")
        if "d" in jwk:
            raise KeyFormatError("the JWK holds a private key", code="key-private")
        coordinates: tuple[str, ...]
        kind = (jwk.get("kty"), jwk.get("crv"))
        if kind == ("OKP", "Ed25519"):
            alg, prefix, coordinates = Algorithm.ED25519, b"", ("x",)
        elif kind == ("EC", "P-256"):
            alg, prefix, coordinates = Algorithm.ES256, b"\x04", ("x", "y")
        else:
            raise KeyFormatError("only EC P-256 and OKP Ed25519 keys", code="key-kind")
        _check_members(jwk, alg, coordinates)
        try:
            parts = [_member(jwk, name) for name in coordinates]
        except ProtocolError as error:
            raise KeyFormatError(f"coordinate: {error}") from error
        return cls(alg, prefix + b"".join(parts))

    def to_jwk(self) -> dict[str, str]:
        """The required members only (RFC 7638 §3.2)."""
        if self.alg is Algorithm.ED25519:
            return {"crv": "Ed25519", "kty": "OKP", "x": b64url_encode(self.raw)}
        half = 1 + _COORDINATE_BYTES
        x, y = self.raw[1:half], self.raw[half:]
        return {"crv": "P-256", "kty": "EC", "x": b64url_encode(x), "y": b64url_encode(y)}

    @cached_property
    def thumbprint(self) -> str:
        """JWK thumbprint with SHA-256, base64url (RFC 7638)."""
        return b64url_encode(hashlib.sha256(jcs.dump_bytes(self.to_jwk())).digest())

    def verify(self, signature: bytes, message: bytes) -> bool:
        """Whether `signature` (64 raw bytes) over `message` is this key's."""
        if len(signature) != SIGNATURE_BYTES:
            return False
        key = _load_public(self.alg, self.raw)
        try:
            if isinstance(key, ed25519.Ed25519PublicKey):
                key.verify(signature, message)
            else:
                r = int.from_bytes(signature[:_COORDINATE_BYTES])
                s = int.from_bytes(signature[_COORDINATE_BYTES:])
                key.verify(encode_dss_signature(r, s), message, _SHA256)
        except InvalidSignature:
            return False
        return True


def _check_members(jwk: Mapping[str, object], alg: Algorithm, coordinates: tuple[str, ...]) -> None:
    foreign = set(jwk) - {"kty", "crv", *coordinates} - _OPTIONAL_JWK
    if foreign:
        raise KeyFormatError("the JWK has members that are not of a public signing key")
    if jwk.get("alg", alg.jose) not in (alg.jose, alg.value):
        raise KeyFormatError("the JWK's alg is of another kind", code="key-kind")
    if jwk.get("use", "sig") != "sig" or "verify" not in _listed(jwk.get("key_ops", ["verify"])):
        raise KeyFormatError("the JWK is not for verifying", code="key-use")


def _listed(value: object) -> list[object]:
    return list(value) if isinstance(value, list | tuple) else []


def _member(jwk: Mapping[str, object], name: str) -> bytes:
    value = jwk.get(name)
    if not isinstance(value, str):
        raise KeyFormatError(f"the JWK lacks {name}")
    return b64url_decode(value, size_bytes=_COORDINATE_BYTES)


@dataclass(frozen=True)
class PrivateKey:
    """A signing key; never shown by repr, never compared."""

    alg: Algorithm
    _key: ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey = field(repr=False, compare=False)

    @classmethod
    def generate(cls, alg: Algorithm) -> Self:
        """A new key from the operating system's randomness."""
        if alg is Algorithm.ED25519:
            return cls(alg, ed25519.Ed25519PrivateKey.generate())
        return cls(alg, ec.generate_private_key(ec.SECP256R1()))

    @classmethod
    def from_pem(cls, pem: bytes, passphrase: bytes | None = None) -> Self:
        """Key of a PKCS#8 PEM (RFC 5958), encrypted when a passphrase is given."""
        try:
            key = serialization.load_pem_private_key(pem, passphrase)
        except (ValueError, TypeError) as error:
            raise KeyFormatError("not a readable private key") from error
        if isinstance(key, ed25519.Ed25519PrivateKey):
            return cls(Algorithm.ED25519, key)
        if isinstance(key, ec.EllipticCurvePrivateKey) and isinstance(key.curve, ec.SECP256R1):
            return cls(Algorithm.ES256, key)
        raise KeyFormatError("only P-256 and Ed25519 keys", code="key-kind")

    def to_pem(self, passphrase: bytes | None = None) -> bytes:
        """PKCS#8 PEM, encrypted when a passphrase is given."""
        protection: serialization.KeySerializationEncryption = serialization.NoEncryption()
        if passphrase is not None:
            protection = serialization.BestAvailableEncryption(passphrase)
        return self._key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, protection
        )

    @cached_property
    def public(self) -> PublicKey:
        """The matching verification key."""
        key = self._key.public_key()
        if isinstance(key, ed25519.Ed25519PublicKey):
            return PublicKey(self.alg, key.public_bytes_raw())
        raw = key.public_bytes(
            serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint
        )
        return PublicKey(self.alg, raw)

    def sign(self, message: bytes) -> bytes:
        """64 raw bytes over `message`."""
        if isinstance(self._key, ed25519.Ed25519PrivateKey):
            return self._key.sign(message)
        r, s = decode_dss_signature(self._key.sign(message, _SHA256))
        return r.to_bytes(_COORDINATE_BYTES) + s.to_bytes(_COORDINATE_BYTES)
