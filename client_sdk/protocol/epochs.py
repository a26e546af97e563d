r"""Forward-secure keys of one chain: each certifies its successor and is then destroyed.

A record `key.next` names the key that signs from the following number on; `ep` and `seq` go on.
The successor signs `tiezheng.key.v1\0 ‖ JCS({src, ep, seq, prev})` of that very record, so that
nobody certifies a key that they do not hold. The first key of a chain is the one of enrolment.
Server and verifiers ask one :class:`KeyLine` which key a record must be signed with.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Self

from client_sdk.protocol import jcs
from client_sdk.protocol._members import Members
from client_sdk.protocol.encoding import b64url_decode, b64url_encode
from client_sdk.protocol.errors import KeyEpochError, KeyFormatError, PayloadError, ProtocolError
from client_sdk.protocol.keys import SIGNATURE_BYTES, Algorithm, PrivateKey, PublicKey
from client_sdk.protocol.records import FIRST_SEQ, Header, OpenedRecord, verify_signature

KEY_NEXT: Final = "key.next"
_DOMAIN: Final = b"tiezheng.key.v1\0"


@dataclass(frozen=True, slots=True)
class KeyNext:
    """act=key.next: the next signing key and its proof (64 raw bytes in base64url)."""

    key: PublicKey
    proof: str

    def to_dict(self) -> dict[str, Any]:
        """Members of `key`."""
        return {"jwk": self.key.to_jwk(), "proof": self.proof}

    @classmethod
    def from_value(cls, value: object) -> Self:
        """Checked `key`; the proof is judged by a KeyLine."""
        members = Members(value, "key")
        jwk, proof = members.mapping("jwk"), members.text("proof", max_chars=128)
        members.done()
        try:
            key = PublicKey.from_jwk(jwk)
            b64url_decode(proof, size_bytes=SIGNATURE_BYTES)
        except ProtocolError as error:
            raise PayloadError(f"key: {error}") from error
        if dict(jwk) != key.to_jwk():
            raise PayloadError("key.jwk has the required members only")
        return cls(key, proof)


def _message(src: str, ep: int, seq: int, prev: str) -> bytes:
    return _DOMAIN + jcs.dump_bytes({"src": src, "ep": ep, "seq": seq, "prev": prev})


def certify(key: PrivateKey, *, src: str, ep: int, seq: int, prev: str) -> KeyNext:
    """What `key.next`, record `seq` of the chain, says of its successor `key`."""
    return KeyNext(key.public, b64url_encode(key.sign(_message(src, ep, seq, prev))))


def holds(next_key: KeyNext, header: Header) -> bool:
    """Whether the successor signed the place of its own certificate."""
    message = _message(header.src, header.ep, header.seq, header.prev)
    return next_key.key.verify(b64url_decode(next_key.proof), message)


class KeyLine:
    """Which key signs which records of one chain.

    `keys` are (first number, key), beginning with the key of enrolment at number 1 or with the
    one in force where the caller begins to look. The algorithm is that of the first.
    """

    def __init__(self, keys: Iterable[tuple[int, PublicKey]]) -> None:
        ordered = sorted(keys, key=lambda entry: entry[0])
        if not ordered:
            raise KeyEpochError("a chain begins with a key")
        self._firsts = [first for first, _ in ordered]
        self._keys = [key for _, key in ordered]

    @classmethod
    def starting(cls, enrolled: PublicKey) -> Self:
        """The line of a chain whose first key was bound at enrolment."""
        return cls([(FIRST_SEQ, enrolled)])

    @classmethod
    def of_enrolment(cls, facts: Mapping[str, Any]) -> Self:
        """The line that a `device.enrolled` event begins: its `jwk` is the first record key."""
        return cls.starting(PublicKey.from_jwk(facts["jwk"]))

    @property
    def alg(self) -> Algorithm:
        """Fixed at enrolment, never read from a record."""
        return self._keys[0].alg

    @property
    def newest_from(self) -> int:
        """Number from which the newest key signs."""
        return self._firsts[-1]

    def key_at(self, seq: int) -> PublicKey:
        """The key that must have signed record `seq`."""
        return self._keys[max(bisect_right(self._firsts, seq) - 1, 0)]

    def signed(self, opened: OpenedRecord) -> bool:
        """Whether the record is signed with the key that was in force at its number."""
        return verify_signature(opened, self.key_at(opened.header.seq))

    def check(self, opened: OpenedRecord) -> KeyNext | None:
        """The successor that a `key.next` certifies, None for any other record.

        KeyEpochError when it may not: `key-malformed`, `key-algorithm`, `key-replayed` (it was
        in force before, or a newer one is known already), `key-proof`.
        """
        if opened.payload.get("act") != KEY_NEXT:
            return None
        try:
            successor = KeyNext.from_value(opened.payload.get("key"))
        except (PayloadError, KeyFormatError) as error:
            raise KeyEpochError(str(error), code="key-malformed") from error
        if successor.key.alg is not self.alg:
            raise KeyEpochError(f"the chain is signed with {self.alg}", code="key-algorithm")
        if successor.key in self._keys or opened.header.seq < self.newest_from:
            raise KeyEpochError("a key is in force only once", code="key-replayed")
        if not holds(successor, opened.header):
            raise KeyEpochError("its holder did not sign for it", code="key-proof")
        return successor

    def learn(self, opened: OpenedRecord) -> KeyNext | None:
        """Follow a record of the chain; like `check`, and the successor is in force after it."""
        successor = self.check(opened)
        if successor is not None:
            self._firsts.append(opened.header.seq + 1)
            self._keys.append(successor.key)
        return successor
