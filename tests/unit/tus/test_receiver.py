"""The write loop: what stays, what is cut off, when it lets go."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

import pytest

from server.core import stopping
from server.core.problem import Kind, Problem
from server.evidence import receiver as module
from server.evidence.byte_source import SenderGone
from server.evidence.receiver import End, Receiver, Target
from server.evidence.running_digest import DigestCache, RunningDigest, complete
from server.evidence.tus import Checksum
from storage.errors import NoSpace, OffsetConflict
from storage.local_uploads import LocalUploadStore
from storage.memory import MemoryUploadStore
from storage.ports import UploadStore

SHA1_OF_ABCDEF = bytes.fromhex("1f8ac10f23c5b5bc1167bda84b833e5c057a77d2")


class Script:
    """A sender that follows a script: bytes, 0 for silence, or an exception."""

    def __init__(self, *steps: bytes | int | type[Exception], length: int | None = None) -> None:
        self._steps = list(steps)
        self.length = length

    def read_into(self, view: memoryview) -> int | None:
        if not self._steps:
            return None
        step = self._steps.pop(0)
        if isinstance(step, int):
            return 0
        if isinstance(step, bytes):
            view[: len(step)] = step
            return len(step)
        raise step

    def open(self, give_up: Callable[[], bool]) -> AbstractContextManager[Any]:
        return nullcontext(give_up)

    def linger(self) -> None:
        """Nothing is left."""


class Held:
    """A lease that is wanted after so many questions."""

    def __init__(self, questions: int = 1_000_000) -> None:
        self._questions = questions

    @property
    def wanted(self) -> bool:
        self._questions -= 1
        return self._questions < 0


@pytest.fixture(params=["memory", "local"])
def uploads(request: pytest.FixtureRequest, tmp_path: Path) -> UploadStore:
    store: UploadStore = (
        MemoryUploadStore() if request.param == "memory" else LocalUploadStore(tmp_path)
    )
    store.create("u")
    return store


def content(uploads: UploadStore) -> bytes:
    return uploads.path_of("u").read_bytes()


def test_every_byte_stays_when_the_sender_leaves(uploads: UploadStore) -> None:
    receiver = Receiver(uploads, DigestCache(), 60)
    got = receiver.receive(Script(b"abc", b"def", SenderGone), Target("u", 0, 100), Held())
    assert (got.offset, got.end) == (6, End.GONE)
    assert content(uploads) == b"abcdef"
    assert uploads.durable_length("u") == 6


def test_a_newcomer_ends_it_at_the_next_boundary(uploads: UploadStore) -> None:
    receiver = Receiver(uploads, DigestCache(), 60)
    got = receiver.receive(Script(b"abc", b"def", b"ghi"), Target("u", 0, 100), Held(2))
    assert (got.offset, got.end) == (6, End.TAKEN_OVER)
    assert content(uploads) == b"abcdef"


def test_a_silent_sender_is_let_go(uploads: UploadStore) -> None:
    receiver = Receiver(uploads, DigestCache(), 0)
    got = receiver.receive(Script(b"abc", 0, 0, b"def"), Target("u", 0, 100), Held())
    assert got.end is End.STALLED


def test_a_process_that_stops_keeps_what_came(uploads: UploadStore) -> None:
    asked = iter([False, False, True])
    stopping.watch(lambda: next(asked, True))
    try:
        receiver = Receiver(uploads, DigestCache(), 60)
        got = receiver.receive(Script(b"abc", b"def", b"ghi"), Target("u", 0, 100), Held())
    finally:
        stopping.watch(lambda: False)
    assert (got.offset, got.end) == (6, End.STOPPING)
    assert uploads.durable_length("u") == 6


def test_nothing_beyond_the_declared_length_is_written(uploads: UploadStore) -> None:
    receiver = Receiver(uploads, DigestCache(), 60)
    got = receiver.receive(Script(b"abcdef", b"ghi"), Target("u", 0, 5), Held())
    assert (got.offset, got.end) == (5, End.EXCEEDED)
    assert content(uploads) == b"abcde"


def test_an_offset_that_lies_is_refused(uploads: UploadStore) -> None:
    receiver = Receiver(uploads, DigestCache(), 60)
    with pytest.raises(OffsetConflict):
        receiver.receive(Script(b"abc"), Target("u", 3, 100), Held())
    assert content(uploads) == b""


def test_what_is_there_already_is_skipped(uploads: UploadStore) -> None:
    receiver = Receiver(uploads, DigestCache(), 60)
    receiver.receive(Script(b"abcd"), Target("u", 0, 9), Held())
    got = receiver.receive(Script(b"ab", b"cdefg", b"hi"), Target("u", 4, 9, skip=4), Held())
    assert (got.offset, got.end) == (9, End.COMPLETE)
    assert content(uploads) == b"abcdefghi"


def test_a_chunk_with_a_right_checksum_stays(uploads: UploadStore) -> None:
    receiver = Receiver(uploads, DigestCache(), 60)
    for algorithm in ("sha1", "sha256"):
        offset = uploads.durable_length("u")
        checksum = Checksum(algorithm, hashlib.new(algorithm, b"abcdef").digest())
        target = Target("u", offset, 100, checksum)
        assert receiver.receive(Script(b"abc", b"def"), target, Held()).offset == offset + 6


@pytest.mark.parametrize(
    ("steps", "held", "end"),
    [
        ((b"abc", b"dex"), Held(), None),
        ((b"abc", SenderGone), Held(), End.GONE),
        ((b"abc", b"def"), Held(1), End.TAKEN_OVER),
        ((b"abc", b"defghijklmnopq"), Held(), End.EXCEEDED),
    ],
)
def test_a_chunk_with_a_wrong_or_no_checksum_goes(
    uploads: UploadStore, steps: tuple[bytes | type[Exception], ...], held: Held, end: End | None
) -> None:
    receiver = Receiver(uploads, DigestCache(), 60)
    receiver.receive(Script(b"kept"), Target("u", 0, 12), Held())
    target = Target("u", 4, 12, Checksum("sha1", SHA1_OF_ABCDEF))
    if end is None:
        with pytest.raises(Problem) as refused:
            receiver.receive(Script(*steps), target, held)
        assert refused.value.kind is Kind.CHECKSUM_MISMATCH
    else:
        got = receiver.receive(Script(*steps), target, held)
        assert (got.offset, got.end) == (4, end)
    assert content(uploads) == b"kept"


def test_a_full_disk_keeps_what_fitted(tmp_path: Path) -> None:
    uploads = MemoryUploadStore(capacity_bytes=5)
    uploads.create("u")
    digests = DigestCache()
    receiver = Receiver(uploads, digests, 60)
    with pytest.raises(NoSpace):
        receiver.receive(Script(b"abc", b"defg"), Target("u", 0, 100), Held())
    assert uploads.durable_length("u") == 5
    digest = digests.take("u", 5)
    assert (digest.offset, digest.hex) == (5, hashlib.sha256(b"abcde").hexdigest())


@pytest.mark.parametrize("seed", range(30))
def test_the_digest_is_that_of_the_file_whatever_happened(
    uploads: UploadStore, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Random cuts, other processes in between, checksums, followers: the hash is the file's."""
    random_ = random.Random(seed)
    monkeypatch.setattr(module, "FOLLOW_FROM_BYTES", random_.choice([1, 50_000, 1 << 40]))
    monkeypatch.setattr("server.evidence.running_digest._STEP_BYTES", random_.choice([1, 10_000]))
    whole = random_.randbytes(random_.choice([0, 1, 1000, 200_000]))
    processes = [DigestCache(), DigestCache(states_max=1)]
    while (offset := uploads.durable_length("u")) < len(whole):
        size = random_.randrange(0, 90_000)
        steps = [whole[offset : offset + size][at : at + 7000] for at in range(0, size, 7000)]
        pieces: list[bytes | type[Exception]] = [step for step in steps if step]
        if random_.random() < 0.3:
            pieces.append(SenderGone)
        digests = random_.choice(processes)
        if random_.random() < 0.1:
            digests.put("u", RunningDigest())  # a process that was restarted
        checksum = None
        if random_.random() < 0.2:
            chunk = hashlib.new("sha1", whole[offset : offset + size], usedforsecurity=False)
            checksum = Checksum("sha1", chunk.digest())
        source = Script(*pieces, length=size)
        target = Target("u", offset, len(whole), checksum)
        Receiver(uploads, digests, 60).receive(source, target, Held(random_.randrange(1, 40)))
    for digests in processes:
        digest = digests.take("u", len(whole))
        found = complete(digest, uploads.path_of("u"), len(whole))
        assert found == hashlib.sha256(whole).hexdigest()
    assert content(uploads) == whole
