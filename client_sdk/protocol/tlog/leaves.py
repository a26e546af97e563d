"""Entries of the log: what the tree is built over (04 §4.1).

    leaf = JCS({v, k, h, s, rx, c})
    c    = {ct, cs, cp} | null

`h` is the header *text* as a JSON string, so that the bytes that were signed survive; `k` names
the key of signature `s`, `rx` is the server's receipt time. `c` links the entries of one case:
`ct` its blinded tag, `cs` 1, 2, 3 …, `cp` the leaf hash of entry `cs` - 1. No personal content:
payloads stay outside, the header only commits to them.
"""

from __future__ import annotations

import hmac
import re
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

from client_sdk.protocol import jcs
from client_sdk.protocol.encoding import b64url_decode, is_sha256_hex
from client_sdk.protocol.errors import LeafError, ProtocolError
from client_sdk.protocol.jcs import INT_LIMIT
from client_sdk.protocol.keys import SIGNATURE_BYTES
from client_sdk.protocol.records import MAX_HEADER_BYTES
from client_sdk.protocol.times import parse_rfc3339
from client_sdk.protocol.tlog.merkle import leaf_hash

VERSION: Final = 1
TAG_BYTES: Final = 16
MAX_LEAF_BYTES: Final = 4096

_TAG: Final = re.compile(r"[0-9a-f]{32}")
_KEY_NAME: Final = re.compile(r"[!-~]{1,128}")
_MEMBERS: Final = frozenset({"v", "k", "h", "s", "rx", "c"})
_HEADER: Final = re.compile(rf"[ -~]{{1,{MAX_HEADER_BYTES}}}")
_CASE_MEMBERS: Final = frozenset({"ct", "cs", "cp"})


@dataclass(frozen=True, slots=True)
class CaseLink:
    """Place of an entry in its case: tag, number from 1, leaf hash (hex) of the one before."""

    ct: str
    cs: int
    cp: str | None

    def __post_init__(self) -> None:
        if not _matches(self.ct, _TAG):
            raise LeafError("ct is 16 bytes in hexadecimal", code="leaf-case")
        if type(self.cs) is not int or not 1 <= self.cs < INT_LIMIT:
            raise LeafError("cs counts from 1", code="leaf-case")
        if (self.cp is None) != (self.cs == 1):
            raise LeafError("cp is there from the second entry of a case on", code="leaf-case")
        if self.cp is not None and not is_sha256_hex(self.cp):
            raise LeafError("cp is a leaf hash in hexadecimal", code="leaf-case")


@dataclass(frozen=True, slots=True)
class Leaf:
    """An entry's fields, checked for their form; no signature is verified."""

    k: str
    h: str
    s: str
    rx: str
    case: CaseLink | None

    def __post_init__(self) -> None:
        if not _matches(self.k, _KEY_NAME):
            raise LeafError("k names a key", code="leaf-key")
        if not _matches(self.h, _HEADER):
            raise LeafError("h is a header text", code="leaf-header")
        try:
            b64url_decode(self.s, size_bytes=SIGNATURE_BYTES)
            parse_rfc3339(self.rx)
        except ProtocolError as error:
            raise LeafError(f"s or rx: {error}", code="leaf-member") from error

    def to_text(self) -> str:
        """Canonical JSON; its UTF-8 bytes are the entry of the log."""
        return jcs.dumps(
            {
                "v": VERSION, "k": self.k, "h": self.h, "s": self.s, "rx": self.rx,
                "c": _case_object(self.case),
            }
        )  # fmt: skip

    def hash(self) -> bytes:
        """Leaf hash in the tree."""
        return leaf_hash(self.to_text().encode())


def leaf_text(*, k: str, h: str, s: str, rx: str, case: CaseLink | None) -> str:
    """Canonical text of an entry; LeafError when a field has another form."""
    return Leaf(k, h, s, rx, case).to_text()


def parse_leaf(text: str | bytes) -> Leaf:
    """Fields of an entry, which must be canonical and complete; LeafError otherwise."""
    try:
        value = jcs.loads_object(text, max_bytes=MAX_LEAF_BYTES)
    except ProtocolError as error:
        raise LeafError(f"not canonical: {error}", code="leaf-canonical") from error
    if set(value) != _MEMBERS or type(value["v"]) is not int or value["v"] != VERSION:
        raise LeafError("an entry has v, k, h, s, rx, c and version 1", code="leaf-member")
    return Leaf(value["k"], value["h"], value["s"], value["rx"], _case_link(value["c"]))


def case_tag(case_key: bytes, case_no: str) -> str:
    """`ct` of a case: HMAC-SHA256 of its number under its key, 16 bytes in hexadecimal."""
    return hmac.digest(case_key, case_no.encode(), sha256)[:TAG_BYTES].hex()


def _matches(value: object, pattern: re.Pattern[str]) -> bool:
    return isinstance(value, str) and pattern.fullmatch(value) is not None


def _case_object(case: CaseLink | None) -> dict[str, jcs.JsonValue] | None:
    return None if case is None else {"ct": case.ct, "cs": case.cs, "cp": case.cp}


def _case_link(value: object) -> CaseLink | None:
    if value is None:
        return None
    if not isinstance(value, dict) or set(value) != _CASE_MEMBERS:
        raise LeafError("c is null or {ct, cs, cp}", code="leaf-case")
    return CaseLink(value["ct"], value["cs"], value["cp"])
