"""A genuine dossier read by other people's tools, and our own reading without the factory's."""

import base64
import hashlib
import json
import zipfile
from pathlib import Path

import bagit
import pytest
import rfc8785
from pymerkle import InmemoryTree

from client_sdk.protocol.dossier import (
    EntryLine,
    format_consistency,
    manifest_digest,
    parse_consistency,
    parse_entry,
    parse_manifest,
)
from client_sdk.protocol.export_statement import Statement
from client_sdk.protocol.tlog.merkle import leaf_hash
from client_sdk.protocol.trust import parse_trust
from tests.factories.dossiers import Package, build_log
from tests.factories.scenes import Scene
from tests.factories.tamper_cases import CASES, write_case
from tests.factories.tamper_kit import Kit


@pytest.fixture
def scene(kit: Kit) -> Scene:
    return kit.scene()


@pytest.fixture
def package(scene: Scene) -> Package:
    return scene.export()


def test_bagit_accepts_the_bag(package: Package, tmp_path: Path) -> None:
    with zipfile.ZipFile(package.write(tmp_path / "dossier.zip")) as archive:
        assert archive.testzip() is None
        archive.extractall(tmp_path / "out")
    (folder,) = (tmp_path / "out").iterdir()
    bag = bagit.Bag(str(folder))
    bag.validate()
    assert bag.info["Tiezheng-Dossier"] == "1"


def test_entries_are_jcs_and_in_the_tree(scene: Scene, package: Package) -> None:
    tree = InmemoryTree(algorithm="sha256")
    leaves = {line["i"]: line["leaf"] for line in package.lines()}
    for line in package.files["data/entries.jsonl"].splitlines():
        value = json.loads(line)
        assert rfc8785.dumps(value) == line
        assert rfc8785.dumps(json.loads(value["leaf"])).decode() == value["leaf"]
        assert parse_entry(line).to_line() == line + b"\n"
    assert leaves
    for leaf in build_log(scene.world, scene.world.sealed).leaves:
        tree.append_entry(leaf.encode())
    root = package.files["proof/checkpoint"].split(b"\n")[2]
    assert base64.b64encode(tree.get_root()) == root
    for index, leaf in leaves.items():
        assert tree.get_leaf(index + 1) == leaf_hash(leaf.encode())


def test_statement_and_manifest_are_read_as_written(package: Package) -> None:
    facts = json.loads(package.lines()[-1]["pl"])["facts"]
    statement = Statement.from_facts(facts)
    assert statement.to_facts() == facts
    listed = parse_manifest(package.files["manifest-sha256.txt"])
    assert manifest_digest(listed) == statement.manifest
    for path, digest in listed.items():
        assert hashlib.sha256(package.files[path]).hexdigest() == digest


def test_consistency_files_and_trust_files_are_read_as_written(
    scene: Scene, package: Package
) -> None:
    data = package.files[f"proof/prior/{scene.prior}.consistency"]
    assert format_consistency(parse_consistency(data)) == data
    trust = parse_trust(scene.trust_bytes())
    assert parse_trust(trust.to_text().encode()) == trust


def test_a_line_of_the_sdk_is_the_factorys(package: Package) -> None:
    for line in package.lines():
        found = EntryLine.from_value(line)
        assert json.loads(found.to_line()) == line


def test_tamper_corpus_for_other_verifiers(kit: Kit, tmp_path: Path) -> None:
    case = next(case for case in CASES if case.number == "64")
    row = write_case(case, kit, tmp_path / "tamper_64")
    assert row["verdict"] == "FAILED"
    assert row["reasons"] == ["prior-inconsistent"]
    for name in (row["dossier"], row["trust"], *row["priors"]):
        assert (tmp_path / name).stat().st_size
