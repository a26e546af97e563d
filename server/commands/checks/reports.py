"""Whether custody reports can be printed, and how many characters they would show."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from server.commands.checks.finding import Finding, Installation, fail, ok, warn
from server.commands.console import Words
from server.disclosure.report.fonts import FontError, font_stack

RARE: Final = "䶮㛃𠮷"  # names that occur; beyond GBK
_CHOOSE: Final = Words(
    "安装 fonts-wqy-microhei 和 fonts-droid-fallback，或以 TIEZHENG_REPORT_FONT 指定字体",
    "install fonts-wqy-microhei and fonts-droid-fallback, or set TIEZHENG_REPORT_FONT",
)


def findings(place: Installation) -> Iterator[Finding]:
    """The one about fonts."""
    yield fonts(place.settings.report_font)


def fonts(configured: str) -> Finding:
    """The font that reports are printed with, and what it cannot print."""
    try:
        found = font_stack(configured)
    except FontError as error:
        said = Words(f"无法生成保管报告：{error}", f"custody reports cannot be made: {error}")
        return fail("fonts", said, _CHOOSE) if configured else warn("fonts", said, _CHOOSE)
    name = found.faces[0].name
    boxes = [character for character in RARE if not found.has(character)]
    if boxes:
        listed = " ".join(f"U+{ord(character):04X}" for character in boxes)
        zh = f"{name}；少数生僻字印作方框并注明码位，如 {listed}"
        en = f"{name}; a few rare characters are printed as a box with their code point: {listed}"
        return ok("fonts", zh, en)
    return ok("fonts", name, name)
