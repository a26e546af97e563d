"""Trusted time: tokens of RFC 3161 over the body of a checkpoint, from up to two authorities.

A checkpoint that was witnessed is preferred, since a token over it dates everything below it.
Every response is judged on receipt: imprint, nonce, chain to a pinned root, revocation, and that
its time is the time.  An authority that is away is asked ever less often; what it missed needs no
making up, as the next token dates all that came before.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import structlog
from sqlalchemy.orm import Session

from client_sdk.protocol.timestamps import (
    QUERY_TYPE,
    Query,
    TimeRoots,
    TimestampError,
    TrustedTime,
    build_query,
    open_token,
)
from client_sdk.protocol.tlog.notes import parse_note
from server.audit import attestors, log
from server.audit.attestors import AUTHORITY, Answer, Stand, Standing
from server.audit.log import StoredCheckpoint
from server.audit.outcalls import NoAnswerError, Outcalls, Post
from server.core.context import Runtime
from server.core.transactions import EVERY_COURT, unit_of_work
from server.settings import Settings, listed
from storage.errors import LockTimeout

CLOCK_TOLERANCE: Final = timedelta(minutes=5)
LOOK_SECONDS: Final = 2.0
_OK: Final = 200
_LOCK: Final = "timestamping"

_log = structlog.get_logger("timestamping")


@dataclass(frozen=True, slots=True)
class Authority:
    """A time-stamping authority: its address, and the roots that its tokens must lead to."""

    name: str
    url: str
    roots_file: Path

    def roots(self) -> TimeRoots:
        """The pinned roots; raises :class:`TimestampError` when the file is of no use."""
        try:
            return TimeRoots.from_pem(self.roots_file.read_bytes())
        except OSError as error:
            raise TimestampError(f"{self.roots_file}: {error.strerror}", code="roots") from None


def authorities(settings: Settings) -> list[Authority]:
    """Those that the settings name; each is known by host and port of its address."""
    urls, files = listed(settings.tsa_urls), listed(settings.tsa_roots)
    names: list[str] = []
    for url in urls:
        name = urlsplit(url).netloc.rpartition("@")[2]
        names.append(name if name not in names else f"{name}-2")
    return [
        Authority(name, url, Path(files[at] if len(files) > 1 else files[0]))
        for at, (name, url) in enumerate(zip(names, urls, strict=True))
    ]


def want(session: Session, settings: Settings, size: int, now: datetime) -> None:
    """Have the first checkpoint of at least ``size`` entries timestamped without delay."""
    for authority in authorities(settings):
        attestors.want(session, AUTHORITY, authority.name, size, now)


@dataclass(slots=True)
class Stamper:
    """Fetches tokens; one for each worker process, used by one of its threads."""

    runtime: Runtime
    post: Post = field(default_factory=lambda: Outcalls().post)
    query: Callable[[bytes], Query] = build_query

    @property
    def is_needed(self) -> bool:
        """Whether the settings name an authority at all."""
        return bool(authorities(self.runtime.settings))

    def turn(self) -> float:
        """Ask whoever is due; returns seconds until the next turn makes sense."""
        try:
            with self.runtime.stores.locker.acquire(_LOCK, 0):
                self._ask_all()
        except LockTimeout:
            pass  # another worker asks
        return LOOK_SECONDS

    def _ask_all(self) -> None:
        with unit_of_work(EVERY_COURT, write=False) as session:
            target = self._target(session)
            stands = attestors.overview(session)
        if target is None:
            return
        every = timedelta(seconds=self.runtime.settings.timestamp_seconds)
        for authority in authorities(self.runtime.settings):
            stand = stands.of(AUTHORITY, authority.name)
            if is_due(stand, target.size, every, self.runtime.clock.now()):
                self._keep(authority, target, stand, *self._ask(authority, target))

    def _target(self, session: Session) -> StoredCheckpoint | None:
        """The newest witnessed checkpoint where there are witnesses, else the newest signed."""
        return log.newest_checkpoint(session, 2 if self.runtime.settings.witness_policy else 1)

    def _ask(self, authority: Authority, target: StoredCheckpoint) -> tuple[Answer, _Token | None]:
        """One token, judged; no transaction is open meanwhile."""
        body = parse_note(target.note).text.encode()
        query = self.query(body)
        before = self.runtime.clock.now()
        try:
            roots = authority.roots()
            reply = self.post(authority.url, query.data, QUERY_TYPE)
        except NoAnswerError as error:
            return Answer(Standing.DOWN, str(error)), None
        except TimestampError as error:
            return Answer(Standing.WRONG, f"its roots cannot be used: {error}"), None
        if reply.status != _OK:
            return Answer(Standing.DOWN, f"it answered {reply.status}"), None
        try:
            found = open_token(reply.body, body, roots, nonce=query.nonce)
            _require_timely(found, before, self.runtime.clock.now())
        except TimestampError as error:
            return Answer(Standing.WRONG, f"{error.code}: {error}"), None
        return Answer(Standing.GOOD, "", target.size), _Token(reply.body, found)

    def _keep(
        self,
        authority: Authority,
        target: StoredCheckpoint,
        stand: Stand,
        answer: Answer,
        token: _Token | None,
    ) -> None:
        now = self.runtime.clock.now()
        with unit_of_work(EVERY_COURT) as session:
            if token is not None:
                log.add_timestamp(
                    session, target.size, authority.name, token.response, token.time.at, now
                )
            attestors.write_down(session, AUTHORITY, authority.name, answer, now)
        if answer.standing is not stand.standing:
            say = _log.info if answer.standing is Standing.GOOD else _log.warning
            say(
                "time-stamping authority", name=authority.name,
                standing=answer.standing.value, detail=answer.detail,
            )  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Token:
    """A response that was judged good."""

    response: bytes
    time: TrustedTime


def is_due(stand: Stand, size: int, every: timedelta, now: datetime) -> bool:
    """Whether an authority is to be asked for a token over a checkpoint of ``size`` entries.

    At once when somebody waits for it, else when its last token is as old as ``every``.
    """
    if not stand.is_due(now) or size <= stand.size:
        return False
    if stand.size < stand.wanted_size <= size:
        return True
    return stand.good_at is None or now - stand.good_at >= every


def _require_timely(found: TrustedTime, before: datetime, after: datetime) -> None:
    """The token's time is the time at which it was asked for."""
    margin = CLOCK_TOLERANCE + timedelta(seconds=found.accuracy_seconds)
    if not before - margin <= found.at <= after + margin:
        raise TimestampError(
            f"its time is {found.at.isoformat()}, ours {after.isoformat()}", code="token-time"
        )


def judge_stored(
    authority: str, response: bytes, target: StoredCheckpoint, settings: Settings
) -> TrustedTime:
    """A stored token of a checkpoint, judged anew; raises :class:`TimestampError`."""
    for known in authorities(settings):
        if known.name == authority:
            return open_token(response, parse_note(target.note).text.encode(), known.roots())
    raise TimestampError("no root is pinned for it any more", code="token-chain")
