"""Packages: complete, proven, and no more than was asked for."""

from __future__ import annotations

import hashlib
import zipfile
from pathlib import Path

import bagit
import pytest
from flask import Flask

from client_sdk.protocol import jcs
from client_sdk.protocol.dossier import is_allowed
from client_sdk.protocol.export_statement import EXPORT_ACT, Statement
from client_sdk.protocol.tlog.checkpoints import open_checkpoint
from client_sdk.protocol.tlog.leaves import parse_leaf
from client_sdk.protocol.tlog.merkle import verify_inclusion
from client_sdk.protocol.tlog.notes import parse_note, parse_vkey
from tests.factories.exports import Bureau, entries_of, kinds_of
from tests.factories.log import signer_of
from tests.factories.uploads import sha256_of


@pytest.fixture
def bureau(app: Flask) -> Bureau:
    return Bureau.build(app)


def statement_of(package: Path) -> Statement:
    texts = [line.payload for line in entries_of(package) if line.payload]
    (facts,) = [
        value["facts"] for text in texts if (value := jcs.loads_object(text))["act"] == EXPORT_ACT
    ]
    return Statement.from_facts(facts)


def test_a_whole_case(bureau: Bureau, tmp_path: Path) -> None:
    shown = bureau.export()
    package = bureau.package(shown, tmp_path)
    assert hashlib.sha256(package.read_bytes()).hexdigest() == shown["sha256"]
    assert package.stat().st_size == shown["size_bytes"]
    assert (shown["files_done"], shown["files_total"]) == (2, 2)
    with zipfile.ZipFile(package) as archive:
        assert archive.testzip() is None
        names = [name.partition("/")[2] for name in archive.namelist()]
        assert all(is_allowed(name) for name in names), names
        for photo in bureau.photos:
            info = archive.getinfo(f"dossier-{shown['id']}/data/objects/{sha256_of(photo)}")
            assert info.compress_type == zipfile.ZIP_STORED
            assert archive.read(info) == photo
    assert not (bureau.folder / "exports" / shown["id"]).exists()
    assert "custody.export-packed" in kinds_of(bureau.app)


def test_the_bag_is_one_for_other_peoples_tools(bureau: Bureau, tmp_path: Path) -> None:
    package = bureau.package(bureau.export(), tmp_path)
    with zipfile.ZipFile(package) as archive:
        archive.extractall(tmp_path / "bag")
    (folder,) = (tmp_path / "bag").iterdir()
    bag = bagit.Bag(str(folder))
    bag.validate()
    assert bag.info["External-Identifier"] == folder.name.removeprefix("dossier-")


def test_every_entry_is_in_the_signed_tree(bureau: Bureau, tmp_path: Path) -> None:
    package = bureau.package(bureau.export(), tmp_path)
    with signer_of(bureau.app) as signer:
        (vkey,) = signer.folder.vkeys
    with zipfile.ZipFile(package) as archive:
        (name,) = [one for one in archive.namelist() if one.endswith("proof/checkpoint")]
        head = open_checkpoint(parse_note(archive.read(name)), parse_vkey(vkey))
    for line in entries_of(package):
        verify_inclusion(
            parse_leaf(line.leaf).hash(), line.index, head.size, list(line.path), head.root
        )


def test_the_statement_commits_to_what_was_exported(bureau: Bureau, tmp_path: Path) -> None:
    shown = bureau.export()
    package = bureau.package(shown, tmp_path)
    said = statement_of(package)
    assert said.export == shown["id"]
    assert (said.purpose, said.recipient) == (shown["purpose"], shown["recipient"])
    assert [(one.first, one.last, one.gaps) for one in said.devices] == [(1, 3, ())]
    assert (said.withheld, said.erased, said.absent) == ((), (), ())
    assert said.files == 4
    last = [line for line in entries_of(package) if parse_leaf(line.leaf).case is not None][-1]
    assert last.index == shown["event_index"]
