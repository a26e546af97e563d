"""QR codes on pages, dark on light in every theme."""

from __future__ import annotations

from markupsafe import Markup

from server.core import qr


def svg(text: str) -> Markup:
    """The code as an inline picture; its name is for the page to say."""
    drawn = qr.inline(text, "qr")
    return Markup(drawn)  # noqa: S704  only what the library draws, no text of anybody
