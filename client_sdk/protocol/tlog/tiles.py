"""Tiles and entry bundles (c2sp.org/tlog-tiles): how a tree is stored and served.

A tile of level L holds up to 256 consecutive hashes of complete subtrees of 256**L leaves. Only
the rightmost tile of a level is partial; its width says for which tree size it was made.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from client_sdk.protocol.errors import ProofError, TileError
from client_sdk.protocol.tlog.merkle import HASH_BYTES, MAX_SIZE, Coord, node_hash, tree_root

TILE_HEIGHT: Final = 8
TILE_WIDTH: Final = 1 << TILE_HEIGHT
TILE_BYTES: Final = TILE_WIDTH * HASH_BYTES
MAX_LEVEL: Final = 63
MAX_ENTRY_BYTES: Final = 2**16 - 1

_LENGTH_BYTES: Final = 2
_PATH: Final = re.compile(
    r"tile/(entries|0|[1-9][0-9]?)/((?:x[0-9]{3}/){0,6}[0-9]{3})(?:\.p/([1-9][0-9]{0,2}))?"
)


@dataclass(frozen=True, slots=True, order=True)
class Tile:
    """Tile number `index` of `level`, with `width` hashes (1 to 256)."""

    level: int
    index: int
    width: int = TILE_WIDTH

    def __post_init__(self) -> None:
        if not 0 <= self.level <= MAX_LEVEL or not 1 <= self.width <= TILE_WIDTH:
            raise TileError("a level of 0 to 63 and a width of 1 to 256")
        end = self.index * TILE_WIDTH + self.width
        if self.index < 0 or end << TILE_HEIGHT * self.level > MAX_SIZE:
            raise TileError("no tree has that tile")

    @property
    def path(self) -> str:
        """``tile/<L>/<N>[.p/<W>]``, relative to the log's prefix."""
        return f"tile/{self.level}/{self._number}"

    @property
    def entries_path(self) -> str:
        """``tile/entries/<N>[.p/<W>]``: the bundle of the entries under a tile of level 0."""
        if self.level:
            raise TileError("only tiles of level 0 have entries")
        return f"tile/entries/{self._number}"

    @property
    def is_full(self) -> bool:
        """Whether it has 256 hashes."""
        return self.width == TILE_WIDTH

    @property
    def size_bytes(self) -> int:
        """Length of its data."""
        return self.width * HASH_BYTES

    @property
    def _number(self) -> str:
        """Groups of three digits, all but the last after an x; the width of a partial tile."""
        groups = [f"{self.index % 1000:03}"]
        rest = self.index // 1000
        while rest:
            groups.append(f"x{rest % 1000:03}")
            rest //= 1000
        partial = "" if self.is_full else f".p/{self.width}"
        return "/".join(reversed(groups)) + partial


def parse_tile_path(path: str) -> Tile:
    """Tile of its one path; TileError for any other text."""
    tile = _parsed(path)
    if tile.path != path:
        raise TileError("not a tile path", code="tile-path")
    return tile


def parse_entries_path(path: str) -> Tile:
    """Tile of level 0 whose entry bundle has this path; TileError for any other text."""
    tile = _parsed(path)
    if tile.entries_path != path:
        raise TileError("not the path of an entry bundle", code="tile-path")
    return tile


def _parsed(path: str) -> Tile:
    """Tile that a path seems to name; its own path may still be another."""
    match = _PATH.fullmatch(path)
    if match is None:
        raise TileError("not a tile path", code="tile-path")
    kind, number, width = match.groups()
    level = 0 if kind == "entries" else int(kind)
    index = int(number.replace("x", "").replace("/", ""))
    return Tile(level, index, int(width or TILE_WIDTH))


def tile_of(level: int, index: int, size: int) -> Tile:
    """Tile `index` of `level` as a tree of `size` leaves has it; TileError when it has none."""
    width = min(TILE_WIDTH, (size >> TILE_HEIGHT * level) - index * TILE_WIDTH)
    if width < 1:
        raise TileError("the tree does not reach that tile", code="tile-missing")
    return Tile(level, index, width)


def new_tiles(old_size: int, new_size: int) -> list[Tile]:
    """Tiles, full and partial, that a tree has at `new_size` but did not have at `old_size`."""
    if not 0 <= old_size <= new_size <= MAX_SIZE:
        raise TileError("trees only grow")
    tiles: list[Tile] = []
    level = 0
    while old_size < new_size:
        tiles += [
            Tile(level, index, min(TILE_WIDTH, new_size - index * TILE_WIDTH))
            for index in range(old_size // TILE_WIDTH, -(-new_size // TILE_WIDTH))
        ]
        old_size, new_size, level = old_size // TILE_WIDTH, new_size // TILE_WIDTH, level + 1
    return tiles


class TileReader:
    """Reads hashes of complete subtrees (HashReader) from the tiles of a tree of `size` leaves.

    `fetch` gives the data of exactly the tile it is asked for. Tiles are kept while the reader
    lives, so one reader serves many proofs at one size.
    """

    def __init__(self, fetch: Callable[[Tile], bytes], size: int) -> None:
        self._fetch = fetch
        self._size = size
        self._tiles: dict[tuple[int, int], bytes] = {}

    def hashes(self, coords: Sequence[Coord]) -> list[bytes]:
        """Hash per coordinate, in order."""
        return [self._hash(level, index) for level, index in coords]

    def _hash(self, level: int, index: int) -> bytes:
        if (index + 1) << level > self._size:
            raise ProofError("the tree is smaller", code="hash-missing")
        tile_level, height = divmod(level, TILE_HEIGHT)
        tile_index, first = divmod(index << height, TILE_WIDTH)
        data = self._data(tile_level, tile_index)
        return subtree_root(data[first * HASH_BYTES : (first + (1 << height)) * HASH_BYTES])

    def _data(self, level: int, index: int) -> bytes:
        found = self._tiles.get((level, index))
        if found is None:
            tile = tile_of(level, index, self._size)
            found = self._fetch(tile)
            if len(found) != tile.size_bytes:
                raise TileError(f"{tile.path} has another length", code="tile-length")
            self._tiles[level, index] = found
        return found


def subtree_root(data: bytes) -> bytes:
    """Root over the hashes in `data`, whose number is a power of two."""
    row = [data[at : at + HASH_BYTES] for at in range(0, len(data), HASH_BYTES)]
    while len(row) > 1:
        row = [node_hash(row[at], row[at + 1]) for at in range(0, len(row), 2)]
    return row[0]


@dataclass(frozen=True)
class Growth:
    """What appending made: the new size and root, and the data of each tile to write."""

    size: int
    root: bytes
    tiles: Mapping[Tile, bytes]


def append_leaves(
    size: int, leaf_hashes: Sequence[bytes], fetch: Callable[[Tile], bytes]
) -> Growth:
    """Append leaf hashes to a stored tree of `size` leaves.

    Reads only the partial tiles at the right edge. `tiles` holds exactly
    `new_tiles(size, size + len(leaf_hashes))`; write them in the transaction that moves the size.
    """
    if any(len(leaf) != HASH_BYTES for leaf in leaf_hashes):
        raise TileError("a leaf hash has 32 bytes", code="tile-length")
    new_size = size + len(leaf_hashes)
    made: dict[Tile, bytes] = {}
    fresh, old, level = b"".join(leaf_hashes), size, 0
    while fresh:
        edge = old % TILE_WIDTH
        data = fetch(Tile(level, old // TILE_WIDTH, edge)) + fresh if edge else fresh
        if len(data) != edge * HASH_BYTES + len(fresh):
            raise TileError("the edge of the tree has another length", code="tile-length")
        rows = {}
        for at in range(0, len(data), TILE_BYTES):
            part = data[at : at + TILE_BYTES]
            index = old // TILE_WIDTH + at // TILE_BYTES
            rows[Tile(level, index, len(part) // HASH_BYTES)] = part
        made |= rows
        fresh = b"".join(subtree_root(part) for tile, part in rows.items() if tile.is_full)
        old, level = old // TILE_WIDTH, level + 1
    reader = TileReader(lambda tile: made[tile] if tile in made else fetch(tile), new_size)
    return Growth(new_size, tree_root(new_size, reader), made)


def encode_bundle(entries: Sequence[bytes]) -> bytes:
    """Entry bundle of 1 to 256 entries: each after its length in two bytes, big-endian."""
    if not 1 <= len(entries) <= TILE_WIDTH:
        raise TileError("a bundle has 1 to 256 entries", code="bundle")
    if any(len(entry) > MAX_ENTRY_BYTES for entry in entries):
        raise TileError("an entry has at most 65535 bytes", code="bundle")
    return b"".join(len(entry).to_bytes(_LENGTH_BYTES) + entry for entry in entries)


def decode_bundle(data: bytes) -> list[bytes]:
    """Entries of a bundle; TileError when it is cut off or has more than 256."""
    entries: list[bytes] = []
    at = 0
    while at < len(data):
        start = at + _LENGTH_BYTES
        at = start + int.from_bytes(data[at:start])
        if at > len(data):
            raise TileError("the bundle is cut off", code="bundle")
        entries.append(data[start:at])
    if not 1 <= len(entries) <= TILE_WIDTH:
        raise TileError("a bundle has 1 to 256 entries", code="bundle")
    return entries
