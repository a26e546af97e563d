import pytest

from client_sdk.protocol.errors import NoteError, ProofError, ProtocolError
from client_sdk.protocol.keys import Algorithm, PrivateKey
from client_sdk.protocol.tlog.checkpoints import Checkpoint, open_checkpoint
from client_sdk.protocol.tlog.merkle import MemoryTree, inclusion_proof, leaf_hash
from client_sdk.protocol.tlog.notes import NoteSigner, sign_note
from client_sdk.protocol.tlog.proofs import TlogProof, parse_proof

SIGNER = NoteSigner("log.example/court", PrivateKey.generate(Algorithm.ED25519))
LEAVES = [leaf_hash(b"%d" % number) for number in range(21)]
TREE = MemoryTree(LEAVES)
CHECKPOINT = Checkpoint(SIGNER.name, TREE.size, TREE.root())
NOTE = sign_note(CHECKPOINT.body(), [SIGNER])


def proof_of(index: int, extra: bytes | None = None) -> TlogProof:
    return TlogProof(index, tuple(inclusion_proof(index, TREE.size, TREE)), NOTE, extra)


TEXT = proof_of(5, b"extra").to_text()


def test_the_text_is_that_of_the_specification() -> None:
    lines = TEXT.split("\n")
    assert lines[:3] == ["c2sp.org/tlog-proof@v1", "extra ZXh0cmE=", "index 5"]
    assert len(lines[3]) == 44
    assert TEXT.endswith("\n\n" + NOTE.to_text())
    assert proof_of(5).to_text() == TEXT.replace("extra ZXh0cmE=\n", "")


@pytest.mark.parametrize("extra", [None, b"x", bytes(1000)])
@pytest.mark.parametrize("index", [0, 5, 20])
def test_a_proof_survives_its_text_and_holds(index: int, extra: bytes | None) -> None:
    proof = proof_of(index, extra)
    again = parse_proof(proof.to_text().encode())
    assert again == proof == parse_proof(proof.to_text())
    again.verify(LEAVES[index], open_checkpoint(again.checkpoint_note, SIGNER.verifier_key))


def test_a_tree_of_one_has_an_empty_proof() -> None:
    note = sign_note(Checkpoint(SIGNER.name, 1, LEAVES[0]).body(), [SIGNER])
    text = TlogProof(0, (), note).to_text()
    assert text.startswith("c2sp.org/tlog-proof@v1\nindex 0\n\nlog.example/court\n1\n")
    proof = parse_proof(text)
    proof.verify(LEAVES[0], open_checkpoint(proof.checkpoint_note, SIGNER.verifier_key))


def test_tamper_a_proof_of_something_else_does_not_hold() -> None:
    proof = proof_of(5)
    other = Checkpoint(SIGNER.name, 20, TREE.root(20))
    foreign = Checkpoint("other.example", TREE.size, TREE.root())
    for leaf, checkpoint in ((LEAVES[6], CHECKPOINT), (LEAVES[5], other), (LEAVES[5], foreign)):
        with pytest.raises(ProofError):
            proof.verify(leaf, checkpoint)
    moved = parse_proof(proof.to_text().replace("index 5\n", "index 4\n"))
    with pytest.raises(ProofError) as caught:
        moved.verify(LEAVES[5], CHECKPOINT)
    assert caught.value.code == "proof-root"


HASH = TEXT.split("\n")[3]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("c2sp.org/tlog-proof@v1\n", ""),
        ("proof@v1", "proof@v2"),
        ("proof@v1\n", "proof@v1\n\n"),
        ("c2sp", " c2sp"),
        ("proof@v1\n", "proof@v1\r\n"),
        ("extra ZXh0cmE=", "extra "),
        ("extra ZXh0cmE=", "extra ZXh0cmE"),
        ("extra ZXh0cmE=", "extra ZXh0cmF="),
        ("extra ZXh0cmE=", "Extra ZXh0cmE="),
        ("extra ZXh0cmE=", "extra  ZXh0cmE="),
        ("extra ZXh0cmE=\n", "extra ZXh0cmE=\nextra ZXh0cmE=\n"),
        ("extra ZXh0cmE=\nindex 5\n", "index 5\nextra ZXh0cmE=\n"),
        ("index 5\n", ""),
        ("index 5\n", "index 5\nindex 5\n"),
        ("index 5", "index 05"),
        ("index 5", "index +5"),
        ("index 5", "index -5"),
        ("index 5", "index  5"),
        ("index 5", "index 5 "),
        ("index 5", "index"),
        ("index 5", "5"),
        ("index 5", "index ٥"),
        ("index 5", f"index {2**63}"),
        (HASH, HASH[:-1]),
        (HASH, HASH + "="),
        (HASH, "AAAA"),
        (HASH, HASH + "\n\n"),
        (HASH, "\n" + HASH),
        (HASH, "\n".join([HASH] * 64)),
        (f"{HASH}\n", f"{HASH} \n"),
    ],
)
def test_malformed_proofs_are_refused(old: str, new: str) -> None:
    assert old in TEXT
    with pytest.raises(ProtocolError):
        parse_proof(TEXT.replace(old, new, 1))


def test_a_proof_needs_its_checkpoint() -> None:
    head = TEXT.partition("\n\n")[0]
    for text in ("", head, head + "\n", head + "\n\n", head + "\n\n\n" + NOTE.to_text()[:-1]):
        with pytest.raises((ProofError, NoteError)):
            parse_proof(text)
    with pytest.raises(ProofError):
        parse_proof(b"\xff" + TEXT.encode())
    for text, code in ((head, "proof-format"), (TEXT + "A" * (1 << 20), "proof-length")):
        with pytest.raises(ProofError) as caught:
            parse_proof(text)
        assert caught.value.code == code


def test_proofs_that_cannot_be_made() -> None:
    for fields in ((-1, (), NOTE), (2**63, (), NOTE), (0, (b"short",), NOTE),
                   (0, (bytes(32),) * 64, NOTE), (0, (), NOTE, b""),
                   (0, (), NOTE, bytes(65_537))):  # fmt: skip
        with pytest.raises(ProofError):
            TlogProof(*fields)
