"""Keys that certify their successors, heads that others record, and roots over chunks."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from client_sdk.protocol import records
from client_sdk.protocol.epochs import KeyLine, KeyNext, certify
from client_sdk.protocol.errors import KeyEpochError, ProtocolError
from client_sdk.protocol.heads import HeadText, show
from client_sdk.protocol.keys import Algorithm, PrivateKey
from client_sdk.protocol.streams import Chunker, ChunkTree

SRC = "01936b1e-0000-7000-8000-0000000000d0"
DEVICE = UUID(SRC)


def record(
    seq: int, prev: str, key: PrivateKey, payload: dict[str, Any]
) -> tuple[records.OpenedRecord, str]:
    sealed = records.seal(payload, src=SRC, ep=1, seq=seq, prev=prev, salt=bytes(32), key=key)
    return records.open_record(sealed.record.to_dict()), sealed.hid


def rotation(
    seq: int, prev: str, key: PrivateKey, successor: PrivateKey
) -> tuple[records.OpenedRecord, str]:
    body = certify(successor, src=SRC, ep=1, seq=seq, prev=prev).to_dict()
    return record(seq, prev, key, {"act": "key.next", "key": body})


@pytest.mark.parametrize("alg", list(Algorithm))
def test_each_key_signs_its_own_stretch(alg: Algorithm) -> None:
    first, second = PrivateKey.generate(alg), PrivateKey.generate(alg)
    line = KeyLine.starting(first.public)
    one, head = record(1, records.GENESIS, first, {"act": "x"})
    turn, head = rotation(2, head, first, second)
    three, head = record(3, head, second, {"act": "x"})
    assert line.signed(one)
    assert line.learn(one) is None
    assert line.signed(turn)
    assert line.learn(turn)
    assert line.signed(three)
    assert line.signed(one)
    stolen, _ = record(3, turn.hid, first, {"act": "x"})
    assert not line.signed(stolen)
    early, _ = record(1, records.GENESIS, second, {"act": "x"})
    assert not line.signed(early)


def test_tamper_51_a_key_is_in_force_only_once() -> None:
    first, second = (PrivateKey.generate(Algorithm.ES256) for _ in range(2))
    line = KeyLine.starting(first.public)
    turn, head = rotation(1, records.GENESIS, first, second)
    line.learn(turn)
    back, _ = rotation(2, head, second, first)
    with pytest.raises(KeyEpochError) as refused:
        line.learn(back)
    assert refused.value.code == "key-replayed"
    again, _ = rotation(1, records.GENESIS, first, PrivateKey.generate(Algorithm.ES256))
    with pytest.raises(KeyEpochError) as refused:
        line.check(again)
    assert refused.value.code == "key-replayed"
    assert line.newest_from == 2


def test_tamper_51_the_algorithm_is_fixed_at_enrolment() -> None:
    first, other = PrivateKey.generate(Algorithm.ES256), PrivateKey.generate(Algorithm.ED25519)
    turn, _ = rotation(1, records.GENESIS, first, other)
    with pytest.raises(KeyEpochError) as refused:
        KeyLine.starting(first.public).check(turn)
    assert refused.value.code == "key-algorithm"


def test_tamper_51_a_certificate_of_another_place_is_refused() -> None:
    first, second = (PrivateKey.generate(Algorithm.ED25519) for _ in range(2))
    proof = certify(second, src=SRC, ep=1, seq=7, prev="a" * 64).to_dict()
    turn, _ = record(1, records.GENESIS, first, {"act": "key.next", "key": proof})
    with pytest.raises(KeyEpochError) as refused:
        KeyLine.starting(first.public).check(turn)
    assert refused.value.code == "key-proof"


@pytest.mark.parametrize("body", [None, {}, {"jwk": {"kty": "OKP"}, "proof": "A" * 86}, [1]])
def test_a_certificate_without_a_key_is_malformed(body: Any) -> None:
    first = PrivateKey.generate(Algorithm.ED25519)
    turn, _ = record(1, records.GENESIS, first, {"act": "key.next", "key": body})
    with pytest.raises(KeyEpochError) as refused:
        KeyLine.starting(first.public).check(turn)
    assert refused.value.code == "key-malformed"


def test_a_certificate_survives_the_wire() -> None:
    made = certify(PrivateKey.generate(Algorithm.ES256), src=SRC, ep=1, seq=1, prev="0" * 64)
    assert KeyNext.from_value(made.to_dict()) == made


def test_a_head_is_shown_and_read() -> None:
    key = PrivateKey.generate(Algorithm.ES256)
    shown = show(key, device=DEVICE, ep=1, seq=12, hid="ab" * 32, unix_ms=1795413600123)
    read = HeadText.parse(f"  {shown.text}\n")
    assert read == shown
    assert read.signed_by(key.public)
    assert HeadText.from_value(shown.to_dict()) == shown
    assert shown.short == "12 abab abab abab abab"
    assert not replace(read, seq=11).signed_by(key.public)
    assert not read.signed_by(PrivateKey.generate(Algorithm.ES256).public)


@pytest.mark.parametrize("text", ["", "TZ1|1|x|y", "TZH1|x|1|1|a|1|b", "TZH1|" * 5])
def test_other_texts_are_no_heads(text: str) -> None:
    with pytest.raises(ProtocolError):
        HeadText.parse(text)


def naive_root(leaves: list[bytes]) -> bytes:
    """RFC 6962 §2.1, word by word."""
    if not leaves:
        return hashlib.sha256().digest()
    if len(leaves) == 1:
        return hashlib.sha256(b"\0" + leaves[0]).digest()
    half = 1
    while half * 2 < len(leaves):
        half *= 2
    left, right = naive_root(leaves[:half]), naive_root(leaves[half:])
    return hashlib.sha256(b"\1" + left + right).digest()


@pytest.mark.parametrize("count", range(34))
def test_the_root_over_chunks_is_that_of_rfc_6962(count: int) -> None:
    leaves = [hashlib.sha256(bytes([n])).digest() for n in range(count)]
    tree = ChunkTree()
    for leaf in leaves:
        tree.add(leaf)
    assert tree.root() == naive_root(leaves).hex()


@given(st.lists(st.binary(max_size=40), max_size=12), st.integers(1, 9))
def test_however_bytes_come_the_root_is_the_same(pieces: list[bytes], chunk: int) -> None:
    data = b"".join(pieces)
    chunker = Chunker({1, 2}, chunk_bytes=chunk)
    full = sum(chunker.feed(piece) for piece in pieces)
    assert full == len(data) // chunk
    assert chunker.full_bytes == full * chunk
    hashes = [hashlib.sha256(data[at : at + chunk]).digest() for at in range(0, len(data), chunk)]
    for mark in {1, 2} & set(range(full + 1)):
        assert chunker.roots[mark] == naive_root(hashes[:mark]).hex()
    assert chunker.finish() == naive_root(hashes).hex()


def test_tamper_60_a_missing_chunk_changes_every_root_after_it() -> None:
    chunks = [bytes([n]) * 8 for n in range(5)]
    whole, holed = Chunker({2, 4}, chunk_bytes=8), Chunker({2, 4}, chunk_bytes=8)
    for number, chunk in enumerate(chunks):
        whole.feed(chunk)
        if number != 2:
            holed.feed(chunk)
    assert whole.roots[2] == holed.roots[2]
    assert whole.roots[4] != holed.roots[4]
