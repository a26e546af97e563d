"""Upload grants, so that an unmodified tus client can upload.

A grant is a bearer token for declared bytes of one device and one case, good for nothing else.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta

from server.audit import service as audit
from server.audit.events import EventKind
from server.audit.service import Subject
from server.core.clock import rfc3339
from server.core.context import Context
from server.identity import tokens
from server.identity.commands import GrantUpload
from server.identity.models import UploadGrant
from server.identity.tokens import Claims, TokenType


@dataclass(frozen=True, slots=True)
class Granted:
    """An upload token, shown once."""

    token: str = field(repr=False)
    expires_at: datetime
    token_type: str = "Bearer"  # noqa: S105  the name of a scheme


def grant(ctx: Context, command: GrantUpload) -> Granted:
    """Give out a token; the caller has checked that the case and mission may be named."""
    now = ctx.clock.now()
    limit = ctx.settings.upload_token_seconds_max
    seconds = min(command.expires_in_seconds or limit, limit)
    row = UploadGrant(
        id=ctx.new_id(),
        court_id=ctx.actor.court_id,
        device_id=ctx.actor.device(),
        user_id=ctx.actor.user(),
        case_id=command.case_id,
        mission_id=command.mission_id,
        objects=[asdict(one) for one in command.objects],
        created_at=now,
        expires_at=now + timedelta(seconds=seconds),
    )
    ctx.session.add(row)
    audit.record(
        ctx,
        EventKind.UPLOAD_GRANTED,
        Subject("upload-grant", row.id),
        {
            "device": str(row.device_id),
            "objects": len(command.objects),
            "size": str(sum(one.size_bytes for one in command.objects)),
            "expires_at": rfc3339(row.expires_at),
        },
        case_id=row.case_id,
        mission_id=row.mission_id,
    )
    claims = Claims(TokenType.UPLOAD, row.id, row.court_id, row.expires_at)
    return Granted(tokens.issue(ctx.runtime, claims), row.expires_at)
