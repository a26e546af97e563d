"""What may be in the repository, and how long it may be."""

from __future__ import annotations

import ast
import re
from pathlib import PurePosixPath

import pytest

from tests.meta.tree import ROOT, sources, texts, tracked

FILE_LINES_MAX = 400
FUNCTION_LINES_MAX = 70
TOP_LEVEL = {
    ".ci",
    ".editorconfig",
    ".gitignore",
    ".importlinter",
    ".npmrc",
    "ARCHITECTURE.md",
    "CHANGELOG.md",
    "LICENSE",
    "Makefile",
    "README.md",
    "client_sdk",
    "deploy",
    "docs",
    "migrations",
    "package-lock.json",
    "package.json",
    "pyproject.toml",
    "requirements",
    "server",
    "storage",
    "tests",
    "wsgi.py",
}
# Written in pieces, so that this file is not its own finding.
REGISTRY_HOSTS = re.compile(
    "|".join(
        re.escape("".join(parts))
        for parts in (
            ("pypi", ".org"),
            ("python", "hosted.org"),
            ("registry", ".npmjs"),
            ("npm", "mirror.com"),
            ("registry", ".yarnpkg"),
            ("deb", ".debian.org"),
        )
    )
)
MACHINE_PATHS = re.compile(r"(?<![\w.~-])/(?:root|work|home/[a-z][\w-]*|Users/\w+)" + r"/\w")
LOCKS = [*sorted(name for name in tracked() if re.fullmatch(r"requirements/\w+\.txt", name))]


def lines_of(name: str) -> list[str]:
    return (ROOT / name).read_text(encoding="utf-8").splitlines()


def findings(pattern: re.Pattern[str]) -> list[str]:
    return [
        f"{name}:{number}: {line.strip()[:100]}"
        for name, text in texts()
        for number, line in enumerate(text.splitlines(), start=1)
        if pattern.search(line)
    ]


def test_only_the_agreed_names_stand_at_the_top() -> None:
    assert {PurePosixPath(name).parts[0] for name in tracked()} <= TOP_LEVEL


def test_the_files_that_every_reader_looks_for_are_there() -> None:
    wanted = {"CHANGELOG.md", "LICENSE", "Makefile", "docs/adr/0000-template.md"}
    assert wanted <= set(tracked())
    assert "## " in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")


def test_no_file_names_a_package_registry() -> None:
    assert findings(REGISTRY_HOSTS) == []


def test_no_file_names_a_place_on_somebodys_machine() -> None:
    assert findings(MACHINE_PATHS) == []


@pytest.mark.parametrize("name", LOCKS)
def test_python_locks_hold_hashes_and_no_address(name: str) -> None:
    text = (ROOT / name).read_text(encoding="utf-8")
    assert "://" not in text
    assert "--hash=sha256:" in text
    pins = re.findall(r"^[a-z0-9][\w.-]*", text, flags=re.MULTILINE)
    exact = re.findall(r"^[a-z0-9][\w.-]*(?:\[[\w,-]+\])?==\S+.*\\$", text, flags=re.MULTILINE)
    assert pins
    assert len(pins) == len(exact)


def test_the_npm_lock_holds_integrity_and_no_address() -> None:
    text = (ROOT / "package-lock.json").read_text(encoding="utf-8")
    assert '"resolved"' not in text
    assert '"integrity"' in text


def test_development_uses_the_versions_that_are_shipped() -> None:
    def pinned(name: str) -> set[str]:
        return {line.split(" ")[0] for line in lines_of(f"requirements/{name}") if "==" in line}

    assert pinned("runtime.txt") <= pinned("dev.txt")


def test_files_are_short() -> None:
    long = {name: len(lines_of(name)) for name in sources()}
    assert {name: count for name, count in long.items() if count > FILE_LINES_MAX} == {}


def test_functions_are_short() -> None:
    long = {}
    for name in sources():
        if not name.endswith(".py"):
            continue
        for node in ast.walk(ast.parse((ROOT / name).read_bytes())):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                count = (node.end_lineno or node.lineno) - node.lineno + 1
                if count > FUNCTION_LINES_MAX:
                    long[f"{name}:{node.lineno} {node.name}"] = count
    assert long == {}


def test_every_package_says_that_it_is_one() -> None:
    """A folder without ``__init__.py`` is invisible to the import contracts."""
    packages = ("server/", "storage/", "client_sdk/", "deploy/")
    folders = {
        PurePosixPath(name).parent
        for name in tracked()
        if name.endswith(".py") and name.startswith(packages)
    }
    assert [str(folder) for folder in folders if not (ROOT / folder / "__init__.py").exists()] == []


def test_only_need_skips() -> None:
    """A skip outside of ``need`` would stay a skip in continuous integration."""
    skip = re.compile(r"pytest\.(?:skip|importorskip|mark\.skip|mark\.skipif|mark\.xfail)\b")
    allowed = {"tests/support/need.py", "tests/meta/test_need.py", "tests/meta/test_repository.py"}
    found = [
        name
        for name, text in texts()
        if name.startswith("tests/") and name not in allowed and skip.search(text)
    ]
    assert found == []
