"""The console's scripts in Node: their types, and the wire formats against the shared vectors.

They are looked at beside the sources of the modules that the server copies into ``static/vendor``,
so that nothing depends on what an earlier set-up left there.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.support.node import ROOT, run_node

HERE = Path(__file__).parent
SCRIPTS = ROOT / "server/console/static/js"
COPIED = ("bytes.js", "errors.js", "jcs.js")  # of the browser's verifier, by ``copy_vendor``


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The scripts, the modules they share, and this folder's own files."""
    folder = tmp_path_factory.mktemp("scripts")
    shutil.copytree(SCRIPTS, folder / "static/js")
    (folder / "static/vendor/tz").mkdir(parents=True)
    for name in COPIED:
        shutil.copy(ROOT / "client_sdk/browser" / name, folder / "static/vendor/tz")
    for one in (*HERE.glob("*.mjs"), HERE / "jsconfig.json", ROOT / "package.json"):
        shutil.copy(one, folder)
    (folder / "node_modules").symlink_to(ROOT / "node_modules")
    (folder / "vectors").symlink_to(ROOT / "tests/vectors")
    return folder


def test_types_hold(place: Path) -> None:
    run_node("node_modules/typescript/bin/tsc", "-p", place / "jsconfig.json")


def test_the_wire_formats_are_those_of_the_vectors(place: Path) -> None:
    run_node("--test", place / "wire.test.mjs")
