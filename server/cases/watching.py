"""Whoever has to know at once that a case was filed or changed: injected from a floor above."""

from __future__ import annotations

from typing import Final, Protocol, cast

from server.cases.models import Case
from server.core.context import Context

WATCHER: Final = "cases.watcher"  # name in ``Runtime.injected``


class CaseWatcher(Protocol):
    """Told within the transaction, after the event was written."""

    def filed(self, ctx: Context, case: Case) -> None:
        """A case is new."""
        ...

    def changed(self, ctx: Context, case: Case, fields: frozenset[str]) -> None:
        """These fields of a case have other values now."""
        ...


class Watchers:
    """Several of them, told one after the other."""

    def __init__(self, *watchers: CaseWatcher) -> None:
        self._watchers = watchers

    def filed(self, ctx: Context, case: Case) -> None:
        """A case is new."""
        for one in self._watchers:
            one.filed(ctx, case)

    def changed(self, ctx: Context, case: Case, fields: frozenset[str]) -> None:
        """These fields of a case have other values now."""
        for one in self._watchers:
            one.changed(ctx, case, fields)


class _Nobody:
    def filed(self, ctx: Context, case: Case) -> None:
        """Nobody wants to know."""

    def changed(self, ctx: Context, case: Case, fields: frozenset[str]) -> None:
        """Nobody wants to know."""


def watcher_of(ctx: Context) -> CaseWatcher:
    """The one that was injected, or nobody."""
    return cast("CaseWatcher", ctx.runtime.injected.get(WATCHER, _Nobody()))
