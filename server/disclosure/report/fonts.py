"""Fonts of the report: found where Debian puts them, embedded as subsets, gaps made visible.

A court should configure a font of GB 18030-2022 (仿宋); without one the first found is used, and a
character that it lacks is taken from the others.  What no font has is printed as a box with its
code point, never left out (05 §5.3, "Rare names").
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Final

from fontTools.ttLib import TTCollection, TTFont, TTLibError  # type: ignore[import-untyped]

BOX: Final = "\u25a1"
_SYSTEM: Final = Path("/usr/share/fonts")
# TrueType outlines first: every viewer reads their encoding, while CFF ones come out as text that
# some programs cannot extract.
_KNOWN: Final = (
    "truetype/wqy/wqy-microhei.ttc",
    "truetype/wqy/wqy-zenhei.ttc",
    "truetype/droid/DroidSansFallbackFull.ttf",
    "truetype/dejavu/DejaVuSans.ttf",
    "opentype/noto/NotoSerifCJK-Regular.ttc",
    "opentype/noto/NotoSansCJK-Regular.ttc",
)
_FACE: Final = ("CJK SC", "Micro Hei", "Zen Hei Sharp")  # the face of a collection to take
_IDEOGRAPHS: Final = ((0x3400, 0x4DBF), (0x4E00, 0x9FFF), (0xF900, 0xFAFF), (0x20000, 0x3FFFF))
_NEEDED: Final = "执行证据0Aa"


class FontError(RuntimeError):
    """No usable font; the message says what to install or to set."""


@dataclass(frozen=True, slots=True)
class Face:
    """One face of a font file and the characters it has."""

    path: Path
    number: int
    name: str
    characters: frozenset[int]

    def has(self, character: str) -> bool:
        """Whether it has a glyph."""
        return ord(character) in self.characters


@dataclass(frozen=True, slots=True)
class FontStack:
    """The face that prints, and those that help where it lacks a character."""

    faces: tuple[Face, ...]

    def has(self, character: str) -> bool:
        """Whether any face has a glyph."""
        return any(face.has(character) for face in self.faces)

    def printable(self, text: str) -> str:
        """``text`` with a box and the code point for what cannot be seen otherwise.

        Spaces of every kind become one; control and direction characters are shown, since they
        could make a name look like another.
        """
        return "".join(self._shown(character) for character in text)

    def name(self, text: str) -> str:
        """A name of a person: rare characters get their code point beside them even when seen."""
        return "".join(
            f"{character}({code_point(character)})"
            if is_rare(character) and self.has(character)
            else self._shown(character)
            for character in text
        )

    def _shown(self, character: str) -> str:
        if character.isspace():
            return " "
        if character.isprintable() and self.has(character):
            return character
        box = BOX if self.has(BOX) else ""
        return f"{box}[{code_point(character)}]"


def code_point(character: str) -> str:
    """``U+4DAE``."""
    return f"U+{ord(character):04X}"


def is_rare(character: str) -> bool:
    """An ideograph beyond GBK, which many fonts and input methods do not have."""
    point = ord(character)
    if not any(first <= point <= last for first, last in _IDEOGRAPHS):
        return False
    try:
        character.encode("gbk")
    except UnicodeEncodeError:
        return True
    return False


def font_stack(configured: str = "", root: Path = _SYSTEM) -> FontStack:
    """The configured font first, then what the system has; raises :class:`FontError`.

    A configured font that cannot be read is an error, not a reason to take another.
    """
    paths = [root / name for name in _KNOWN]
    faces = [_face(path) for path in paths if path.is_file()]
    if configured:
        chosen = Path(configured)
        if not chosen.is_file():
            raise FontError(f"the report's font {chosen} does not exist: see TIEZHENG_REPORT_FONT")
        faces.insert(0, _face(chosen))
    for face in faces:
        if all(face.has(character) for character in _NEEDED):
            rest = [other for other in faces if other is not face]
            return FontStack((face, *_helpers(face, rest)))
    raise FontError(
        "no font with Chinese characters: install fonts-wqy-microhei and fonts-droid-fallback, "
        "or set TIEZHENG_REPORT_FONT to a font file"
    )


def _helpers(first: Face, others: Sequence[Face]) -> list[Face]:
    """Those of the others that have something the ones before them lack."""
    known, helping = set(first.characters), []
    for face in others:
        if face.characters - known:
            helping.append(face)
            known |= face.characters
    return helping


@lru_cache(maxsize=16)
def _face(path: Path) -> Face:
    try:
        if path.suffix.lower() not in {".ttc", ".otc"}:
            with path.open("rb") as file, TTFont(file, lazy=True) as font:
                return _read(font, path, 0)
        with path.open("rb") as file, TTCollection(file, lazy=True) as collection:
            names = [_name(font) for font in collection.fonts]
            number = next(
                (at for at, name in enumerate(names) if any(part in name for part in _FACE)), 0
            )
            return _read(collection.fonts[number], path, number)
    except (TTLibError, OSError, KeyError) as error:
        raise FontError(f"{path} cannot be read as a font: {error}") from error


def _read(font: TTFont, path: Path, number: int) -> Face:
    return Face(path, number, _name(font), frozenset(font.getBestCmap() or ()))


def _name(font: TTFont) -> str:
    return str(font["name"].getDebugName(4) or "")
