import base64
import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from client_sdk.protocol.errors import KeyFormatError, NoteError, ProtocolError
from client_sdk.protocol.keys import Algorithm, PrivateKey
from client_sdk.protocol.tlog.notes import (
    MAX_NOTE_BYTES,
    MAX_SIGNATURES,
    TYPE_COSIGNATURE,
    TYPE_ED25519,
    Note,
    NoteSignature,
    NoteSigner,
    VerifierKey,
    format_vkey,
    parse_note,
    parse_signature_line,
    parse_vkey,
    sign_note,
    verified_by,
)

# The example of the package that the format comes from (golang.org/x/mod/sumdb/note).
NEUMANN = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
NEUMANN_NOTE = (
    "If you think cryptography is the answer to your problem,\n"
    "then you don't know what your problem is.\n\n"
    "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6"
    "KE6RyyBwJnAM=\n"
)
# A head that the Go checksum database signed.
GO_SUM = "sum.golang.org+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8"
GO_SUM_NOTE = (
    "go.sum database tree\n65209736\n5+uGFjx6xBZG8ip1+wi77v+grwbhhukIrxEUS8PXvRo=\n\n"
    "— sum.golang.org Az3grnbssgK7ubgFX36gVETtNv0U23qxyAhAMai2QUfeGa3nB/akvkMdlUErfcZz7l/R3cVtYspg3"
    "dxXABkGZZKdsQ8=\n"
)
FIRMWARE = "transparency.dev-aw-ftlog-ci-2+f77c6276+AZXqiaARpwF4MoNOxx46kuiIRjrML0PDTm+c7BLaAMt6"
FIRMWARE_NOTE = (
    "transparency.dev/armored-witness/firmware_transparency/ci/2\n56\n"
    "7azctENRYLlBCBQ5OX2qxxIKCTOeCda1KfTwjdt0wdA=\n\n"
    "— transparency.dev-aw-ftlog-ci-2 93xidocoWXVph2jEuzW2oovU+IjU71+FeVGKtKXQknSla2HCvr6RYHRSdJfxp"
    "o4kj5geqxkjrDXcbpiSo7lK96X4Dgc=\n"
)
# The example of c2sp.org/signed-note; its key is not published.
POEM = (
    "Ognuno sta solo sul cuor della terra\ntrafitto da un raggio di sole:\n\ned è subito sera.\n\n"
    "— quasimodo.example/salvatore NnugSzTjtVAewIS+Z/iJhUPeFDkO/5QQ2i5ddnGITLlC+EhfLW9oJKONrMouFSQU"
    "0xMcXxj99ihAQwaqP3ZekRwNtIc=\n"
)

KEY = PrivateKey.generate(Algorithm.ED25519)
SIGNER = NoteSigner("log.example/虚构", KEY)
LINE = SIGNER.sign("text\n").to_line()
OTHER = NoteSigner("other.example", PrivateKey.generate(Algorithm.ED25519)).sign("text\n").to_line()


@pytest.mark.parametrize(
    ("vkey", "text"),
    [(NEUMANN, NEUMANN_NOTE), (GO_SUM, GO_SUM_NOTE), (FIRMWARE, FIRMWARE_NOTE)],
)
def test_notes_that_others_signed_verify(vkey: str, text: str) -> None:
    key, note = parse_vkey(vkey), parse_note(text.encode())
    assert verified_by(note, key)
    assert note.to_text() == text
    assert format_vkey(key) == vkey
    assert not verified_by(parse_note(text.replace("t", "T", 1)), key)
    assert not verified_by(note, parse_vkey(NEUMANN if vkey == GO_SUM else GO_SUM))


def test_the_example_of_the_specification_parses() -> None:
    note = parse_note(POEM)
    assert note.text.endswith("sole:\n\ned è subito sera.\n")  # the last empty line separates
    (line,) = note.signatures
    assert (line.name, line.key_id.hex(), len(line.signature)) == (
        "quasimodo.example/salvatore",
        "367ba04b",
        64,
    )
    assert note.to_text() == POEM


def test_a_signed_note_survives_its_text() -> None:
    note = sign_note("铁证\n\n如山\n", [SIGNER, NoteSigner("second.example", KEY)])
    again = parse_note(note.to_text().encode())
    assert again == note
    for signer in (SIGNER, NoteSigner("second.example", KEY)):
        assert verified_by(again, signer.verifier_key)


def test_a_line_of_the_same_name_or_id_but_not_both_is_not_the_keys() -> None:
    note = parse_note(f"text\n\n{LINE}")
    (line,) = note.signatures
    renamed = Note(note.text, (NoteSignature("log.example", line.key_id, line.signature),))
    other_id = Note(note.text, (NoteSignature(line.name, b"\0\0\0\0", line.signature),))
    assert verified_by(note, SIGNER.verifier_key)
    assert not verified_by(renamed, SIGNER.verifier_key)
    assert not verified_by(other_id, SIGNER.verifier_key)


def test_unknown_signatures_are_ignored() -> None:
    assert verified_by(parse_note(f"text\n\n{OTHER}{LINE}"), SIGNER.verifier_key)
    longer = NoteSignature("pq.example", b"\1\2\3\4", bytes(4900)).to_line()
    assert verified_by(parse_note(f"text\n\n{longer}{LINE}"), SIGNER.verifier_key)


def test_the_limit_is_well_above_16_signatures() -> None:
    lines = [NoteSignature(f"w{n}", b"1234", b"s").to_line() for n in range(MAX_SIGNATURES + 1)]
    assert len(parse_note("text\n\n" + "".join(lines[:-1])).signatures) == MAX_SIGNATURES >= 16
    with pytest.raises(NoteError) as caught:
        parse_note("text\n\n" + "".join(lines))
    assert caught.value.code == "note-signatures"
    with pytest.raises(NoteError) as caught:
        parse_note(b"a" * MAX_NOTE_BYTES + b"\n\n" + LINE.encode())
    assert caught.value.code == "note-length"


NAME, _, ENCODED = LINE.removeprefix("— ").removesuffix("\n").partition(" ")


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "note-signatures"),
        ("text\n", "note-signatures"),
        ("text\n\n", "note-signatures"),
        ("text\n" + LINE, "note-signatures"),  # no empty line
        ("text\n\n" + LINE[:-1], "note-signatures"),  # no final newline
        ("text\n\n" + LINE + "\n", "note-signatures"),  # an extra newline
        ("text\n\n\n" + LINE + LINE, "note-duplicate"),
        ("text\n\n" + LINE + LINE, "note-duplicate"),
        ("text\n\n" + LINE + "text\n", "note-line"),
        ("text\n\n" + LINE + "\n" + OTHER[:-1], "note-signatures"),
        ("te\rxt\n\n" + LINE, "note-control"),
        ("te\txt\n\n" + LINE, "note-control"),
        ("te\0xt\n\n" + LINE, "note-control"),
        ("te\x1fxt\n\n" + LINE, "note-control"),
        ("text\r\n\r\n" + LINE, "note-control"),
        ("text\n\n" + LINE.replace("— ", "- "), "note-line"),
        ("text\n\n" + LINE.replace("— ", "—"), "note-line"),
        ("text\n\n" + LINE.replace("— ", "—  "), "note-base64"),
        ("text\n\n " + LINE, "note-line"),
        ("text\n\n— " + NAME + "\n", "note-line"),
        ("text\n\n—  " + ENCODED + "\n", "key-name"),
        ("text\n\n— a+b " + ENCODED + "\n", "key-name"),
        ("text\n\n— a\u3000b " + ENCODED + "\n", "key-name"),
        ("text\n\n— a\u00a0b " + ENCODED + "\n", "key-name"),
        ("text\n\n— a\u0085b " + ENCODED + "\n", "key-name"),
        ("text\n\n— " + NAME + " \n", "note-line"),
        ("text\n\n— " + NAME + " AAAAAA==\n", "note-line"),  # a key id and nothing more
        ("text\n\n— " + NAME + " AAAA\n", "note-line"),
        ("text\n\n— " + NAME + " " + ENCODED + " \n", "note-base64"),
        ("text\n\n— " + NAME + " " + ENCODED.rstrip("=") + "\n", "note-base64"),
        ("text\n\n— " + NAME + " " + ENCODED + "=\n", "note-base64"),
        ("text\n\n— " + NAME + " AAAAAAB=\n", "note-base64"),  # spare bits are set
        ("text\n\n— " + NAME + " AAAA_A==\n", "note-base64"),
        ("text\n\n— " + NAME + " AAAA AAA=\n", "note-base64"),
        ("text\ud800\n\n" + LINE, "note-text"),
        ("text\n\n" + LINE.replace("log", "l\ud800g"), "key-name"),
    ],
)
def test_malformed_notes_are_refused(text: str, code: str) -> None:
    with pytest.raises(NoteError) as caught:
        parse_note(text)
    assert caught.value.code == code


def test_lines_and_names_by_themselves() -> None:
    for line in ("", LINE[:-1], LINE.removeprefix("— "), LINE + "\n", "— a b\n"):
        with pytest.raises(NoteError):
            parse_signature_line(line)
    for name in ("", "a b", "a+b", "a\nb", "a\x01b", "a\ud800b"):
        with pytest.raises(NoteError) as caught:
            VerifierKey(name, TYPE_ED25519, KEY.public.raw)
        assert caught.value.code == "key-name"
    for key_id, signature in ((b"123", b"s"), (b"12345", b"s"), (b"1234", b"")):
        with pytest.raises(NoteError):
            NoteSignature("a.example", key_id, signature)


def test_two_different_lines_of_one_key_are_refused() -> None:
    forged = NoteSignature(SIGNER.name, SIGNER.verifier_key.key_id, bytes(64)).to_line()
    for lines in (forged + LINE, LINE + forged):
        with pytest.raises(NoteError) as caught:
            parse_note("text\n\n" + lines)
        assert caught.value.code == "note-duplicate"


def test_bytes_that_are_not_utf8_are_refused() -> None:
    for head in (b"\xff\n", b"\xc0\x80\n", b"\xed\xa0\x80\n"):
        with pytest.raises(NoteError) as caught:
            parse_note(head + b"\n" + LINE.encode())
        assert caught.value.code == "note-text"


@settings(derandomize=True, max_examples=300)
@given(st.binary(max_size=60), st.integers(0, 200))
def test_no_bytes_make_parsing_fail_otherwise(noise: bytes, at: int) -> None:
    whole = f"text\n\n{LINE}{OTHER}".encode()
    for data in (noise, whole[:at] + noise + whole[at:]):
        try:
            note = parse_note(data)
        except NoteError:
            continue
        assert note.to_text().encode() == data


@settings(derandomize=True, max_examples=300)
@given(st.integers(0, 8 * 64 - 1))
def test_every_flipped_bit_of_a_line_is_noticed(bit: int) -> None:
    line = parse_signature_line(LINE)
    flipped = bytearray(line.signature)
    flipped[bit // 8] ^= 1 << bit % 8
    note = Note("text\n", (NoteSignature(line.name, line.key_id, bytes(flipped)),))
    assert not verified_by(note, SIGNER.verifier_key)


def test_texts_that_cannot_be_signed() -> None:
    for text in ("", "text", "te\txt\n", "\ud800\n"):
        with pytest.raises(NoteError):
            SIGNER.sign(text)
    with pytest.raises(NoteError):
        sign_note("text\n", [])
    with pytest.raises(NoteError):
        sign_note("text\n", [SIGNER, SIGNER])
    with pytest.raises(NoteError):
        NoteSigner("log.example", PrivateKey.generate(Algorithm.ES256))


def test_lines_are_added_once() -> None:
    note = parse_note(f"text\n\n{LINE}")
    other = parse_signature_line(OTHER)
    grown = note.with_signatures([other, *note.signatures, other])
    assert grown.to_text() == f"text\n\n{LINE}{OTHER}"


def vkey_of(name: str, data: bytes) -> str:
    key = VerifierKey("x", TYPE_ED25519, KEY.public.raw)
    key_id = format_vkey(VerifierKey(name, data[0], data[1:])).split("+")[1] if name else ""
    return f"{name}+{key_id or key.key_id.hex()}+{base64.b64encode(data).decode()}"


VKEY = format_vkey(SIGNER.verifier_key)


@pytest.mark.parametrize(
    "text",
    ["", "+", "++", VKEY + "\n", " " + VKEY, VKEY[:-1], VKEY + "=", VKEY.replace("+", "-"),
     VKEY.replace("log", "lag"), VKEY.replace("log", "l og"), "+" + VKEY.partition("+")[2],
     NEUMANN.replace("c74f20a3", "C74F20A3"), NEUMANN.replace("c74f20a3", "c74f20a4"),
     NEUMANN.replace("c74f20a3", "c74f20a"), NEUMANN.replace("+ARpc", "+AR pc"),
     NEUMANN.replace("+ARpc", "+BBpc"), "PeterNeumann+c74f20a3+", "PeterNeumann+c74f20a3",
     "PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz"],
    ids=itertools.count(),  # the key is new in each process
)  # fmt: skip
def test_malformed_verifier_keys_are_refused(text: str) -> None:
    with pytest.raises(ProtocolError):
        parse_vkey(text)


def test_keys_of_other_types_and_lengths_are_refused() -> None:
    raw = KEY.public.raw
    for key_type in (0x00, 0x02, 0x03, 0x05, 0x06, 0xFF):
        with pytest.raises(NoteError) as caught:
            VerifierKey("log.example", key_type, raw)
        assert caught.value.code == "key-type"
    for public in (raw[:-1], raw + b"\0", b""):
        with pytest.raises(KeyFormatError):
            VerifierKey("log.example", TYPE_ED25519, public)


def test_the_type_of_a_key_is_part_of_its_id() -> None:
    log = VerifierKey("a.example", TYPE_ED25519, KEY.public.raw)
    witness = VerifierKey("a.example", TYPE_COSIGNATURE, KEY.public.raw)
    assert log.key_id != witness.key_id
    with pytest.raises(NoteError):
        verified_by(parse_note(f"text\n\n{LINE}"), witness)
