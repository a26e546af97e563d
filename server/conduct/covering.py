"""How recordings cover an action: gaps, thin stretches, interruptions, and who explained them."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise

from client_sdk.protocol.times import parse_rfc3339
from server.conduct.materials import BROKEN, Material, Materials
from server.fieldlog.conduct_facts import ActionFacts
from server.fieldlog.conduct_judges import COERCIVE
from server.fieldlog.conduct_rules import Config
from server.fieldlog.recording_coverage import Coverage, Span, coverage_of
from server.register.folding import Written


@dataclass(frozen=True, slots=True)
class Explained:
    """A stretch that recordings do not cover as they have to.

    :param kind: ``gap`` without any recorder, ``thin`` with too few.
    :param by: entries of kind ``action.gap`` that together speak of all of it; none: unexplained.
    """

    kind: str
    span: Span
    by: tuple[Written, ...]


@dataclass(frozen=True, slots=True)
class Interruption:
    """A recorder that stopped in between, or a file that its own chain calls broken."""

    device_id: uuid.UUID
    begins_at: datetime
    ends_at: datetime
    evidence: tuple[uuid.UUID, ...]
    code: str  # pause, or a finding of the file


@dataclass(frozen=True, slots=True)
class Covering:
    """How an action is covered.

    ``is_final`` is false while it goes on, or while recordings are awaited.
    """

    begins_at: datetime
    ends_at: datetime
    needed: int
    coverage: Coverage
    stretches: tuple[Explained, ...]
    interruptions: tuple[Interruption, ...]
    recordings: tuple[Material, ...]
    announced: bool | None
    is_final: bool

    @property
    def unexplained(self) -> list[Explained]:
        """Stretches that nobody has explained."""
        return [one for one in self.stretches if not one.by]


def covering(
    facts: ActionFacts, materials: Materials, entries: Iterable[Written], config: Config
) -> Covering:
    """Look at an action's recordings; only films count, sound is shown beside them."""
    ends_at = facts.ends_at or facts.as_of or facts.begins_at
    needed = config.recorders_min if facts.type in COERCIVE else 1
    films = [one for one in facts.recordings if one.has_picture]
    seen = coverage_of(facts.begins_at, ends_at, films, needed=needed, slack=config.recording_slack)
    told = [entry for entry in entries if entry.kind == "action.gap"]
    stretches = [Explained("gap", span, _explains(span, told)) for span in seen.gaps]
    stretches += [
        Explained("thin", span, _explains(span, told))
        for span in seen.thin
        if span not in seen.gaps
    ]
    waits = facts.awaited or any(not one.is_known for one in facts.recordings)
    return Covering(
        facts.begins_at, ends_at, needed, seen, tuple(stretches),
        tuple(_interruptions(materials.recordings, config)), tuple(materials.recordings),
        facts.says("recording_announced"), facts.ends_at is not None and not waits,
    )  # fmt: skip


def _explains(span: Span, told: Sequence[Written]) -> tuple[Written, ...]:
    """The entries that speak of a stretch, if together they speak of all of it."""
    about = sorted(
        ((*_times(entry), str(entry.id), entry) for entry in told), key=lambda one: one[:3]
    )
    reached, used = span.begins_at, []
    for begins_at, ends_at, _, entry in about:
        if begins_at > reached or ends_at <= span.begins_at:
            continue
        if begins_at < span.ends_at:
            used.append(entry)
            reached = max(reached, ends_at)
    return tuple(used) if reached >= span.ends_at else ()


def _times(entry: Written) -> tuple[datetime, datetime]:
    first, last = (parse_rfc3339(entry.data[name]) for name in ("begins_at", "ends_at"))
    return first.astimezone(UTC), last.astimezone(UTC)


def _interruptions(recordings: Sequence[Material], config: Config) -> Iterable[Interruption]:
    by_device: dict[uuid.UUID, list[Material]] = {}
    for one in recordings:
        codes = [found["code"] for found in one.item.findings if found["code"] in BROKEN]
        if codes:
            last = one.ends_at or one.begins_at
            yield Interruption(one.item.captured_by, one.begins_at, last, (one.item.id,), codes[0])
        by_device.setdefault(one.item.captured_by, []).append(one)
    for device_id, mine in by_device.items():
        for first, following in pairwise(mine):
            if (
                first.ends_at is None
                or following.begins_at - first.ends_at <= config.recording_slack
            ):
                continue
            yield Interruption(
                device_id, first.ends_at, following.begins_at,
                (first.item.id, following.item.id), "pause",
            )  # fmt: skip
