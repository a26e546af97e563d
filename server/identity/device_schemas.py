"""Wire forms of devices, bookings and upload grants: strict in, allow-listed out."""

from __future__ import annotations

import re
from typing import Any, Final

from marshmallow import Schema, fields, post_load, validate

from client_sdk.protocol.ids import short_code
from client_sdk.protocol.keys import Algorithm
from server.identity.commands import (
    Book,
    BookingFilter,
    DeclaredObject,
    DeviceFilter,
    Enrol,
    GrantUpload,
    HandOver,
    OfferEnrolment,
    RegisterDevice,
    Revoke,
)
from server.identity.kinds import KEYED_KINDS, KEYLESS_KINDS, DeviceKind
from server.identity.wire import PageQuery, Strict, line, moment, shown_moment

OBJECTS_MAX: Final = 1000
SIZE_BYTES_MAX: Final = 2**53 - 1
_SHA256 = re.compile(r"[0-9a-f]{64}")


# ---------------------------------------------------------------- devices


class DeviceQuery(PageQuery):
    """Query string of ``GET /devices``."""

    kind = fields.String(validate=validate.OneOf([kind.value for kind in DeviceKind]))
    holder_id = fields.UUID()
    revoked = fields.Boolean()

    @post_load
    def _filter(self, values: dict[str, Any], **_: object) -> DeviceFilter:
        return DeviceFilter(**values)


class OfferEnrolmentBody(Strict):
    """Body of ``POST /enrolment-codes``."""

    kind = fields.String(
        required=True, validate=validate.OneOf(sorted(kind.value for kind in KEYED_KINDS))
    )
    name = line(100, required=True)
    holder_id = fields.UUID(allow_none=True)
    device_id = fields.UUID(allow_none=True)

    @post_load
    def _command(self, values: dict[str, Any], **_: object) -> OfferEnrolment:
        return OfferEnrolment(**values)


class OfferOut(Schema):
    """A one-time code and the text of its QR; shown this once."""

    code = fields.String()
    expires_at = shown_moment()
    qr = fields.String()


class EnrolBody(Strict):
    """Body of ``POST /devices/enrol``."""

    code = fields.String(required=True, validate=validate.Length(1, 64))
    alg = fields.String(required=True, validate=validate.OneOf([alg.value for alg in Algorithm]))
    public_jwk = fields.Dict(keys=fields.String(), required=True)
    proof = fields.String(required=True, validate=validate.Length(1, 200))
    record_jwk = fields.Dict(keys=fields.String(), allow_none=True)
    record_proof = fields.String(validate=validate.Length(1, 200))
    name = line(100, allow_none=True)
    model = line(100, allow_none=True)
    serial = line(100, allow_none=True)

    @post_load
    def _command(self, values: dict[str, Any], **_: object) -> Enrol:
        return Enrol(**values)


class EnrolledOut(Schema):
    """What a device has to know after enrolment."""

    device_id = fields.UUID()
    court_id = fields.UUID()
    court_name = fields.String()
    ep = fields.Integer()
    keys = fields.Dict(keys=fields.String(), values=fields.String())
    server_time = shown_moment()


class RegisterDeviceBody(Strict):
    """Body of ``POST /devices``: a camera or recorder without a key."""

    kind = fields.String(
        required=True, validate=validate.OneOf(sorted(kind.value for kind in KEYLESS_KINDS))
    )
    name = line(100, required=True)
    model = line(100, allow_none=True)
    serial = line(100, allow_none=True)
    holder_id = fields.UUID(allow_none=True)

    @post_load
    def _command(self, values: dict[str, Any], **_: object) -> RegisterDevice:
        return RegisterDevice(**values)


class RevokeBody(Strict):
    """Body of ``POST /devices/<id>/revoke``."""

    reason = line(500, required=True)

    @post_load
    def _command(self, values: dict[str, Any], **_: object) -> Revoke:
        return Revoke(**values)


class DeviceOut(Schema):
    """A device."""

    id = fields.UUID()
    short = fields.Function(lambda device: short_code(device.id))
    kind = fields.String()
    name = fields.String()
    model = fields.String(allow_none=True)
    serial = fields.String(allow_none=True)
    alg = fields.String(allow_none=True)
    jkt = fields.String(allow_none=True)
    ep = fields.Integer()
    holder_id = fields.UUID(allow_none=True)
    enrolled_at = shown_moment()
    last_seen_at = shown_moment(allow_none=True)
    revoked_at = shown_moment(allow_none=True)
    revoked_reason = fields.String(allow_none=True)
    version = fields.Integer()


# ---------------------------------------------------------------- duty and upload grants


class BookingQuery(PageQuery):
    """Query string of ``GET /duty-bookings``; ``from`` and ``to`` are the window of an overlap."""

    device_id = fields.UUID()
    user_id = fields.UUID()
    mission_id = fields.UUID()
    overlaps_from = moment(data_key="from")
    overlaps_to = moment(data_key="to")

    @post_load
    def _filter(self, values: dict[str, Any], **_: object) -> BookingFilter:
        return BookingFilter(**values)


class BookBody(Strict):
    """Body of ``POST /duty-bookings``."""

    device_id = fields.UUID(required=True)
    user_id = fields.UUID(required=True)
    mission_id = fields.UUID(allow_none=True)
    starts_at = moment(required=True)
    ends_at = moment(required=True)

    @post_load
    def _command(self, values: dict[str, Any], **_: object) -> Book:
        return Book(**values)


class HandOverBody(Strict):
    """Body of ``POST /duty-bookings/<id>/hand-over``."""

    to_user_id = fields.UUID(required=True)
    at = moment(allow_none=True)
    reason = line(500, allow_none=True)

    @post_load
    def _command(self, values: dict[str, Any], **_: object) -> HandOver:
        return HandOver(**values)


class BookingOut(Schema):
    """A booking; the carrier holds the device from ``starts_at`` until before ``ends_at``."""

    id = fields.UUID()
    short = fields.Function(lambda booking: short_code(booking.id))
    device_id = fields.UUID()
    user_id = fields.UUID()
    mission_id = fields.UUID(allow_none=True)
    starts_at = shown_moment()
    ends_at = shown_moment()
    handed_over_from = fields.UUID(allow_none=True)
    reason = fields.String(allow_none=True)
    created_at = shown_moment()
    version = fields.Integer()


class DeclaredObjectBody(Strict):
    """Bytes that a grant covers."""

    sha256 = fields.String(required=True, validate=validate.Regexp(_SHA256.pattern + r"\Z"))
    size_bytes = fields.Integer(
        required=True, strict=True, validate=validate.Range(0, SIZE_BYTES_MAX)
    )

    @post_load
    def _object(self, values: dict[str, Any], **_: object) -> DeclaredObject:
        return DeclaredObject(**values)


class GrantUploadBody(Strict):
    """Body of ``POST /upload-grants``."""

    case_id = fields.UUID(required=True)
    mission_id = fields.UUID(allow_none=True)
    objects = fields.List(
        fields.Nested(DeclaredObjectBody),
        required=True,
        validate=validate.Length(1, OBJECTS_MAX),
    )
    expires_in_seconds = fields.Integer(strict=True, validate=validate.Range(1))

    @post_load
    def _command(self, values: dict[str, Any], **_: object) -> GrantUpload:
        return GrantUpload(**{**values, "objects": tuple(values["objects"])})


class GrantedOut(Schema):
    """An upload token; shown this once."""

    token = fields.String()
    token_type = fields.String()
    expires_at = shown_moment()
