"""What may be done with an export."""

from __future__ import annotations

from collections.abc import Collection

from server.core.problem import Kind, Problem
from server.disclosure.models import Export


def is_packed(export: Export) -> None:
    """Nothing is handed out before the whole package is there."""
    if export.state != "done":
        raise Problem(Kind.CONTENT_MISSING, f"the export is {export.state}", state=export.state)


def is_what_was_packed(export: Export, digests: Collection[str]) -> None:
    """A row that was edited could name any bytes of the house: only the log is believed."""
    if export.sha256 not in digests:
        raise Problem(Kind.CONFLICT, "the log knows of no such package of this export")
