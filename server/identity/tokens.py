"""Access, device and upload tokens: JWTs signed by the token key (RFC 7519, RFC 8725).

The algorithm is pinned, the key comes from the folder's allow-list by ``kid``, and type and
audience differ per kind, so that one kind never passes for another.  A header with anything
else in it (``jku``, ``x5u``, ``jwk``, ``crit`` …) is refused before a key is looked for.
Expiry is judged by the injected clock.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from functools import lru_cache
from typing import Any, Final

import jwt

from server.core.clock import from_unix_ms, unix_ms
from server.core.context import Runtime
from server.core.keyring import TOKEN, ServerKey
from server.identity import compact

ALGORITHM: Final = "EdDSA"
_HEADER: Final = frozenset({"alg", "typ", "kid"})
_ALWAYS: Final = ("iss", "aud", "sub", "iat", "exp", "jti", "court")
_OPTIONS: Final[Any] = {
    "require": list(_ALWAYS),
    # Judged below, by the injected clock.
    "verify_exp": False,
    "verify_nbf": False,
    "verify_iat": False,
}


class TokenError(ValueError):
    """A token that is refused.

    TokenError
    ├── TokenMalformed   not ours, altered, of an unknown key or issuer
    └── TokenExpired     ours, but its time is over
    """


class TokenMalformed(TokenError):
    """Not a token that this server issued."""


class TokenExpired(TokenError):
    """Issued here, but past its ``exp``."""


class TokenType(Enum):
    """Kinds of tokens: JWT type and audience."""

    ACCESS = ("at+jwt", "urn:tiezheng:access")
    DEVICE = ("dt+jwt", "urn:tiezheng:device")
    UPLOAD = ("ut+jwt", "urn:tiezheng:upload")

    @property
    def typ(self) -> str:
        """The header's ``typ``."""
        return self.value[0]

    @property
    def audience(self) -> str:
        """The claim ``aud``."""
        return self.value[1]


_BY_TYP: Final = {kind.typ: kind for kind in TokenType}


@dataclass(frozen=True, slots=True)
class Claims:
    """What a token says.

    ``subject``: the user of an access token, the device of a device token, the grant of an upload
    token.  ``jkt``: thumbprint of the key it is bound to (RFC 9449 §6.1); none for uploads.
    """

    type: TokenType
    subject: uuid.UUID
    court_id: uuid.UUID
    expires_at: datetime
    jkt: str | None = None
    sign_in_id: uuid.UUID | None = None
    ep: int | None = None


def issue(runtime: Runtime, claims: Claims) -> str:
    """A signed token."""
    key = runtime.keyring.active(TOKEN)
    now = unix_ms(runtime.clock.now()) // 1000
    body: dict[str, Any] = {
        "iss": runtime.settings.public_url,
        "aud": claims.type.audience,
        "sub": str(claims.subject),
        "court": str(claims.court_id),
        "iat": now,
        "exp": unix_ms(claims.expires_at) // 1000,
        "jti": str(runtime.ids()),
    }
    if claims.jkt is not None:
        body["cnf"] = {"jkt": claims.jkt}
    if claims.sign_in_id is not None:
        body["sid"] = str(claims.sign_in_id)
    if claims.ep is not None:
        body["ep"] = claims.ep
    return jwt.encode(
        body, _signing_key(key), ALGORITHM, headers={"typ": claims.type.typ, "kid": key.kid}
    )


def read(runtime: Runtime, text: str) -> Claims:
    """What a token of any kind says, after its signature, issuer, audience and time were judged.

    Raises :class:`TokenError`.
    """
    kind, kid = _head(text.partition(".")[0])
    key = runtime.keyring.find(TOKEN, kid)
    if key is None:
        raise TokenMalformed("signed by a key that is not in use")
    claims = _signed(text, kind, key.public.to_jwk()["x"], runtime.settings.public_url)
    if runtime.clock.now() >= claims.expires_at:
        raise TokenExpired
    return claims


@lru_cache(maxsize=64)
def _head(part: str) -> tuple[TokenType, str]:
    """Kind and key id of a token's first part; all tokens of a key and kind share it."""
    try:
        header = compact.header(part)
    except compact.CompactError as error:
        raise TokenMalformed(str(error)) from error
    return _kind(header), header["kid"]


@lru_cache(maxsize=1024)
def _signed(text: str, kind: TokenType, x: str, issuer: str) -> Claims:
    """Claims of a token that the key ``x`` signed: what never changes about it.

    A caller sends the same token for minutes, so it is not verified again each time.
    """
    try:
        compact.parse(text)
    except compact.CompactError as error:
        raise TokenMalformed(str(error)) from error
    try:
        body = jwt.decode(
            text,
            _public(x),
            algorithms=[ALGORITHM],
            audience=kind.audience,
            issuer=issuer,
            options=_OPTIONS,
        )
    except jwt.PyJWTError as error:
        raise TokenMalformed(type(error).__name__) from error
    return _claims(kind, body)


def _kind(header: dict[str, Any]) -> TokenType:
    if header.keys() != _HEADER:
        raise TokenMalformed("a header with missing or unknown members")
    if header["alg"] != ALGORITHM or not isinstance(header["kid"], str):
        raise TokenMalformed("a header of another kind")
    kind = _BY_TYP.get(header["typ"]) if isinstance(header["typ"], str) else None
    if kind is None:
        raise TokenMalformed("a token of an unknown type")
    return kind


def _claims(kind: TokenType, body: dict[str, Any]) -> Claims:
    """Typed claims; each kind carries exactly what it needs."""
    bound = kind is not TokenType.UPLOAD
    try:
        return Claims(
            type=kind,
            subject=uuid.UUID(body["sub"]),
            court_id=uuid.UUID(body["court"]),
            expires_at=from_unix_ms(1000 * _count(body["exp"])),
            jkt=_text(body["cnf"]["jkt"]) if bound else None,
            sign_in_id=uuid.UUID(body["sid"]) if kind is TokenType.ACCESS else None,
            ep=_count(body["ep"]) if kind is TokenType.DEVICE else None,
        )
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
        raise TokenMalformed("claims of another form") from error


def _count(value: object) -> int:
    if type(value) is not int or value < 0:
        raise TypeError("not a count")
    return value


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError("not a text")
    return value


@lru_cache(maxsize=16)
def _loaded(pem: bytes) -> Any:
    return jwt.get_algorithm_by_name(ALGORITHM).prepare_key(pem)


def _signing_key(key: ServerKey) -> Any:
    return _loaded(key.private.to_pem())


@lru_cache(maxsize=64)
def _public(x: str) -> Any:
    return jwt.PyJWK({"kty": "OKP", "crv": "Ed25519", "x": x}, algorithm=ALGORITHM)
