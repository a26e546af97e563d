"""The link's token, the code told by another channel, and the browser's cookie: made and hashed.

Only keyed hashes are kept, so whoever reads the database can neither follow a link nor answer for
a browser.
"""

from __future__ import annotations

import re
import uuid
from typing import Final

from client_sdk.protocol.encoding import b64url_encode
from server.core.context import Runtime

SECRET_BYTES: Final = 32
CODE_DIGITS: Final = 6
_SECRET: Final = re.compile(r"[A-Za-z0-9_-]{43}")
_CODE_BYTES: Final = 8  # so that no code is noticeably likelier than another


def new_secret(runtime: Runtime) -> str:
    """32 random bytes in base64url, for a link or a cookie."""
    return b64url_encode(runtime.randbytes(SECRET_BYTES))


def is_secret(text: str) -> bool:
    """Whether the text has the form of one."""
    return _SECRET.fullmatch(text) is not None


def new_code(runtime: Runtime) -> str:
    """Six random digits."""
    number = int.from_bytes(runtime.randbytes(_CODE_BYTES)) % 10**CODE_DIGITS
    return f"{number:0{CODE_DIGITS}d}"


def token_hash(runtime: Runtime, token: str) -> str:
    """How a link is kept."""
    return runtime.keyring.mac(token.encode(), "share-link")


def code_hash(runtime: Runtime, share_id: uuid.UUID, code: str) -> str:
    """How a code is kept: another hash for each share, though there are a million codes."""
    return runtime.keyring.mac(share_id.bytes + code.encode(), "share-code")


def cookie_hash(runtime: Runtime, cookie: str) -> str:
    """How a browser's cookie is kept."""
    return runtime.keyring.mac(cookie.encode(), "share-cookie")
