"""Routes of the fieldlog slice."""

from __future__ import annotations

import uuid

from flask import Blueprint

from server.core.context import Context
from server.core.endpoint import endpoint
from server.core.paging import Page
from server.core.permissions import Permission
from server.fieldlog import queries
from server.fieldlog.commands import LogFilter
from server.fieldlog.queries import Line
from server.fieldlog.schemas import LogEntryOut, LogQuery

blueprint = Blueprint("fieldlog", __name__)


@blueprint.get("/cases/<uuid:case_id>/log")
@endpoint(Permission.CASES_VIEW, query=LogQuery, dump=LogEntryOut)
def log_of_case(ctx: Context, case_id: uuid.UUID, query: LogFilter) -> Page[Line]:
    """List what officers wrote down in the field for a case, by time."""
    return queries.log_of_case(ctx, case_id, query)
