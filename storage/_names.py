"""Names become paths and keys here, and nowhere else.

Only a checked digest or a checked upload id ever reaches a path, so that no text of a client can
name a file.
"""

from __future__ import annotations

import re

from storage.digest import Digest
from storage.errors import InvalidUploadId

_UPLOAD_ID = re.compile(r"[A-Za-z0-9_-]{1,128}")
_HEX = re.compile(r"[0-9a-f]{64}")

ALGORITHM = "sha256"


def checked_upload_id(upload_id: str) -> str:
    """Return the id, or raise ``InvalidUploadId``: 1 to 128 letters, digits, ``-`` or ``_``."""
    if not _UPLOAD_ID.fullmatch(upload_id):
        raise InvalidUploadId("an upload id is 1 to 128 letters, digits, - or _")
    return upload_id


def is_upload_id(name: str) -> bool:
    """Whether a directory entry is the partial of an upload."""
    return _UPLOAD_ID.fullmatch(name) is not None


def blob_parts(digest: Digest) -> tuple[str, str, str, str]:
    """``("sha256", "ab", "cd", "abcd…")``: the fan-out that keeps directories small."""
    return ALGORITHM, digest.hex[:2], digest.hex[2:4], digest.hex


def digest_of_name(name: str) -> Digest | None:
    """The digest that a file or key is named by, or ``None`` for a stranger."""
    return Digest(name) if _HEX.fullmatch(name) else None
