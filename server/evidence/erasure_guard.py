"""What may forbid an erasure: rules of retention, which stand a floor above, and are injected."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Protocol, cast

from server.core.context import Context
from server.core.problem import Kind, Problem
from server.evidence.models import Evidence

GUARD: Final = "evidence.erasure-guard"  # name in ``Runtime.injected``


class ErasureGuard(Protocol):
    """Asked when an erasure is asked for, and again in the transaction that erases."""

    def take_turn(self, ctx: Context) -> None:
        """Let nobody place a hold or change a rule of the court until this transaction ends."""
        ...

    def require_erasable(self, ctx: Context, items: Sequence[Evidence]) -> None:
        """Return when all items of a record may go; 409 with the reason otherwise."""
        ...


def guard_of(ctx: Context) -> ErasureGuard:
    """The one that was injected; without one nothing is erased."""
    found = ctx.runtime.injected.get(GUARD)
    if found is None:
        raise Problem(Kind.UNAVAILABLE, "no rules of retention are known here")
    return cast("ErasureGuard", found)
