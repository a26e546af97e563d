import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from client_sdk.protocol.errors import ProofError, TileError
from client_sdk.protocol.tlog.merkle import (
    EMPTY_ROOT,
    consistency_proof,
    inclusion_proof,
    leaf_hash,
    root_of,
    tree_root,
    verify_consistency,
    verify_inclusion,
)
from client_sdk.protocol.tlog.tiles import (
    TILE_WIDTH,
    Tile,
    TileReader,
    append_leaves,
    decode_bundle,
    encode_bundle,
    new_tiles,
    parse_entries_path,
    parse_tile_path,
    tile_of,
)

LEAVES = [leaf_hash(b"%d" % number) for number in range(70_000)]


class Store:
    """Tiles as a log keeps them: every partial tile that was ever due, too."""

    def __init__(self) -> None:
        self.size = 0
        self.tiles: dict[Tile, bytes] = {}

    def fetch(self, tile: Tile) -> bytes:
        return self.tiles[tile]

    def grow(self, size: int) -> bytes:
        growth = append_leaves(self.size, LEAVES[self.size : size], self.fetch)
        assert list(growth.tiles) == new_tiles(self.size, size)
        self.tiles |= growth.tiles
        self.size = growth.size
        return growth.root

    def reader(self, size: int) -> TileReader:
        return TileReader(self.fetch, size)


def naive(tile: Tile) -> bytes:
    """Data of a tile straight from the specification."""
    span = TILE_WIDTH**tile.level
    first = tile.index * TILE_WIDTH
    return b"".join(
        root_of(LEAVES[at * span : (at + 1) * span]) for at in range(first, first + tile.width)
    )


def test_tiles_equal_the_definition_at_every_size_to_600() -> None:
    store = Store()
    for size in range(1, 601):
        root = root_of(LEAVES[:size])
        assert store.grow(size) == root
        assert tree_root(size, store.reader(size)) == root
        for tile in new_tiles(size - 1, size):
            assert store.fetch(tile) == naive(tile)
        last = inclusion_proof(size - 1, size, store.reader(size))
        verify_inclusion(LEAVES[size - 1], size - 1, size, last, root)


def test_a_tree_of_70000_has_the_tiles_of_the_specification() -> None:
    store = Store()
    store.grow(70_000)
    widths = {
        level: [tile.width for tile in store.tiles if tile.level == level] for level in (0, 1, 2)
    }
    assert widths == {0: [256] * 273 + [112], 1: [256, 17], 2: [1]}
    assert new_tiles(0, 256) == [Tile(0, 0, 256), Tile(1, 0, 1)]
    assert tree_root(70_000, store.reader(70_000)) == root_of(LEAVES)
    for tile in (Tile(1, 1, 17), Tile(2, 0, 1), Tile(0, 273, 112)):
        assert store.fetch(tile) == naive(tile)


@settings(derandomize=True, max_examples=60)
@given(sizes=st.lists(st.integers(1, 3000), min_size=1, max_size=8).map(sorted), data=st.data())
def test_proofs_from_tiles_hold_however_the_tree_grew(
    sizes: list[int], data: st.DataObject
) -> None:
    store = Store()
    roots = {size: store.grow(size) for size in sizes}
    for size in sizes:
        reader = store.reader(size)  # an older size reads the partial tiles of its time
        assert roots[size] == root_of(LEAVES[:size])
        index = data.draw(st.integers(0, size - 1))
        verify_inclusion(
            LEAVES[index], index, size, inclusion_proof(index, size, reader), roots[size]
        )
        proof = consistency_proof(size, sizes[-1], store.reader(sizes[-1]))
        verify_consistency(size, roots[size], sizes[-1], roots[sizes[-1]], proof)


def test_growing_by_nothing_writes_nothing() -> None:
    store = Store()
    assert store.grow(0) == EMPTY_ROOT
    root = store.grow(300)
    assert store.grow(300) == root
    assert new_tiles(300, 300) == []


def test_one_reader_fetches_each_tile_once() -> None:
    store = Store()
    store.grow(70_000)
    asked: list[Tile] = []

    def fetch(tile: Tile) -> bytes:
        asked.append(tile)
        return store.fetch(tile)

    reader = TileReader(fetch, 70_000)
    for index in range(0, 256, 5):
        inclusion_proof(index, 70_000, reader)
    assert len(asked) == len(set(asked)) <= 4


def test_damaged_tiles_are_noticed() -> None:
    store = Store()
    root = store.grow(300)
    edge = Tile(0, 1, 44)
    for data in (b"", store.tiles[edge][:-1], store.tiles[edge] + bytes(32)):
        store.tiles[edge] = data
        with pytest.raises(TileError):
            tree_root(300, store.reader(300))
        with pytest.raises(TileError):
            append_leaves(300, LEAVES[300:310], store.fetch)
    store.tiles[edge] = bytes(44 * 32)
    assert tree_root(300, store.reader(300)) != root


def test_a_reader_refuses_what_its_tree_does_not_have() -> None:
    store = Store()
    store.grow(600)
    reader = store.reader(300)
    for coord in ((0, 300), (8, 1), (9, 0), (2, 75)):
        with pytest.raises(ProofError) as caught:
            reader.hashes([coord])
        assert caught.value.code == "hash-missing"
    with pytest.raises(TileError) as missing:
        tile_of(0, 2, 512)
    assert missing.value.code == "tile-missing"
    with pytest.raises(TileError):
        new_tiles(5, 4)
    for leaves in ([b"short"], [bytes(31), bytes(33)]):
        with pytest.raises(TileError):
            append_leaves(0, leaves, store.fetch)


@pytest.mark.parametrize(
    ("tile", "path"),
    [
        (Tile(0, 0), "tile/0/000"),
        (Tile(0, 1234067), "tile/0/x001/x234/067"),
        (Tile(0, 999), "tile/0/999"),
        (Tile(0, 1000), "tile/0/x001/000"),
        (Tile(1, 1234067, 8), "tile/1/x001/x234/067.p/8"),
        (Tile(0, 273, 112), "tile/0/273.p/112"),
        (Tile(2, 0, 1), "tile/2/000.p/1"),
        (Tile(7, 0, 3), "tile/7/000.p/3"),
        (Tile(0, 2**55 - 1, 255), "tile/0/x036/x028/x797/x018/x963/967.p/255"),
    ],
)
def test_paths_of_the_specification(tile: Tile, path: str) -> None:
    assert tile.path == path
    assert parse_tile_path(path) == tile
    if tile.level == 0:
        assert tile.entries_path == path.replace("tile/0/", "tile/entries/")
        assert parse_entries_path(tile.entries_path) == tile


@settings(derandomize=True, max_examples=300)
@given(st.integers(0, 6), st.integers(0, 2**54), st.integers(1, 256))
def test_every_path_leads_back(level: int, index: int, width: int) -> None:
    tile = Tile(level, index >> 8 * level, width)
    assert parse_tile_path(tile.path) == tile


@pytest.mark.parametrize(
    "path",
    ["", "tile/0", "tile/0/", "/tile/0/000", "tile/0/000/", "tile/0/0", "tile/0/00", "tile/0/0000",
     "tile/00/000", "tile/01/000", "tile/64/000", "tile/-1/000", "tile/0/x000/000", "tile/0/x001",
     "tile/0/001/000", "tile/0/x1/000", "tile/0/X001/000", "tile/0/000.p/0", "tile/0/000.p/256",
     "tile/0/000.p/01", "tile/0/000.p/", "tile/0/000.p", "tile/0/000.P/1", "tile/0/000.p/1/",
     "tile/0/000\n", "tile/0/٠٠٠", "tile/entries/000", "tile/8/000/000", "tile/0/000/../001",
     "tile/8/000", "tile/0/x999/x999/x999/x999/x999/999", "tile/0/%30%30%30"],
)  # fmt: skip
def test_paths_that_are_no_tiles(path: str) -> None:
    with pytest.raises(TileError):
        parse_tile_path(path)


@pytest.mark.parametrize("path", ["tile/0/000", "tile/entries/0", "tile/entries/x000/000",
                                  "tile/entries/000.p/256", "tile/entries/000.p/0"])  # fmt: skip
def test_paths_that_are_no_bundles(path: str) -> None:
    with pytest.raises(TileError):
        parse_entries_path(path)


@pytest.mark.parametrize("parts", [(-1, 0, 1), (64, 0, 1), (0, -1, 1), (0, 0, 0), (0, 0, 257),
                                   (0, 2**55, 1), (1, 2**47, 1), (8, 0, 1)])  # fmt: skip
def test_tiles_that_no_tree_has(parts: tuple[int, int, int]) -> None:
    with pytest.raises(TileError):
        Tile(*parts)


def test_only_level_0_has_entries() -> None:
    with pytest.raises(TileError):
        Tile(1, 0).entries_path  # noqa: B018 - the access is the test


@settings(derandomize=True, max_examples=100)
@given(st.lists(st.binary(max_size=300), min_size=1, max_size=256))
def test_bundles_survive(entries: list[bytes]) -> None:
    data = encode_bundle(entries)
    assert decode_bundle(data) == entries
    assert len(data) == sum(map(len, entries)) + 2 * len(entries)
    for cut in {1, len(data) - 1} - {len(data)}:
        kept = entries_of(data[:cut])
        assert kept is None or kept == entries[: len(kept)]


def entries_of(data: bytes) -> list[bytes] | None:
    try:
        return decode_bundle(data)
    except TileError:
        return None


def test_bundles_that_are_refused() -> None:
    assert encode_bundle([b"ab", b""]) == b"\x00\x02ab\x00\x00"
    assert decode_bundle(encode_bundle([bytes(65_535)])) == [bytes(65_535)]
    for data in (b"", b"\x00", b"\x00\x02a", b"\x00\x00\x01", b"\x00\x00" * 257, b"\xff\xffab"):
        with pytest.raises(TileError):
            decode_bundle(data)
    for entries in ([], [b""] * 257, [bytes(65_536)]):
        with pytest.raises(TileError):
            encode_bundle(entries)
