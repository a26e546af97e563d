"""The log's tree: building tiles, and proofs at a million leaves, beside bare SHA-256."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from hashlib import sha256
from typing import Final

from client_sdk.protocol.tlog.merkle import (
    consistency_proof,
    inclusion_proof,
    leaf_hash,
    tree_root,
    verify_consistency,
    verify_inclusion,
)
from client_sdk.protocol.tlog.tiles import Tile, TileReader, append_leaves
from tests.bench.rows import Row, median

LEAVES: Final = 1_000_000
BATCH: Final = 256
LEAVES_PER_SECOND: Final = 50_000
PROOF_MS: Final = 5
NODE_BYTES: Final = 65  # what one inner node hashes: a prefix and two hashes


def run(quick: bool) -> list[Row]:
    """The tree rows of the performance plan; the first is the machine's measure."""
    size = LEAVES // 10 if quick else LEAVES
    rounds = 50 if quick else 200
    bare = _bare_hashes_per_second(size)
    log = _Log([leaf_hash(b"%d" % number) for number in range(size)])
    started = time.perf_counter()
    log.build()
    built = size / (time.perf_counter() - started)
    at = f"at {size:,} leaves, tiles fetched afresh"
    return [
        Row("tlog", f"bare SHA-256 over {NODE_BYTES} bytes", bare, "hashes/s", note="calibration"),
        Row("tlog", f"tiles built in batches of {BATCH}", built, "leaves/s",
            goal=LEAVES_PER_SECOND, note=f"{bare / built:.1f} bare hashes each"),
        Row("tlog", f"inclusion proof {at}", _median_ms(log.prove_inclusion, rounds), "ms",
            goal=PROOF_MS, better="less"),
        Row("tlog", f"consistency proof {at}", _median_ms(log.prove_consistency, rounds), "ms",
            goal=2 * PROOF_MS, better="less"),
    ]  # fmt: skip


class _Log:
    """A tree in tiles, as a log that remembers nothing between two requests."""

    def __init__(self, leaves: list[bytes]) -> None:
        self._leaves = leaves
        self._size = len(leaves)
        self._tiles: dict[tuple[int, int], bytes] = {}
        self._draw = random.Random(6962)
        self._root = b""

    def _fetch(self, tile: Tile) -> bytes:
        return self._tiles[tile.level, tile.index][: tile.size_bytes]

    def build(self) -> None:
        """Append every leaf, batch by batch."""
        for start in range(0, self._size, BATCH):
            growth = append_leaves(start, self._leaves[start : start + BATCH], self._fetch)
            self._tiles |= {(tile.level, tile.index): data for tile, data in growth.tiles.items()}
            self._root = growth.root

    def prove_inclusion(self) -> float:
        """Seconds for the proof of a random leaf; it is verified outside the time."""
        index = self._draw.randrange(self._size)
        started = time.perf_counter()
        proof = inclusion_proof(index, self._size, TileReader(self._fetch, self._size))
        spent = time.perf_counter() - started
        verify_inclusion(self._leaves[index], index, self._size, proof, self._root)
        return spent

    def prove_consistency(self) -> float:
        """Seconds for the proof from a random older size."""
        old = self._draw.randrange(1, self._size)
        old_root = tree_root(old, TileReader(self._fetch, self._size))
        started = time.perf_counter()
        proof = consistency_proof(old, self._size, TileReader(self._fetch, self._size))
        spent = time.perf_counter() - started
        verify_consistency(old, old_root, self._size, self._root, proof)
        return spent


def _bare_hashes_per_second(count: int) -> float:
    block = bytes(NODE_BYTES)
    started = time.perf_counter()
    for _ in range(count):
        sha256(block).digest()
    return count / (time.perf_counter() - started)


def _median_ms(measured: Callable[[], float], rounds: int) -> float:
    return median([measured() * 1000 for _ in range(rounds)])
