"""The decision of a witness, pure: what was cosigned last and a request in, yes or no out.

The order of the checks is that of c2sp.org/tlog-witness, so that each fault has one answer.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Self

from client_sdk.protocol.errors import ProtocolError
from client_sdk.protocol.tlog.checkpoints import Checkpoint, parse_checkpoint
from client_sdk.protocol.tlog.merkle import EMPTY_ROOT, verify_consistency
from client_sdk.protocol.tlog.notes import Note, VerifierKey, verified_by
from server.witness.errors import BadRequest, Conflict, Inconsistent, NotSigned, UnknownLog
from server.witness.wire import AddCheckpoint


@dataclass(frozen=True, slots=True)
class WatchedLog:
    """A log that the witness was told to watch, and what it cosigned last of it.

    ``keys`` may be several while a log changes its key; ``note`` is ``None`` before the first.
    """

    origin: str
    keys: tuple[VerifierKey, ...] = ()
    note: Note | None = None
    last: Checkpoint | None = field(init=False)

    def __post_init__(self) -> None:
        last = None if self.note is None else parse_checkpoint(self.note.text)
        object.__setattr__(self, "last", last)

    @property
    def size(self) -> int:
        """Size of the tree cosigned last, 0 before the first."""
        return 0 if self.last is None else self.last.size

    @property
    def root(self) -> bytes:
        """Its root."""
        return EMPTY_ROOT if self.last is None else self.last.root

    def trusting(self, keys: Iterable[VerifierKey]) -> Self:
        """The same log with other keys; what was cosigned stays."""
        return type(self)(self.origin, tuple(keys), self.note)

    def cosigned(self, note: Note) -> Self:
        """The same log after another checkpoint was cosigned."""
        return type(self)(self.origin, self.keys, note)


def admit(request: AddCheckpoint, logs: Mapping[str, WatchedLog]) -> Note:
    """Whether the request speaks for a log that is watched, and which signatures count.

    Returns the note with the signatures of trusted keys alone.  Raises :class:`UnknownLog`,
    :class:`NotSigned` or :class:`BadRequest`.
    """
    log = logs.get(request.checkpoint.origin)
    if log is None:
        raise UnknownLog("this witness does not watch that log")
    signed = [key for key in log.keys if verified_by(request.note, key)]
    if not signed:
        raise NotSigned("no signature of a key that is trusted for this log")
    if request.old_size > request.checkpoint.size:
        raise BadRequest("the old size lies beyond the checkpoint's size")
    known = {(key.name, key.key_id) for key in signed}
    own = (one for one in request.note.signatures if (one.name, one.key_id) in known)
    return Note(request.note.text, tuple(own))


def judge(request: AddCheckpoint, log: WatchedLog) -> None:
    """Whether the checkpoint extends what was cosigned last.

    To be asked while nobody else can change ``log``.  Raises :class:`Conflict` or
    :class:`Inconsistent`; returns when the checkpoint may be cosigned.
    """
    size = request.checkpoint.size
    if request.old_size != log.size:
        raise Conflict(log.size, f"{log.size} leaves were cosigned last, not {request.old_size}")
    if size == log.size:
        _judge_same_size(request, log)
    elif log.size == 0:
        if request.proof:
            raise Inconsistent("nothing is to be proven from an empty tree")
    else:
        try:
            verify_consistency(
                log.size, log.root, size, request.checkpoint.root, list(request.proof)
            )
        except ProtocolError as error:
            raise Inconsistent(str(error)) from None


def _judge_same_size(request: AddCheckpoint, log: WatchedLog) -> None:
    if request.checkpoint.root != log.root:
        if log.last is None:
            raise Inconsistent("this is not the root of an empty tree")
        raise Conflict(log.size, "another root was cosigned at this size")
    if request.proof:
        raise Inconsistent("nothing is to be proven at the same size")
