"""Bytes that stop flowing when their share ends: asked again while they are on their way."""

from __future__ import annotations

import errno
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Final

from flask import Flask, Response

from server.core.context import Actor, Runtime
from server.core.transactions import unit_of_work
from server.shares.authentication import is_alive

PIECES_BETWEEN: Final = 4  # of 256 KiB
SECONDS_BETWEEN: Final = 0.5


class ShareEndedError(ConnectionResetError):
    """The connection is cut, as if the network had done it: a shorter answer would look whole."""

    def __init__(self) -> None:
        super().__init__(errno.ECONNRESET, "the share has ended")


def while_alive(response: Response, app: Flask, runtime: Runtime, actor: Actor) -> Response:
    """Let the response's bytes flow for as long as the caller's opening counts."""

    def alive() -> bool:
        with app.app_context(), unit_of_work(actor.court_id, write=False) as session:
            return is_alive(session, runtime, actor.guest_id)

    pieces: Iterable[bytes] = response.response  # type: ignore[assignment]
    response.response = guarded(pieces, alive, time.monotonic)
    return response


def guarded(
    pieces: Iterable[bytes], alive: Callable[[], bool], monotonic: Callable[[], float]
) -> Iterator[bytes]:
    """The pieces, with a look at ``alive`` every so many of them and every half second."""
    asked_at, since = monotonic(), 0
    try:
        for piece in pieces:
            if since >= PIECES_BETWEEN or monotonic() - asked_at >= SECONDS_BETWEEN:
                if not alive():
                    raise ShareEndedError
                asked_at, since = monotonic(), 0
            since += 1
            yield piece
    finally:
        close = getattr(pieces, "close", None)
        if close is not None:
            close()
