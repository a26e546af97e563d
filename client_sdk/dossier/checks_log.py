"""Checks of the log: checkpoint, quorum, time, entries, inclusion, earlier checkpoints."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import accumulate
from typing import Final

from client_sdk.dossier.archive import Problem
from client_sdk.dossier.package import Dossier
from client_sdk.protocol.dossier import (
    CHECKPOINT,
    ENTRIES,
    PRIOR_PATH,
    PROOF_PATH,
    TOKEN_PATH,
    DossierError,
    parse_consistency,
)
from client_sdk.protocol.errors import ProtocolError
from client_sdk.protocol.times import parse_rfc3339
from client_sdk.protocol.timestamps import TimestampError, open_token
from client_sdk.protocol.tlog.checkpoints import Checkpoint, parse_checkpoint
from client_sdk.protocol.tlog.merkle import verify_consistency, verify_inclusion
from client_sdk.protocol.tlog.notes import Note, parse_note, verified_by
from client_sdk.protocol.tlog.proofs import parse_proof
from client_sdk.protocol.verdicts import Reason

# Clocks of server, witnesses and authorities may differ by this much.
SKEW: Final = timedelta(minutes=5)
_TOKEN_REASONS: Final = {
    "token-imprint": Reason.TOKEN_IMPRINT,
    "token-hash": Reason.TOKEN_IMPRINT,
    "token-chain": Reason.TOKEN_UNTRUSTED,
    "token-revoked": Reason.TOKEN_REVOKED,
}


def checkpoint(dossier: Dossier) -> Iterator[Problem]:
    """The checkpoint is one of a log that the policy names, signed by it."""
    if CHECKPOINT not in dossier.archive.members:
        return
    judged = dossier.judged
    if judged is None:
        yield Problem(Reason.CHECKPOINT_FORM, CHECKPOINT, "not the note of a checkpoint")
        return
    found = judged.checkpoint
    if found.extensions:
        yield Problem(Reason.CHECKPOINT_EXTENSION, CHECKPOINT, "extension lines")
    if all(log.vkey.name != found.origin for log in dossier.trust.policy.logs):
        yield Problem(Reason.CHECKPOINT_ORIGIN, CHECKPOINT, f"of another log: {found.origin}")
    elif not judged.log_ok:
        yield Problem(Reason.CHECKPOINT_SIGNATURE, CHECKPOINT, "not signed by the log")


def quorum(dossier: Dossier) -> Iterator[Problem]:
    """Enough witnesses of the policy cosigned, and no known cosignature is false."""
    judged = dossier.judged
    if judged is None:
        return
    witnesses = {witness.name for witness in dossier.trust.policy.witnesses}
    for name in judged.refused:
        if name in witnesses:
            yield Problem(Reason.COSIGNATURE, CHECKPOINT, f"the line of {name} does not hold")
    if dossier.trust.policy.met_by(()):
        yield Problem(Reason.QUORUM_UNPINNED, "", "the policy asks for no witness")
    elif not dossier.trust.policy.met_by(judged.cosigned):
        names = ", ".join(judged.cosigned) or "nobody"
        yield Problem(Reason.QUORUM, CHECKPOINT, f"cosigned by {names}: no quorum")


def time(dossier: Dossier) -> Iterator[Problem]:
    """Tokens hold, and no time contradicts another or the trust file."""
    times = [
        (CHECKPOINT, datetime.fromtimestamp(seconds, UTC))
        for seconds in (dossier.judged.cosigned.values() if dossier.judged else ())
        if seconds < _far_seconds()
    ]
    found: list[Problem] = []
    times += _token_times(dossier, found)
    yield from found
    received = [(entry.where, parse_rfc3339(entry.leaf.rx)) for entry in dossier.entries]
    newest = max((when for _, when in received), default=None)
    for where, when in times:
        if newest is not None and newest - when > SKEW:
            yield Problem(Reason.TIME_ORDER, where, "before entries that it is to cover")
    yield from _late_events(dossier)
    earliest = dossier.trust.not_before
    for where, when in (*times, *received):
        if earliest is not None and when < earliest:
            yield Problem(Reason.TIME_BEFORE_TRUST, where, "before what the trust file allows")


def _late_events(dossier: Dossier) -> Iterator[Problem]:
    """Server events behind an earlier checkpoint that say they are older than it.

    Their times are the server's word; that they were not there yet is the witnesses'.
    """
    seen = sorted(
        (size, datetime.fromtimestamp(min(times), UTC))
        for size, note in dossier.prior_notes.items()
        if (times := [at for at in _cosigned(dossier, note) if at < _far_seconds()])
    )
    sizes = [size for size, _ in seen]
    newest = list(accumulate((when for _, when in seen), max))
    for entry in dossier.entries:
        before = bisect_right(sizes, entry.index)
        if entry.header is not None or not before:
            continue
        if newest[before - 1] - parse_rfc3339(entry.leaf.rx) > SKEW:
            yield Problem(Reason.EVENT_LATE, entry.where, "says it is older than an earlier log")


def _cosigned(dossier: Dossier, note: Note) -> list[int]:
    try:
        return list(dossier.trust.policy.judge(note).cosigned.values())
    except ProtocolError:
        return []


def _far_seconds() -> int:
    return int(datetime(9999, 1, 1, tzinfo=UTC).timestamp())


def _token_times(dossier: Dossier, problems: list[Problem]) -> Iterable[tuple[str, datetime]]:
    tokens = [path for path in dossier.archive.members if TOKEN_PATH.fullmatch(path)]
    if not dossier.trust.tsa_roots:
        problems.append(Problem(Reason.TOKEN_UNPINNED, "", "no authority's root is pinned"))
        return
    if not tokens:
        problems.append(Problem(Reason.TOKEN_MISSING, "", "no timestamp over the checkpoint"))
    text = b"" if dossier.note is None else dossier.note.text.encode()
    for path in tokens:
        try:
            yield path, open_token(dossier.small(path), text, dossier.trust.time_roots).at
        except TimestampError as error:
            reason = _TOKEN_REASONS.get(error.code, Reason.TOKEN_FORM)
            problems.append(Problem(reason, path, str(error)))


def entries(dossier: Dossier) -> Iterator[Problem]:
    """Every line is canonical, complete and in its place."""
    yield from dossier.read.problems


def inclusion(dossier: Dossier) -> Iterator[Problem]:
    """Every entry is in the tree of the checkpoint, at its index."""
    head = dossier.checkpoint
    if head is None:
        return
    for entry in dossier.entries:
        try:
            verify_inclusion(entry.leaf_hash, entry.index, head.size, entry.line.path, head.root)
        except ProtocolError as error:
            yield Problem(Reason.INCLUSION, entry.where, str(error))


def proofs(dossier: Dossier) -> Iterator[Problem]:
    """Proof files say the same as the entries; the export's own is there."""
    for path in dossier.archive.members:
        match = PROOF_PATH.fullmatch(path)
        if match is None or ENTRIES not in dossier.archive.members:
            continue
        entry = dossier.at.get(int(match[1]))
        try:
            proof = parse_proof(dossier.small(path))
        except ProtocolError as error:
            yield Problem(Reason.PROOF_FORM, path, str(error))
            continue
        says = (proof.index, proof.proof, proof.checkpoint_note)
        if entry is None or says != (entry.index, entry.line.path, dossier.note):
            yield Problem(Reason.PROOF_FORM, path, "says something else than the entry")
    exported = dossier.exported
    if exported is not None:
        path = f"proof/{exported.entry.index}.tlog-proof"
        if path not in dossier.archive.members:
            yield Problem(Reason.PROOF_MISSING, path, "the export's own proof file")


def prior(dossier: Dossier) -> Iterator[Problem]:
    """Earlier checkpoints are of the same log, and the tree has only grown since."""
    sizes = {
        int(match[1]) for path in dossier.archive.members if (match := PRIOR_PATH.fullmatch(path))
    }
    for size in sorted(sizes):
        yield from _prior(dossier, size)
    for number, note in enumerate(dossier.priors, start=1):
        yield from _kept(dossier, f"--prior {number}", note)
    yield from _cited(dossier)


def _prior(dossier: Dossier, size: int) -> Iterator[Problem]:
    where = f"proof/prior/{size}.checkpoint"
    head, note = dossier.checkpoint, dossier.prior_notes.get(size)
    earlier = _checkpoint(note)
    if note is None or earlier is None or earlier.size != size:
        yield Problem(Reason.PRIOR_FORM, where, "not a checkpoint of this size")
        return
    if not _signed(dossier, note, earlier):
        yield Problem(Reason.PRIOR_SIGNATURE, where, "not signed by the log")
    path = f"proof/prior/{size}.consistency"
    if path not in dossier.archive.members:
        yield Problem(Reason.PRIOR_FORM, where, "its consistency proof is not there")
        return
    try:
        hashes = parse_consistency(dossier.small(path))
    except DossierError as error:
        yield Problem(Reason.PRIOR_FORM, path, str(error))
        return
    if head is None:
        return
    try:
        verify_consistency(size, earlier.root, head.size, head.root, hashes)
    except ProtocolError as error:
        yield Problem(Reason.PRIOR_INCONSISTENT, where, str(error))


def _kept(dossier: Dossier, where: str, note: Note) -> Iterator[Problem]:
    """A checkpoint that somebody kept: the dossier must prove that it extends it."""
    earlier, head = _checkpoint(note), dossier.checkpoint
    if earlier is None or not _signed(dossier, note, earlier):
        yield Problem(Reason.PRIOR_SIGNATURE, where, "not a checkpoint of this log")
        return
    if head is None:
        return
    known = (
        head if earlier.size == head.size else _checkpoint(dossier.prior_notes.get(earlier.size))
    )
    if known is None:
        detail = f"the dossier proves nothing about size {earlier.size}"
        yield Problem(Reason.PRIOR_UNPROVEN, where, detail)
    elif known.root != earlier.root:
        yield Problem(Reason.PRIOR_INCONSISTENT, where, "another tree of the same size")


def _cited(dossier: Dossier) -> Iterator[Problem]:
    """The checkpoint that the custody report cites is an earlier one of this tree."""
    statement = dossier.statement
    if statement is None or statement.checkpoint is None:
        return
    try:
        note = parse_note(statement.checkpoint)
    except ProtocolError as error:
        yield Problem(Reason.PRIOR_FORM, "statement.checkpoint", str(error))
        return
    yield from _kept(dossier, "statement.checkpoint", note)


def _checkpoint(note: Note | None) -> Checkpoint | None:
    try:
        return None if note is None else parse_checkpoint(note.text)
    except ProtocolError:
        return None


def _signed(dossier: Dossier, note: Note, found: Checkpoint) -> bool:
    return any(
        log.vkey.name == found.origin and verified_by(note, log.vkey)
        for log in dossier.trust.policy.logs
    )
