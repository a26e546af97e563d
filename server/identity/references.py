"""Questions about cases, which stand a floor above: the application injects the answers."""

from __future__ import annotations

import uuid
from typing import Final, Protocol

from server.core.context import Context
from server.core.problem import not_found

EXTENSION: Final = "tiezheng.case-references"


class CaseReferences(Protocol):
    """What this slice has to know of cases and missions."""

    def require_case(self, ctx: Context, case_id: uuid.UUID) -> None:
        """Return when the caller may see the case; 404 otherwise."""
        ...

    def require_mission(self, ctx: Context, mission_id: uuid.UUID) -> None:
        """Return when the mission is one of the caller's court; 404 otherwise."""
        ...


class NoCases:
    """An application without the slice of cases: there is nothing to refer to."""

    def require_case(self, ctx: Context, case_id: uuid.UUID) -> None:  # noqa: ARG002
        """No case exists."""
        raise not_found("case")

    def require_mission(self, ctx: Context, mission_id: uuid.UUID) -> None:  # noqa: ARG002
        """No mission exists."""
        raise not_found("mission")
