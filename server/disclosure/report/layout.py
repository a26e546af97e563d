"""Setting text on A4 pages by the print rules of 05 §5.3 (GB/T 9704): margins 37/35/28/26 mm.

Lines are broken here and not by the PDF library, so that digests and Chinese break where they
may and the same text always gives the same lines.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from fpdf import FPDF
from fpdf.enums import XPos, YPos

from server.disclosure.report.fonts import FontStack

TOP_MM: Final = 37.0
BOTTOM_MM: Final = 35.0
LEFT_MM: Final = 28.0
RIGHT_MM: Final = 26.0
PAGE_WIDTH_MM: Final = 210.0
PAGE_HEIGHT_MM: Final = 297.0
TEXT_WIDTH_MM: Final = PAGE_WIDTH_MM - LEFT_MM - RIGHT_MM
TITLE_PT: Final = 22.0  # 二号
BODY_PT: Final = 16.0  # 三号
TABLE_PT: Final = 10.5  # 五号
SMALL_PT: Final = 9.0  # 小五
_MM_OF_PT: Final = 25.4 / 72
_LEADING: Final = 1.5
_PAD_MM: Final = 1.2
_TOTAL: Final = "{pages}"
_KEPT_LINES_MAX: Final = 12  # a row of more lines may go on on the next page
_BREAK_AFTER: Final = frozenset(" -/,;:，。；：、）)")


@dataclass(frozen=True, slots=True)
class Running:
    """What stands on every page: head line, foot line (left), title of the document."""

    title: str
    head: str
    foot: str


class Pages:
    """A document under construction; everything is set from top to bottom."""

    def __init__(self, fonts: FontStack, running: Running, made_at: datetime) -> None:
        self._pdf = _Pdf(fonts, running, made_at)
        self._widths: dict[str, float] = {}
        self._pdf.add_page()

    def title(self, text: str) -> None:
        """The document's name, centred."""
        self._lines(text, TITLE_PT, align="C")
        self.space(4)

    def heading(self, text: str) -> None:
        """A section; never alone at the foot of a page."""
        self._need(3 * _height(BODY_PT))
        self.space(3)
        self._lines(text, BODY_PT)
        self.space(1)

    def subheading(self, text: str) -> None:
        """A part of a section."""
        self._need(4 * _height(TABLE_PT))
        self.space(2)
        self._lines(text, TABLE_PT + 1.5)

    def paragraph(self, text: str, size_pt: float = TABLE_PT) -> None:
        """Running text."""
        self._lines(text, size_pt)

    def space(self, millimetres: float) -> None:
        """White below."""
        self._pdf.set_y(self._pdf.get_y() + millimetres)

    def pairs(self, rows: Sequence[tuple[str, str]], label_mm: float = 42.0) -> None:
        """Labels with their values."""
        self.grid((), rows, (label_mm, TEXT_WIDTH_MM - label_mm))

    def grid(
        self,
        head: Sequence[str],
        rows: Sequence[Sequence[str]],
        widths_mm: Sequence[float],
        size_pt: float = TABLE_PT,
    ) -> None:
        """A ruled table; its head is repeated on every page."""
        if head:
            self._row(head, widths_mm, size_pt, keep_mm=2 * _height(size_pt))
        for row in rows:
            self._row(row, widths_mm, size_pt, again=head)

    def finish(self) -> bytes:
        """The document; the same calls with the same fonts give the same bytes."""
        return bytes(self._pdf.output())

    # ------------------------------------------------------------------ rows and lines

    def _row(
        self,
        cells: Sequence[str],
        widths_mm: Sequence[float],
        size_pt: float,
        *,
        again: Sequence[str] = (),
        keep_mm: float = 0.0,
    ) -> None:
        wrapped = [
            self._broken(text, size_pt, width - 2 * _PAD_MM)
            for text, width in zip(cells, widths_mm, strict=True)
        ]
        line_mm = _height(size_pt)
        left = wrapped
        lines_count = max(len(lines) for lines in wrapped)
        whole = lines_count if lines_count <= _KEPT_LINES_MAX else 1
        self._need(whole * line_mm + 2 * _PAD_MM + keep_mm)
        while True:
            room = int((self._room() - 2 * _PAD_MM) // line_mm)
            count = min(max(len(lines) for lines in left), max(room, 1))
            self._strip([lines[:count] for lines in left], widths_mm, size_pt, count)
            left = [lines[count:] for lines in left]
            if not any(left):
                return
            self._pdf.add_page()
            if again:
                self._row(again, widths_mm, size_pt)

    def _strip(
        self,
        columns: Sequence[Sequence[str]],
        widths_mm: Sequence[float],
        size_pt: float,
        count: int,
    ) -> None:
        pdf, line_mm = self._pdf, _height(size_pt)
        top, x = pdf.get_y(), LEFT_MM
        height = count * line_mm + 2 * _PAD_MM
        pdf.set_font_size(size_pt)
        for lines, width in zip(columns, widths_mm, strict=True):
            pdf.rect(x, top, width, height)
            for at, line in enumerate(lines):
                pdf.set_xy(x + _PAD_MM, top + _PAD_MM + at * line_mm)
                pdf.cell(width - 2 * _PAD_MM, line_mm, line)
            x += width
        pdf.set_xy(LEFT_MM, top + height)

    def _lines(self, text: str, size_pt: float, align: str = "L") -> None:
        line_mm = _height(size_pt)
        for line in self._broken(text, size_pt, TEXT_WIDTH_MM):
            self._need(line_mm)
            self._pdf.set_font_size(size_pt)
            self._pdf.set_x(LEFT_MM)
            self._pdf.cell(
                TEXT_WIDTH_MM, line_mm, line, align=align, new_x=XPos.LMARGIN, new_y=YPos.NEXT
            )

    def _need(self, millimetres: float) -> None:
        if self._room() < millimetres:
            self._pdf.add_page()

    def _room(self) -> float:
        return PAGE_HEIGHT_MM - BOTTOM_MM - float(self._pdf.get_y())

    def _broken(self, text: str, size_pt: float, width_mm: float) -> list[str]:
        paragraphs = [self._pdf.shown(part) for part in text.split("\n")]
        limit = width_mm / size_pt
        return [line for part in paragraphs for line in broken(part, limit, self._width)]

    def _width(self, character: str) -> float:
        """Width in millimetres at one point."""
        known = self._widths.get(character)
        if known is None:
            self._pdf.set_font_size(100)
            known = self._widths[character] = self._pdf.get_string_width(character) / 100
        return known


def broken(text: str, limit: float, width_of: Callable[[str], float]) -> list[str]:
    """``text`` in lines no wider than ``limit``; ASCII words stay whole when they fit a line."""
    lines: list[str] = []
    line, width, may_break = "", 0.0, 0  # ``may_break``: characters before the last opportunity
    for character in text:
        step = width_of(character)
        if line and width + step > limit and character != " ":
            cut = may_break or len(line)
            lines.append(line[:cut].rstrip(" "))
            line = line[cut:].lstrip(" ")
            width, may_break = sum(map(width_of, line)), 0
        line, width = line + character, width + step
        if character in _BREAK_AFTER or not character.isascii():
            may_break = len(line)
    return [*lines, line.rstrip(" ")]


def _height(size_pt: float) -> float:
    return size_pt * _MM_OF_PT * _LEADING


class _Pdf(FPDF):
    """A4 with running head and foot, page x of y, no moment or id of its making."""

    def __init__(self, fonts: FontStack, running: Running, made_at: datetime) -> None:
        super().__init__(orientation="portrait", unit="mm", format="A4")
        self._running = running
        self._fonts = fonts
        self.set_margins(LEFT_MM, TOP_MM, RIGHT_MM)
        self.c_margin = 0
        self.set_auto_page_break(auto=False)
        self.alias_nb_pages(_TOTAL)
        self._loaded: list[int] = []
        self._load(0)
        self.set_font("face0", size=TABLE_PT)
        self.set_creation_date(made_at)
        self.set_title(running.title)
        self.set_producer("tiezheng")
        self.set_lang("zh-CN")
        self.set_line_width(0.2)

    def shown(self, text: str) -> str:
        """``text`` as it can be printed, once the fonts that it takes are loaded."""
        printable = self._fonts.printable(text)
        first = self._fonts.faces[0]
        for character in set(printable):
            if not first.has(character):
                at = next(at for at, face in enumerate(self._fonts.faces) if face.has(character))
                if at not in self._loaded:
                    self._load(at)
        return printable

    def _load(self, at: int) -> None:
        face = self._fonts.faces[at]
        self.add_font(f"face{at}", fname=face.path, collection_font_number=face.number)
        self._loaded.append(at)
        self.set_fallback_fonts([f"face{one}" for one in self._loaded[1:]], exact_match=False)

    def header(self) -> None:
        """Case number and checkpoint."""
        self.set_font_size(SMALL_PT)
        self.set_xy(LEFT_MM, TOP_MM - 12)
        self.cell(TEXT_WIDTH_MM, 5, self.shown(self._running.head))
        self.line(LEFT_MM, TOP_MM - 6, PAGE_WIDTH_MM - RIGHT_MM, TOP_MM - 6)
        self.set_xy(LEFT_MM, TOP_MM)

    def footer(self) -> None:
        """Short code and digest, page x of y."""
        self.set_font_size(SMALL_PT)
        self.set_xy(LEFT_MM, PAGE_HEIGHT_MM - BOTTOM_MM + 7)
        self.cell(TEXT_WIDTH_MM, 5, self.shown(self._running.foot))
        pages = f"第 {self.page_no()} / {_TOTAL} 页  page {self.page_no()}/{_TOTAL}"
        self.set_x(LEFT_MM)
        self.cell(TEXT_WIDTH_MM, 5, pages, align="R")

    def file_id(self) -> Any:
        """A fixed id: the library would take the present moment into it."""
        made = self._running
        text = "\0".join((made.title, made.head, made.foot, str(self.creation_date)))
        digest = hashlib.sha256(text.encode()).hexdigest()[:32].upper()
        return f"<{digest}><{digest}>"
