"""Proofs of possession of a device key, one per request (RFC 9449).

Freshness comes from a server nonce (§8, §9): a timestamp under a keyed hash, so any process can
judge it without state.  ``iat`` must be there but is not judged, since field clocks are wrong.
A proof is good once: its ``jti`` is remembered for as long as its nonce lives (§11.1).
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final
from urllib.parse import unquote, urlsplit

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from client_sdk.protocol.encoding import b64url_encode
from client_sdk.protocol.errors import KeyFormatError
from client_sdk.protocol.keys import Algorithm, PublicKey
from server.core.clock import from_unix_ms, unix_ms
from server.core.context import Runtime
from server.core.db import table_of
from server.core.problem import Kind, Problem
from server.identity import compact
from server.identity.models import ProofSeen

ALGORITHMS: Final = "ES256 EdDSA"
_CONTEXT: Final = "dpop-nonce"
_MAC_CHARACTERS: Final = 32
_NONCE_CHARACTERS_MAX: Final = 64
_TEXT_CHARACTERS_MAX: Final = 512
_PORTS: Final = {"http": 80, "https": 443}
_seen = table_of(ProofSeen)
# Built once, by whether it is for PostgreSQL: every signed request runs it.
_USE: Final = {
    dialect is postgresql: dialect.insert(_seen)
    .values({name: sa.bindparam(name) for name in ("nonce", "jti", "seen_at")})
    .on_conflict_do_nothing()
    .returning(_seen.c.jti)
    for dialect in (postgresql, sqlite)
}


@dataclass(frozen=True, slots=True)
class Asked:
    """The request that a proof has to fit: method, decoded path, header ``DPoP``, access token."""

    method: str
    path: str
    proof: str | None
    token: str | None = None


def make_nonce(runtime: Runtime) -> str:
    """A nonce of this moment."""
    stamp = f"{unix_ms(runtime.clock.now()):x}"
    return f"{stamp}.{_nonce_mac(runtime, stamp)}"


def nonce_is_fresh(runtime: Runtime, nonce: str) -> bool:
    """True when this server made ``nonce`` within ``dpop_nonce_seconds``."""
    stamp, _, mac = nonce.partition(".")
    if len(nonce) > _NONCE_CHARACTERS_MAX or not nonce.isascii():
        return False
    if not hmac.compare_digest(mac, _nonce_mac(runtime, stamp)):
        return False
    age = runtime.clock.now() - from_unix_ms(int(stamp, 16))
    return timedelta(0) <= age <= timedelta(seconds=runtime.settings.dpop_nonce_seconds)


def verify(session: Session, runtime: Runtime, asked: Asked) -> PublicKey:
    """The key that signed this request; the proof counts as used from now on.

    Raises ``proof-invalid``, ``use-dpop-nonce`` or ``proof-replayed``.
    """
    key, claims = _signed(asked.proof)
    _fits(runtime, asked, claims)
    nonce = claims.get("nonce")
    if not isinstance(nonce, str) or not nonce_is_fresh(runtime, nonce):
        raise nonce_wanted()
    _use_once(session, runtime, nonce, key.thumbprint + "\0" + _text(claims, "jti"))
    return key


def nonce_wanted() -> Problem:
    """Ask for a proof over the nonce that this answer carries (RFC 9449 §9)."""
    challenge = f'DPoP error="use_dpop_nonce", algs="{ALGORITHMS}"'
    return Problem(
        Kind.USE_DPOP_NONCE,
        "sign again with the nonce of the DPoP-Nonce header",
        headers={"WWW-Authenticate": challenge},
    )


def refused(detail: str) -> Problem:
    """The proof is not good for this request (RFC 9449 §7.1)."""
    challenge = f'DPoP error="invalid_dpop_proof", algs="{ALGORITHMS}"'
    return Problem(Kind.PROOF_INVALID, detail, headers={"WWW-Authenticate": challenge})


def token_hash(token: str) -> str:
    """The claim ``ath`` (RFC 9449 §4.2)."""
    return b64url_encode(hashlib.sha256(token.encode()).digest())


def prune(session: Session, runtime: Runtime) -> None:
    """Forget proofs whose nonce is stale by now."""
    age = timedelta(seconds=2 * runtime.settings.dpop_nonce_seconds)
    session.execute(sa.delete(ProofSeen).where(ProofSeen.seen_at < runtime.clock.now() - age))


def _nonce_mac(runtime: Runtime, stamp: str) -> str:
    return runtime.keyring.mac(stamp.encode(), _CONTEXT)[:_MAC_CHARACTERS]


def _signed(proof: str | None) -> tuple[PublicKey, dict[str, Any]]:
    """Key and claims of a proof whose signature holds (RFC 9449 §4.3, checks 1–7)."""
    if not proof:
        raise refused("send a proof in the DPoP header")
    try:
        parts = compact.parse(proof)
        key = PublicKey.from_jwk(parts.header.get("jwk", {}))
    except (compact.CompactError, KeyFormatError) as error:
        raise refused(str(error)) from None
    header = parts.header
    if header.keys() != {"typ", "alg", "jwk"} or header["typ"] != "dpop+jwt":
        raise refused("a header of another kind")
    # RFC 9864 names Ed25519 itself; both names mean the same key here.
    names = {key.alg.jose, key.alg.value} if key.alg is Algorithm.ED25519 else {key.alg.jose}
    if not isinstance(header["alg"], str) or header["alg"] not in names:
        raise refused("the algorithm is not the key's")
    if not key.verify(parts.signature, parts.signed_bytes):
        raise refused("the signature does not hold")
    return key, parts.payload


def _fits(runtime: Runtime, asked: Asked, claims: dict[str, Any]) -> None:
    """Method, address and token are those of the request (RFC 9449 §4.3, checks 8, 9 and 12)."""
    if type(claims.get("iat")) not in {int, float}:
        raise refused("iat is missing")
    if _text(claims, "htm") != asked.method:
        raise refused("htm is not the method of this request")
    if not _same_address(_text(claims, "htu"), runtime.settings.public_url, asked.path):
        raise refused("htu is not the address of this request")
    ath = claims.get("ath")
    if asked.token is None:
        if ath is not None:
            raise refused("ath without a token")
    elif not isinstance(ath, str) or ath != token_hash(asked.token):
        raise refused("ath is not the hash of the token")


def _same_address(htu: str, public_url: str, path: str) -> bool:
    """Compare without query and fragment, after the normalisation of RFC 3986 §6.2.2."""
    try:
        given, own = urlsplit(htu), urlsplit(public_url)
        same_host = (given.scheme, given.hostname, given.port or _PORTS.get(given.scheme)) == (
            own.scheme,
            own.hostname,
            own.port or _PORTS.get(own.scheme),
        )
    except ValueError:
        return False
    if given.username is not None or given.password is not None:
        return False
    return same_host and (unquote(given.path) or "/") == path


def _text(claims: dict[str, Any], name: str) -> str:
    value = claims.get(name)
    if not isinstance(value, str) or not 0 < len(value) <= _TEXT_CHARACTERS_MAX:
        raise refused(f"{name} is a text of at most {_TEXT_CHARACTERS_MAX} characters")
    return value


def _use_once(session: Session, runtime: Runtime, nonce: str, identity: str) -> None:
    # Hashed: any text of a client fits, and one device cannot use up another's jti.
    jti = hashlib.sha256(identity.encode("utf-8", "surrogatepass")).hexdigest()
    values = {"nonce": nonce, "jti": jti, "seen_at": runtime.clock.now()}
    statement = _USE[session.get_bind().dialect.name == "postgresql"]
    if session.connection().execute(statement, values).first() is None:
        raise Problem(Kind.PROOF_REPLAYED, "make a new proof for each request")
    if jti.startswith("00"):
        prune(session, runtime)
