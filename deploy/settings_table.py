"""The table of settings in the README, made from the settings themselves.

``python -m deploy.settings_table`` prints it; ``--write README.md`` puts it between its marks.
"""

from __future__ import annotations

import argparse
from dataclasses import fields
from pathlib import Path
from typing import Any, Final

from server.settings import PREFIX, Settings

OPENING: Final = "<!-- settings: made by `python -m deploy.settings_table` -->"
CLOSING: Final = "<!-- /settings -->"


def table() -> str:
    """Markdown: one row for each variable, in the order of the code."""
    rows = [
        f"| `{PREFIX}{entry.name.upper()}` | {_default(entry.default)} | {_meaning(entry)} |"
        for entry in fields(Settings)
    ]
    return "\n".join(["| variable | default | meaning |", "|---|---|---|", *rows])


def between_marks(text: str) -> str:
    """What stands between the marks of a document, without blank lines around it."""
    _, opening, rest = text.partition(OPENING)
    inside, closing, _ = rest.partition(CLOSING)
    if not opening or not closing:
        raise SystemExit(f"the document has no {OPENING} … {CLOSING}")
    return inside.strip()


def written(text: str) -> str:
    """The document with a fresh table between its marks."""
    between_marks(text)
    before, _, rest = text.partition(OPENING)
    after = rest.partition(CLOSING)[2]
    return f"{before}{OPENING}\n\n{table()}\n\n{CLOSING}{after}"


def main() -> None:
    """Print the table, or write it into a document."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", type=Path, help="document with the marks")
    target: Path | None = parser.parse_args().write
    if target is None:
        print(table())
        return
    target.write_text(written(target.read_text(encoding="utf-8")), encoding="utf-8")


def _default(value: Any) -> str:
    text = str(value)
    return f"`{text}`" if text else "(empty)"


def _meaning(entry: Any) -> str:
    text = str(entry.metadata["doc"]).replace("|", "\\|")
    return f"{text} (secret)" if entry.metadata["secret"] else text


if __name__ == "__main__":
    main()
