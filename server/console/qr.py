"""QR codes on pages: drawn here, dark on light in every theme, so that any scanner reads them."""

from __future__ import annotations

from typing import Final

import segno
from markupsafe import Markup

QUIET_MODULES: Final = 4  # ISO/IEC 18004 §9.1


def svg(text: str) -> Markup:
    """The code as an inline picture; its name is for the page to say."""
    code = segno.make(text, error="m", micro=False)
    drawn = code.svg_inline(border=QUIET_MODULES, light="#fff", omitsize=True, svgclass="qr")
    return Markup(drawn)  # noqa: S704  only what the library draws, no text of anybody
