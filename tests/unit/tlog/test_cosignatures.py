import base64
import struct
from hashlib import sha256

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from client_sdk.protocol.errors import CheckpointError, CosignatureError, NoteError, ProtocolError
from client_sdk.protocol.keys import Algorithm, PrivateKey
from client_sdk.protocol.tlog.cosignatures import CosignatureKey, cosign, verify_cosignature
from client_sdk.protocol.tlog.notes import (
    Note,
    NoteSignature,
    NoteSigner,
    parse_note,
    parse_signature_line,
    parse_vkey,
    sign_note,
)

BODY = "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n"
LOG = NoteSigner("example.com/behind-the-sofa", PrivateKey.generate(Algorithm.ED25519))
WITNESS = CosignatureKey("witness.example/监督", PrivateKey.generate(Algorithm.ED25519))
WHEN = 1_679_315_147


def cosigned(body: str = BODY, when: int = WHEN) -> Note:
    return sign_note(body, [LOG]).with_signatures([WITNESS.cosign(body, when)])


def test_a_cosignature_gives_its_time() -> None:
    note = parse_note(cosigned().to_text())
    assert verify_cosignature(note, WITNESS.verifier_key) == WHEN


def test_the_bytes_are_those_of_the_specification() -> None:
    line = cosign(BODY, WITNESS.name, WITNESS.key, WHEN)
    raw = WITNESS.key.public.raw
    assert line.key_id == sha256(WITNESS.name.encode() + b"\n\x04" + raw).digest()[:4]
    stamp, signature = struct.unpack(">Q64s", line.signature)
    assert stamp == WHEN
    message = (
        "cosignature/v1\ntime 1679315147\nexample.com/behind-the-sofa\n20852163\n"
        "CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n"
    )
    Ed25519PublicKey.from_public_bytes(raw).verify(signature, message.encode())


def test_the_line_of_the_specification_parses() -> None:
    line = parse_signature_line(
        "— witness.example.com/w1 jWbPPwAAAABkGFDLEZMHwSRaJNiIDoe9DYn/zXcrtPHeolMI5OWXEhZCB9dlrDJs"
        "X3b2oyin1nPZqhf5nNo0xUe+mbIUBkBIfZ+qnA==\n"
    )
    assert (line.name, len(line.signature)) == ("witness.example.com/w1", 72)
    assert int.from_bytes(line.signature[:8]) == WHEN


def refused(note: Note) -> str:
    with pytest.raises(CosignatureError) as caught:
        verify_cosignature(note, WITNESS.verifier_key)
    return caught.value.code


def test_tamper_backdated_cosignature() -> None:
    line = WITNESS.cosign(BODY, WHEN)
    for when in (0, WHEN - 1, WHEN + 1):
        moved = NoteSignature(line.name, line.key_id, when.to_bytes(8) + line.signature[8:])
        assert refused(Note(BODY, (moved,))) == "cosignature-signature"


def test_tamper_cosignature_of_another_checkpoint() -> None:
    line = WITNESS.cosign(BODY, WHEN)
    for body in (BODY.replace("20852163", "20852164"), BODY + "extension\n",
                 BODY.replace("sofa", "couch")):  # fmt: skip
        assert refused(Note(body, (line,))) == "cosignature-signature"


def test_cosignatures_that_are_missing_or_malformed() -> None:
    line = WITNESS.cosign(BODY, WHEN)
    assert refused(sign_note(BODY, [LOG])) == "cosignature-missing"
    renamed = NoteSignature("other.example", line.key_id, line.signature)
    assert refused(Note(BODY, (renamed,))) == "cosignature-missing"
    for signature in (line.signature[:-1], line.signature + b"\0", line.signature[8:], b"\0" * 8):
        short = NoteSignature(line.name, line.key_id, signature)
        assert refused(Note(BODY, (short,))) == "cosignature-signature"
    late = NoteSignature(line.name, line.key_id, (2**63).to_bytes(8) + line.signature[8:])
    assert refused(Note(BODY, (late,))) == "cosignature-time"


def test_a_log_signature_is_no_cosignature_and_the_other_way_round() -> None:
    same = CosignatureKey(LOG.name, PrivateKey.generate(Algorithm.ED25519))
    note = cosigned()
    with pytest.raises(CosignatureError) as caught:
        verify_cosignature(note, LOG.verifier_key)
    assert caught.value.code == "key-type"
    with pytest.raises(CosignatureError) as caught:
        verify_cosignature(sign_note(BODY, [LOG]), same.verifier_key)
    assert caught.value.code == "cosignature-missing"


def test_only_checkpoints_are_cosigned() -> None:
    with pytest.raises(CheckpointError):
        WITNESS.cosign("any text\n", WHEN)
    for when in (-1, 2**63):
        with pytest.raises(CosignatureError):
            WITNESS.cosign(BODY, when)
    with pytest.raises(CosignatureError):
        CosignatureKey("w.example", PrivateKey.generate(Algorithm.ES256))
    with pytest.raises(NoteError):
        CosignatureKey("w example", WITNESS.key).cosign(BODY, WHEN)


P = 2**255 - 19
ORDER_8 = int.from_bytes(
    bytes.fromhex("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05"), "little"
)


@pytest.mark.parametrize("sign", [0, 1])
@pytest.mark.parametrize("y", [0, 1, ORDER_8, P - ORDER_8, P - 1, P, P + 1, 2**255 - 1])
def test_tamper_low_order_and_non_canonical_keys_are_refused_as_verifier_keys(
    y: int, sign: int
) -> None:
    """Case 52: under such a key a signature can fit many texts, and libraries disagree on which."""
    raw = (y | sign << 255).to_bytes(32, "little")
    for key_type in (1, 4):
        key_id = sha256(b"weak.example\n" + bytes([key_type]) + raw).digest()[:4]
        encoded = base64.b64encode(bytes([key_type]) + raw).decode()
        with pytest.raises(ProtocolError) as caught:
            parse_vkey(f"weak.example+{key_id.hex()}+{encoded}")
        assert caught.value.code == ("key-low-order" if y < P else "key-format")
