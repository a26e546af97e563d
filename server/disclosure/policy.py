"""What may be done with an export."""

from __future__ import annotations

from server.core.problem import Kind, Problem
from server.disclosure.models import Export


def is_packed(export: Export) -> None:
    """Nothing is handed out before the whole package is there."""
    if export.state != "done":
        raise Problem(Kind.CONTENT_MISSING, f"the export is {export.state}", state=export.state)
