"""Which column is protected by what, and why the others need not be.

An edit of a covered column by hand makes ``scrub`` report it; a test edits every one of them.  A
column that is in neither table fails that test: decide, and say why in one sentence.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

import sqlalchemy as sa

from server.audit.seals import SEALED
from server.core.db import Base

_SEALED: Final = "the log keeps a digest of each row (server/audit/seals.py)"

# Table → how its columns are checked, apart from those below.
COVERED: Final[Mapping[str, str]] = MappingProxyType(
    {
        **dict.fromkeys(SEALED, _SEALED),
        "events": "signed header and payload, leaf in the Merkle tree, seal in device_records",
        "outbox": "keyed mark over the whole row",
        "changes": "the payload of the entry names everyone it tells",
        "log_state": "counted again from the entries",
        "case_chains": "rebuilt from the case's entries; key and number are those of the case",
        "log_tiles": "built anew from the leaves",
        "tile_mirrors": "digest and length of the tile it mirrors",
        "checkpoints": "signed note over the root of the entries",
        "cosignatures": "signed line of the witness over the checkpoint",
        "timestamps": "signed token of the authority over the checkpoint",
        "receipts": "signed statement; the entry that issued it names place and id",
        "device_chains": "rebuilt from the device's records",
        "device_keys": "named by the enrolment's entry or by a key.next record",
        "head_attestations": "rebuilt from the attesting device's record",
        "blobs": "the bytes in the store, re-read and hashed",
    }
)

# "table.column", or "table.*" for a whole table → the reason in one sentence.
NOT_COVERED: Final[Mapping[str, str]] = MappingProxyType(
    {
        "users.totp_last_step": "the last one-time code used; only guards against its replay",
        "devices.last_seen_at": "when the device last called; shown, never relied upon",
        "evidence.code": "the id's random end, kept to find an item by; shown codes come from ids",
        "review_seen.*": "what a person has looked at, for their own queue; views are entries",
        "outbox.id": "the order of what waits; the log index is what counts",
        "log_state.id": "there is one row",
        "log_state.generation": "names the feed; another value only makes devices pull anew",
        "checkpoints.signed_at": "the signer's own clock, shown; witnesses and tokens date a head",
        "checkpoints.witnessed_at": "when the quorum was noticed; the cosignatures count",
        "checkpoints.timestamped_at": "when a token was noticed; the tokens themselves count",
        "timestamps.authority": "a label; who verifies judges the certificate in the token",
        "receipts.waits_for": "a list of work: which receipt still waits for its proof",
        "device_chains.last_boot": "what the next record's clocks are compared with; each record "
        "keeps its own clocks under its signature",
        "device_chains.last_mono_ms": "as last_boot",
        "device_chains.last_wall_ms": "as last_boot",
        "device_keys.made_at": "when the row was written; the record's place is what counts",
        "device_keys.revoked_at": "follows the entry of the revocation, which decides",
        "head_attestations.attested_at": "computed from the attesting record and the clock ledger",
        "blobs.stored_at": "how long a second copy has been waiting; the entries date the bytes",
        "blobs.verified_at": "when the bytes were last re-read; a scrub reads them itself",
        "erased_digests.*": "work to do after an erasure; the entry names the digests",
        "live_missions.*": "counters of a stream; what is shown, and under which position, is in "
        "live_entries",
        "exports.*": "progress and address; the request is an entry, the package has proofs",
        "attestors.*": "how witnesses and authorities answered lately; only shown",
        "signer_state.*": "what the signer last said of itself; it goes by its own folder",
        "outbox_refused.*": "rows that nobody vouches for, kept for people to look at",
        "idempotent_replies.*": "answers for repeats of a request, forgotten after a week",
        "jobs.*": "work to do; doing it again does no harm, what it did is an entry of the log",
        "worker_cursors.*": "how far the log has been read; reading it again does no harm",
        "case_states.*": "computed anew from the register, which is sealed",
        "conduct_checks.*": "computed anew from entries and evidence, which are sealed",
        "conduct_due.*": "work to do: which actions are to be judged again",
        "periodic_runs.*": "when to do routine work next",
        "picture_marks.*": "where to look for pictures alike; the examination keeps the hash",
        "reuse_alarms.*": "pairs worth a look; both items and their examinations are sealed",
        "saved_views.*": "bookmarks of lists; nothing is decided by them",
        "proofs_seen.*": "proofs used in the last minutes; their server nonces expire",
        "sign_in_guards.*": "failed sign-ins of the last minutes; each is an entry of the log",
        "sign_ins.*": "a keyed bond ties each to its person; what was done in one is in the log",
        "notices.*": "hints for people; what happened is an entry of the log",
        "notice_preferences.*": "what a person wants to be told; the log tells all of it anyway",
        "webhooks.failing_since": "how a receiver answered lately; only shown",
        "webhooks.tried_at": "whose turn it is next; trying again does no harm",
        "webhook_deliveries.*": "messages under way to other systems; what they tell is in the log",
        "webhook_attempts.*": "how receivers answered; only shown",
        "share_readings.*": "which readings were told to the log lately; telling again is no harm",
        "conduct_tallies.*": "counts of checks, made anew every few minutes, shown with their time",
        "uploads.*": "a transfer under way; what came of it is an entry, a blob and evidence",
    }
)


def reason_of(table: str, column: str) -> str | None:
    """Why the column need not be covered; ``None`` when it is."""
    return NOT_COVERED.get(f"{table}.{column}") or NOT_COVERED.get(f"{table}.*")


def is_known(table: sa.Table, column: sa.Column[object]) -> bool:
    """Whether someone has decided about this column."""
    return table.name in COVERED or reason_of(table.name, column.name) is not None


def covered_columns() -> list[tuple[sa.Table, sa.Column[object]]]:
    """Every column whose edit must be noticed, by table."""
    return [
        (table, column)
        for table in sorted(Base.metadata.tables.values(), key=lambda table: table.name)
        if table.name in COVERED
        for column in table.columns
        if reason_of(table.name, column.name) is None
    ]


__all__ = ["COVERED", "NOT_COVERED", "covered_columns", "is_known", "reason_of"]
