"""Routes of the register slice."""

from __future__ import annotations

import uuid
from typing import Any

from flask import Blueprint

from client_sdk.protocol.entries import kinds
from server.core.context import Context
from server.core.endpoint import endpoint
from server.core.paging import Page
from server.core.permissions import Permission
from server.register import queries, service
from server.register.commands import ActionFilter, EntryFilter, WriteEntry
from server.register.models import Action, Entry
from server.register.schemas import (
    ActionOut,
    ActionQuery,
    EntryKindsOut,
    EntryOut,
    EntryQuery,
    WriteEntrySchema,
)

blueprint = Blueprint("register", __name__)


@blueprint.get("/entry-kinds")
@endpoint(Permission.CASES_VIEW, dump=EntryKindsOut)
def list_entry_kinds(_ctx: Context) -> dict[str, Any]:
    """List what can be written down, with fields and names in both languages."""
    return {"kinds": list(kinds().values())}


@blueprint.post("/cases/<uuid:case_id>/entries")
@endpoint(Permission.CASES_RECORD, load=WriteEntrySchema, dump=EntryOut, status=201)
def write_entry(ctx: Context, case_id: uuid.UUID, command: WriteEntry) -> Entry:
    """Write something down about a case or about an action in it."""
    return service.write(ctx, case_id, command)


@blueprint.get("/cases/<uuid:case_id>/entries")
@endpoint(Permission.CASES_VIEW, query=EntryQuery, dump=EntryOut)
def list_entries(ctx: Context, case_id: uuid.UUID, query: EntryFilter) -> Page[Entry]:
    """List what was written down about a case, by time."""
    return queries.entries_of_case(ctx, case_id, query)


@blueprint.get("/actions")
@endpoint(Permission.CASES_VIEW, query=ActionQuery, dump=ActionOut)
def list_actions(ctx: Context, query: ActionFilter) -> Page[Action]:
    """List actions in the cases you may see, newest first."""
    return queries.list_actions(ctx, query)


@blueprint.get("/actions/<uuid:action_id>")
@endpoint(Permission.CASES_VIEW, dump=ActionOut)
def get_action(ctx: Context, action_id: uuid.UUID) -> Action:
    """Read an action."""
    return queries.visible_action(ctx, action_id)
