r"""The server's published keys: pinned at enrolment, then followed by succession.

A list names every key of three purposes with its id. A device trusts the first
list because a person vouched for its fingerprint (enrolment QR); it trusts a
later key only when a key it already trusts, of the same purpose, signed it
over `tiezheng.succ.v1\0 ‖ JCS({jwk, kid, purpose, since})`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final, Self

from client_sdk.protocol import jcs
from client_sdk.protocol.encoding import b64url_decode, b64url_encode
from client_sdk.protocol.errors import ProtocolError, StatementError
from client_sdk.protocol.keys import SIGNATURE_BYTES, PrivateKey, PublicKey
from client_sdk.protocol.statements import (
    MAX_KEY_ID_CHARS,
    SignedStatement,
    StatementKind,
    sign,
    verify_with,
)
from client_sdk.protocol.times import format_rfc3339, parse_rfc3339

_SUCCESSION_DOMAIN: Final = b"tiezheng.succ.v1\0"
_REQUIRED: Final = frozenset({"kid", "purpose", "jwk", "since", "until", "by", "sig"})
MAX_KEYS: Final = 64


class KeyPurpose(StrEnum):
    """What a server key may sign."""

    LOG = "log"
    EVENT = "event"
    TOKEN = "token"  # noqa: S105 - a purpose, not a secret


@dataclass(frozen=True, slots=True)
class KeyEntry:
    """One key. `until` None: in use. `by`/`sig`: the predecessor that vouches for it."""

    kid: str
    purpose: KeyPurpose
    key: PublicKey
    since: datetime
    until: datetime | None = None
    by: str | None = None
    sig: str | None = None

    def succession_bytes(self) -> bytes:
        """What a predecessor signs."""
        return _SUCCESSION_DOMAIN + jcs.dump_bytes(
            {
                "kid": self.kid,
                "purpose": self.purpose.value,
                "jwk": self.key.to_jwk(),
                "since": format_rfc3339(self.since),
            }
        )

    def succeeds(self, predecessor: KeyEntry) -> bool:
        """Whether `predecessor` signed this key for the same purpose."""
        if self.by != predecessor.kid or self.purpose is not predecessor.purpose or not self.sig:
            return False
        signature = b64url_decode(self.sig, size_bytes=SIGNATURE_BYTES)
        return predecessor.key.verify(signature, self.succession_bytes())

    def same_key(self, other: KeyEntry) -> bool:
        """Whether id, purpose and key agree (dates may change when a key retires)."""
        return (self.kid, self.purpose, self.key) == (other.kid, other.purpose, other.key)

    def to_dict(self) -> dict[str, Any]:
        """Members in the signed list."""
        return {
            "kid": self.kid,
            "purpose": self.purpose.value,
            "jwk": self.key.to_jwk(),
            "since": format_rfc3339(self.since),
            "until": None if self.until is None else format_rfc3339(self.until),
            "by": self.by,
            "sig": self.sig,
        }

    @classmethod
    def from_dict(cls, value: object) -> Self:
        """Checked entry."""
        if not isinstance(value, Mapping) or value.keys() != _REQUIRED:
            raise StatementError("a key entry with missing or unknown members")
        by, sig, kid = value["by"], value["sig"], value["kid"]
        if not isinstance(kid, str) or not 0 < len(kid) <= MAX_KEY_ID_CHARS:
            raise StatementError("kid is a short text")
        if (by is None) != (sig is None):
            raise StatementError("by and sig come together")
        try:
            if sig is not None:
                b64url_decode(sig, size_bytes=SIGNATURE_BYTES)
            return cls(
                kid=kid,
                purpose=KeyPurpose(value["purpose"]),
                key=PublicKey.from_jwk(value["jwk"]),
                since=parse_rfc3339(value["since"]),
                until=None if value["until"] is None else parse_rfc3339(value["until"]),
                by=by,
                sig=sig,
            )
        except ValueError as error:
            raise StatementError(f"key entry: {error}") from error


def successor(
    predecessor: KeyEntry, signing_key: PrivateKey, new_key: PublicKey, since: datetime
) -> KeyEntry:
    """Entry of `new_key`, signed by the key of `predecessor`."""
    if signing_key.public != predecessor.key:
        raise StatementError("only the predecessor's key can name a successor")
    bare = KeyEntry(
        new_key.thumbprint, predecessor.purpose, new_key, since, None, predecessor.kid, None
    )
    signature = b64url_encode(signing_key.sign(bare.succession_bytes()))
    return KeyEntry(bare.kid, bare.purpose, bare.key, bare.since, None, predecessor.kid, signature)


@dataclass(frozen=True, slots=True)
class KeyList:
    """All published keys; `version` grows with every change."""

    version: int
    issued: datetime
    keys: tuple[KeyEntry, ...]

    def event_key(self, kid: str) -> PublicKey | None:
        """Key that signs receipts, tickets, clock readings and this list."""
        entry = self.find(kid, KeyPurpose.EVENT)
        return entry.key if entry else None

    def find(self, kid: str, purpose: KeyPurpose) -> KeyEntry | None:
        """Entry of an id and purpose."""
        return next((e for e in self.keys if e.kid == kid and e.purpose is purpose), None)

    def current(self, purpose: KeyPurpose) -> KeyEntry | None:
        """The newest key in use for a purpose."""
        open_keys = [e for e in self.keys if e.purpose is purpose and e.until is None]
        return max(open_keys, key=lambda entry: entry.since, default=None)

    @property
    def fingerprint(self) -> str:
        """Thumbprint of the current server-event key, as shown in the enrolment QR."""
        entry = self.current(KeyPurpose.EVENT)
        return entry.key.thumbprint if entry else ""

    def to_body(self) -> dict[str, Any]:
        """Members of the signed text."""
        return {
            "version": self.version,
            "issued": format_rfc3339(self.issued),
            "keys": [entry.to_dict() for entry in self.keys],
        }

    @classmethod
    def from_body(cls, body: Mapping[str, Any]) -> Self:
        """Checked list; the signature has been judged before."""
        if body.keys() != {"version", "issued", "keys"}:
            raise StatementError("a key list with missing or unknown members")
        version, entries = body["version"], body["keys"]
        if type(version) is not int or version < 1:
            raise StatementError("version is an integer from 1")
        if not isinstance(entries, list) or not 0 < len(entries) <= MAX_KEYS:
            raise StatementError("a key list names some keys")
        keys = tuple(KeyEntry.from_dict(entry) for entry in entries)
        if len({(entry.kid, entry.purpose) for entry in keys}) != len(keys):
            raise StatementError("a key list names a key twice")
        try:
            return cls(version, parse_rfc3339(body["issued"]), keys)
        except ProtocolError as error:
            raise StatementError(f"issued: {error}") from error


def sign_key_list(keys: KeyList, key: PrivateKey) -> SignedStatement:
    """Statement of the list, signed by a server-event key that it names."""
    return sign(StatementKind.KEYS, keys.to_body(), key)


def pin(statement: SignedStatement, *, fingerprint: str | None = None) -> KeyList:
    """First list of a device: signed by one of its own event keys.

    `fingerprint` is what a person or the enrolment QR vouched for; without it the
    connection alone is trusted.
    """
    keys = _self_signed(statement)
    if fingerprint is not None and keys.fingerprint != fingerprint:
        raise StatementError("not the key of the enrolment code", code="key-fingerprint")
    return keys


def follow(pinned: KeyList, statement: SignedStatement) -> KeyList:
    """A later list: every key in it is pinned or reached from a pinned one.

    A key that vanishes stays trusted for what it signed: it is kept. A list with a
    lower version, or with a key out of nowhere, is refused.
    """
    offered = _self_signed(statement)
    if offered.version < pinned.version:
        raise StatementError("an older key list", code="key-list-older")
    trusted = {(e.purpose, e.kid): e for e in pinned.keys}
    waiting = []
    for entry in offered.keys:
        known = trusted.get((entry.purpose, entry.kid))
        if known is None:
            waiting.append(entry)
        elif known.same_key(entry):
            trusted[entry.purpose, entry.kid] = entry
        else:
            raise StatementError("a known id with another key", code="key-substituted")
    _reach(waiting, trusted)
    if (KeyPurpose.EVENT, statement.k) not in trusted:
        raise StatementError("signed by a key that is not trusted", code="statement-key")
    return KeyList(offered.version, offered.issued, tuple(trusted.values()))


def _self_signed(statement: SignedStatement) -> KeyList:
    keys = KeyList.from_body(statement.body())
    key = keys.event_key(statement.k)
    if key is None:
        raise StatementError("the list does not name its signer", code="statement-key")
    verify_with(StatementKind.KEYS, statement, key)
    return keys


def _reach(waiting: Sequence[KeyEntry], trusted: dict[tuple[KeyPurpose, str], KeyEntry]) -> None:
    """Add to `trusted` every waiting key that a chain of successions reaches."""
    remaining = list(waiting)
    while remaining:
        reached = [
            entry
            for entry in remaining
            if entry.by
            and (predecessor := trusted.get((entry.purpose, entry.by)))
            and entry.succeeds(predecessor)
        ]
        if not reached:
            raise StatementError("a key without a trusted predecessor", code="key-unvouched")
        for entry in reached:
            trusted[entry.purpose, entry.kid] = entry
            remaining.remove(entry)
