"""What the register asks of a floor above: may this case be closed, and who watches new entries."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, Final, Protocol, cast

from server.cases.models import Case
from server.core.context import Context

CONDUCT: Final = "register.conduct"  # name in ``Runtime.injected``


@dataclass(frozen=True, slots=True)
class News:
    """What was written down: the case, the kinds, and the actions that it is about."""

    case_id: uuid.UUID
    kinds: frozenset[str]
    action_ids: frozenset[uuid.UUID]


class Conduct(Protocol):
    """Judges closings, and is told of entries within the transaction that writes them."""

    def require_gate(self, ctx: Context, case: Case, closing: str, data: Mapping[str, Any]) -> None:
        """Refuse, with the list of what is missing, what the gates do not let through."""
        ...

    def written(self, ctx: Context, news: Collection[News]) -> None:
        """These entries are in the register now."""
        ...


class _Nobody:
    def require_gate(self, ctx: Context, case: Case, closing: str, data: Mapping[str, Any]) -> None:
        """Nobody judges."""

    def written(self, ctx: Context, news: Collection[News]) -> None:
        """Nobody wants to know."""


def conduct_of(ctx: Context) -> Conduct:
    """The one that was injected, or nobody."""
    return cast("Conduct", ctx.runtime.injected.get(CONDUCT, _Nobody()))
