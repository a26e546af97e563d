"""Asking for an export, and handing it out; the making is in :mod:`server.disclosure.building`."""

from __future__ import annotations

import uuid
from typing import Any

from server.audit.events import EventKind
from server.audit.quota import require_export_allowed
from server.audit.service import Subject, record
from server.cases import queries as cases
from server.core.context import Context
from server.core.problem import invalid, not_found
from server.disclosure import policy, queries
from server.disclosure.commands import RequestExport
from server.disclosure.models import Export


def request(ctx: Context, command: RequestExport) -> Export:
    """Queue an export of a visible case or of items of one; the request is an event itself.

    What is not visible, and an item whose bytes never came, is not found.
    """
    case_id = _case_of(ctx, command)
    require_export_allowed(ctx)
    export = Export(
        id=ctx.new_id(),
        court_id=ctx.actor.court_id,
        case_id=case_id,
        evidence_ids=[str(item) for item in command.evidence_ids] or None,
        purpose=command.purpose,
        recipient=command.recipient,
        requested_by=ctx.actor.user(),
        requested_at=ctx.clock.now(),
        state="queued",
        files_total=0,
        files_done=0,
        bytes_total=0,
        bytes_done=0,
        rounds=0,
    )
    ctx.session.add(export)
    subject = Subject("export", export.id)
    record(ctx, EventKind.EXPORT_REQUESTED, subject, request_facts(export), case_id=case_id)
    return export


def request_facts(export: Export) -> dict[str, Any]:
    """What the event of a request says: which items of which case, to whom and why."""
    return {
        "case": str(export.case_id),
        "items": export.evidence_ids,
        "purpose": export.purpose,
        "recipient": export.recipient,
    }


def handed_out(ctx: Context, export: Export) -> None:
    """Record that the caller downloads the package; ranges within ten minutes are one event."""
    policy.is_packed(export)
    policy.is_what_was_packed(export, queries.packed_digests(ctx, export))
    if not queries.read_recently(ctx, export.id):
        facts = {"sha256": export.sha256, "recipient": export.recipient}
        subject = Subject("export", export.id)
        require_export_allowed(ctx)
        record(ctx, EventKind.EXPORT_DOWNLOADED, subject, facts, case_id=export.case_id)


def _case_of(ctx: Context, command: RequestExport) -> uuid.UUID:
    if command.case_id is not None:
        cases.visible_case(ctx, command.case_id)
        if not command.evidence_ids:
            return command.case_id
    found = queries.cases_of_items(ctx, command.evidence_ids)
    if set(found) != set(command.evidence_ids) or None in found.values():
        raise not_found("an item")
    for case_id in set(found.values()):
        if case_id is not None:
            cases.visible_case(ctx, case_id)
    belongs = {case_id for case_id in found.values() if case_id is not None}
    if len(belongs | {command.case_id or next(iter(belongs))}) != 1:
        raise invalid({"evidence_ids": ["items of one case are exported together"]})
    return belongs.pop()
