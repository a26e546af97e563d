"""docs/entries.md says what the kinds are now."""

from __future__ import annotations

from pathlib import Path

from deploy import entry_kinds

DOCUMENT = Path(__file__).parents[3] / "docs" / "entries.md"


def test_the_tables_are_fresh() -> None:
    text = DOCUMENT.read_text(encoding="utf-8")
    assert entry_kinds.written(text) == text, (
        "run: python -m deploy.entry_kinds --write docs/entries.md"
    )
