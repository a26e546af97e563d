"""The signer: signs tree heads of what is committed, and only what extends what it signed before.

A process of its own, with its own folder (:mod:`server.audit.signing_state`), best under its own
account or on another host.  It believes the database nothing: new entries must hash to the new
leaves, and the new tree must extend the tree of its last signature.  Otherwise it signs nothing
more and says why, until a person has dealt with it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

import sqlalchemy as sa
import structlog
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from client_sdk.protocol.errors import ProofError, ProtocolError
from client_sdk.protocol.tlog.checkpoints import Checkpoint
from client_sdk.protocol.tlog.merkle import (
    EMPTY_ROOT,
    consistency_proof,
    leaf_hash,
    tree_root,
    verify_consistency,
)
from client_sdk.protocol.tlog.notes import parse_note, sign_note, verified_by
from server.audit import log
from server.audit.models import CheckpointRow, SignerState
from server.audit.signing_state import SignerFolder
from server.core.clock import Clock
from server.core.db import table_of
from server.core.transactions import EVERY_COURT, unit_of_work

LOOK_SECONDS: Final = 0.25
PACE_SECONDS: Final = 1.0  # between two signatures; L1 is due within two seconds
BEAT_SECONDS: Final = 10.0
REFUSED_LOOK_SECONDS: Final = 5.0
SLICE: Final = 20_000  # entries that one signature adds at most
_STATE_ROW: Final = 1

_log = structlog.get_logger("signer")


class RefusalError(Exception):
    """Nothing may be signed: ``reason`` is stable, the message is for people."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


@dataclass(slots=True)
class Signer:
    """Signs for one log; ``folder`` is open.

    :param begins_anew: a person has decided that this folder, which never signed anything, begins
        a new log upon entries that another key signed before.
    """

    folder: SignerFolder
    clock: Clock
    slice_size: int = SLICE
    begins_anew: bool = False
    _checked: bool = False  # that the database agrees with our own last signature
    refusal: RefusalError | None = None
    _beat_at: float | None = field(default=None)

    def turn(self) -> float:
        """Sign what is due; returns the seconds to wait before the next turn."""
        try:
            with unit_of_work(EVERY_COURT, write=False) as session:
                head, more = self._next(session)
        except RefusalError as error:
            self._refuse(error)
            return REFUSED_LOOK_SECONDS
        if head is None:
            self._beat()
            return LOOK_SECONDS
        self._sign(head)
        return 0.0 if more else PACE_SECONDS

    def drain(self) -> int:
        """Sign until nothing is due; returns the size that is signed now."""
        while self.turn() in {0.0, PACE_SECONDS}:
            pass
        return self.folder.signed.size

    # ------------------------------------------------------------------ what is due

    def _next(self, session: Session) -> tuple[Checkpoint | None, bool]:
        """The head to sign, if any, and whether more is due after it."""
        ours, size = self.folder.signed, log.size_of(session)
        if size < ours.size:
            raise RefusalError(
                "older-database",
                f"the database holds {size} entries, but {ours.size} were signed: an older backup "
                "was restored, or entries were deleted; bring back the newer database",
            )
        if not self._checked:
            self._check_ours(session)
            if ours.size and session.get(CheckpointRow, ours.size) is None:
                # Killed between remembering and publishing: the same head is signed again.
                return Checkpoint(self.folder.origin, ours.size, ours.root), True
        if size == ours.size:
            self._checked = True
            return None, False
        upto = min(size, ours.size + self.slice_size)
        while upto > ours.size and self._is_foreign(session.get(CheckpointRow, upto)):
            upto -= 1  # a head of the log before this one stays as it is
        if upto == ours.size:
            return None, False
        head = self._extended(session, upto)
        self._checked = True
        return head, upto < size

    def _check_ours(self, session: Session) -> None:
        ours = self.folder.signed
        if ours.size == 0 and not self.begins_anew:
            foreign = session.execute(sa.select(CheckpointRow.note).limit(1)).scalar()
            if foreign is not None and not self._is_mine(foreign):
                raise RefusalError(
                    "other-key",
                    "this log was signed with another key, and this folder never signed anything: "
                    "restore the signer's folder, or begin a new log ('signer --new-log')",
                )
        elif ours.size and self._root(session, ours.size) != ours.root:
            raise _differs(ours.size)

    def _extended(self, session: Session, size: int) -> Checkpoint:
        """The head of ``size`` entries, once everything about it has been verified."""
        ours = self.folder.signed
        hashes = log.reader(session, size)
        try:
            root = tree_root(size, hashes)
            proof = consistency_proof(ours.size, size, hashes)
            verify_consistency(ours.size, ours.root, size, root, proof)
            tiled = hashes.hashes([(0, index) for index in range(ours.size, size)])
        except ProofError as error:
            if error.code == "hash-missing":
                raise RefusalError("damaged", f"the tree cannot be read: {error}") from error
            raise _differs(ours.size) from error
        self._check_leaves(session, ours.size, tiled)
        return Checkpoint(self.folder.origin, size, root)

    def _check_leaves(self, session: Session, first: int, tiled: list[bytes]) -> None:
        """The tree's new leaves are the hashes of the new entries."""
        rows = log.leaves(session, first, first + len(tiled))
        found = {}
        for row in rows:
            try:
                found[row.log_index] = leaf_hash(log.leaf_of(row).encode())
            except ProtocolError:
                found[row.log_index] = b""
        for index, leaf in enumerate(tiled, first):
            if found.get(index) != leaf:
                raise RefusalError(
                    "leaf-differs", f"entry {index} is not the one that the tree was built with"
                )

    def _root(self, session: Session, size: int) -> bytes:
        try:
            return tree_root(size, log.reader(session, size)) if size else EMPTY_ROOT
        except ProofError as error:
            raise RefusalError("damaged", f"the tree cannot be read: {error}") from error

    def _is_foreign(self, row: CheckpointRow | None) -> bool:
        return row is not None and not self._is_mine(row.note)

    def _is_mine(self, note: str) -> bool:
        try:
            parsed = parse_note(note)
        except ProtocolError:
            return False
        return any(verified_by(parsed, signer.verifier_key) for signer in self.folder.signers)

    # ------------------------------------------------------------------ signing and telling

    def _sign(self, head: Checkpoint) -> None:
        note = sign_note(head.body(), self.folder.signers).to_text()
        # First our own memory: a signature that got out must never be forgotten.
        self.folder.save(head)
        self._checked = False  # until it is published: what fails now is made good next time
        row = {
            "size": head.size, "root": head.root, "note": note, "signed_at": self.clock.now(),
        }  # fmt: skip
        with unit_of_work(EVERY_COURT) as session:
            _upsert(session, table_of(CheckpointRow), "size", row)
            self._tell(session, None)
        self._checked = True
        _log.debug("signed", size=head.size)

    def _refuse(self, error: RefusalError) -> None:
        if self.refusal is None or self.refusal.reason != error.reason:
            _log.critical("nothing is signed", reason=error.reason, detail=str(error))
        self.refusal, self._checked = error, False
        with unit_of_work(EVERY_COURT) as session:
            self._tell(session, error)

    def _beat(self) -> None:
        """Say now and then that it lives."""
        now = self.clock.now().timestamp()
        if (
            self._beat_at is None
            or self.refusal is not None
            or abs(now - self._beat_at) >= BEAT_SECONDS
        ):
            with unit_of_work(EVERY_COURT) as session:
                self._tell(session, None)

    def _tell(self, session: Session, refusal: RefusalError | None) -> None:
        now = self.clock.now()
        row: dict[str, Any] = {
            "id": _STATE_ROW, "origin": self.folder.origin, "vkey": "\n".join(self.folder.vkeys),
            "size": self.folder.signed.size, "refusal": refusal.reason if refusal else None,
            "detail": str(refusal) if refusal else None, "seen_at": now,
        }  # fmt: skip
        _upsert(session, table_of(SignerState), "id", row)
        self._beat_at = now.timestamp()
        if refusal is None:
            self.refusal = None


def _differs(size: int) -> RefusalError:
    return RefusalError(
        "history-differs",
        f"the first {size} entries are not those that were signed: the log was rewritten, or an "
        "older backup was restored and went on; bring back the database that was signed",
    )


def _upsert(session: Session, table: sa.Table, key: str, row: dict[str, Any]) -> None:
    dialect = session.get_bind().dialect.name
    insert = (postgresql.insert if dialect == "postgresql" else sqlite.insert)(table)
    rest = {name: insert.excluded[name] for name in row if name != key}
    session.execute(insert.on_conflict_do_update(index_elements=[key], set_=rest), [row])
