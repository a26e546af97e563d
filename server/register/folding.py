"""What entries come to: which of them count, and where an action stands.  Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, Protocol, TypeVar

from client_sdk.protocol.times import parse_rfc3339
from server.register.commands import ActionState

UNKNOWN_TYPE: Final = "unknown"


class Written(Protocol):
    """What is needed of an entry."""

    @property
    def id(self) -> Any:
        """Its id."""

    @property
    def kind(self) -> str:
        """Its kind."""

    @property
    def data(self) -> Mapping[str, Any]:
        """Its fields."""

    @property
    def happened_at(self) -> datetime:
        """When."""

    @property
    def amends_id(self) -> Any:
        """The entry whose place it takes."""


W = TypeVar("W", bound=Written)


@dataclass(frozen=True, slots=True)
class Standing:
    """Where an action stands."""

    type: str
    state: ActionState
    place: str | None
    planned_at: datetime | None
    begins_at: datetime | None
    ends_at: datetime | None


def current(entries: Iterable[W]) -> list[W]:
    """Entries that nobody has amended, in the order of their time."""
    given = list(entries)
    replaced = {one.amends_id for one in given if one.amends_id is not None}
    return sorted(
        (one for one in given if one.id not in replaced),
        key=lambda one: (one.happened_at, str(one.id)),
    )


def standing(entries: Sequence[Written]) -> Standing:
    """Where an action stands by its current entries.

    Devices sync in any order, so the last state that was written down counts, not the last to come.
    """
    by_kind: dict[str, Written] = {}
    for one in entries:
        by_kind[one.kind] = one
    planned, started = by_kind.get("action.planned"), by_kind.get("action.started")
    ended = by_kind.get("action.ended")
    said = [one.data for one in (planned, started) if one is not None]
    return Standing(
        type=str(said[-1]["type"]) if said else UNKNOWN_TYPE,
        state=_state(by_kind),
        place=next((str(one["place"]) for one in reversed(said) if one.get("place")), None),
        planned_at=_time(planned.data.get("begins_at")) if planned else None,
        begins_at=_moment(started),
        ends_at=_moment(ended),
    )


def _state(by_kind: Mapping[str, Written]) -> ActionState:
    if "action.ended" in by_kind:
        return ActionState.ENDED
    if "action.started" in by_kind:
        return ActionState.STARTED
    if "action.cancelled" in by_kind:
        return ActionState.CANCELLED
    return ActionState.PLANNED


def _moment(entry: Written | None) -> datetime | None:
    if entry is None:
        return None
    return _time(entry.data.get("at")) or entry.happened_at


def _time(text: object) -> datetime | None:
    return parse_rfc3339(text).astimezone(UTC) if isinstance(text, str) else None
