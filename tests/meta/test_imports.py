"""The import contracts hold, and the contracts see the whole program."""

from __future__ import annotations

import configparser
import subprocess
import sys

from tests.meta.tree import ROOT, tracked

CONTRACTS = ROOT / ".importlinter"


def test_the_contracts_hold() -> None:
    command = "import sys; from importlinter.cli import lint_imports_command as main; main()"
    done = subprocess.run(
        [sys.executable, "-c", command, "--no-cache", "--config", str(CONTRACTS)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_package_of_the_program_is_under_contract() -> None:
    config = configparser.ConfigParser()
    config.read(CONTRACTS, encoding="utf-8")
    under_contract = set(config["importlinter"]["root_packages"].split())
    packages = {
        name.split("/")[0]
        for name in tracked()
        if name.count("/") == 1 and name.endswith("/__init__.py")
    }
    assert packages - {"tests"} == under_contract


def test_contracts_wait_only_for_modules_that_do_not_exist_yet() -> None:
    """A contract that is commented out for lack of a module returns as soon as it exists."""
    waiting = [
        line.removeprefix("; waits for ")
        for line in CONTRACTS.read_text(encoding="utf-8").splitlines()
        if line.startswith("; waits for ")
    ]
    assert [path for path in waiting if (ROOT / path).exists()] == []
