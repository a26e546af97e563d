"""Verdicts on a dossier: outcomes, checks and the reason codes that they give.

Both verifiers (command line and browser) give the same verdict and the same codes. The verdict is
the worst level among the findings: one contradiction is FAILED whatever else is missing.
"""

from __future__ import annotations

from enum import IntEnum, StrEnum
from typing import Final


class Verdict(StrEnum):
    """What a verification ends in."""

    VERIFIED = "VERIFIED"
    FINDINGS = "VERIFIED-WITH-FINDINGS"
    INCOMPLETE = "INCOMPLETE"
    FAILED = "FAILED"


class Level(IntEnum):
    """Weight of a finding; the highest one decides."""

    NOTE = 0  # said to people, changes nothing
    FINDING = 1  # holds, but a person has to weigh it
    INCOMPLETE = 2  # nothing contradicts, something needed is absent
    FAILED = 3  # something contradicts


VERDICT_OF: Final = {
    Level.NOTE: Verdict.VERIFIED,
    Level.FINDING: Verdict.FINDINGS,
    Level.INCOMPLETE: Verdict.INCOMPLETE,
    Level.FAILED: Verdict.FAILED,
}


class Check(StrEnum):
    """Steps of the verification, in their order."""

    ARCHIVE = "archive"
    LAYOUT = "layout"
    BAG = "bag"
    DIGESTS = "digests"
    CHECKPOINT = "checkpoint"
    QUORUM = "quorum"
    TIME = "time"
    ENTRIES = "entries"
    INCLUSION = "inclusion"
    PROOFS = "proofs"
    COMMITMENTS = "commitments"
    SERVER_KEYS = "server-keys"
    ENROLMENT = "enrolment"
    SIGNATURES = "signatures"
    REVOCATION = "revocation"
    DEVICE_CHAINS = "device-chains"
    RANGES = "ranges"
    TICKETS = "tickets"
    ATTESTATIONS = "attestations"
    CLOCKS = "clocks"
    CASE_CHAIN = "case-chain"
    CASE_BINDING = "case-binding"
    STATEMENT = "statement"
    DISCLOSURE = "disclosure"
    OBJECTS = "objects"
    RECORDINGS = "recordings"
    CUSTODY = "custody"
    PRIOR = "prior"


class Reason(StrEnum):
    """Stable codes of findings; the level is in LEVELS."""

    # archive
    ARCHIVE_UNREADABLE = "archive-unreadable"
    ARCHIVE_TRUNCATED = "archive-truncated"
    ARCHIVE_LIMIT = "archive-limit"
    ARCHIVE_NAME = "archive-name"
    ARCHIVE_DUPLICATE = "archive-duplicate"
    ARCHIVE_LINK = "archive-link"
    ARCHIVE_METHOD = "archive-method"
    ARCHIVE_HIDDEN = "archive-hidden"
    # layout, bag, digests
    FILE_UNKNOWN = "file-unknown"
    FILE_MISSING = "file-missing"
    BAG_DECLARATION = "bag-declaration"
    BAG_INFO = "bag-info"
    MANIFEST_FORM = "manifest-form"
    MANIFEST_UNLISTED = "manifest-unlisted"
    MANIFEST_ABSENT = "manifest-absent"
    DIGEST = "digest"
    OBJECT_NAME = "object-name"
    # checkpoint, quorum, time
    CHECKPOINT_FORM = "checkpoint-form"
    CHECKPOINT_ORIGIN = "checkpoint-origin"
    CHECKPOINT_SIGNATURE = "checkpoint-signature"
    CHECKPOINT_EXTENSION = "checkpoint-extension"
    COSIGNATURE = "cosignature"
    QUORUM = "quorum"
    QUORUM_UNPINNED = "quorum-unpinned"
    TOKEN_FORM = "token-form"  # noqa: S105 - a timestamp token
    TOKEN_UNTRUSTED = "token-untrusted"  # noqa: S105 - a timestamp token
    TOKEN_IMPRINT = "token-imprint"  # noqa: S105 - a timestamp token
    TOKEN_REVOKED = "token-revoked"  # noqa: S105 - a timestamp token
    TOKEN_MISSING = "token-missing"  # noqa: S105 - a timestamp token
    TOKEN_UNPINNED = "token-unpinned"  # noqa: S105 - a timestamp token
    TIME_ORDER = "time-order"
    TIME_BEFORE_TRUST = "time-before-trust"
    # entries
    ENTRY_CANONICAL = "entry-canonical"
    ENTRY_FORM = "entry-form"
    ENTRY_ORDER = "entry-order"
    ENTRY_LIMIT = "entry-limit"
    INCLUSION = "inclusion"
    PROOF_FORM = "proof-form"
    PROOF_MISSING = "proof-missing"
    COMMITMENT = "commitment"
    PAYLOAD_FORM = "payload-form"
    # keys
    EVENT_KEY_UNKNOWN = "event-key-unknown"
    EVENT_KEY_UNPINNED = "event-key-unpinned"
    EVENT_KEY_RETIRED = "event-key-retired"
    EVENT_REPEATED = "event-repeated"
    EVENT_LATE = "event-late"
    ENROLMENT_FORM = "enrolment-form"
    ENROLMENT_TWICE = "enrolment-twice"
    ENROLMENT_UNVOUCHED = "enrolment-unvouched"
    ENROLMENT_UNPINNED = "enrolment-unpinned"
    DEVICE_UNENROLLED = "device-unenrolled"
    KEY_EPOCH = "key-epoch"
    SIGNATURE = "signature"
    KEY_REVOKED = "key-revoked"
    KEY_REVOKED_DECLARED = "key-revoked-declared"
    # device chains, clocks
    CHAIN_FORK = "chain-fork"
    CHAIN_LINK = "chain-link"
    CHAIN_LATE = "chain-late"
    CHAIN_GAP = "chain-gap"
    CHAIN_GAP_DECLARED = "chain-gap-declared"
    TICKET_MISMATCH = "ticket-mismatch"
    TICKET_UNKNOWN = "ticket-unknown"
    TICKET_LATE = "ticket-late"
    ATTESTATION = "attestation"
    ATTESTATION_FORM = "attestation-form"
    ATTESTATION_SIGNATURE = "attestation-signature"
    CLOCK_BACKWARDS = "clock-backwards"
    CLOCK_STEP = "clock-step"
    BEACON_FUTURE = "beacon-future"
    BEACON_ROOT = "beacon-root"
    # case, statement
    CASE_GAP = "case-gap"
    CASE_LINK = "case-link"
    CASE_TAG = "case-tag"
    CASE_FOREIGN = "case-foreign"
    CASE_HEAD = "case-head"
    STATEMENT_MISSING = "statement-missing"
    STATEMENT_FORM = "statement-form"
    STATEMENT_PLACE = "statement-place"
    STATEMENT_MANIFEST = "statement-manifest"
    REDACTION_SILENT = "redaction-silent"
    REDACTION_DECLARED = "redaction-declared"
    REDACTION_FALSE = "redaction-false"
    ERASURE_UNPROVEN = "erasure-unproven"
    ERASURE_DECLARED = "erasure-declared"
    STUB_STRAY = "stub-stray"
    RANGE_UNDECLARED = "range-undeclared"
    RANGE_HEAD = "range-head"
    # objects, recordings, custody
    OBJECT_UNDECLARED = "object-undeclared"
    OBJECT_ABSENT = "object-absent"
    OBJECT_SIZE = "object-size"
    OBJECT_WITHHELD = "object-withheld"
    OBJECT_ERASED = "object-erased"
    OBJECT_MISSING = "object-missing"
    OBJECT_DELETED = "object-deleted"
    RECORDING_ROOT = "recording-root"
    RECORDING_ORDER = "recording-order"
    RECORDING_SHORT = "recording-short"
    RECORDING_INTERRUPTED = "recording-interrupted"
    RECORDING_REBOOT = "recording-reboot"
    CUSTODY_HOLDER = "custody-holder"
    CUSTODY_OFFER = "custody-offer"
    CUSTODY_EARLY = "custody-early"
    CUSTODY_ACTOR = "custody-actor"
    CUSTODY_OPEN = "custody-open"
    CUSTODY_UNCLEAR = "custody-unclear"
    # prior checkpoints
    PRIOR_FORM = "prior-form"
    PRIOR_SIGNATURE = "prior-signature"
    PRIOR_INCONSISTENT = "prior-inconsistent"
    PRIOR_UNPROVEN = "prior-unproven"


_INCOMPLETE: Final = frozenset(
    {
        Reason.ARCHIVE_TRUNCATED,
        Reason.FILE_MISSING,
        Reason.MANIFEST_ABSENT,
        Reason.STATEMENT_MISSING,
        Reason.PROOF_MISSING,
        Reason.OBJECT_ABSENT,
        Reason.PRIOR_UNPROVEN,
    }
)
_FINDINGS: Final = frozenset(
    {
        Reason.QUORUM_UNPINNED,
        Reason.TOKEN_MISSING,
        Reason.TOKEN_UNPINNED,
        Reason.EVENT_KEY_UNPINNED,
        Reason.EVENT_LATE,
        Reason.ENROLMENT_UNPINNED,
        Reason.KEY_REVOKED_DECLARED,
        Reason.CHAIN_GAP_DECLARED,
        Reason.CHAIN_LATE,
        Reason.TICKET_UNKNOWN,
        Reason.TICKET_LATE,
        Reason.ATTESTATION_FORM,
        Reason.ATTESTATION_SIGNATURE,
        Reason.CLOCK_STEP,
        Reason.REDACTION_DECLARED,
        Reason.ERASURE_DECLARED,
        Reason.OBJECT_SIZE,
        Reason.OBJECT_WITHHELD,
        Reason.OBJECT_ERASED,
        Reason.OBJECT_MISSING,
        Reason.OBJECT_DELETED,
        Reason.RECORDING_INTERRUPTED,
        Reason.RECORDING_SHORT,
        Reason.RECORDING_REBOOT,
        Reason.CUSTODY_OPEN,
        Reason.CUSTODY_UNCLEAR,
    }
)


def level_of(reason: Reason) -> Level:
    """Weight of a reason; what is not listed elsewhere is a contradiction."""
    if reason in _INCOMPLETE:
        return Level.INCOMPLETE
    return Level.FINDING if reason in _FINDINGS else Level.FAILED
