"""Names of what is made from evidence, as rows and addresses know them."""

from __future__ import annotations

import uuid
from typing import Final

VIEW: Final = "view"  # a picture that browsers can't open themselves, as JPEG
WEB: Final = "web"  # a recording for browsers
FACES: Final = "faces"  # suggestions where faces are, as JSON
LENT: Final = "lent-"  # and the id of a share: a film with its recipient in the pixels
_DIGITS: Final = 32


def lent(share_id: uuid.UUID, source_sha256: str) -> str:
    """The name of what a share's recipient is shown of a film; another source, another film."""
    return f"{LENT}{share_id}-{source_sha256[:_DIGITS]}"
