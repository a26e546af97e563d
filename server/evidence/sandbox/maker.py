"""Files made from evidence in the sandbox: one order, one output file, no second attempt.

The worker gets the evidence, a recipe and one empty file to write into.  What it wrote is believed
only as far as it can be checked from outside: its beginning must be that of its type.
"""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO, Final

from server.evidence.codec import load
from server.evidence.opening import NotRegularFileError, open_regular
from server.evidence.sandbox import frames
from server.evidence.sandbox.limits import Limits
from server.evidence.sandbox.listening import Answer
from server.evidence.sandbox.order import Order
from server.evidence.sandbox.parent import Sandbox, SandboxFailure
from server.evidence.sandbox.products import Product

_MAKE: Final = "server.evidence.making.task:make_open"
FILE_BYTES_MAX: Final = 4 << 30
_MEMORY_BYTES: Final = 2 << 30
_ANSWER_BYTES: Final = 1 << 20
_LOSSES_MAX: Final = 5
_HEAD_BYTES: Final = 16


def maker_limits(seconds: int, usual: Limits | None = None) -> Limits:
    """Limits for making a file in at most this many seconds."""
    return replace(
        usual or Limits(),
        wall_seconds=float(seconds),
        stage_seconds=float(seconds),
        cpu_seconds=seconds,
        memory_bytes=_MEMORY_BYTES,
        output_bytes=_ANSWER_BYTES,
        file_bytes=FILE_BYTES_MAX,
    )


class Maker(Sandbox):
    """Makes files from evidence in confined processes; started when it is first needed."""

    TASK: Final = _MAKE

    def make(
        self, path: Path, *, mime: str, recipe: str, output: BinaryIO
    ) -> Product | SandboxFailure:
        """Make what ``recipe`` says from the regular file at ``path``.

        ``output`` is an empty file; when this fails, what is in it means nothing.
        """
        try:
            source = open_regular(path)
        except NotRegularFileError:
            return SandboxFailure("refused", "not a regular file")
        except OSError as error:
            return SandboxFailure("unreadable", error.strerror or "")
        order = Order(b"", mime, {}, self.limits, recipe)
        with source:
            for _ in range(_LOSSES_MAX):
                os.truncate(output.fileno(), 0)
                os.lseek(output.fileno(), 0, os.SEEK_SET)
                outcome = _judge(self.ask(source.fileno(), order, output.fileno()), output)
                if isinstance(outcome, Product) or outcome.code != "unavailable":
                    return outcome
        return outcome


def _judge(answer: Answer, output: BinaryIO) -> Product | SandboxFailure:
    result = b""
    for kind, payload in frames.unpack(answer.data):
        if kind == frames.FAILURE:
            return SandboxFailure("memory")
        if kind == frames.RESULT:
            result = payload
    if answer.failure is not None:
        return SandboxFailure(answer.failure, answer.error)
    try:
        product = load(Product, json.loads(result))
    except (ValueError, RecursionError) as error:
        return SandboxFailure("malformed", str(error)[:200])
    if product.problem:
        return SandboxFailure(product.problem, product.detail)
    if not product.text and not _is_what_it_says(product.mime, output):
        return SandboxFailure("malformed", "the file is not of its type")
    return product


def _is_what_it_says(mime: str, output: BinaryIO) -> bool:
    head = os.pread(output.fileno(), _HEAD_BYTES, 0)
    if mime == "image/jpeg":
        return head[:3] == b"\xff\xd8\xff"
    return mime in {"video/mp4", "audio/mp4"} and head[4:8] == b"ftyp"
