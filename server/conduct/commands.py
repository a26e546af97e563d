"""What may be asked about checks and findings."""

from __future__ import annotations

import uuid
from dataclasses import dataclass

from server.core.paging import LIMIT_DEFAULT


@dataclass(frozen=True, slots=True, kw_only=True)
class FindingFilter:
    """What the findings are narrowed to."""

    state: str | None = None
    rule: str | None = None
    outcome: str | None = None
    case_id: uuid.UUID | None = None
    action_id: uuid.UUID | None = None
    cursor: str | None = None
    limit: int = LIMIT_DEFAULT


@dataclass(frozen=True, slots=True, kw_only=True)
class Decide:
    """What somebody says about a finding."""

    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleCommand:
    """A court's own numbers and rules, as TOML, and why."""

    text: str
    reason: str
