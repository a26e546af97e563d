"""``make bench``: every module of this folder with ``run(quick) -> list[Row]``, as one table.

``python -m tests.bench [--quick] [--json FILE] [MODULE…]``
"""

from __future__ import annotations

import argparse
import dataclasses
import importlib
import json
import os
import platform
import sys
from pathlib import Path

from tests.bench.rows import Row, table

FOLDER = Path(__file__).parent


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("modules", nargs="*", help="only these, such as: uploads")
    parser.add_argument("--quick", action="store_true", help="fewer and smaller rounds")
    parser.add_argument("--json", type=Path, help="write the rows to this file too")
    options = parser.parse_args()
    print(f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}")
    rows: list[Row] = []
    for name in options.modules or _modules():
        print(f"== {name}", file=sys.stderr, flush=True)
        module = name.replace("-", "_")
        rows += importlib.import_module(f"tests.bench.{module}").run(options.quick)
    print(table(rows))
    if options.json is not None:
        options.json.write_text(json.dumps([dataclasses.asdict(row) for row in rows], indent=1))
    return 0


def _modules() -> list[str]:
    """Modules of this folder that measure something."""
    names = sorted(path.stem for path in FOLDER.glob("*.py") if not path.stem.startswith("_"))
    return [
        name for name in names if hasattr(importlib.import_module(f"tests.bench.{name}"), "run")
    ]


if __name__ == "__main__":
    sys.exit(main())
