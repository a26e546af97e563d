"""What goes over the wire of the log."""

from __future__ import annotations

import base64

from marshmallow import Schema, fields, validate

from server.core.paging import LIMIT_DEFAULT, LIMIT_MAX


class EventQuery(Schema):
    """Query string of the log: beyond an index, optionally of one case."""

    after = fields.Integer(load_default=-1, validate=validate.Range(-1, 2**53 - 1))
    case_id = fields.UUID()
    limit = fields.Integer(
        load_default=LIMIT_DEFAULT, validate=validate.Range(min=1, max=LIMIT_MAX)
    )


class EventOut(Schema):
    """One entry, with the very texts that were signed."""

    log_index = fields.Integer()
    kind = fields.String()
    src = fields.String()
    ep = fields.Integer(allow_none=True)
    seq = fields.Integer(allow_none=True)
    hid = fields.String()
    h = fields.String()
    p = fields.String(allow_none=True)
    salt = fields.String(allow_none=True)
    sig = fields.String()
    k = fields.String()
    rx = fields.String()
    subject_type = fields.String(allow_none=True)
    subject_id = fields.String(allow_none=True)
    case_id = fields.UUID(allow_none=True)
    mission_id = fields.UUID(allow_none=True)
    case_seq = fields.Integer(allow_none=True)


class LevelsOut(Schema):
    """Size of the newest checkpoint of each level, 0 for none."""

    L1 = fields.Integer(attribute="signed")
    L2 = fields.Integer(attribute="witnessed")
    L3 = fields.Integer(attribute="timestamped")


class PartyOut(Schema):
    """A witness or a time-stamping authority: how it stands, since when, how far it confirmed.

    ``standing`` is null until it was asked; else good, down, stranger, wrong, rolled-back, ahead
    or forked.
    """

    name = fields.String()
    standing = fields.String(attribute="stand.standing.value", allow_none=True, dump_default=None)
    size = fields.Integer(attribute="stand.size")
    since = fields.AwareDateTime(attribute="stand.since", format="iso", allow_none=True)
    good_at = fields.AwareDateTime(attribute="stand.good_at", format="iso", allow_none=True)


class WitnessingOut(Schema):
    """What confirms the log from outside; ``halted`` when a witness doubts the log's history."""

    quorum = fields.Boolean(attribute="has_quorum")
    halted = fields.Function(lambda found: bool(found.halted_by), metadata={"type": "boolean"})
    witnessed_lag_seconds = fields.Float()
    timestamped_lag_seconds = fields.Float()
    witnesses = fields.List(fields.Nested(PartyOut))
    authorities = fields.List(fields.Nested(PartyOut))


class EventsOut(Schema):
    """A stretch of the log; ask again with ``next_after`` while ``has_more``.

    ``levels`` says how far the log is signed, witnessed and timestamped: an entry has the level
    of the largest size that is beyond its index.
    """

    levels = fields.Nested(LevelsOut)
    events = fields.List(fields.Nested(EventOut))
    next_after = fields.Integer()
    has_more = fields.Boolean()


_SIZE = validate.Range(0, 2**53 - 1)


class ProofQuery(Schema):
    """Query string of a proof: under the checkpoint of this size, or under a good one."""

    size = fields.Integer(validate=_SIZE)


class ConsistencyQuery(Schema):
    """Query string of a consistency proof: two sizes of the log."""

    old = fields.Integer(required=True, validate=_SIZE)
    new = fields.Integer(required=True, validate=_SIZE)


class ConsistencyOut(Schema):
    """A consistency proof (RFC 6962 §2.1.2): hashes in base64, from the leaves upwards."""

    old = fields.Integer()
    new = fields.Integer()
    proof = fields.Function(
        lambda found: [base64.b64encode(one).decode() for one in found["proof"]],
        metadata={"type": "array", "items": {"type": "string"}},
    )


class CheckpointOut(Schema):
    """A signed tree head; ``note`` is the whole signed note."""

    size = fields.Integer()
    root = fields.Function(
        lambda found: base64.b64encode(found.root).decode(), metadata={"type": "string"}
    )
    level = fields.String(validate=validate.OneOf(("L1", "L2", "L3")))
    note = fields.String()
    signed_at = fields.AwareDateTime(format="iso")


class LogStateOut(Schema):
    """How the log stands.

    ``signing`` is ``current``, ``behind``, ``refuses`` or ``absent``; ``vkeys`` are the log's
    verifier keys as the signer tells them, to compare with those got by another way.
    """

    origin = fields.String(allow_none=True)
    vkeys = fields.List(fields.String())
    size = fields.Integer()
    levels = fields.Nested(LevelsOut)
    checkpoint = fields.Nested(CheckpointOut, allow_none=True)
    signing = fields.Function(lambda found: found.signing.value, metadata={"type": "string"})
    refusal = fields.String(allow_none=True)
    detail = fields.String(attribute="advice", allow_none=True)
    seen_at = fields.AwareDateTime(format="iso", allow_none=True)
    refused_rows = fields.Integer()
    witnessing = fields.Nested(WitnessingOut, allow_none=True)
