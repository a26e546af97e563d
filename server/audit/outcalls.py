"""HTTP to witnesses and authorities: one POST, bounded in time and size, never followed elsewhere.

Whatever goes wrong on the way is one error, since it means the same: ask again later.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import httpx

ANSWER_BYTES_MAX: Final = 64 * 1024
_TIMEOUT: Final = httpx.Timeout(10.0, connect=5.0)
_AGENT: Final = "tiezheng-log"


class NoAnswerError(Exception):
    """Nobody answered, or not within the time and size that an answer may take."""


@dataclass(frozen=True, slots=True)
class Reply:
    """Status and body of an answer."""

    status: int
    body: bytes


Post = Callable[[str, bytes, str], Reply]


class Outcalls:
    """Keeps connections alive between calls; for one thread."""

    def __init__(self) -> None:
        self._client = httpx.Client(
            timeout=_TIMEOUT, follow_redirects=False, headers={"User-Agent": _AGENT}
        )

    def post(self, url: str, body: bytes, content_type: str) -> Reply:
        """Send ``body``; raises :class:`NoAnswerError`."""
        headers = {"Content-Type": content_type}
        try:
            with self._client.stream("POST", url, content=body, headers=headers) as answer:
                return Reply(answer.status_code, _bounded(answer))
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise NoAnswerError(f"{type(error).__name__}: {error}") from None

    def close(self) -> None:
        """Let the connections go."""
        self._client.close()


def _bounded(answer: httpx.Response) -> bytes:
    body = b""
    for piece in answer.iter_bytes():
        body += piece
        if len(body) > ANSWER_BYTES_MAX:
            raise NoAnswerError(f"the answer has more than {ANSWER_BYTES_MAX} bytes")
    return body
