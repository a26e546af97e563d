"""A draw that nobody can choose and everybody can repeat: pure.

The seed is a hash over the court, the week and the leaf of the court's newest entry in the log at
the moment of the draw.  A leaf holds a random salt and a signature of the server, so nobody knows
it before it is there; afterwards it stays in the log.  Each item's rank is a hash of seed and id,
and the lowest ranks are drawn.  There is one draw a week.
"""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Collection
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

_SEED: Final = b"tiezheng.draw.v1\0"
_RANK: Final = b"tiezheng.draw.rank.v1\0"
_POPULATION: Final = b"tiezheng.draw.population.v1\0"


def week_of(at: datetime, zone: ZoneInfo) -> str:
    """The ISO week of a moment where the court is, as ``2026-W48``."""
    year, week, _ = at.astimezone(zone).isocalendar()
    return f"{year}-W{week:02d}"


def seed_of(court_id: uuid.UUID, week: str, leaf_hash: bytes) -> str:
    """The draw's seed, hex."""
    return hashlib.sha256(_SEED + court_id.bytes + week.encode() + b"\0" + leaf_hash).hexdigest()


def drawn(seed: str, items: Collection[uuid.UUID], count: int) -> list[uuid.UUID]:
    """``count`` of the items, or all of them where there are fewer, in the order of their ranks."""
    return sorted(items, key=lambda item: rank(seed, item))[: max(count, 0)]


def rank(seed: str, item: uuid.UUID) -> bytes:
    """Where an item stands in the draw."""
    return hashlib.sha256(_RANK + bytes.fromhex(seed) + item.bytes).digest()


def population_digest(items: Collection[uuid.UUID]) -> str:
    """What was drawn from, hex."""
    joined = b"".join(sorted(item.bytes for item in items))
    return hashlib.sha256(_POPULATION + joined).hexdigest()
