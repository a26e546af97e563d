"""A link's token, the code told by another channel, the browser's cookie: made and hashed.

Only keyed hashes are kept, so whoever reads the database can neither follow a link nor answer for
a browser.
"""

from __future__ import annotations

import re
import uuid
from dataclasses import dataclass
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


@dataclass(frozen=True, slots=True)
class Hashes:
    """How the secrets of one kind of link are kept; ``context`` tells the kinds apart."""

    context: str

    def of_token(self, runtime: Runtime, token: str) -> str:
        """A link."""
        return runtime.keyring.mac(token.encode(), f"{self.context}-link")

    def of_code(self, runtime: Runtime, owner_id: uuid.UUID, code: str) -> str:
        """A code: another hash for each invitation or share, though there are a million codes."""
        return runtime.keyring.mac(owner_id.bytes + code.encode(), f"{self.context}-code")

    def of_cookie(self, runtime: Runtime, cookie: str) -> str:
        """A browser's cookie."""
        return runtime.keyring.mac(cookie.encode(), f"{self.context}-cookie")

    def of_agent(self, runtime: Runtime, agent: str) -> str:
        """The name that a browser gives itself."""
        return runtime.keyring.mac(agent.encode(), f"{self.context}-agent")


GUEST: Final = Hashes("guest")
SHARE: Final = Hashes("share")
