"""What each role and each kind of token may ask for; the map is data.

This is the coarse gate that every route declares.  Whether *this* case or *this* device is
visible is decided by the scoped queries of the slice.
"""

from __future__ import annotations

from enum import Enum, StrEnum


class Permission(StrEnum):
    """One thing that a route lets a caller do."""

    PUBLIC = "public"  # nobody has to be signed in
    SIGNED_IN = "signed-in"  # any person, for their own account

    USERS_VIEW = "users.view"
    USERS_MANAGE = "users.manage"
    DEVICES_VIEW = "devices.view"
    DEVICES_MANAGE = "devices.manage"
    DUTY_VIEW = "duty.view"
    DUTY_BOOK = "duty.book"
    DUTY_HAND_OVER = "duty.hand-over"

    CASES_VIEW = "cases.view"
    CASES_EDIT = "cases.edit"
    CASES_RECORD = "cases.record"  # write entries into the register
    MISSIONS_VIEW = "missions.view"
    MISSIONS_EDIT = "missions.edit"
    MISSIONS_CONDUCT = "missions.conduct"  # start and end one's own

    SYNC_PUSH = "sync.push"
    SYNC_PULL = "sync.pull"
    RECEIPTS_FETCH = "receipts.fetch"
    CLOCK_EXCHANGE = "clock.exchange"
    TICKET_REQUEST = "ticket.request"

    UPLOAD = "upload"
    UPLOAD_GRANT = "upload.grant"

    EVIDENCE_VIEW = "evidence.view"
    EVIDENCE_DOWNLOAD = "evidence.download"
    EVIDENCE_REVIEW = "evidence.review"
    EVIDENCE_COMMENT = "evidence.comment"
    EVIDENCE_REBIND = "evidence.rebind"
    MISSING_VIEW = "missing.view"
    HELD_RELEASE = "held.release"
    AUDIT_VIEW = "audit.view"
    EXPORTS_MAKE = "exports.make"
    EVIDENCE_ERASE = "evidence.erase"  # ask for a lawful erasure, or decide on another's
    EVIDENCE_REDACT = "evidence.redact"

    LIVE_VIEW = "live.view"
    LIVE_RELEASE = "live.release"  # the release desk
    LIVE_WATCH = "live.watch"  # invited observers, of the one mission they were invited to
    GUESTS_INVITE = "guests.invite"
    OPINIONS_ANSWER = "opinions.answer"
    SHARES_MAKE = "shares.make"
    SHARE_OPEN = "share.open"  # outsiders, of what was shared with them

    FINDINGS_DECIDE = "findings.decide"
    CONDUCT_RULE = "conduct.rule"  # a court's own numbers and rules
    RETENTION_VIEW = "retention.view"
    RETENTION_MANAGE = "retention.manage"
    HOLD_PLACE = "hold.place"
    WEBHOOKS_MANAGE = "webhooks.manage"
    HEALTH_VIEW = "health.view"

    OVERSIGHT_VIEW = "oversight.view"  # what concerns oneself: agenda, tasks, alerts
    OVERSIGHT_RUN = "oversight.run"  # the dashboard; call meetings, give tasks, judge alerts


class Role(StrEnum):
    """Permission sets given to people."""

    OFFICER = "officer"
    JUDICIAL_POLICE = "judicial_police"
    SUPERVISOR = "supervisor"
    PRESIDENT = "president"
    ADMINISTRATOR = "administrator"
    LIAISON = "liaison"
    OBSERVER = "observer"


class TokenKind(Enum):
    """How the caller proved who speaks."""

    NOBODY = "nobody"  # no credentials: only what is public
    ACCESS = "access"  # a person, key-bound
    DEVICE = "device"  # an enrolled device, nobody signed in
    UPLOAD = "upload"  # bearer for declared digests
    GUEST = "guest"  # an invited observer's browser, bound by its cookie
    SHARE = "share"  # an outsider's browser that opened a share
    SYSTEM = "system"  # the worker and the operator's command line


_P = Permission

_FIELD = frozenset(
    {
        _P.SIGNED_IN,
        _P.DEVICES_VIEW,
        _P.DUTY_VIEW,
        _P.DUTY_HAND_OVER,
        _P.CASES_VIEW,
        _P.CASES_RECORD,
        _P.MISSIONS_VIEW,
        _P.MISSIONS_CONDUCT,
        _P.SYNC_PUSH,
        _P.SYNC_PULL,
        _P.RECEIPTS_FETCH,
        _P.CLOCK_EXCHANGE,
        _P.TICKET_REQUEST,
        _P.UPLOAD,
        _P.UPLOAD_GRANT,
        _P.EVIDENCE_VIEW,
        _P.EVIDENCE_DOWNLOAD,
        _P.EVIDENCE_COMMENT,
        _P.EVIDENCE_REDACT,
        _P.LIVE_VIEW,
        _P.OVERSIGHT_VIEW,
    }
)

_LEAD = _FIELD | {
    _P.USERS_VIEW,
    _P.DUTY_BOOK,
    _P.CASES_EDIT,
    _P.MISSIONS_EDIT,
    _P.EVIDENCE_REVIEW,
    _P.EVIDENCE_REBIND,
    _P.MISSING_VIEW,
    _P.HELD_RELEASE,
    _P.AUDIT_VIEW,
    _P.EXPORTS_MAKE,
    _P.EVIDENCE_ERASE,
    _P.DEVICES_MANAGE,
    _P.LIVE_RELEASE,
    _P.GUESTS_INVITE,
    _P.OPINIONS_ANSWER,
    _P.SHARES_MAKE,
    _P.RETENTION_VIEW,
    _P.RETENTION_MANAGE,
    _P.HOLD_PLACE,
    _P.FINDINGS_DECIDE,
    _P.CONDUCT_RULE,
    _P.HEALTH_VIEW,
    _P.OVERSIGHT_RUN,
}

ROLE_PERMISSIONS: dict[Role, frozenset[Permission]] = {
    Role.OFFICER: _FIELD,
    Role.JUDICIAL_POLICE: _FIELD - {_P.UPLOAD_GRANT},
    Role.SUPERVISOR: _LEAD,
    Role.PRESIDENT: _LEAD,
    Role.ADMINISTRATOR: frozenset(
        {
            _P.SIGNED_IN,
            _P.USERS_VIEW,
            _P.USERS_MANAGE,
            _P.DEVICES_VIEW,
            _P.DEVICES_MANAGE,
            _P.DUTY_VIEW,
            _P.DUTY_BOOK,
            _P.WEBHOOKS_MANAGE,
            _P.HEALTH_VIEW,
        }
    ),
    Role.LIAISON: frozenset({_P.SIGNED_IN}),
    Role.OBSERVER: frozenset({_P.SIGNED_IN}),
}

TOKEN_PERMISSIONS: dict[TokenKind, frozenset[Permission]] = {
    TokenKind.NOBODY: frozenset(),
    TokenKind.DEVICE: frozenset(
        # Its pull is narrowed to code tables, receipts and revocations.
        {_P.SYNC_PUSH, _P.SYNC_PULL, _P.UPLOAD, _P.RECEIPTS_FETCH, _P.CLOCK_EXCHANGE}
    ),
    TokenKind.UPLOAD: frozenset({_P.UPLOAD}),
    TokenKind.GUEST: frozenset({_P.LIVE_WATCH}),
    TokenKind.SHARE: frozenset({_P.SHARE_OPEN}),
}


def permissions_of(roles: frozenset[Role]) -> frozenset[Permission]:
    """Union of what the roles allow."""
    return frozenset().union(*(ROLE_PERMISSIONS[role] for role in roles))
