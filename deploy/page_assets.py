"""``python -m deploy.page_assets``: what ``flask assets`` does, for a set-up without settings."""

from __future__ import annotations

import sys
from pathlib import Path

from server.console.assets import copy_vendor

if __name__ == "__main__":
    _, missing = copy_vendor(Path(__file__).resolve().parents[1] / "node_modules")
    for name in missing:
        sys.stdout.write(f"   {name} is not installed; pages work by links and forms\n")
