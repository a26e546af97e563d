"""This device as a free witness: the newest checkpoint it was shown binds every other one.

A log that contradicts a checkpoint is an alarm: kept, shown at every sync, never cleared here, and
from then on nothing is deleted on this device.
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from typing import Any, Final

from client_sdk._api import Api, Call
from client_sdk._store import Store
from client_sdk.errors import ContractError, NotFoundError, TrustError
from client_sdk.models import Problem
from client_sdk.protocol.errors import ProofError, ProtocolError
from client_sdk.protocol.statements import Receipt
from client_sdk.protocol.tlog.checkpoints import Checkpoint, open_checkpoint
from client_sdk.protocol.tlog.leaves import parse_leaf
from client_sdk.protocol.tlog.merkle import leaf_hash, verify_consistency
from client_sdk.protocol.tlog.notes import Note, VerifierKey, parse_note, parse_vkey, verified_by
from client_sdk.protocol.tlog.policies import Policy
from client_sdk.protocol.tlog.proofs import parse_proof

LOG_INCONSISTENT: Final = "log-inconsistent"
WITNESSED: Final = frozenset({"L2", "L3"})
_KEYS: Final = "trust.log"
_POLICY: Final = "trust.policy"
_NEWEST: Final = "witness.newest"
_ALARM: Final = "witness.alarm"


class InconsistentLogError(TrustError):
    """The log contradicts a checkpoint that this device was shown before."""

    code = LOG_INCONSISTENT


@dataclass(frozen=True, slots=True)
class Proven:
    """What a receipt's proof shows, verified on this device."""

    checkpoint: Checkpoint
    level: str

    @property
    def witnessed(self) -> bool:
        """Whether others than the court signed it."""
        return self.level in WITNESSED


class LogTrust:
    """The log's keys as this device pinned them, and what its proofs are worth; offline."""

    def __init__(self, store: Store) -> None:
        self._store = store

    @property
    def policy(self) -> Policy | None:
        """Which logs and witnesses count, where somebody said so."""
        text = self._store.get(_POLICY)
        return None if text is None else Policy.parse(text)

    def use_policy(self, text: str) -> None:
        """Judge checkpoints by a tlog-policy from now on; ProtocolError when it is none."""
        Policy.parse(text)
        self._store.put(_POLICY, text)

    def keys(self) -> tuple[VerifierKey, ...]:
        """Keys of the log; empty while none is pinned."""
        policy = self.policy
        if policy is not None:
            return tuple(log.vkey for log in policy.logs)
        return tuple(parse_vkey(text) for text in self._store.get(_KEYS) or ())

    def pin(self, vkeys: list[str]) -> None:
        """Trust the log's keys, once."""
        if not self._store.get(_KEYS) and vkeys:
            for text in vkeys:
                parse_vkey(text)
            self._store.put(_KEYS, vkeys)

    def opened(self, note: Note) -> Checkpoint:
        """Checkpoint signed by a pinned key; TrustError otherwise."""
        for key in self.keys():
            if verified_by(note, key):
                return open_checkpoint(note, key)
        raise TrustError("a checkpoint that the log's pinned key did not sign")

    def proven(self, receipt: Receipt) -> Proven | None:
        """What the proof of a superseding receipt shows about the record that is kept here.

        None for a receipt without a proof; TrustError for one that does not hold.
        """
        if receipt.checkpoint is None or receipt.proof is None or receipt.level is None:
            return None
        try:
            note = parse_note(receipt.checkpoint)
            checkpoint = self.opened(note)
            proof = parse_proof(receipt.proof)
            if proof.extra is None or proof.index != receipt.log_index:
                raise TrustError("a proof of another entry, or without the entry")
            leaf = parse_leaf(proof.extra)
            record = self._record(receipt)
            if (leaf.h, leaf.s) != (record["h"], record["sig"]):
                raise TrustError("a proof of another record")
            proof.verify(leaf_hash(proof.extra), checkpoint)
            return Proven(checkpoint, self._level(note, receipt.level))
        except ProtocolError as error:
            raise TrustError(f"receipt's proof: {error}") from error

    def _level(self, note: Note, claimed: str) -> str:
        """What the receipt claims, where the device's own policy finds its witnesses' signatures.

        Without a policy, or with one that asks for no witness, it is the court's word alone (L1).
        """
        policy = self.policy
        if claimed not in WITNESSED:
            return claimed
        if policy is None or policy.met_by(()) or not policy.judge(note).accepted:
            return "L1"
        return claimed

    def _record(self, receipt: Receipt) -> dict[str, str]:
        row = self._store.one(
            "SELECT wire FROM records WHERE ep=? AND seq=?", receipt.ep, receipt.seq
        )
        if row is None:
            raise TrustError("a receipt for no record of this device")
        wire: dict[str, str] = self._store.unseal(row[0], f"record:{receipt.ep}:{receipt.seq}")
        return wire

    # -- the alarm

    def alarm(self) -> Problem | None:
        """What was found, as it is shown at every sync."""
        kept = self._store.get(_ALARM)
        return None if kept is None else Problem(LOG_INCONSISTENT, str(kept["detail"]))

    def raise_alarm(self, detail: str, kept: str, shown: str) -> None:
        """Keep both notes: they prove that the log was forked or rewritten."""
        if self._store.get(_ALARM) is None:
            self._store.put(_ALARM, {"detail": detail, "kept": kept, "shown": shown})

    def evidence(self) -> dict[str, str] | None:
        """The two notes of the alarm."""
        found: dict[str, str] | None = self._store.get(_ALARM)
        return found


class FreeWitness:
    """Compares every checkpoint that receipts bring with the newest one kept."""

    def __init__(self, api: Api, store: Store) -> None:
        self.trust = LogTrust(store)
        self._api = api
        self._store = store
        self._seen: set[tuple[int, bytes]] = set()

    def judge(self, receipt: Receipt) -> None:
        """Verify a receipt's proof and what its checkpoint says of the log.

        TrustError when the proof does not hold, InconsistentLogError when the log was rewritten.
        """
        if receipt.checkpoint is None or not self.known():
            return
        proven = self.trust.proven(receipt)
        if proven is not None:
            self.see(receipt.checkpoint, proven.checkpoint)

    def see(self, note: str, checkpoint: Checkpoint) -> None:
        """Compare with the newest checkpoint, and keep the larger one."""
        if (checkpoint.size, checkpoint.root) in self._seen:
            return
        kept = self._store.get(_NEWEST)
        if kept is not None:
            old = self.trust.opened(parse_note(kept["note"]))
            self._compare(old, checkpoint, kept["note"], note)
        self._seen.add((checkpoint.size, checkpoint.root))
        if kept is None or checkpoint.size > kept["size"]:
            self._store.put(_NEWEST, {"size": checkpoint.size, "note": note})

    def _compare(self, kept: Checkpoint, shown: Checkpoint, *notes: str) -> None:
        old, new = sorted((kept, shown), key=lambda one: one.size)
        try:
            proof = [] if old.size in (0, new.size) else self._proof(old.size, new.size)
            verify_consistency(old.size, old.root, new.size, new.root, proof)
        except (ProofError, NotFoundError) as error:
            detail = f"the log of {new.size} entries does not extend the one of {old.size}: {error}"
            self.trust.raise_alarm(detail, *notes)
            raise InconsistentLogError(detail) from error

    def _proof(self, old: int, new: int) -> list[bytes]:
        call = Call("GET", "/log/consistency", query={"old": str(old), "new": str(new)})
        answer = self._api.once(call).json()
        hashes = answer.get("proof") if isinstance(answer, dict) else None
        if not isinstance(hashes, list):
            raise ContractError("not a consistency proof")
        try:
            return [base64.b64decode(str(one), validate=True) for one in hashes]
        except binascii.Error as error:
            raise ProofError("a hash that is not base64", code="proof-hash") from error

    def known(self) -> bool:
        """Whether the log's keys are pinned; looks them up the first time, at enrolment."""
        if not self.trust.keys():
            try:
                answer: Any = self._api.once(Call("GET", "/log/state")).json()
            except NotFoundError:
                return False
            vkeys = answer.get("vkeys") if isinstance(answer, dict) else None
            if not isinstance(vkeys, list) or not all(isinstance(one, str) for one in vkeys):
                raise ContractError("the log does not say who it is")
            self.trust.pin(vkeys)
        return bool(self.trust.keys())
