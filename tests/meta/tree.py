"""The files of the repository, as the meta-tests see them."""

from __future__ import annotations

import functools
import subprocess
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
_MADE_BY_TOOLS = {".git", ".venv", "node_modules", "build", "dist", "__pycache__"}
_CODE = ("server", "storage", "client_sdk", "deploy", "migrations", "tests")


@functools.cache
def tracked() -> tuple[str, ...]:
    """Paths under version control, from the root, with ``/``; outside of git every source file."""
    done = subprocess.run(
        ["git", "-C", str(ROOT), "ls-files", "-z"], capture_output=True, text=True, check=False
    )
    if done.returncode == 0 and done.stdout:
        return tuple(name for name in done.stdout.split("\0") if name and (ROOT / name).is_file())
    return tuple(sorted(_walk(ROOT)))


def _walk(folder: Path) -> Iterator[str]:
    for entry in folder.iterdir():
        if entry.name in _MADE_BY_TOOLS or entry.name.endswith(("_cache", ".egg-info")):
            continue
        if entry.is_dir():
            yield from _walk(entry)
        else:
            yield entry.relative_to(ROOT).as_posix()


def texts() -> Iterator[tuple[str, str]]:
    """Each tracked text file with its content."""
    for name in tracked():
        data = (ROOT / name).read_bytes()
        if b"\0" not in data:
            yield name, data.decode("utf-8", errors="replace")


def sources() -> list[str]:
    """Tracked program text of our own: what limits of length hold for."""
    endings = (".py", ".js", ".mjs", ".css", ".html", ".sh")
    return [
        name
        for name in tracked()
        if name.endswith(endings)
        and name.startswith(tuple(f"{folder}/" for folder in _CODE))
        and not name.startswith("migrations/versions/")
    ]
