"""Whether all witnesses of a policy have seen one and the same history of a log.

For anybody who holds the policy: a lawyer, a court of appeal, an auditor.  Each witness shows the
newest checkpoint it cosigned.  Two of one size must be equal; two of different sizes must be
both what the log's own tiles lead to, so that one is the beginning of the other.  Where they are
not, the two checkpoints are the proof: both carry the log's signature.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from itertools import pairwise
from typing import Final
from urllib.parse import quote, urlsplit

from client_sdk.protocol.errors import ProtocolError
from client_sdk.protocol.tlog.checkpoints import Checkpoint
from client_sdk.protocol.tlog.cosignatures import verify_cosignature
from client_sdk.protocol.tlog.merkle import tree_root
from client_sdk.protocol.tlog.notes import parse_note
from client_sdk.protocol.tlog.policies import Policy, PolicyLog, PolicyWitness
from client_sdk.protocol.tlog.tiles import TileReader
from server.witness.errors import WitnessError

_ANSWER_BYTES_MAX: Final = 1 << 20
_TIMEOUT_SECONDS: Final = 10.0

Fetch = Callable[[str], bytes]


class NotFetchedError(WitnessError):
    """Nothing usable came from an address."""


@dataclass(frozen=True, slots=True)
class View:
    """What one witness shows of one log; ``problem`` says why nothing can be made of it."""

    witness: str
    note_text: str = ""
    checkpoint: Checkpoint | None = None
    problem: str | None = None


@dataclass(frozen=True, slots=True)
class Comparison:
    """All views of a log, what contradicts, and what could not be compared."""

    origin: str
    views: tuple[View, ...]
    splits: tuple[tuple[View, View], ...]
    open_points: tuple[str, ...]

    @property
    def is_one_history(self) -> bool:
        """Whether every witness was heard and all of them agree."""
        return not self.splits and not self.open_points


def compare(policy: Policy, fetch: Fetch) -> list[Comparison]:
    """One comparison for each log of the policy; asks every witness that has an address."""
    return [_compare_log(policy, log, fetch) for log in policy.logs]


def _compare_log(policy: Policy, log: PolicyLog, fetch: Fetch) -> Comparison:
    views = tuple(_view(policy, log, one, fetch) for one in policy.witnesses if one.url)
    open_points = [f"{view.witness}: {view.problem}" for view in views if view.problem]
    splits: list[tuple[View, View]] = []
    seen = sorted(
        (view for view in views if view.checkpoint is not None),
        key=lambda view: view.checkpoint.size if view.checkpoint else 0,
    )
    for older, newer in pairwise(seen):
        try:
            if not _extends(log, older, newer, fetch):
                splits.append((older, newer))
        except WitnessError as error:
            open_points.append(f"{older.witness} and {newer.witness}: {error}")
    return Comparison(log.vkey.name, views, tuple(splits), tuple(open_points))


def _view(policy: Policy, log: PolicyLog, witness: PolicyWitness, fetch: Fetch) -> View:
    address = f"{(witness.url or '').rstrip('/')}/{quote(log.vkey.name, safe='')}/checkpoint"
    try:
        text = fetch(address).decode()
        note = parse_note(text)
        verify_cosignature(note, witness.vkey)
        verdict = policy.judge(note)
    except (NotFetchedError, ProtocolError, UnicodeDecodeError) as error:
        return View(witness.name, problem=str(error))
    if not verdict.log_ok or verdict.checkpoint.origin != log.vkey.name:
        return View(witness.name, problem="what it shows was not signed by the log")
    return View(witness.name, text, verdict.checkpoint)


def _extends(log: PolicyLog, older: View, newer: View, fetch: Fetch) -> bool:
    """Whether the newer view extends the older; raises when that cannot be found out.

    Tiles that lead to both roots show it, since a tree's root fixes the roots of its beginnings.
    """
    old, new = older.checkpoint, newer.checkpoint
    if old is None or new is None:
        return True
    if old.size == new.size:
        return old.root == new.root
    if log.url is None:
        raise NotFetchedError("the policy has no address of the log to read its tiles from")
    return all(_root(log.url, one, fetch) == one.root for one in (new, old))


def _root(url: str, checkpoint: Checkpoint, fetch: Fetch) -> bytes:
    """Root that the log's tiles give at the checkpoint's size."""
    base = url.rstrip("/")
    reader = TileReader(lambda tile: fetch(f"{base}/{tile.path}"), checkpoint.size)
    try:
        return tree_root(checkpoint.size, reader)
    except ProtocolError as error:
        raise NotFetchedError(f"the log's tiles cannot be read: {error}") from None


def over_http(address: str) -> bytes:
    """Fetch by HTTP, bounded in time and size; redirects are not followed."""
    parts = urlsplit(address)
    kinds = {"http": HTTPConnection, "https": HTTPSConnection}
    if parts.scheme not in kinds or not parts.hostname:
        raise NotFetchedError(f"{address}: not an address")
    try:
        connection = kinds[parts.scheme](parts.hostname, parts.port, timeout=_TIMEOUT_SECONDS)
        with contextlib.closing(connection):
            connection.request("GET", parts.path or "/")
            answer = connection.getresponse()
            body: bytes = answer.read(_ANSWER_BYTES_MAX + 1)
    except (OSError, HTTPException, ValueError) as error:
        raise NotFetchedError(f"{address}: {type(error).__name__}: {error}") from None
    if answer.status != HTTPStatus.OK or len(body) > _ANSWER_BYTES_MAX:
        raise NotFetchedError(f"{address}: answered {answer.status}, {len(body)} bytes")
    return body
