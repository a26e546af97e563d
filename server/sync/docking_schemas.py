"""What goes over the wire when a browser docks a card."""

from __future__ import annotations

from typing import Any

from marshmallow import Schema, fields, post_load, validate

from server.identity.wire import moment
from server.sync.commands import OBJECTS_MAX, DockedFile, MatchFiles


class DockedFileIn(Schema):
    """A file of a card; ``at`` is the time that the camera gave it, with its offset."""

    at = moment(required=True)
    case_id = fields.UUID(allow_none=True)

    @post_load
    def _command(self, values: dict[str, Any], **_: object) -> DockedFile:
        return DockedFile(**values)


class MatchesBody(Schema):
    """Files to match, oldest first or not."""

    files = fields.List(
        fields.Nested(DockedFileIn), required=True, validate=validate.Length(1, OBJECTS_MAX)
    )
    camera_id = fields.UUID(allow_none=True)

    @post_load
    def _command(self, values: dict[str, Any], **_: object) -> MatchFiles:
        return MatchFiles(**values)


class MatchOut(Schema):
    """Where a file belongs and why; ``match`` is the member of the record to sign."""

    certainty = fields.String()
    reason = fields.String()
    complete = fields.Boolean()
    camera_id = fields.String(allow_none=True)
    booking_id = fields.String(allow_none=True)
    officer_id = fields.String(allow_none=True)
    mission_id = fields.String(allow_none=True)
    case_id = fields.String(allow_none=True)
    case_choices = fields.List(fields.String())
    match = fields.Dict()


class MatchesOut(Schema):
    """One match per file, in the order of the request, and names by id."""

    matches = fields.List(fields.Nested(MatchOut))
    officers = fields.Dict(keys=fields.String(), values=fields.String())
    cameras = fields.Dict(keys=fields.String(), values=fields.String())
    missions = fields.Dict(keys=fields.String(), values=fields.String())
    cases = fields.Dict(keys=fields.String(), values=fields.String())
