"""One sync: records first, then small photos, audio, large files; then receipts.

Nothing is dropped after any number of failures. Transient trouble is waited out with
full jitter and Retry-After; a refusal (4xx apart from 401, 408, 409, 429) parks the one
item that it is about and lets the others go on.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final, TypeVar

from client_sdk._api import Api, Authoriser, Backoff, Call
from client_sdk._auth import Tokens
from client_sdk._clock import DeviceClock, read_instant, wall_ms
from client_sdk._feed import Feed
from client_sdk._files import FileStore
from client_sdk._ledger import Ledger, ObjectRow, ObjectState, RecordState
from client_sdk._outbox import NOT_RECORDED, Identity, Outbox
from client_sdk._transport import Response
from client_sdk._trust import Trust
from client_sdk._uploads import Uploader
from client_sdk._wiping import SERVER_TIME
from client_sdk._witness import LogTrust
from client_sdk.errors import (
    ApiError,
    AuthenticationError,
    CaptureError,
    ContractError,
    FieldError,
    NotSignedInError,
    StoreError,
    TransportError,
    TrustError,
)
from client_sdk.models import OnProgress, Pending, Problem, Progress, SyncReport
from client_sdk.protocol.clock import ClockOffset
from client_sdk.protocol.errors import ProtocolError
from client_sdk.protocol.parts import ClockObservation
from client_sdk.protocol.payloads import Payload, RecordKind
from client_sdk.protocol.records import MAX_PUSH_RECORDS
from client_sdk.protocol.statements import ClockReading, StatementKind

_PUSH_BYTES_MAX: Final = 1 << 20
_CLOCK_EVERY_MS: Final = 60_000
_CLOCK_STEP_MS: Final = 2_000
_CLOCK_LAST: Final = "clock.last"
_RECEIPT_POLL_SECONDS: Final = 0.5
_STOPPING: Final = frozenset({"device-revoked", "account-locked"})
_OUTCOMES: Final = {
    "accepted": RecordState.SENT,
    "duplicate": RecordState.SENT,
    "held": RecordState.HELD,
    "conflict": RecordState.CONFLICT,
    "rejected": RecordState.PARKED,
}

T = TypeVar("T")


class _PausedError(Exception):
    """The trouble outlasted the caller's patience; `cause` says what it was."""

    def __init__(self, cause: FieldError) -> None:
        super().__init__(str(cause))
        self.cause = cause


@dataclass(frozen=True, slots=True)
class SyncParts:
    """What a sync works with."""

    api: Api
    ledger: Ledger
    files: FileStore
    outbox: Outbox
    tokens: Tokens
    trust: Trust
    clock: DeviceClock
    identity: Identity
    uniform: Callable[[float, float], float]


@dataclass(slots=True)
class _Tally:
    pushed: int = 0
    held: int = 0
    uploaded: int = 0
    uploaded_bytes: int = 0
    receipts: int = 0
    pulled: int = 0
    problems: list[Problem] = field(default_factory=list)


class Syncer:
    """Runs one sync. `patience_seconds`: how long to go on without any progress."""

    def __init__(
        self, parts: SyncParts, recipient: str, patience_seconds: float, on_progress: OnProgress
    ) -> None:
        self._parts = parts
        self._recipient = recipient
        self._patience_ms = int(patience_seconds * 1000)
        self._on_progress = on_progress
        self._backoff = Backoff(uniform=parts.uniform)
        self._last_progress_ms = parts.clock.mono_ms()
        self._acknowledged = -1
        self._tally = _Tally()
        self._feed = Feed(parts.api, parts.ledger, parts.trust, parts.identity)
        self._known_before = parts.ledger.known_to_server(parts.identity.ep)
        self._uploader = Uploader(
            parts.api, parts.ledger, parts.files, self._authorise, on_progress, self._acknowledge
        )

    def run(self, receipts_wait_seconds: float) -> SyncReport:
        """Send and fetch everything; wait a little for the last receipts."""
        paused = None
        self._parts.outbox.rotate_if_due()
        try:
            self._observe_clock()
            self._push()
            self._pull()
            self._persist(self._uploader.ask_missing)
            self._upload_all()
            self._await_receipts(receipts_wait_seconds)
        except _PausedError as trouble:
            paused = trouble.cause.code
        except (ApiError, ContractError, TrustError) as error:
            self._tally.problems.append(Problem(error.code, str(error)))
        return self._report(paused)

    def pull_only(self) -> int:
        """Fetch changes; every trouble is the caller's."""
        return self._fetch_changes()

    def _report(self, paused: str | None) -> SyncReport:
        tally = self._tally
        return SyncReport(
            pushed=tally.pushed,
            held=tally.held,
            uploaded=tally.uploaded,
            uploaded_bytes=tally.uploaded_bytes,
            receipts=tally.receipts,
            pulled=tally.pulled,
            paused=paused,
            problems=(*tally.problems, *self._feed.problems, *stored_problems(self._parts.ledger)),
            pending=pending(self._parts.ledger),
        )

    # -- persistence

    def _authorise(self) -> Authoriser:
        return self._parts.tokens.best()

    def _call(self, call: Call) -> Response:
        return self._parts.api.once(call, self._authorise())

    def _progress(self) -> None:
        self._last_progress_ms = self._parts.clock.mono_ms()
        self._backoff.reset()

    def _acknowledge(self, offset: int) -> None:
        """An offset came from the server; only a new one is progress."""
        if offset != self._acknowledged:
            self._acknowledged = offset
            self._progress()

    def _persist(self, step: Callable[[], T]) -> T:
        """Do `step` until it succeeds, is refused, or patience ends."""
        while True:
            try:
                result = step()
            except NotSignedInError:
                continue  # the officer's sign-in has ended: go on with the device's token
            except (TransportError, ApiError) as error:
                if not error.transient:
                    raise
                waited_ms = self._parts.clock.mono_ms() - self._last_progress_ms
                delay = self._backoff.next_seconds(error)
                if waited_ms + delay * 1000 > self._patience_ms:
                    raise _PausedError(error) from error
                self._on_progress(Progress("waiting", error.code))
                self._parts.clock.sleep(delay)
            else:
                self._progress()
                return result

    # -- clock

    def _observe_clock(self) -> None:
        """Four-timestamp exchange, recorded; once a minute, and when the wall clock was set."""
        store, clock = self._parts.ledger.store, self._parts.clock
        now = {"boot": clock.boot(), "mono_ms": clock.mono_ms(), "wall_ms": wall_ms(clock)}
        if _known_already(store.get(_CLOCK_LAST), now):
            return
        try:
            self._persist(self._exchange_times)
        except CaptureError:
            return  # overtaken by a capture: the next sync observes again
        except (ApiError, ContractError, TrustError) as error:
            if isinstance(error, ApiError) and _stops(error):
                raise
            self._tally.problems.append(Problem("clock", str(error)))
            return
        store.put(_CLOCK_LAST, now)

    def _exchange_times(self) -> None:
        clock, outbox = self._parts.clock, self._parts.outbox
        t1 = wall_ms(clock)
        call = Call("POST", "/clock", json={"t1": str(t1)})
        answer = self._parts.api.once(call, self._authorise())
        t4, at = wall_ms(clock), read_instant(clock)
        statement, body = self._parts.trust.verify(StatementKind.CLOCK, answer.json())
        try:
            reading = ClockReading.from_body(body)
            if reading.device != str(self._parts.identity.device_id):
                raise TrustError("a clock reading for another device")
            if reading.t1 == t1:
                ClockOffset.from_exchange(t1, reading.t2, reading.t3, t4)
        except ProtocolError as error:
            raise TrustError(f"clock: {error}") from error
        store = self._parts.ledger.store
        store.put(SERVER_TIME, max(reading.t3, store.get(SERVER_TIME) or 0))
        outbox.append(
            Payload(
                RecordKind.CLOCK_OBSERVED,
                at,
                NOT_RECORDED,
                clock=ClockObservation(statement, t4),
            ),
            keep_instant=True,
        )

    # -- records

    def _push(self) -> None:
        """Push all new records, oldest first."""
        limit = MAX_PUSH_RECORDS
        while batch := self._parts.ledger.unsent_records(limit, _PUSH_BYTES_MAX):
            records = [wire for _, _, wire in batch]
            call = Call("POST", "/sync/push", json={"records": records})
            try:
                answer = self._persist(partial(self._call, call))
            except ApiError as error:
                if _stops(error):
                    raise
                if len(batch) > 1:
                    limit = max(1, len(batch) // 2)  # one bad record never spoils the batch
                    continue
                ep, seq, _ = batch[0]
                self._parts.ledger.mark_record(ep, seq, RecordState.PARKED, error.code)
                continue
            self._take_outcomes([(ep, seq) for ep, seq, _ in batch], answer.json())
            limit = MAX_PUSH_RECORDS

    def _take_outcomes(self, sent: list[tuple[int, int]], answer: Any) -> None:
        results = answer.get("results") if isinstance(answer, dict) else None
        if not isinstance(results, list) or len(results) != len(sent):
            raise ContractError("the answer to a push does not name each record")
        with self._parts.ledger.store.transaction():
            for (ep, seq), result in zip(sent, results, strict=True):
                if not isinstance(result, dict) or result.get("outcome") not in _OUTCOMES:
                    raise ContractError("an unknown outcome of a push")
                self._take_outcome(ep, seq, result)
        self._on_progress(Progress("push", "", self._tally.pushed, self._tally.pushed))
        self._follow_head(answer.get("head"))

    def _take_outcome(self, ep: int, seq: int, result: dict[str, Any]) -> None:
        state = _OUTCOMES[result["outcome"]]
        problem = result.get("problem")
        code = None
        if state in (RecordState.CONFLICT, RecordState.PARKED):
            code = _problem_code(problem, result["outcome"])
        self._parts.ledger.mark_record(ep, seq, state, code)
        self._tally.pushed += state in (RecordState.SENT, RecordState.HELD)
        self._tally.held += state is RecordState.HELD

    def _follow_head(self, head: Any) -> None:
        """Send again, once, what a server restored from a backup no longer has."""
        identity, known = self._parts.identity, self._known_before
        if not isinstance(head, dict) or head.get("ep") != identity.ep:
            return
        seq = head.get("seq")
        if isinstance(seq, int) and seq < known:
            self._known_before = 0
            self._parts.ledger.resend(identity.ep, range(seq + 1, known + 1))

    # -- changes, bytes, receipts

    def _pull(self) -> None:
        try:
            self._tally.pulled = self._persist(self._fetch_changes)
        except (ApiError, ContractError) as error:
            # What cannot be fetched must not keep back what is to be sent.
            if isinstance(error, ApiError) and _stops(error):
                raise
            self._tally.problems.append(Problem(error.code, f"pull: {error}"))

    def _fetch_changes(self) -> int:
        signed_in = self._parts.tokens.officer_signed_in
        return self._feed.pull(self._authorise(), self._recipient if signed_in else "device")

    def _upload_all(self) -> None:
        while (row := self._parts.ledger.next_object()) is not None:
            try:
                self._persist(partial(self._send, row))
            except (ApiError, ContractError, StoreError) as error:
                if isinstance(error, ApiError) and _stops(error):
                    raise
                self._parts.ledger.mark_object(row, ObjectState.PARKED, error.code)
                continue
            self._tally.uploaded += 1
            self._tally.uploaded_bytes += row.size_bytes
            self._push()  # records go before bytes, also those made meanwhile

    def _send(self, row: ObjectRow) -> None:
        """Send the row as it is now: an interrupted try may have moved it."""
        rows = self._parts.ledger.objects_of(row.ep, row.seq)
        self._uploader.send(next(r for r in rows if r.sha256 == row.sha256))

    def _await_receipts(self, wait_seconds: float) -> None:
        """Fetch receipts; the server may need a moment to issue the last ones."""
        deadline_ms = self._parts.clock.mono_ms() + int(wait_seconds * 1000)
        while True:
            kept = self._persist(lambda: self._feed.receipts(self._authorise()))
            self._tally.receipts += kept
            missing = pending(self._parts.ledger).receipts
            self._on_progress(Progress("receipts", "", self._tally.receipts, missing))
            if not missing or self._parts.clock.mono_ms() >= deadline_ms:
                return
            self._parts.clock.sleep(_RECEIPT_POLL_SECONDS)


def _known_already(last: dict[str, Any] | None, now: dict[str, Any]) -> bool:
    """Whether the last exchange still tells how the clocks stand."""
    if not last or last["boot"] != now["boot"] or "wall_ms" not in last:
        return False
    ran_ms: int = now["mono_ms"] - last["mono_ms"]
    walked_ms: int = now["wall_ms"] - last["wall_ms"]
    return ran_ms < _CLOCK_EVERY_MS and abs(walked_ms - ran_ms) < _CLOCK_STEP_MS


def _stops(error: ApiError) -> bool:
    """Whether the refusal is about the device or officer, not about one item."""
    return isinstance(error, AuthenticationError) or error.slug in _STOPPING


def _problem_code(problem: object, outcome: str) -> str:
    if isinstance(problem, dict):
        slug = str(problem.get("type") or "").rpartition(":")[2]
        detail = problem.get("detail") or problem.get("title")
        return f"{slug or outcome}: {detail}" if detail else slug or outcome
    return str(problem or outcome)


def pending(ledger: Ledger) -> Pending:
    """What is still to be sent or confirmed."""
    counts = ledger.counts()
    unsent = ledger.objects(ObjectState.WAITING, ObjectState.SENDING)
    return Pending(
        records=counts.get(f"record.{RecordState.NEW}", 0),
        objects=len(unsent),
        size_bytes=sum(row.size_bytes - row.offset_bytes for row in unsent),
        receipts=sum(
            counts.get(f"record.{state}", 0) for state in (RecordState.SENT, RecordState.HELD)
        ),
    )


def stored_problems(ledger: Ledger) -> list[Problem]:
    """Parked, conflicting and lost items; the alarm about the log, if there is one."""
    alarm = LogTrust(ledger.store).alarm()
    found = [] if alarm is None else [alarm]
    found += [
        Problem(row.state.value, row.problem or row.state.value, row.ep, row.seq)
        for row in ledger.records()
        if row.state in (RecordState.PARKED, RecordState.CONFLICT)
    ]
    found += [
        Problem(row.state.value, row.problem or row.state.value, row.ep, row.seq, row.sha256)
        for row in ledger.objects(ObjectState.PARKED, ObjectState.LOST)
    ]
    return found


__all__ = ["SyncParts", "Syncer", "pending", "stored_problems"]
