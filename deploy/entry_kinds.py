"""The tables of ``docs/entries.md``, made from the kinds themselves.

``python -m deploy.entry_kinds`` prints them; ``--write docs/entries.md`` puts them in their place.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from client_sdk.protocol.entries import EntryKind, Field, kinds

OPENING: Final = "<!-- kinds: made by `python -m deploy.entry_kinds` -->"
CLOSING: Final = "<!-- /kinds -->"


def tables() -> str:
    """Markdown: every kind with its fields, then what may be chosen."""
    rows = [_row(kind) for kind in kinds().values()]
    head = ["| kind | 中文 | English | where | fields |", "|---|---|---|---|---|"]
    chosen = ["| for | may be chosen |", "|---|---|", *_choices()]
    return "\n".join([*head, *rows, "", *chosen])


def between_marks(text: str) -> str:
    """What stands between the marks of a document, without blank lines around it."""
    _, opening, rest = text.partition(OPENING)
    inside, closing, _ = rest.partition(CLOSING)
    if not opening or not closing:
        raise SystemExit(f"the document has no {OPENING} … {CLOSING}")
    return inside.strip()


def written(text: str) -> str:
    """The document with fresh tables between its marks."""
    between_marks(text)
    before, _, rest = text.partition(OPENING)
    after = rest.partition(CLOSING)[2]
    return f"{before}{OPENING}\n\n{tables()}\n\n{CLOSING}{after}"


def main() -> None:
    """Print the tables, or write them into a document."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", type=Path, help="document with the marks")
    target: Path | None = parser.parse_args().write
    if target is None:
        print(tables())
        return
    target.write_text(written(target.read_text(encoding="utf-8")), encoding="utf-8")


def _row(kind: EntryKind) -> str:
    where = "device, console" if kind.in_field else "console"
    if kind.roles:
        where += f"; {', '.join(sorted(kind.roles))}"
    fields = ", ".join(f"`{_field(field)}`" for field in kind.fields.values())
    return f"| `{kind.id}` | {kind.label.zh} | {kind.label.en} | {where} | {fields} |"


def _field(field: Field) -> str:
    return f"{field.name}: {field.type}{'!' if field.required else ''}"


def _choices() -> Iterator[str]:
    seen: dict[tuple[str, ...], list[str]] = {}
    for kind in kinds().values():
        for field in kind.fields.values():
            if field.options:
                seen.setdefault(tuple(field.options), []).append(f"`{kind.id}.{field.name}`")
    for options, places in seen.items():
        yield f"| {', '.join(places)} | {', '.join(f'`{one}`' for one in options)} |"


if __name__ == "__main__":
    main()
