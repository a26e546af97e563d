"""Our tree and our canonical JSON against independent implementations."""

import random
from typing import Any

import pymerkle
import pytest
import rfc8785

from client_sdk.protocol import jcs
from client_sdk.protocol.tlog.leaves import CaseLink, leaf_text
from client_sdk.protocol.tlog.merkle import (
    MemoryTree,
    consistency_proof,
    inclusion_proof,
    leaf_hash,
    verify_consistency,
    verify_inclusion,
)
from client_sdk.protocol.tlog.tiles import Tile, TileReader, append_leaves

SIZES = (1, 2, 3, 7, 8, 255, 256, 257, 600, 1025)
ENTRIES = [b"entry %d" % number for number in range(SIZES[-1])]


@pytest.fixture(scope="module")
def peer() -> pymerkle.InmemoryTree:
    tree = pymerkle.InmemoryTree(algorithm="sha256")
    for entry in ENTRIES:
        tree.append_entry(entry)
    return tree


@pytest.fixture(scope="module")
def ours() -> MemoryTree:
    return MemoryTree(map(leaf_hash, ENTRIES))


def test_roots_equal_those_of_pymerkle(peer: pymerkle.InmemoryTree, ours: MemoryTree) -> None:
    tiles: dict[Tile, bytes] = {}
    size = 0
    for larger in SIZES:
        growth = append_leaves(size, list(map(leaf_hash, ENTRIES[size:larger])), tiles.__getitem__)
        tiles |= growth.tiles
        size = larger
        assert growth.root == ours.root(size) == peer.get_root(size)


def test_inclusion_proofs_hold_on_both_sides(peer: pymerkle.InmemoryTree, ours: MemoryTree) -> None:
    for size in SIZES:
        for index in {0, size // 3, size // 2, size - 1}:
            leaf, root = leaf_hash(ENTRIES[index]), ours.root(size)
            made = inclusion_proof(index, size, ours)
            theirs = peer.prove_inclusion(index + 1, size)
            # pymerkle's path begins with the leaf itself.
            assert [leaf, *made] == [bytes.fromhex(item) for item in theirs.serialize()["path"]]
            pymerkle.verify_inclusion(leaf, root, theirs)
            verify_inclusion(leaf, index, size, made, root)


def test_consistency_proofs_hold_on_both_sides(
    peer: pymerkle.InmemoryTree, ours: MemoryTree
) -> None:
    draw = random.Random(6962)
    for new in SIZES[1:]:
        for old in {1, new // 2, new - 1, draw.randrange(1, new)}:
            roots = ours.root(old), ours.root(new)
            theirs = peer.prove_consistency(old, new)
            pymerkle.verify_consistency(*roots, theirs)
            verify_consistency(old, roots[0], new, roots[1], consistency_proof(old, new, ours))


def test_leaves_equal_those_of_rfc8785() -> None:
    case = CaseLink("0" * 32, 2, "1" * 64)
    text = leaf_text(k="k", h='{"v":1}', s="A" * 86, rx="2026-01-01T00:00:00.000Z", case=case)
    value: dict[str, Any] = {
        "v": 1, "k": "k", "h": '{"v":1}', "s": "A" * 86, "rx": "2026-01-01T00:00:00.000Z",
        "c": {"ct": "0" * 32, "cs": 2, "cp": "1" * 64},
    }  # fmt: skip
    assert text.encode() == rfc8785.dumps(value)


def random_value(draw: random.Random, depth: int) -> jcs.JsonValue:
    kind = draw.randrange(7 if depth else 4)
    if kind >= 5:
        return [random_value(draw, depth - 1) for _ in range(draw.randrange(4))]
    if kind == 4:
        keys = ["".join(map(chr, (draw.randrange(128) for _ in range(draw.randrange(5)))))
                for _ in range(draw.randrange(5))]  # fmt: skip
        return {key: random_value(draw, depth - 1) for key in keys}
    if kind == 3:
        odd = (0, 8, 9, 10, 13, 31, 34, 47, 92, 127, 0x2028, 0xE000, 0xFFFF, 0x1F600)
        return "".join(chr(draw.choice((*odd, draw.randrange(0x20, 0xD800)))) for _ in range(6))
    return (None, draw.random() < 0.5, draw.randrange(-(2**53) + 1, 2**53))[kind]


def test_canonical_json_equals_that_of_rfc8785() -> None:
    draw = random.Random(8785)
    for _ in range(2000):
        value = random_value(draw, 4)
        text = jcs.dump_bytes(value)
        assert text == rfc8785.dumps(value)
        assert jcs.loads(text) == value


def test_proofs_from_tiles_of_three_levels_equal_those_from_memory() -> None:
    entries = [b"%d" % number for number in range(66_000)]
    leaves = list(map(leaf_hash, entries))
    growth = append_leaves(0, leaves, dict[Tile, bytes]().__getitem__)
    ours = MemoryTree(leaves)
    reader = TileReader(growth.tiles.__getitem__, growth.size)
    draw = random.Random(1)
    for _ in range(50):
        index, old = draw.randrange(66_000), draw.randrange(1, 66_000)
        assert inclusion_proof(index, 66_000, reader) == inclusion_proof(index, 66_000, ours)
        assert consistency_proof(old, 66_000, reader) == consistency_proof(old, 66_000, ours)
