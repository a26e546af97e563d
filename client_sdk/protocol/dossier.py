r"""Format of an exported dossier: names, limits, entry lines, manifests.

A dossier is a BagIt 1.0 bag (RFC 8493) in a ZIP file. `docs/dossier-format.md` is the contract;
this module is its reading and writing, pure, shared by the exporter and the verifiers.

    entries.jsonl   JCS({"i":int,"leaf":text,"path":[base64…],"pl"?:text,"salt"?:hex}) "\n", …

The export statement is in `export_statement`, verdicts in `verdicts`.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final, Self

from client_sdk.protocol import jcs
from client_sdk.protocol._members import Members, without_none
from client_sdk.protocol.errors import ProtocolError

FORMAT_VERSION: Final = 1

BAGIT: Final = "bagit.txt"
BAG_INFO: Final = "bag-info.txt"
MANIFEST: Final = "manifest-sha256.txt"
TAG_MANIFEST: Final = "tagmanifest-sha256.txt"
ENTRIES: Final = "data/entries.jsonl"
OBJECTS: Final = "data/objects/"
REPORTS: Final = "data/report/"
CHECKPOINT: Final = "proof/checkpoint"
BAGIT_TEXT: Final = b"BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n"
REQUIRED: Final = (BAGIT, BAG_INFO, MANIFEST, TAG_MANIFEST, ENTRIES, CHECKPOINT)

# Every name that a dossier may hold below its one top folder; anything else is refused.
BAG_NAME: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,79}", re.ASCII)
OBJECT_PATH: Final = re.compile(r"data/objects/([0-9a-f]{64})", re.ASCII)
REPORT_PATH: Final = re.compile(r"data/report/(?:custody\.pdf|case\.jsonld)", re.ASCII)
PROOF_PATH: Final = re.compile(r"proof/(0|[1-9][0-9]{0,15})\.tlog-proof", re.ASCII)
TOKEN_PATH: Final = re.compile(r"proof/tsa-([a-z0-9][a-z0-9-]{0,31})\.tsr", re.ASCII)
PRIOR_PATH: Final = re.compile(
    r"proof/prior/([1-9][0-9]{0,15})\.(checkpoint|consistency)", re.ASCII
)

MAX_MEMBERS: Final = 65_000
MAX_ENTRIES: Final = 99_999
MAX_OBJECT_BYTES: Final = 1 << 40
MAX_ENTRIES_BYTES: Final = 512 << 20
MAX_LINE_BYTES: Final = 4 << 20
MAX_PAYLOAD_BYTES: Final = 1 << 20
MAX_LEAF_BYTES: Final = 8 << 10
MAX_PATH_HASHES: Final = 64
MAX_REPORT_BYTES: Final = 256 << 20
MAX_MANIFEST_BYTES: Final = 16 << 20
MAX_PROOF_BYTES: Final = 64 << 10
MAX_TAG_BYTES: Final = 64 << 10
MAX_INFLATION: Final = 200  # inflated / deflated octets of a member

_HASH_BYTES: Final = 32
_MANIFEST_LINE: Final = re.compile(r"([0-9a-f]{64})  ([!-~]{1,200})", re.ASCII)


class DossierError(ProtocolError):
    """Something of a dossier breaks its format; `code` is a reason of the verdict."""

    default_code = "dossier"


@dataclass(frozen=True, slots=True)
class EntryLine:
    """One line of `data/entries.jsonl`: a log entry, its inclusion path, perhaps its payload.

    `path` leads from the leaf to the root of `proof/checkpoint` (RFC 6962 §2.1.1 order).
    Without `payload` and `salt` the entry is a header-only stub.
    """

    index: int
    leaf: str
    path: tuple[bytes, ...]
    payload: str | None = None
    salt: str | None = None

    def to_line(self) -> bytes:
        """Canonical line with its line feed."""
        body = without_none(
            i=self.index,
            leaf=self.leaf,
            path=[base64.b64encode(one).decode() for one in self.path],
            pl=self.payload,
            salt=self.salt,
        )
        return jcs.dump_bytes(body) + b"\n"

    @classmethod
    def from_value(cls, value: object) -> Self:
        """Checked members of a line; DossierError names the one that is wrong."""
        try:
            members = Members(value, "entry")
            found = cls(
                index=members.count("i"),
                leaf=members.text("leaf", MAX_LEAF_BYTES),
                path=_path(members.take("path")),
                payload=members.optional("pl", lambda n: members.text(n, MAX_PAYLOAD_BYTES)),
                salt=members.optional("salt", members.digest),
            )
            members.done()
        except DossierError:
            raise
        except ProtocolError as error:
            raise DossierError(str(error), code="entry-form") from error
        if (found.payload is None) != (found.salt is None):
            raise DossierError("pl and salt come together", code="entry-form")
        return found


def parse_entry(line: bytes) -> EntryLine:
    """Entry of a line without its line feed, which must be canonical."""
    try:
        value = jcs.loads_object(line, max_bytes=MAX_LINE_BYTES)
    except ProtocolError as error:
        raise DossierError(f"line: {error}", code="entry-canonical") from error
    return EntryLine.from_value(value)


def _path(value: object) -> tuple[bytes, ...]:
    if not isinstance(value, list) or len(value) > MAX_PATH_HASHES:
        raise DossierError("entry.path is a short list", code="entry-form")
    return tuple(_hash(item) for item in value)


def _hash(text: object) -> bytes:
    """32 bytes of strict base64 (RFC 4648 §4)."""
    try:
        data = base64.b64decode(text, validate=True) if isinstance(text, str) else b""
    except (binascii.Error, ValueError):
        data = b""
    if len(data) != _HASH_BYTES or base64.b64encode(data).decode() != text:
        raise DossierError("a hash is 32 bytes in base64", code="entry-form")
    return data


def format_manifest(digests: Mapping[str, str]) -> bytes:
    """Manifest of path → hexadecimal SHA-256: two spaces, line feeds, sorted by path."""
    return "".join(f"{digests[path]}  {path}\n" for path in sorted(digests)).encode("ascii")


def parse_manifest(data: bytes) -> dict[str, str]:
    """Path → digest; DossierError unless it is exactly what `format_manifest` writes."""
    found: dict[str, str] = {}
    for line in data.decode("ascii", "replace").splitlines():
        match = _MANIFEST_LINE.fullmatch(line)
        if match is None or match[2] in found:
            raise DossierError("a malformed or repeated line", code="manifest-form")
        found[match[2]] = match[1]
    if format_manifest(found) != data:
        raise DossierError("not in canonical order and form", code="manifest-form")
    return found


def manifest_digest(payload: Mapping[str, str]) -> str:
    """What the statement commits to: digest of the manifest of all of `data/` but the entries.

    :param payload: path → hexadecimal SHA-256; `data/entries.jsonl` and tag files are left out.
    """
    kept = {
        path: digest
        for path, digest in payload.items()
        if path.startswith("data/") and path != ENTRIES
    }
    return hashlib.sha256(format_manifest(kept)).hexdigest()


def format_consistency(hashes: Iterable[bytes]) -> bytes:
    """Text of `proof/prior/<size>.consistency`: one base64 hash a line (RFC 6962 §2.1.2)."""
    return b"".join(base64.b64encode(one) + b"\n" for one in hashes)


def parse_consistency(data: bytes) -> list[bytes]:
    """Hashes of a consistency file; DossierError for any other form."""
    if data and not data.endswith(b"\n"):
        raise DossierError("the last line lacks its end", code="prior-form")
    lines = data.decode("ascii", "replace").split("\n")[:-1]
    if len(lines) > MAX_PATH_HASHES * 2:
        raise DossierError("too many hashes", code="prior-form")
    return [_hash(line) for line in lines]


def is_allowed(path: str) -> bool:
    """Whether a path below the bag's folder is one that a dossier may hold."""
    return path in REQUIRED or any(
        form.fullmatch(path)
        for form in (OBJECT_PATH, REPORT_PATH, PROOF_PATH, TOKEN_PATH, PRIOR_PATH)
    )
