"""Names of everything that enters the log; dotted, stable, never reused."""

from __future__ import annotations

from enum import StrEnum


class EventKind(StrEnum):
    """Kinds of server events; a device record's kind is its ``act``."""

    COURT_ADDED = "court.added"
    USER_ADDED = "user.added"
    USER_CHANGED = "user.changed"
    USER_UNLOCKED = "user.unlocked"
    PASSWORD_CHANGED = "password.changed"  # noqa: S105  the name of an event
    PASSWORD_RESET = "password.reset"  # noqa: S105  the name of an event
    TOTP_ENABLED = "totp.enabled"
    TOTP_RESET = "totp.reset"
    SIGNED_IN = "session.signed-in"
    SIGNED_OUT = "session.signed-out"
    SIGN_IN_FAILED = "session.failed"
    ACCOUNT_LOCKED = "account.locked"
    ENROLMENT_OFFERED = "enrolment.offered"
    DEVICE_ENROLLED = "device.enrolled"
    DEVICE_REGISTERED = "device.registered"
    DEVICE_REVOKED = "device.revoked"
    KEY_ADDED = "key.added"
    KEY_RETIRED = "key.retired"
    DUTY_BOOKED = "duty.booked"
    DUTY_HANDED_OVER = "duty.handed-over"

    CASE_ADDED = "case.added"
    CASE_CHANGED = "case.changed"
    CASE_ASSIGNED = "case.assigned"
    MISSION_ADDED = "mission.added"
    MISSION_CHANGED = "mission.changed"

    TICKET_ISSUED = "ticket.issued"
    CLOCK_EXCHANGED = "clock.exchanged"
    RECORD_CONFLICT = "record.conflict"
    RECORD_HELD = "record.held"
    RECORD_RELEASED = "record.released"
    HEAD_CONTRADICTED = "head.contradicted"
    RECEIPTS_ISSUED = "receipts.issued"
    ROWS_SEALED = "rows.sealed"

    BUNDLE_RECEIVED = "bundle.received"
    BUNDLE_TAKEN = "bundle.taken"
    UPLOAD_GRANTED = "upload.granted"
    UPLOAD_QUARANTINED = "upload.quarantined"
    UPLOAD_TERMINATED = "upload.terminated"
    EVIDENCE_VERIFIED = "evidence.verified"
    EVIDENCE_UNCLAIMED = "evidence.unclaimed"
    EVIDENCE_MISSING = "evidence.missing"
    EVIDENCE_EXAMINED = "evidence.examined"
    RECORDING_CHECKED = "recording.checked"
    EVIDENCE_REBOUND = "evidence.rebound"
    ERASURE_REQUESTED = "erasure.requested"
    ERASURE_REFUSED = "erasure.refused"
    EVIDENCE_ERASED = "evidence.erased"
    BLOB_SHIPPED = "blob.shipped"
    BLOB_REPAIRED = "blob.repaired"
    BLOB_DAMAGED = "blob.damaged"

    EVIDENCE_LISTED = "custody.listed"
    EVIDENCE_VIEWED = "custody.viewed"
    EVIDENCE_DOWNLOADED = "custody.downloaded"
    EXPORT_REQUESTED = "custody.export-requested"
    EXPORTED = "custody.exported"
    EXPORT_PACKED = "custody.export-packed"
    EXPORT_FAILED = "custody.export-failed"
    EXPORT_DOWNLOADED = "custody.export-downloaded"

    REVIEW_ACCEPTED = "review.accepted"
    REVIEW_RETURNED = "review.returned"
    REVIEW_QUERIED = "review.queried"
    REVIEW_COMMENTED = "review.commented"
