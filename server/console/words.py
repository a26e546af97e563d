"""Every text of a page, in Chinese and English: one TOML file an area, read once.

``[review.accept]`` is written as ``[accept]`` in ``review.toml`` with ``zh`` and ``en``.  A text
may hold ``{names}``.  Unknown keys raise, so that a forgotten text is found by the first test that
opens its page, and a meta-test finds the others.
"""

from __future__ import annotations

import functools
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Final, Literal

FOLDER: Final = Path(__file__).parent / "words"
LANGUAGES: Final = ("zh", "en")
Language = Literal["zh", "en"]


@dataclass(frozen=True, slots=True)
class Text:
    """One text in both languages."""

    zh: str
    en: str

    def in_language(self, lang: Language) -> str:
        """The text for a reader."""
        return self.zh if lang == "zh" else self.en


class UnknownTextError(KeyError):
    """A key without a text: a mistake in a template or in code."""


@functools.cache
def texts() -> Mapping[str, Text]:
    """All texts by ``area.key``."""
    found: dict[str, Text] = {}
    for path in sorted(FOLDER.glob("*.toml")):
        for key, entry in tomllib.loads(path.read_text(encoding="utf-8")).items():
            found[f"{path.stem}.{key}"] = Text(**entry)
    return MappingProxyType(found)


def text(lang: Language, key: str, **values: object) -> str:
    """The text for a reader, with its values filled in; raises :class:`UnknownTextError`."""
    found = texts().get(key)
    if found is None:
        raise UnknownTextError(key)
    words = found.in_language(lang)
    return words.format(**values) if values else words
