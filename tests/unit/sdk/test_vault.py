import io
import json
import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from client_sdk import _vault
from client_sdk._keystore import Keystore, Protection
from client_sdk._vault import CHUNK_BYTES, AesVault, PlainVault, Vault
from client_sdk.errors import StoreCorruptError, StoreError, StoreLockedError

AES = AesVault(b"k" * 32)
SIZES = [0, 1, CHUNK_BYTES - 1, CHUNK_BYTES, CHUNK_BYTES + 1, 2 * CHUNK_BYTES, 2 * CHUNK_BYTES + 5]


def stored(vault: Vault, data: bytes) -> io.BytesIO:
    file = io.BytesIO()
    writer = vault.writer(file)
    for start in range(0, len(data), 1_000_003):
        writer.write(data[start : start + 1_000_003])
    writer.finish()
    return file


@pytest.mark.parametrize("vault", [AES, PlainVault()])
@pytest.mark.parametrize("size", SIZES)
def test_files_survive_and_can_be_read_from_anywhere(vault: Vault, size: int) -> None:
    data = bytes(range(251)) * (size // 251 + 1)
    data = data[:size]
    file = stored(vault, data)
    for offset in {0, 1, size // 2, size - 1, size, CHUNK_BYTES}:
        if 0 <= offset <= size:
            assert b"".join(vault.read(file, offset)) == data[offset:]


def test_a_stored_file_shows_nothing() -> None:
    file = stored(AES, b"canary" * 100)
    assert b"canary" not in file.getvalue()
    assert stored(AES, b"x").getvalue() != stored(AES, b"x").getvalue()


@settings(max_examples=200)
@given(place=st.integers(0, 10_000), bit=st.integers(0, 7))
def test_every_flipped_bit_is_noticed(place: int, bit: int) -> None:
    file = stored(AES, b"evidence" * 50)
    changed = bytearray(file.getvalue())
    changed[place % len(changed)] ^= 1 << bit
    with pytest.raises(StoreCorruptError):
        b"".join(AES.read(io.BytesIO(bytes(changed)), 0))


def test_truncation_reordering_and_extension_are_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_vault, "CHUNK_BYTES", 64)
    whole = stored(AES, bytes(200)).getvalue()
    head, sealed = whole[:36], 64 + 16
    first, second = whole[36 : 36 + sealed], whole[36 + sealed : 36 + 2 * sealed]
    rest = whole[36 + 2 * sealed :]
    assert b"".join(AES.read(io.BytesIO(whole), 70)) == bytes(130)
    for broken in (
        head + first,
        head + first + second,
        head + second + first + rest,
        whole + first,
        whole[:-1],
        head,
        b"TZE1",
        b"",
        b"TZE2" + whole[4:],
    ):
        with pytest.raises(StoreCorruptError):
            b"".join(AES.read(io.BytesIO(broken), 0))


def test_small_values_are_bound_to_their_context() -> None:
    sealed = AES.seal(b"value", "meta:a")
    assert AES.open(sealed, "meta:a") == b"value"
    assert b"value" not in sealed
    for stored_value, context in ((sealed, "meta:b"), (sealed[:-1], "meta:a"), (b"", "meta:a")):
        with pytest.raises(StoreCorruptError):
            AES.open(stored_value, context)
    with pytest.raises(StoreCorruptError):
        AesVault(b"j" * 32).open(sealed, "meta:a")


def test_hkdf_of_rfc_5869_appendix_a3() -> None:
    # A.3: SHA-256, no salt, no info; the first 32 bytes of the output.
    expected = "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d"
    assert _vault._derive(b"\x0b" * 22, b"", b"").hex() == expected


class Ring:
    def __init__(self) -> None:
        self.kept: dict[str, str] = {}

    def get(self, name: str) -> str | None:
        return self.kept.get(name)

    def put(self, name: str, secret: str) -> None:
        self.kept[name] = secret


def keystore(root: Path) -> Keystore:
    return Keystore(root, os.urandom)


def test_a_passphrase_protects(tmp_path: Path) -> None:
    opened = keystore(tmp_path).open("铁证", None)
    assert opened.protection is Protection.PASSPHRASE
    sealed = opened.vault.seal(b"x", "c")
    assert keystore(tmp_path).open("铁证", None).vault.open(sealed, "c") == b"x"
    for wrong in ("other", None):
        with pytest.raises(StoreLockedError):
            keystore(tmp_path).open(wrong, None)


def test_a_keyring_protects(tmp_path: Path) -> None:
    ring = Ring()
    opened = keystore(tmp_path).open(None, ring)
    assert opened.protection is Protection.KEYRING
    sealed = opened.vault.seal(b"x", "c")
    assert keystore(tmp_path).open(None, ring).vault.open(sealed, "c") == b"x"
    for missing in (Ring(), None):
        with pytest.raises(StoreLockedError):
            keystore(tmp_path).open(None, missing)


def test_without_either_the_store_is_plain_and_says_so(tmp_path: Path) -> None:
    opened = keystore(tmp_path).open(None, None)
    assert opened.protection is Protection.PLAIN
    assert not opened.vault.encrypted
    with pytest.raises(StoreError):
        keystore(tmp_path).open("a passphrase that would protect nothing", None)
    assert keystore(tmp_path).open(None, Ring()).protection is Protection.PLAIN


@pytest.mark.parametrize("damage", ["", "{}", "[]", '{"protection":"magic"}', "\x00"])
def test_a_damaged_key_file_is_told(tmp_path: Path, damage: str) -> None:
    keystore(tmp_path).open("p", None)
    (tmp_path / "keystore.json").write_text(damage)
    with pytest.raises(StoreCorruptError):
        keystore(tmp_path).open("p", None)


def test_a_changed_wrapped_key_does_not_open(tmp_path: Path) -> None:
    keystore(tmp_path).open("p", None)
    path = tmp_path / "keystore.json"
    described = json.loads(path.read_text())
    for change in ({"salt": "AAAA"}, {"wrapped": "AAAA"}, {"wrapped": "?"}):
        path.write_text(json.dumps({**described, **change}))
        with pytest.raises(StoreError):
            keystore(tmp_path).open("p", None)
