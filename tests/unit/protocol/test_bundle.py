"""The strict reader of bundles: whole, stored, exactly what the head says, or refused."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import pytest

from client_sdk.protocol.bundle import (
    BundleError,
    BundleHead,
    BundleReader,
    Part,
    as_lines,
    write_bundle,
)
from client_sdk.protocol.keys import Algorithm, PrivateKey

KEY = PrivateKey.generate(Algorithm.ED25519)
DATA = b"bytes of a photo" * 500
OBJECT = Part(sha256(DATA).hexdigest(), len(DATA))
LINES, LINES_PART = as_lines([{"h": "1"}, {"h": "2"}])
MADE = BundleHead(
    kind="records", court="court", device="device", ep=1, made="2026-03-02T01:00:00.000Z",
    first=1, last=2, count=2, lines=LINES_PART, objects=(OBJECT,),
)  # fmt: skip
Entry = tuple[str, bytes]


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    path = tmp_path / "one.bundle"
    write_bundle(path, MADE, LINES, signature=MADE.signed(KEY), read_object=lambda _: [DATA])
    return path


def entries(bundle: Path) -> list[Entry]:
    with zipfile.ZipFile(bundle) as whole:
        return [(info.filename, whole.read(info)) for info in whole.infolist()]


def packed(bundle: Path, parts: list[Entry], method: int = zipfile.ZIP_STORED) -> Path:
    """A ZIP of these entries, as somebody else's tool writes it."""
    target = bundle.with_name("other.bundle")
    with zipfile.ZipFile(target, "w", method) as made:
        for name, data in parts:
            made.writestr(name, data)
    return target


def read_all(path: Path) -> None:
    with BundleReader(path) as read:
        read.require_signature(KEY.public)
        read.require_bytes()
        list(read.lines())


def code_of(path: Path) -> str:
    with pytest.raises(BundleError) as caught:
        read_all(path)
    return caught.value.code


def test_what_was_written_is_read(bundle: Path) -> None:
    with BundleReader(bundle) as read:
        assert read.head == MADE
        read.require_signature(KEY.public)
        read.require_bytes()
        assert list(read.lines()) == [{"h": "1"}, {"h": "2"}]
        with read.open_object(OBJECT) as stream:
            assert stream.read() == DATA


def test_other_tools_write_the_same(bundle: Path) -> None:
    with BundleReader(packed(bundle, entries(bundle))) as read:
        read.require_signature(KEY.public)
        read.require_bytes()


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9, 0.999])
def test_tamper_a_truncated_file(bundle: Path, share: float) -> None:
    data = bundle.read_bytes()
    bundle.write_bytes(data[: int(len(data) * share)])
    assert code_of(bundle) == "bundle-truncated"


def test_tamper_another_key(bundle: Path) -> None:
    with (
        BundleReader(bundle) as read,
        pytest.raises(BundleError, match="did not sign"),
    ):
        read.require_signature(PrivateKey.generate(Algorithm.ED25519).public)


def test_tamper_a_head_that_was_not_signed(bundle: Path) -> None:
    head = replace(MADE, first=0).to_text().encode()
    parts = [(name, head if name == "bundle.json" else data) for name, data in entries(bundle)]
    assert code_of(packed(bundle, parts)) == "bundle-signature"


def test_tamper_other_bytes(bundle: Path) -> None:
    parts = [
        (name, data[::-1] if name.startswith("objects/") else data)
        for name, data in entries(bundle)
    ]
    assert code_of(packed(bundle, parts)) == "bundle-digest"


def test_a_bomb_is_not_unpacked(bundle: Path) -> None:
    assert code_of(packed(bundle, entries(bundle), zipfile.ZIP_DEFLATED)) == "bundle-entries"


@pytest.mark.parametrize(
    "name",
    ["../../etc/passwd", "/etc/passwd", "objects/../x", "objects/" + "A" * 64, "extra", "x/"],
)
def test_names_that_the_head_does_not_announce(bundle: Path, name: str) -> None:
    assert code_of(packed(bundle, [*entries(bundle), (name, b"")])) == "bundle-entries"


@pytest.mark.parametrize("gone", ["bundle.json", "bundle.sig", "records.jsonl"])
def test_an_entry_that_is_missing(bundle: Path, gone: str) -> None:
    parts = [(name, data) for name, data in entries(bundle) if name != gone]
    assert code_of(packed(bundle, parts)) == "bundle-entries"


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_repeated_entry(bundle: Path) -> None:
    parts = entries(bundle)
    assert code_of(packed(bundle, [*parts, parts[-1]])) == "bundle-entries"


@pytest.mark.parametrize(
    "spoil",
    [
        lambda text: text.replace('"v":1', '"v":2'),
        lambda text: text.replace('"count":2', '"count":2,"more":1'),
        lambda text: text.replace('"kind":"records"', '"kind":"rights"'),
        lambda text: " " + text,
        lambda text: text.replace('"ep":1', '"ep":1.0'),
        lambda text: text.replace(OBJECT.sha256, OBJECT.sha256.upper()),
        lambda _: "[]",
        lambda _: "{" * 5_000,
    ],
)
def test_heads_that_are_not_canonical(bundle: Path, spoil: Callable[[str], str]) -> None:
    head = spoil(MADE.to_text()).encode()
    parts = [(name, head if name == "bundle.json" else data) for name, data in entries(bundle)]
    assert code_of(packed(bundle, parts)) == "bundle-head"


def test_lines_beyond_what_was_announced(bundle: Path, tmp_path: Path) -> None:
    head = replace(MADE, count=3)
    path = tmp_path / "three.bundle"
    write_bundle(path, head, LINES, signature=head.signed(KEY), read_object=lambda _: [DATA])
    assert code_of(path) == "bundle-line"


def test_a_lie_about_the_length(bundle: Path, tmp_path: Path) -> None:
    lie = Part(OBJECT.sha256, OBJECT.size_bytes + 1)
    head = replace(MADE, objects=(lie,))
    path = tmp_path / "lie.bundle"
    write_bundle(path, head, LINES, signature=head.signed(KEY), read_object=lambda _: [DATA])
    assert code_of(path) == "bundle-size"


def test_nothing_stands_under_the_name_before_it_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "one.bundle"

    def fail(_: str) -> list[bytes]:
        raise OSError("the card was pulled")

    with pytest.raises(OSError, match="pulled"):
        write_bundle(path, MADE, LINES, signature=MADE.signed(KEY), read_object=fail)
    assert not path.exists()
