"""Rules about one finding: pure, on loaded rows; the coarse gate is the permission."""

from __future__ import annotations

from server.conduct.models import Finding
from server.core.context import Actor
from server.core.problem import Kind, Problem


def require_undecided(finding: Finding) -> None:
    """What was decided or cleared needs no explanation any more."""
    if finding.state not in {"open", "explained"}:
        raise Problem(Kind.CONFLICT, f"the finding is {finding.state}")


def require_decidable(actor: Actor, finding: Finding) -> None:
    """First it is explained, then somebody else decides, once."""
    if finding.state != "explained":
        raise Problem(Kind.CONFLICT, f"the finding is {finding.state}, not explained")
    if finding.explained_by is not None and finding.explained_by == actor.user():
        raise Problem(Kind.FORBIDDEN, "someone else has to decide about what you explained")
