"""Merkle tree of RFC 6962 §2.1: roots, inclusion and consistency proofs.

Proofs are made from hashes of *complete* subtrees, which is what tiles store. A coordinate is
``(level, index)``: the subtree of 2**level leaves that starts at leaf ``index << level``.
Verification follows RFC 9162 §2.1.3.2 and §2.1.4.2 and shares nothing with the making.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from hashlib import sha256
from typing import Final, Protocol, TypeAlias

from client_sdk.protocol.errors import ProofError

Coord: TypeAlias = tuple[int, int]

HASH_BYTES: Final = 32
MAX_SIZE: Final = 2**63 - 1
MAX_PROOF_HASHES: Final = 63
EMPTY_ROOT: Final = sha256(b"").digest()


def leaf_hash(data: bytes) -> bytes:
    """Hash of one entry: SHA-256 over 0x00 and the entry."""
    return sha256(b"\x00" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Hash of an inner node: SHA-256 over 0x01 and both children."""
    return sha256(b"\x01" + left + right).digest()


class HashReader(Protocol):
    """Gives the hashes of complete subtrees."""

    def hashes(self, coords: Sequence[Coord]) -> list[bytes]:
        """Hash per coordinate, in the same order; ProofError when one is not there."""
        ...


def split_point(size: int) -> int:
    """Largest power of two smaller than `size` (RFC 6962 §2.1); `size` is at least 2."""
    return 1 << (size - 1).bit_length() - 1


def complete_subtrees(start: int, end: int) -> list[Coord]:
    """Complete subtrees that make up the RFC 6962 subtree of leaves [start, end), left to right.

    `start` is aligned: a multiple of the power of two that `end - start` does not exceed.
    """
    coords: list[Coord] = []
    while start < end:
        level = (end - start).bit_length() - 1
        coords.append((level, start >> level))
        start += 1 << level
    return coords


def fold(hashes: Sequence[bytes]) -> bytes:
    """Root over the hashes of `complete_subtrees`, which is never empty."""
    root = hashes[-1]
    for left in reversed(hashes[:-1]):
        root = node_hash(left, root)
    return root


def tree_root(size: int, reader: HashReader) -> bytes:
    """Merkle Tree Hash of the first `size` leaves."""
    _check_size(size)
    if size == 0:
        return EMPTY_ROOT
    return fold(_read(reader, complete_subtrees(0, size)))


def inclusion_proof(index: int, size: int, reader: HashReader) -> list[bytes]:
    """Audit path of leaf `index` in the tree of `size` leaves, from its sibling upwards."""
    _check_size(size)
    if not 0 <= index < size:
        raise ProofError("the index is outside the tree", code="proof-index")
    start, end = 0, size
    siblings: list[tuple[int, int]] = []
    while end - start > 1:
        middle = start + split_point(end - start)
        if index < middle:
            siblings.append((middle, end))
            end = middle
        else:
            siblings.append((start, middle))
            start = middle
    return _ranges(siblings[::-1], reader)


def consistency_proof(old_size: int, new_size: int, reader: HashReader) -> list[bytes]:
    """Proof that the tree of `new_size` leaves extends the one of `old_size`; empty from 0."""
    _check_size(old_size)
    _check_size(new_size)
    if old_size > new_size:
        raise ProofError("the old tree is larger than the new one", code="proof-size")
    if old_size in (0, new_size):
        return []
    start, end, whole = 0, new_size, True
    parts: list[tuple[int, int]] = []
    while end != old_size:  # RFC 6962 §2.1.2: SUBPROOF, from the root down
        middle = start + split_point(end - start)
        if old_size <= middle:
            parts.append((middle, end))
            end = middle
        else:
            parts.append((start, middle))
            start, whole = middle, False
    if not whole:
        parts.append((start, end))
    return _ranges(parts[::-1], reader)


def verify_inclusion(
    leaf: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes
) -> None:
    """Check that the entry with leaf hash `leaf` is number `index` of the tree (RFC 9162 §2.1.3.2).

    `leaf` is `leaf_hash(entry)`, never the entry itself. ProofError when it is not.
    """
    _check_hashes(leaf, root, *proof)
    _check_size(size)
    if not 0 <= index < size:
        raise ProofError("the index is outside the tree", code="proof-index")
    position, last, found = index, size - 1, leaf
    for sibling in proof:
        if last == 0:
            raise ProofError("the proof is too long", code="proof-length")
        if position & 1 or position == last:
            found = node_hash(sibling, found)
            position, last = _climb(position, last)
        else:
            found = node_hash(found, sibling)
        position, last = position >> 1, last >> 1
    if last:
        raise ProofError("the proof is too short", code="proof-length")
    if found != root:
        raise ProofError("the proof leads to another root", code="proof-root")


def verify_consistency(
    old_size: int, old_root: bytes, new_size: int, new_root: bytes, proof: Sequence[bytes]
) -> None:
    """Check that the new tree extends the old one (RFC 9162 §2.1.4.2); ProofError when not."""
    _check_hashes(old_root, new_root, *proof)
    _check_size(old_size)
    _check_size(new_size)
    if old_size > new_size:
        raise ProofError("the old tree is larger than the new one", code="proof-size")
    for size, root in ((old_size, old_root), (new_size, new_root)):
        if size == 0 and root != EMPTY_ROOT:
            raise ProofError("the empty tree has another root", code="proof-root")
    if old_size in (0, new_size):
        if proof:
            raise ProofError("no proof is due here", code="proof-length")
        if old_size == new_size and old_root != new_root:
            raise ProofError("two roots for one size", code="proof-fork")
        return
    _check_extends(old_size, old_root, new_size, new_root, list(proof))


def _check_extends(
    old_size: int, old_root: bytes, new_size: int, new_root: bytes, proof: list[bytes]
) -> None:
    """The loop of RFC 9162 §2.1.4.2 for 0 < old_size < new_size."""
    if not proof:
        raise ProofError("the proof is too short", code="proof-length")
    if old_size & (old_size - 1) == 0:
        proof = [old_root, *proof]  # a complete old tree is a node of the new one
    position, last = old_size - 1, new_size - 1
    while position & 1:
        position, last = position >> 1, last >> 1
    old_found = new_found = proof[0]
    for item in proof[1:]:
        if last == 0:
            raise ProofError("the proof is too long", code="proof-length")
        if position & 1 or position == last:
            old_found, new_found = node_hash(item, old_found), node_hash(item, new_found)
            position, last = _climb(position, last)
        else:
            new_found = node_hash(new_found, item)
        position, last = position >> 1, last >> 1
    if last:
        raise ProofError("the proof is too short", code="proof-length")
    if old_found != old_root:
        raise ProofError("the old tree is not a part of the new one", code="proof-fork")
    if new_found != new_root:
        raise ProofError("the proof leads to another root", code="proof-root")


def _climb(position: int, last: int) -> tuple[int, int]:
    """Up to the level where the node is a right child, past those without a sibling."""
    while position and not position & 1:
        position, last = position >> 1, last >> 1
    return position, last


def root_of(leaf_hashes: Sequence[bytes]) -> bytes:
    """Merkle Tree Hash straight from the definition; for tests and small trees."""
    if not leaf_hashes:
        return EMPTY_ROOT
    if len(leaf_hashes) == 1:
        return leaf_hashes[0]
    middle = split_point(len(leaf_hashes))
    return node_hash(root_of(leaf_hashes[:middle]), root_of(leaf_hashes[middle:]))


class MemoryTree:
    """A growing tree that keeps every complete subtree; a HashReader for what fits in memory."""

    def __init__(self, leaf_hashes: Iterable[bytes] = ()) -> None:
        self._levels: list[list[bytes]] = [[]]
        for leaf in leaf_hashes:
            self.append(leaf)

    @property
    def size(self) -> int:
        """Number of leaves."""
        return len(self._levels[0])

    def append(self, leaf_hash: bytes) -> int:
        """Add the hash of an entry; gives its index."""
        _check_hashes(leaf_hash)
        found = leaf_hash
        for level, row in enumerate(self._levels):
            row.append(found)
            if len(row) & 1:
                break
            found = node_hash(row[-2], found)
            if level + 1 == len(self._levels):
                self._levels.append([found])
                break
        return self.size - 1

    def root(self, size: int | None = None) -> bytes:
        """Root of the first `size` leaves, of all by default."""
        return tree_root(self.size if size is None else size, self)

    def hashes(self, coords: Sequence[Coord]) -> list[bytes]:
        """Hash per coordinate (HashReader)."""
        try:
            return [self._levels[level][index] for level, index in coords]
        except IndexError as error:
            raise ProofError("the tree is smaller", code="hash-missing") from error


def _ranges(ranges: Sequence[tuple[int, int]], reader: HashReader) -> list[bytes]:
    """Hash per leaf range, with one call to the reader."""
    groups = [complete_subtrees(start, end) for start, end in ranges]
    hashes = iter(_read(reader, [coord for group in groups for coord in group]))
    return [fold([next(hashes) for _ in group]) for group in groups]


def _read(reader: HashReader, coords: Sequence[Coord]) -> list[bytes]:
    hashes = reader.hashes(coords)
    if len(hashes) != len(coords):
        raise ProofError("the reader gave another number of hashes", code="hash-missing")
    return hashes


def _check_size(size: int) -> None:
    if not 0 <= size <= MAX_SIZE:
        raise ProofError("a tree size is from 0 to 2**63 - 1", code="proof-size")


def _check_hashes(*hashes: bytes) -> None:
    if any(len(item) != HASH_BYTES for item in hashes):
        raise ProofError("a hash has 32 bytes", code="proof-hash")
