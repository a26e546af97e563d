from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from client_sdk.protocol.errors import ProofError
from client_sdk.protocol.tlog.merkle import (
    EMPTY_ROOT,
    MAX_SIZE,
    MemoryTree,
    consistency_proof,
    inclusion_proof,
    leaf_hash,
    node_hash,
    root_of,
    tree_root,
    verify_consistency,
    verify_inclusion,
)

LEAVES = [leaf_hash(b"%d" % number) for number in range(700)]
TREE = MemoryTree(LEAVES)
RANDOM = settings(derandomize=True, max_examples=500)
SIZES = st.integers(1, len(LEAVES))


def code_of(caught: pytest.ExceptionInfo[ProofError]) -> str:
    return caught.value.code


def test_hashes_of_rfc_6962() -> None:
    assert EMPTY_ROOT.hex() == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    # Known roots of the reference implementation's test tree (Certificate Transparency).
    assert leaf_hash(b"").hex() == (
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"
    )
    data = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657",
            "606162636465666768696a6b6c6d6e6f"]  # fmt: skip
    tree = MemoryTree(leaf_hash(bytes.fromhex(text)) for text in data)
    assert tree.root(2).hex() == "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"
    assert tree.root().hex() == "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"


def test_the_tree_equals_the_definition_at_every_size() -> None:
    for size in range(len(LEAVES) + 1):
        assert tree_root(size, TREE) == root_of(LEAVES[:size])


def test_every_proof_of_every_small_tree_holds() -> None:
    for size in range(1, 70):
        root = root_of(LEAVES[:size])
        for index in range(size):
            verify_inclusion(LEAVES[index], index, size, inclusion_proof(index, size, TREE), root)
        for old in range(size + 1):
            proof = consistency_proof(old, size, TREE)
            verify_consistency(old, root_of(LEAVES[:old]), size, root, proof)


@RANDOM
@given(data=st.data(), size=SIZES)
def test_inclusion_proofs_hold_and_nothing_else_does(data: st.DataObject, size: int) -> None:
    index = data.draw(st.integers(0, size - 1))
    proof, root = inclusion_proof(index, size, TREE), TREE.root(size)
    verify_inclusion(LEAVES[index], index, size, proof, root)
    other = data.draw(st.integers(0, size - 1).filter(lambda i: i != index) if size > 1
                      else st.just(1))  # fmt: skip
    with pytest.raises(ProofError):
        verify_inclusion(LEAVES[index], other, size, proof, root)
    with pytest.raises(ProofError):
        verify_inclusion(LEAVES[(index + 1) % 700], index, size, proof, root)
    for changed in _spoilt(data, proof):
        with pytest.raises(ProofError):
            verify_inclusion(LEAVES[index], index, size, changed, root)


@RANDOM
@given(data=st.data(), new=st.integers(2, len(LEAVES)))
def test_consistency_proofs_hold_and_nothing_else_does(data: st.DataObject, new: int) -> None:
    old = data.draw(st.integers(1, new - 1))
    proof, roots = consistency_proof(old, new, TREE), (TREE.root(old), TREE.root(new))
    verify_consistency(old, roots[0], new, roots[1], proof)
    fork = MemoryTree([*LEAVES[: old - 1], leaf_hash(b"another"), *LEAVES[old:new]])
    with pytest.raises(ProofError):
        verify_consistency(old, fork.root(old), new, roots[1], proof)
    with pytest.raises(ProofError):
        verify_consistency(old, roots[0], new, fork.root(), consistency_proof(old, new, fork))
    for changed in _spoilt(data, proof):
        with pytest.raises(ProofError):
            verify_consistency(old, roots[0], new, roots[1], changed)


def _spoilt(data: st.DataObject, proof: Sequence[bytes]) -> list[list[bytes]]:
    """The proof with one hash changed, dropped, repeated and added."""
    longer = [[*proof, bytes(32)], [bytes(32), *proof]]
    if not proof:
        return longer
    at = data.draw(st.integers(0, len(proof) - 1))
    bit = data.draw(st.integers(0, 255))
    flipped = bytearray(proof[at])
    flipped[bit // 8] ^= 1 << bit % 8
    head, tail = list(proof[:at]), list(proof[at + 1 :])
    return [*longer, [*head, bytes(flipped), *tail], head + tail, [*head, proof[at], *proof[at:]]]


@RANDOM
@given(old=st.integers(0, 40), new=st.integers(0, 40), size=st.integers(0, 8), word=st.binary(
    min_size=32, max_size=32))  # fmt: skip
def test_made_up_consistency_proofs_prove_nothing(
    old: int, new: int, size: int, word: bytes
) -> None:
    roots = [root_of(LEAVES[:old]), root_of(LEAVES[100 : 100 + new])]
    trivial = old in (0, new) and (old == 0 or roots[0] == roots[1]) and size == 0
    if trivial:
        return
    with pytest.raises(ProofError):
        verify_consistency(old, roots[0], new, roots[1], [word] * size)


def test_the_empty_tree_and_equal_sizes() -> None:
    verify_consistency(0, EMPTY_ROOT, 0, EMPTY_ROOT, [])
    verify_consistency(0, EMPTY_ROOT, 5, TREE.root(5), [])
    verify_consistency(5, TREE.root(5), 5, TREE.root(5), [])
    for wrong in (
        (0, TREE.root(5), 5, TREE.root(5), []),  # a size of 0 with a root
        (0, EMPTY_ROOT, 0, TREE.root(5), []),
        (0, EMPTY_ROOT, 5, TREE.root(5), [bytes(32)]),
        (5, TREE.root(5), 5, TREE.root(6), []),  # a fork
        (5, TREE.root(5), 5, TREE.root(5), [bytes(32)]),
        (6, TREE.root(6), 5, TREE.root(5), []),  # a shrunken tree
        (4, TREE.root(4), 6, TREE.root(6), []),  # a power of two still needs a proof
    ):
        with pytest.raises(ProofError):
            verify_consistency(*wrong)


@pytest.mark.parametrize(
    ("index", "size"), [(0, 0), (1, 1), (-1, 5), (5, 5), (0, -1), (0, 2**63), (2**63, 2**63)]
)
def test_indexes_and_sizes_out_of_range(index: int, size: int) -> None:
    with pytest.raises(ProofError):
        inclusion_proof(index, size, TREE)
    with pytest.raises(ProofError):
        verify_inclusion(LEAVES[0], index, size, [], LEAVES[0])


def test_a_tree_has_at_most_2_63_minus_1_leaves() -> None:
    with pytest.raises(ProofError) as caught:
        verify_consistency(1, LEAVES[0], MAX_SIZE + 1, LEAVES[0], [LEAVES[1]] * 63)
    assert code_of(caught) == "proof-size"
    with pytest.raises(ProofError) as caught:
        consistency_proof(3, 2, TREE)
    assert code_of(caught) == "proof-size"


def test_the_reason_is_named() -> None:
    """Most of these would fail at the root anyway; the limits keep the work small."""
    root, proof = TREE.root(21), consistency_proof(6, 21, TREE)
    cases = [
        ((22, root, 21, root, proof), "proof-size"),
        ((6, TREE.root(6), 21, root, proof[:-1]), "proof-length"),
        ((6, TREE.root(6), 21, root, [*proof, root]), "proof-length"),
        ((6, TREE.root(6), 21, root, [root] * 70), "proof-length"),
        ((4, TREE.root(4), 21, root, []), "proof-length"),
    ]
    for arguments, code in cases:
        with pytest.raises(ProofError) as caught:
            verify_consistency(*arguments)
        assert code_of(caught) == code
    path = inclusion_proof(6, 21, TREE)
    for wrong in (path[:-1], [*path, root], path * 20):
        with pytest.raises(ProofError) as caught:
            verify_inclusion(LEAVES[6], 6, 21, wrong, root)
        assert code_of(caught) == "proof-length"


def test_the_entry_itself_is_not_taken_for_its_hash() -> None:
    with pytest.raises(ProofError) as caught:
        verify_inclusion(b"entry", 0, 1, [], LEAVES[0])
    assert code_of(caught) == "proof-hash"
    with pytest.raises(ProofError) as caught:
        MemoryTree([b"entry"])
    assert code_of(caught) == "proof-hash"


def test_a_node_is_never_a_leaf() -> None:
    inner = node_hash(LEAVES[0], LEAVES[1])
    with pytest.raises(ProofError):
        verify_inclusion(inner, 0, 4, inclusion_proof(0, 4, TREE)[1:], TREE.root(4))
    with pytest.raises(ProofError):
        verify_inclusion(inner, 0, 2, [node_hash(LEAVES[2], LEAVES[3])], root_of(LEAVES[:4])[::-1])


def test_what_is_not_there_cannot_be_read() -> None:
    small = MemoryTree(LEAVES[:3])
    with pytest.raises(ProofError) as caught:
        small.root(4)
    assert code_of(caught) == "hash-missing"


class Stingy:
    """A reader that gives one hash too few."""

    def hashes(self, coords: Sequence[tuple[int, int]]) -> list[bytes]:
        return TREE.hashes(coords)[1:]


def test_a_reader_that_gives_too_little_is_noticed() -> None:
    for read in (lambda: tree_root(7, Stingy()), lambda: inclusion_proof(2, 7, Stingy())):
        with pytest.raises(ProofError) as caught:
            read()
        assert code_of(caught) == "hash-missing"
