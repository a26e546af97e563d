"""What a scrub reports; frozen."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

SHOWN_MAX: Final = 1_000


class Code(StrEnum):
    """What is wrong; stable names."""

    INDEX_GAP = "index-gap"
    HEADER = "header"  # hid, source, number or canonical form
    COMMITMENT = "commitment"  # the payload is not the one in the header
    PAYLOAD_GONE = "payload-gone"  # no payload, and no erasure says so
    SIGNATURE = "signature"
    KEY_UNKNOWN = "key-unknown"
    COLUMN = "column"  # a column differs from what the signed text says
    CHAIN = "chain"  # a device's chain
    CASE_CHAIN = "case-chain"
    LEAF = "leaf"
    TILE = "tile"
    TILE_REPAIRED = "tile-repaired"
    CHECKPOINT = "checkpoint"
    COSIGNATURE = "cosignature"
    TIMESTAMP = "timestamp"
    ROW_CHANGED = "row-changed"  # a row is not as the server last wrote it
    ROW_UNKNOWN = "row-unknown"  # a row that the log does not know
    ROW_MISSING = "row-missing"
    RECEIPT = "receipt"
    CHANGE = "change"  # the feed differs from what the log told
    STATE = "state"  # a counter or head differs from what it counts
    BLOB_DAMAGED = "blob-damaged"
    BLOB_MISSING = "blob-missing"
    BLOB_REPAIRED = "blob-repaired"  # one copy was bad and has been replaced
    BLOB_COPIES = "blob-copies"
    BLOB_UNKNOWN = "blob-unknown"  # bytes in the store that no row names
    NOT_ERASED = "not-erased"  # bytes or text that an erasure should have removed


# Worth knowing, but nothing that was acknowledged is wrong.
NOTES: Final = frozenset({Code.BLOB_REPAIRED, Code.BLOB_UNKNOWN, Code.TILE_REPAIRED})


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong: what kind, with what, in a sentence."""

    code: Code
    subject: str
    detail: str

    def to_dict(self) -> dict[str, str]:
        """JSON members."""
        return {"code": self.code.value, "subject": self.subject, "detail": self.detail}


@dataclass(slots=True)
class Report:
    """What one scrub found and how much it looked at."""

    findings: list[Finding] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    progress: Callable[[str, int], None] = lambda _what, _count: None

    def add(self, code: Code, subject: str, detail: str) -> None:
        """Report something; beyond the first thousand only the number is kept."""
        self.counts["findings" if code not in NOTES else "notes"] += 1
        if len(self.findings) < SHOWN_MAX:
            self.findings.append(Finding(code, subject, detail))

    def looked_at(self, what: str, count: int = 1) -> None:
        """Count what was checked."""
        self.counts[what] += count
        self.progress(what, self.counts[what])

    @property
    def is_clean(self) -> bool:
        """Whether nothing is wrong."""
        return not self.counts["findings"]

    def to_dict(self) -> dict[str, Any]:
        """JSON members."""
        return {
            "clean": self.is_clean,
            "counts": dict(sorted(self.counts.items())),
            "findings": [one.to_dict() for one in self.findings],
        }
