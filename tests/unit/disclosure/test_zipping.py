"""A ZIP that grows: whole for every reader, and honest after a kill."""

from __future__ import annotations

import hashlib
import json
import random
import zipfile
from pathlib import Path

import pytest

from server.disclosure.zipping import GrowingZip, Member

GIB = 2**30


def add(package: GrowingZip, name: str, data: bytes) -> Member:
    hasher = hashlib.sha256()
    chunks = [data[at : at + 1000] for at in range(0, len(data), 1000)]
    return package.add(name, len(data), chunks, hasher.hexdigest, hasher.update)


def files(count: int = 5) -> dict[str, bytes]:
    rng = random.Random(3)
    return {f"bag/data/{n}": rng.randbytes(rng.randrange(5000)) for n in range(count)}


def contents(path: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None
        return {name: archive.read(name) for name in archive.namelist()}


def test_other_peoples_tools_read_it(tmp_path: Path) -> None:
    path = tmp_path / "package.zip"
    with GrowingZip(path) as package:
        for name, data in files().items():
            member = add(package, name, data)
            assert member.sha256 == hashlib.sha256(data).hexdigest()
        assert package.finish() == path.stat().st_size
    assert contents(path) == files()
    with zipfile.ZipFile(path) as archive:
        assert {one.compress_type for one in archive.infolist()} == {zipfile.ZIP_STORED}
        assert {one.date_time for one in archive.infolist()} == {(2026, 1, 1, 0, 0, 0)}


def test_the_same_members_give_the_same_bytes(tmp_path: Path) -> None:
    made = []
    for name in ("one.zip", "two.zip"):
        with GrowingZip(tmp_path / name) as package:
            for member, data in files().items():
                add(package, member, data)
            package.finish()
        made.append((tmp_path / name).read_bytes())
    assert made[0] == made[1]


def test_finishing_twice_and_going_on_after_it(tmp_path: Path) -> None:
    path = tmp_path / "package.zip"
    with GrowingZip(path) as package:
        add(package, "a", b"one")
        assert package.finish() == package.finish()
        add(package, "b", b"two")
        package.finish()
    assert contents(path) == {"a": b"one", "b": b"two"}


def test_a_half_written_member_is_cut_off(tmp_path: Path) -> None:
    path = tmp_path / "package.zip"
    with GrowingZip(path) as package:
        add(package, "a", b"one")
        with pytest.raises(ValueError, match="has 3 bytes, not 9"):
            package.add("b", 9, [b"two"], lambda: "", lambda _: None)
    with path.open("ab") as file:
        file.write(b"what a killed process left behind")
    with (tmp_path / "package.zip.members").open("a") as journal:
        journal.write('{"name": "torn')
    with GrowingZip(path) as package:
        assert list(package.members) == ["a"]
        add(package, "c", b"three")
        package.finish()
    assert contents(path) == {"a": b"one", "c": b"three"}


def test_members_that_the_file_does_not_hold_are_forgotten(tmp_path: Path) -> None:
    path = tmp_path / "package.zip"
    with GrowingZip(path) as package:
        add(package, "a", b"one")
        last = add(package, "b", b"two")
    with path.open("r+b") as file:
        file.truncate(last.end - 1)
    with GrowingZip(path) as package:
        assert list(package.members) == ["a"]


def test_cutting_drops_the_first_unwanted_and_all_after_it(tmp_path: Path) -> None:
    path = tmp_path / "package.zip"
    with GrowingZip(path) as package:
        for name in "abcd":
            add(package, name, name.encode())
        package.cut(lambda name: name != "c")
        assert list(package.members) == ["a", "b"]
        package.finish()
    assert contents(path) == {"a": b"a", "b": b"b"}


def test_a_name_is_there_once(tmp_path: Path) -> None:
    with GrowingZip(tmp_path / "package.zip") as package:
        add(package, "a", b"one")
        with pytest.raises(ValueError, match="already"):
            add(package, "a", b"two")


def test_numbers_beyond_four_gigabytes_stand_in_zip64_fields(tmp_path: Path) -> None:
    path = tmp_path / "package.zip"
    members = [
        Member("large", 0, 5 * GIB, 1, "", 5 * GIB + 60),
        Member("after", 5 * GIB + 60, 3, 2, "", 5 * GIB + 98),
    ]
    journal = "".join(
        json.dumps({name: getattr(one, name) for name in Member.__dataclass_fields__}) + "\n"
        for one in members
    )
    (tmp_path / "package.zip.members").write_text(journal)
    with path.open("wb") as file:
        file.truncate(5 * GIB + 98)  # sparse: nothing is written
    with GrowingZip(path) as package:
        package.finish()
    with zipfile.ZipFile(path) as archive:
        shown = [(one.filename, one.file_size, one.header_offset) for one in archive.infolist()]
    assert shown == [("large", 5 * GIB, 0), ("after", 3, 5 * GIB + 60)]


def test_many_members(tmp_path: Path) -> None:
    path = tmp_path / "package.zip"
    journal = "".join(
        json.dumps(
            {"name": f"m{n}", "offset": n * 40, "size_bytes": 0, "crc": 0, "sha256": "",
             "end": n * 40 + 40}
        ) + "\n"
        for n in range(70_000)
    )  # fmt: skip
    (tmp_path / "package.zip.members").write_text(journal)
    with path.open("wb") as file:
        file.truncate(70_000 * 40)
    with GrowingZip(path) as package:
        package.finish()
    with zipfile.ZipFile(path) as archive:
        assert len(archive.infolist()) == 70_000
