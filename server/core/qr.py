"""QR codes: dark on light whatever surrounds them, so that any scanner reads them."""

from __future__ import annotations

import io
from typing import Final

import segno

QUIET_MODULES: Final = 4  # ISO/IEC 18004 §9.1: the light border that decoders look for


def _code(text: str) -> segno.QRCode:
    # Level M: a screen photographed at an angle loses modules to glare.
    return segno.make(text, error="m", micro=False)


def picture(text: str, title: str) -> bytes:
    """An SVG file."""
    out = io.BytesIO()
    _code(text).save(
        out, kind="svg", border=QUIET_MODULES, light="#fff", omitsize=True, title=title
    )
    return out.getvalue()


def inline(text: str, css_class: str = "segno") -> str:
    """An SVG element for a page, whose name is for the page to say."""
    return str(
        _code(text).svg_inline(
            border=QUIET_MODULES, light="#fff", omitsize=True, svgclass=css_class
        )
    )


def terminal(text: str) -> str:
    """Half blocks that a phone reads from the screen."""
    out = io.StringIO()
    _code(text).terminal(out, compact=True)
    return out.getvalue().rstrip("\n")
