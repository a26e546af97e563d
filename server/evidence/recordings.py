"""Recordings against the roots that their device stated while they ran.

A ``media.progress`` record commits to the chunks up to then, so a later change, a missing chunk or
an end that was cut off shows, and what an interrupted recording proves is a number of bytes.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.orm import Session

from client_sdk.protocol.errors import PayloadError
from client_sdk.protocol.payloads import RecordKind
from client_sdk.protocol.streams import Chunker, StreamMark
from server.audit.events import EventKind
from server.audit.models import Event
from server.audit.service import Subject, record
from server.core.context import Context
from server.evidence.models import Evidence
from storage.digest import Digest

Units = Callable[[], AbstractContextManager[Context]]
_MARKS: Final = (RecordKind.MEDIA_OPEN, RecordKind.MEDIA_PROGRESS, RecordKind.MEDIA_CLOSE)
_MARKS_MAX: Final = 5_000
_CLOSE_AFTER: Final = 1  # media.close follows the capture at once


@dataclass(frozen=True, slots=True)
class Stated:
    """What the chain says of a recording: the mark of its capture, of its progress, of its end."""

    whole: StreamMark
    progress: tuple[StreamMark, ...]
    close: StreamMark | None


def check(units: Units, evidence_id: str) -> None:
    """Compare the bytes of a recording with its roots; other evidence is left alone."""
    with units() as ctx:
        item = ctx.session.get(Evidence, uuid.UUID(evidence_id))
        stated = None if item is None else stated_of(ctx.session, item)
        if item is None or stated is None or _checked(ctx.session, item):
            return
        digest, blobs = Digest(item.sha256), ctx.runtime.stores.blobs
    chunker = Chunker(mark.chunks for mark in stated.progress)
    for piece in blobs.read(digest):
        chunker.feed(piece)
    root = chunker.finish()
    found, proven = judge(stated, chunker, root)
    with units() as ctx:
        item = ctx.session.get_one(Evidence, uuid.UUID(evidence_id))
        item.findings = [*item.findings, *found]
        facts = {
            "stream": str(stated.whole.id), "root": root, "chunks": chunker.tree.chunks,
            "proven": str(proven), "closed": stated.close is not None,
            "findings": [one["code"] for one in found],
        }  # fmt: skip
        record(
            ctx, EventKind.RECORDING_CHECKED, Subject("evidence", item.id), facts,
            case_id=item.case_id, mission_id=item.mission_id, court_id=item.court_id,
        )  # fmt: skip


def stated_of(session: Session, item: Evidence) -> Stated | None:
    """What the item's chain states of it as a recording; None when it is none."""
    entry = sa.select(Event.p).where(
        Event.src == str(item.device_id), Event.ep == item.ep, Event.seq == item.seq
    )
    whole = _mark(session.execute(entry).scalar())
    if whole is None:
        return None
    statement = (
        sa.select(Event.kind, Event.p)
        .where(
            Event.src == str(item.device_id),
            Event.ep == item.ep,
            Event.seq <= item.seq + _CLOSE_AFTER,
            Event.kind.in_([kind.value for kind in _MARKS]),
        )
        .order_by(Event.seq.desc())
        .limit(_MARKS_MAX)
    )
    progress: list[StreamMark] = []
    close = None
    for kind, text in session.execute(statement):
        mark = _mark(text)
        if mark is None or mark.id != whole.id:
            continue
        if kind == RecordKind.MEDIA_OPEN:
            break
        if kind == RecordKind.MEDIA_CLOSE:
            close = mark
        else:
            progress.append(mark)
    return Stated(whole, tuple(reversed(progress)), close)


def judge(stated: Stated, chunker: Chunker, root: str) -> tuple[list[dict[str, Any]], int]:
    """Findings, and how many bytes from the beginning the chain proves.

    :param chunker: has read all the bytes; ``root`` is over all of them.
    """
    found: list[dict[str, Any]] = []
    proven = 0
    chunks = chunker.tree.chunks
    for mark in stated.progress:
        if mark.chunks > chunks:
            found.append(_finding("chunk-missing", f"{mark.chunks} were stated, {chunks} are here"))
            break
        if chunker.roots.get(mark.chunks) != mark.root:
            found.append(_finding("chunk-differs", f"within the first {mark.chunks} chunks"))
            break
        proven = mark.size_bytes
    if stated.close is None:
        found.append(_finding("recording-interrupted", f"its chain proves {proven} bytes"))
    elif _says(stated.close, chunker, root):
        proven = chunker.size_bytes
    if not all(_says(mark, chunker, root) for mark in _ends(stated)):
        found.append(_finding("recording-differs", "not the bytes whose root was stated"))
    return found, proven


def _ends(stated: Stated) -> Sequence[StreamMark]:
    return (stated.whole,) if stated.close is None else (stated.whole, stated.close)


def _says(mark: StreamMark, chunker: Chunker, root: str) -> bool:
    said = (mark.chunks, mark.size_bytes, mark.root)
    return said == (chunker.tree.chunks, chunker.size_bytes, root)


def _checked(session: Session, item: Evidence) -> bool:
    statement = sa.select(sa.literal(1)).where(
        Event.subject_id == str(item.id), Event.kind == EventKind.RECORDING_CHECKED.value
    )
    return session.execute(statement.limit(1)).first() is not None


def _finding(code: str, detail: str) -> dict[str, Any]:
    return {"code": code, "detail": detail}


def _mark(text: str | None) -> StreamMark | None:
    payload = json.loads(text) if text else {}
    value = payload.get("stream") if isinstance(payload, Mapping) else None
    try:
        return None if value is None else StreamMark.from_value(value)
    except PayloadError:
        return None
