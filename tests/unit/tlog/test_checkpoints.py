import pytest

from client_sdk.protocol.errors import CheckpointError, ProtocolError
from client_sdk.protocol.keys import Algorithm, PrivateKey
from client_sdk.protocol.tlog.checkpoints import Checkpoint, open_checkpoint, parse_checkpoint
from client_sdk.protocol.tlog.merkle import EMPTY_ROOT
from client_sdk.protocol.tlog.notes import NoteSigner, parse_note, sign_note

# The example of c2sp.org/tlog-checkpoint.
SOFA = "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n"
SOFA_NOTE = SOFA + (
    "\n— example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcy"
    "v2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=\n"
)
ROOT = "CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I="
SIGNER = NoteSigner("example.com/behind-the-sofa", PrivateKey.generate(Algorithm.ED25519))


def test_the_example_of_the_specification() -> None:
    checkpoint = parse_checkpoint(parse_note(SOFA_NOTE).text)
    assert checkpoint.origin == "example.com/behind-the-sofa"
    assert checkpoint.size == 20_852_163
    assert checkpoint.root.hex()[:8] == "0ac5186a"
    assert checkpoint.body() == SOFA


def test_a_signed_checkpoint_opens() -> None:
    checkpoint = parse_checkpoint(SOFA)
    assert open_checkpoint(sign_note(SOFA, [SIGNER]), SIGNER.verifier_key) == checkpoint


@pytest.mark.parametrize("size", [1, 10, 2**63 - 1])
def test_sizes_survive(size: int) -> None:
    text = SOFA.replace("20852163", str(size))
    assert parse_checkpoint(text).size == size
    assert parse_checkpoint(text).body() == text


def test_the_empty_tree_has_one_root() -> None:
    empty = Checkpoint("a.example", 0, EMPTY_ROOT)
    assert parse_checkpoint(empty.body()) == empty
    with pytest.raises(CheckpointError):
        parse_checkpoint(SOFA.replace("20852163", "0"))


@pytest.mark.parametrize(
    "text",
    [
        "",
        SOFA[:-1],
        SOFA + "\n",
        "\n" + SOFA,
        SOFA.replace("\n", "\n\n", 1),
        SOFA.replace("\n", "\r\n"),
        "a.example\n5\n",
        *(SOFA.replace("20852163", size) for size in (
            "", "00", "05", "+5", "-5", " 5", "5 ", "5.0", "1e3", "0x5", "５", "5_0",
            str(2**63), str(2**64), "9" * 30)),
        *(SOFA.replace(ROOT, root) for root in (
            "", ROOT[:-1], ROOT[:-2] + "J=", ROOT + "=", ROOT.replace("/", "_"), " " + ROOT,
            "AAAA", ROOT[:-1] + "A", "AA" + ROOT)),
    ],
)  # fmt: skip
def test_malformed_checkpoints_are_refused(text: str) -> None:
    with pytest.raises(CheckpointError):
        parse_checkpoint(text)


def test_control_characters_are_refused() -> None:
    for bad in ("\t", "\0", "\r", "\x1b"):
        with pytest.raises(CheckpointError):
            parse_checkpoint(SOFA.replace("sofa", "so" + bad + "fa"))
        with pytest.raises(ProtocolError):
            sign_note(SOFA + f"ext{bad}\n", [SIGNER])


def test_checkpoints_that_cannot_be_made() -> None:
    root = bytes(32)
    for fields in (("", 1, root), ("a\nb", 1, root), ("a", -1, root), ("a", 2**63, root),
                   ("a", 1, root[:-1]), ("a", 1, root, ("",)), ("a", 1, root, ("x\n",)),
                   ("\ud800", 1, root)):  # fmt: skip
        with pytest.raises(CheckpointError):
            Checkpoint(*fields)


def refused(text: str, signer: NoteSigner = SIGNER) -> str:
    with pytest.raises(CheckpointError) as caught:
        open_checkpoint(sign_note(text, [signer]), SIGNER.verifier_key)
    return caught.value.code


def test_a_checkpoint_of_another_key_or_origin_is_refused() -> None:
    namesake = NoteSigner(SIGNER.name, PrivateKey.generate(Algorithm.ED25519))
    assert refused(SOFA, namesake) == "checkpoint-signature"
    assert refused(SOFA.replace("sofa", "couch")) == "checkpoint-origin"


def test_extension_lines_are_refused_unless_asked_for() -> None:
    text = SOFA + "extension\n"
    assert refused(text) == "checkpoint-extension"
    note = sign_note(text, [SIGNER])
    opened = open_checkpoint(note, SIGNER.verifier_key, extensions_allowed=True)
    assert opened.extensions == ("extension",)
    assert opened.body() == text


def test_a_changed_text_is_not_signed() -> None:
    note = sign_note(SOFA, [SIGNER]).to_text()
    for changed in (note.replace("20852163", "20852164"), note.replace("sofa\n", "sofa2\n")):
        with pytest.raises(CheckpointError) as caught:
            open_checkpoint(parse_note(changed), SIGNER.verifier_key)
        assert caught.value.code == "checkpoint-signature"
    extended = note.replace("=\n\n", "=\nextension\n\n", 1)
    with pytest.raises(CheckpointError) as caught:
        open_checkpoint(parse_note(extended), SIGNER.verifier_key, extensions_allowed=True)
    assert caught.value.code == "checkpoint-signature"
