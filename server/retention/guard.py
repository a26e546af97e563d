"""What this slice answers to lower floors: may this be erased, and who watches new cases."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from types import MappingProxyType
from typing import Any, Final

from server.cases import queries as cases
from server.cases.case_no import CaseNoError, normalise
from server.cases.models import Case
from server.core.context import Context
from server.core.problem import Kind, Problem
from server.evidence.models import Evidence
from server.retention import queries, service
from server.retention.judging import Judged, Line, judge

# Case types that question what another case did (法发〔2014〕26号, 执行审查类).
GROUND_OF: Final = MappingProxyType({"执异": "objection", "执复": "review", "执监": "supervision"})


class Guard:
    """See :class:`server.evidence.erasure_guard.ErasureGuard`."""

    def take_turn(self, ctx: Context) -> None:
        """The first lock of an approval, so that no two of them wait for each other."""
        service.take_turn(ctx)

    def require_erasable(self, ctx: Context, items: Sequence[Evidence]) -> None:
        """Every item of the record is judged; the first that must stay is named."""
        for one in judge(queries.bench(ctx), items):
            if one.why_not is not None:
                raise refusal(one)


def refusal(one: Judged[Evidence] | Judged[Line]) -> Problem:
    """409 that says why an item stays."""
    kept = one.kept
    sentences = {
        "held": "a legal hold is in force",
        "permanent": f"what is {one.category} is kept for good",
        "unclear": "nobody has said what it is; class it first",
        "open-case": "its case is not closed, so its period has not begun",
        "period": f"it is kept for {kept.months} months, until {_text(kept.until)}",
    }
    why = one.why_not or "period"
    name = "log_entry_id" if isinstance(one.item, Line) else "evidence_id"
    extra: dict[str, Any] = {name: str(one.item.id)}
    return Problem(
        Kind.CONFLICT, f"it cannot be erased: {sentences[why]}",
        why=why, category=one.category.value, kept_until=_text(kept.until), **extra,
    )  # fmt: skip


class Watcher:
    """See :class:`server.cases.watching.CaseWatcher`: holds by themselves.

    An objection, review or supervision case holds itself, and the case that its basis names.
    """

    def filed(self, ctx: Context, case: Case) -> None:
        """A case was filed."""
        self._hold(ctx, case)

    def changed(self, ctx: Context, case: Case, fields: frozenset[str]) -> None:
        """Only another basis can name another case."""
        if "basis" in fields:
            self._hold(ctx, case)

    def _hold(self, ctx: Context, case: Case) -> None:
        ground = GROUND_OF.get(case.type_code)
        if ground is None:
            return
        for held in (case, questioned(ctx, case)):
            if held is not None:
                service.hold_automatically(
                    ctx, held.id, ground, cause_case_id=case.id, reason=case.case_no
                )


def questioned(ctx: Context, case: Case) -> Case | None:
    """The case of this court whose number the basis names, if there is one."""
    named = (case.basis or {}).get("doc_no")
    if not isinstance(named, str):
        return None
    try:
        number = normalise(named)
    except CaseNoError:
        return None
    found = cases.case_numbered(ctx.session, ctx.actor.court_id, number)
    return None if found is None or found.id == case.id else found


def _text(at: datetime | None) -> str | None:
    return None if at is None else at.isoformat()
