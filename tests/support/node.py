"""Node and a browser, as ``make node`` and ``make system`` install them."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

from tests.support.need import need

ROOT = Path(__file__).resolve().parents[2]
PLACES = f"{ROOT / '.venv/bin'}:{os.environ.get('PATH', '')}:/usr/local/bin:/usr/bin:/bin"
BUILDER = ROOT / "deploy/setup/verifier.mjs"


def run_node(*arguments: str | Path) -> str:
    """What a Node program prints; its errors are the test's."""
    program = shutil.which("node", path=PLACES)
    installed = (ROOT / "node_modules/esbuild").is_dir()
    need(program and installed, "Node and the packages that 'make node' installs")
    done = subprocess.run(
        [str(program), *map(str, arguments)], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def build_verifier(folder: Path) -> Path:
    """`verify.html`, built from the sources as they are."""
    page = folder / "verify.html"
    run_node(BUILDER, page)
    return page


@contextmanager
def chromium() -> Iterator[Browser]:
    """The system's Chromium, headless; nothing is downloaded."""
    program = shutil.which("chromium", path=PLACES)
    need(program, "Chromium, as 'make system' installs it")
    # A sandbox of its own needs rights that root and containers do not have.
    alone = ["--no-sandbox"] if os.geteuid() == 0 else []
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=program, args=alone)
        try:
            yield browser
        finally:
            browser.close()
