"""What the register asks of this slice: may a case be closed, and who watches new entries."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from server.cases.models import Case
from server.conduct import gates, marking, standings
from server.core.context import Context
from server.register.ports import News


class Conduct:
    """Answers the register; see ``server.register.ports``."""

    def require_gate(self, ctx: Context, case: Case, closing: str, data: Mapping[str, Any]) -> None:
        """Refuse, with the list of what is missing, what the gates do not let through."""
        gates.require(ctx, case, closing, data)

    def written(self, ctx: Context, news: Collection[News]) -> None:
        """These entries are in the register now: what they bear on is judged again."""
        marking.written(ctx, news)
        standings.written(ctx, news)
