"""Names of what is made from evidence, as rows and addresses know them."""

from __future__ import annotations

from typing import Final

VIEW: Final = "view"  # a picture that browsers can't open themselves, as JPEG
WEB: Final = "web"  # a recording for browsers
FACES: Final = "faces"  # suggestions where faces are, as JSON
