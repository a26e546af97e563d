"""What the roots of a recording say about its bytes."""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID

import pytest

from client_sdk.protocol.streams import Chunker, StreamMark
from server.evidence.recordings import Stated, judge

ID = UUID("01936b1e-0000-7000-8000-0000000000aa")
DATA = bytes(range(50))
CHUNK = 8


def read(data: bytes, *marks: int) -> tuple[Chunker, str]:
    chunker = Chunker(marks, chunk_bytes=CHUNK)
    chunker.feed(data)
    return chunker, chunker.finish()


def mark(chunks: int, data: bytes = DATA) -> StreamMark:
    """What a device states after that many full chunks."""
    chunker, _ = read(data, chunks)
    return StreamMark(ID, chunks, chunks * CHUNK, chunker.roots[chunks])


def whole(data: bytes = DATA) -> StreamMark:
    chunker, root = read(data)
    return StreamMark(ID, chunker.tree.chunks, len(data), root)


def codes(stated: Stated, data: bytes) -> tuple[set[str], int]:
    chunker, root = read(data, *(one.chunks for one in stated.progress))
    found, proven = judge(stated, chunker, root)
    return {one["code"] for one in found}, proven


def test_a_whole_recording_is_proven_to_its_end() -> None:
    assert codes(Stated(whole(), (mark(2), mark(5)), whole()), DATA) == (set(), len(DATA))


def test_an_interrupted_one_is_proven_up_to_its_last_progress() -> None:
    kept = DATA[:45]
    stated = Stated(whole(kept), (mark(2), mark(5)), None)
    assert codes(stated, kept) == ({"recording-interrupted"}, 40)
    assert codes(Stated(whole(kept), (), None), kept) == ({"recording-interrupted"}, 0)


def test_tamper_60_a_chunk_that_is_not_there_ends_the_proof() -> None:
    kept = DATA[:17]
    stated = Stated(whole(kept), (mark(2), mark(5)), None)
    assert codes(stated, kept) == ({"chunk-missing", "recording-interrupted"}, 16)


@pytest.mark.parametrize(("at", "proven"), [(0, 0), (20, 16)])
def test_tamper_60_an_altered_chunk_ends_the_proof(at: int, proven: int) -> None:
    altered = DATA[:at] + b"\xff" + DATA[at + 1 :]
    stated = Stated(whole(altered), (mark(2), mark(5)), None)
    assert codes(stated, altered) == ({"chunk-differs", "recording-interrupted"}, proven)
    closed = Stated(whole(), (mark(2), mark(5)), whole())
    assert codes(closed, altered) == ({"chunk-differs", "recording-differs"}, proven)


@pytest.mark.parametrize("change", [{"chunks": 3}, {"size_bytes": 49}, {"root": "ab" * 32}])
def test_every_member_of_the_end_counts(change: dict[str, object]) -> None:
    wrong = replace(whole(), **change)  # type: ignore[arg-type]
    assert codes(Stated(whole(), (), wrong), DATA) == ({"recording-differs"}, 0)
    assert codes(Stated(wrong, (), whole()), DATA) == ({"recording-differs"}, len(DATA))
