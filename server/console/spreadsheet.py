"""Lists as CSV for spreadsheets: UTF-8 with a mark, and no cell that a spreadsheet would run."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from typing import Final

from flask import Response

from server.audit.events import EventKind
from server.audit.quota import require_export_allowed
from server.audit.service import Subject, record
from server.core.context import Context

# What makes a spreadsheet take a cell for a formula (OWASP, CSV injection), also behind blanks.
_STARTS: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
BYTE_ORDER_MARK: Final = "\ufeff"


def safe_cell(value: object) -> str:
    """The value as text that stays text: a quote goes before what looks like a formula."""
    text = "" if value is None else str(value)
    return "'" + text if text.lstrip(" \u3000\u00a0").startswith(_STARTS) else text


def csv_lines(rows: Iterable[Sequence[object]]) -> str:
    """Lines of RFC 4180, no cell of which a spreadsheet would run."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerows([safe_cell(one) for one in row] for row in rows)
    return out.getvalue()


def as_csv(headings: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """The whole list with a byte-order mark, which spreadsheets need to see UTF-8."""
    return BYTE_ORDER_MARK + csv_lines([headings]) + csv_lines(rows)


def list_exported(ctx: Context, name: str, search: str, rows: int) -> None:
    """Record that the caller takes a list away, if they may within this hour.

    :param search: the query string that chose the rows.
    """
    require_export_allowed(ctx)
    facts = {"list": name, "search": search, "rows": rows}
    record(ctx, EventKind.LIST_EXPORTED, Subject("court", ctx.actor.court_id), facts)


def csv_response(name: str, headings: Sequence[str], rows: Iterable[Sequence[object]]) -> Response:
    """The list as a file to be saved."""
    response = Response(as_csv(headings, rows), mimetype="text/csv")
    response.headers["Content-Disposition"] = f'attachment; filename="{name}.csv"'
    response.headers["Cache-Control"] = "no-store"
    return response
