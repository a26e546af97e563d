"""Cosignatures: the newest checkpoint goes to the witnesses of the policy until its quorum is met.

Which witnesses there are and how many must agree is in a tlog-policy file, whose ``witness`` lines
carry the address to submit to.  No transaction is open while a witness thinks.

A witness that is away is asked ever less often; the others are asked all the same.  One that knows
more than the log has, or another beginning of it, means that the log lost or changed entries it
had shown: then nobody else is asked to cosign, since that would hide it, and it is said loudly.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

import sqlalchemy as sa
import structlog
from sqlalchemy.orm import Session

from client_sdk.protocol.errors import CosignatureError, PolicyError, ProtocolError
from client_sdk.protocol.tlog.cosignatures import verify_cosignature
from client_sdk.protocol.tlog.notes import Note, NoteSignature, parse_note, parse_signature_line
from client_sdk.protocol.tlog.policies import NO_QUORUM, Policy, PolicyWitness
from server.audit import attestors, log
from server.audit.attestors import WITNESS, Answer, Overview, Stand, Standing
from server.audit.log import StoredCheckpoint
from server.audit.models import CosignatureRow
from server.audit.outcalls import NoAnswerError, Outcalls, Post, Reply
from server.core.clock import from_unix_ms, unix_ms
from server.core.context import Runtime
from server.core.transactions import EVERY_COURT, unit_of_work
from server.witness.wire import PATH, format_request, parse_size
from storage.errors import LockTimeout

REFRESH: Final = timedelta(hours=1)  # an idle log's witnesses are asked again, to know they live
CLOCK_TOLERANCE_SECONDS: Final = 300
# A time that is so far off would make the whole note look forged.
CLOCK_WRONG_SECONDS: Final = 86_400
_TRIES_MAX: Final = 3
_OK, _FORBIDDEN, _NOT_FOUND, _CONFLICT, _UNPROCESSABLE = 200, 403, 404, 409, 422
_LOCK: Final = "cosigning"

_log = structlog.get_logger("cosigning")


def load_policy(path: str) -> Policy:
    """The policy of a file; raises :class:`PolicyError` also when it cannot be read."""
    try:
        policy = Policy.parse(Path(path).read_bytes())
    except OSError as error:
        raise PolicyError(f"{path}: {error.strerror}") from None
    names = [witness.vkey.name for witness in policy.witnesses]
    if len(set(names)) != len(names):
        raise PolicyError("two witnesses have keys of the same name: a new key needs a new name")
    return policy


@dataclass(frozen=True, slots=True)
class Question:
    """A checkpoint to be cosigned, and how the witness stands that is asked."""

    target: StoredCheckpoint
    witness: PolicyWitness
    stand: Stand

    @property
    def name(self) -> str:
        """The witness' key name, by which its answers are kept."""
        return self.witness.vkey.name

    @property
    def address(self) -> str:
        """Where it takes checkpoints."""
        return f"{(self.witness.url or '').rstrip('/')}{PATH}"

    @property
    def note(self) -> Note:
        """The checkpoint with the signatures that it has."""
        return parse_note(self.target.note)

    @property
    def doubts(self) -> bool:
        """Whether the witness last said that the log's own history is not what it was."""
        return self.stand.standing is not None and self.stand.standing.halts

    def is_due(self, now: datetime) -> bool:
        """Whether to ask now: no cosignature at this size yet, and its back-off is over."""
        has_signed = any(self.witness.vkey.made(line) for line in self.note.signatures)
        if has_signed and self.stand.standing is Standing.GOOD:
            return self.stand.asked_at is None or now - self.stand.asked_at >= REFRESH
        return self.stand.is_due(now)


@dataclass(slots=True)
class Cosigner:
    """Collects cosignatures; one for each worker process, used by one of its threads."""

    runtime: Runtime
    post: Post = field(default_factory=lambda: Outcalls().post)
    _policy: Policy | None = None
    _policy_stamp: tuple[int, int] | None = None
    _known: dict[str, int] = field(default_factory=dict)

    @property
    def is_needed(self) -> bool:
        """Whether the settings name a policy at all."""
        return bool(self.runtime.settings.witness_policy)

    def turn(self) -> float:
        """Ask whoever is due; returns seconds until the next turn makes sense."""
        pause = float(self.runtime.settings.cosign_seconds)
        policy = self._current_policy()
        if policy is None:
            return pause
        try:
            with self.runtime.stores.locker.acquire(_LOCK, 0):
                self._ask_all(policy)
        except LockTimeout:
            pass  # another worker asks
        return pause

    def _ask_all(self, policy: Policy) -> None:
        with unit_of_work(EVERY_COURT, write=False) as session:
            target = log.newest_checkpoint(session)
            stands = attestors.overview(session)
        if target is None:
            return
        self._judge(policy, target.size)  # those that came before the policy changed, or a crash
        now = self.runtime.clock.now()
        for question in self._questions(policy, target, stands):
            if question.name not in self._known and question.stand.is_due(now):
                self._answered(policy, question, *self._probe(question))
        with unit_of_work(EVERY_COURT, write=False) as session:
            target = log.checkpoint_at(session, target.size) or target
            stands = attestors.overview(session)
        for question in due(self._questions(policy, target, stands), now):
            answer, line = self._ask(question)
            self._answered(policy, question, answer, line)
            if answer.standing.halts:
                break

    def _questions(
        self, policy: Policy, target: StoredCheckpoint, stands: Overview
    ) -> list[Question]:
        """One for each witness that can be asked, whoever knows most first.

        After a restored backup that is who notices, before the others could be misled.
        """
        found = [
            Question(target, witness, stands.of(WITNESS, witness.vkey.name))
            for witness in policy.witnesses
            if witness.url
        ]
        return sorted(found, key=lambda one: -self._known.get(one.name, one.stand.size))

    def _answered(
        self, policy: Policy, question: Question, answer: Answer, line: NoteSignature | None
    ) -> None:
        if answer.standing is Standing.GOOD:
            self._known[question.name] = max(answer.size, self._known.get(question.name, 0))
        if answer.asked_to_sign:
            self._keep(policy, question, answer, line)

    def _probe(self, question: Question) -> tuple[Answer, NoteSignature | None]:
        """Learn what a witness knows before anybody is asked to sign anything.

        An old size of zero is how tlog-witness lets a client ask; only who never cosigned signs.
        """
        try:
            reply = self._send(question, 0, [])
        except NoAnswerError as error:
            return Answer(Standing.DOWN, str(error)), None
        if reply.status == _OK and question.stand.size:
            return _rolled_back(question, 0), None
        if reply.status == _OK:
            return self._accepted(question, reply)
        known = parse_size(reply.body) if reply.status == _CONFLICT else None
        if known is None:
            return _refusal(reply, question, 0), None
        alarm = self._misfit(question, known)
        return alarm or Answer(Standing.GOOD, size=known, asked_to_sign=False), None

    def _ask(self, question: Question) -> tuple[Answer, NoteSignature | None]:
        """Have one witness cosign, from the size that it says it knows."""
        old = min(self._known.get(question.name, question.stand.size), question.target.size)
        for _ in range(_TRIES_MAX):
            try:
                reply = self._send(question, old, self._proof(old, question.target.size))
            except NoAnswerError as error:
                return Answer(Standing.DOWN, str(error)), None
            if reply.status == _OK:
                return self._accepted(question, reply)
            known = parse_size(reply.body) if reply.status == _CONFLICT else None
            if known is None or known == old:
                return _refusal(reply, question, old), None
            if (alarm := self._misfit(question, known)) is not None:
                return alarm, None
            old = known
        return Answer(Standing.WRONG, "it names another size each time"), None

    def _send(self, question: Question, old: int, proof: Sequence[bytes]) -> Reply:
        body = format_request(old, proof, question.target.note)
        return self.post(question.address, body, "text/plain; charset=utf-8")

    def _proof(self, old: int, new: int) -> list[bytes]:
        with unit_of_work(EVERY_COURT, write=False) as session:
            return log.consistency(session, old, new)

    def _misfit(self, question: Question, known: int) -> Answer | None:
        """What is wrong when a witness knows ``known`` leaves; ``None`` when it can be."""
        if known < question.stand.size:
            return _rolled_back(question, known)
        if known <= question.target.size:
            return None
        with unit_of_work(EVERY_COURT, write=False) as session:
            size = log.size_of(session)
        if known <= size:  # another worker has been there with a newer checkpoint
            return Answer(Standing.GOOD, size=question.stand.size, asked_to_sign=False)
        return Answer(
            Standing.AHEAD,
            f"it has cosigned {known} entries, the log has {size}: the log was restored from a "
            "backup; bring the missing entries back before anything is signed",
        )

    def _accepted(self, question: Question, reply: Reply) -> tuple[Answer, NoteSignature | None]:
        try:
            line = _own_line(reply.body, question.witness)
            seconds = verify_cosignature(Note(question.note.text, (line,)), question.witness.vkey)
        except (ProtocolError, UnicodeDecodeError) as error:
            return Answer(Standing.WRONG, f"its cosignature does not verify: {error}"), None
        apart_seconds = abs(unix_ms(self.runtime.clock.now()) // 1000 - seconds)
        detail = f"its clock differs from ours by {apart_seconds} s"
        if apart_seconds > CLOCK_WRONG_SECONDS:
            return Answer(Standing.WRONG, detail), None
        if apart_seconds <= CLOCK_TOLERANCE_SECONDS:
            detail = ""
        return Answer(Standing.GOOD, detail, question.target.size), line

    def _keep(
        self, policy: Policy, question: Question, answer: Answer, line: NoteSignature | None
    ) -> None:
        now, name = self.runtime.clock.now(), question.witness.vkey.name
        with unit_of_work(EVERY_COURT) as session:
            if line is not None and not _is_kept(session, question.target.size, name):
                log.add_cosignature(
                    session, question.target.size, name, line.to_line(), _time_of(line)
                )
            attestors.write_down(session, WITNESS, name, answer, now)
        if line is not None:
            self._judge(policy, question.target.size)
        if answer.standing is not question.stand.standing:
            _tell(name, answer)

    def _judge(self, policy: Policy, size: int) -> None:
        """Mark the checkpoint as witnessed once the policy says so."""
        if policy.quorum == NO_QUORUM:
            return
        with unit_of_work(EVERY_COURT, write=False) as session:
            stored = log.checkpoint_at(session, size)
        if stored is None or stored.witnessed_at is not None:
            return
        if policy.judge(parse_note(stored.note)).accepted:
            with unit_of_work(EVERY_COURT) as session:
                log.mark_witnessed(session, size, self.runtime.clock.now())

    def _current_policy(self) -> Policy | None:
        """The policy, read again when the file has changed; the last good one when it is bad."""
        path = self.runtime.settings.witness_policy
        try:
            found = Path(path).stat()
            stamp = (found.st_mtime_ns, found.st_size)
        except OSError:
            stamp = (0, 0)
        if stamp != self._policy_stamp:
            self._policy_stamp = stamp
            try:
                self._policy = load_policy(path)
            except PolicyError as error:
                _log.error("the policy of witnesses cannot be used", error=str(error))
        return self._policy


def due(questions: Sequence[Question], now: datetime) -> list[Question]:
    """Whom to ask now; while a witness doubts the log's own history, none but those who do."""
    doubting = [question for question in questions if question.doubts]
    return [question for question in doubting or questions if question.is_due(now)]


def _rolled_back(question: Question, known: int) -> Answer:
    return Answer(
        Standing.ROLLED_BACK,
        f"it had cosigned {question.stand.size} entries and now knows {known}: "
        "its state was lost or restored; it must be replaced, with a new key",
    )


def _refusal(reply: Reply, question: Question, old: int) -> Answer:
    """What a refusal means that names no other size."""
    if reply.status == _CONFLICT and old == question.target.size:
        return Answer(Standing.FORKED, f"it cosigned another tree of {old} entries than ours")
    if reply.status == _UNPROCESSABLE and old:
        return Answer(
            Standing.FORKED, f"the {old} entries it cosigned are not the beginning of this log"
        )
    if reply.status in {_FORBIDDEN, _NOT_FOUND}:
        return Answer(Standing.STRANGER, f"it does not know this log or its key ({reply.status})")
    said = reply.body[:100].decode(errors="replace").strip()
    return Answer(Standing.DOWN, f"it answered {reply.status}: {said}")


def _own_line(body: bytes, witness: PolicyWitness) -> NoteSignature:
    """The line of the witness' key; lines of other keys are ignored."""
    for text in body.decode().splitlines(keepends=True):
        line = parse_signature_line(text)
        if witness.vkey.made(line):
            return line
    raise CosignatureError("no line of the key that the policy names")


def _time_of(line: NoteSignature) -> datetime:
    """When the witness says it signed (c2sp.org/tlog-cosignature): the line's first eight bytes."""
    return from_unix_ms(int.from_bytes(line.signature[:8]) * 1000)


def _is_kept(session: Session, size: int, name: str) -> bool:
    """The first one stands: it proves the earlier time."""
    wanted = sa.select(CosignatureRow.size).where(
        CosignatureRow.size == size, CosignatureRow.name == name
    )
    return session.execute(wanted).first() is not None


def _tell(name: str, answer: Answer) -> None:
    say = _log.critical if answer.standing.is_alarm else _log.warning
    if answer.standing is Standing.GOOD:
        say = _log.info
    say("witness", name=name, standing=answer.standing.value, detail=answer.detail)
