"""An MP4 container written into a file that has no name in the sandbox."""

from __future__ import annotations

import io
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, BinaryIO

import av
import av.container

# The index in front, so that a browser begins before the end has come; nothing about the encoder.
_OPTIONS = {"movflags": "+faststart", "fflags": "+bitexact"}


@contextmanager
def mp4_into(output: BinaryIO) -> Iterator[av.container.OutputContainer]:
    """Open a container; what is in ``output`` is whole once the block has ended well."""

    def again(_url: str, _flags: int, _options: Any) -> io.BufferedIOBase:
        # To move the index to the front, FFmpeg reads what it wrote by the name of the file.
        output.flush()
        return io.BufferedReader(_Reader(output.fileno()))

    container = av.open(output, "w", format="mp4", options=_OPTIONS, io_open=again)
    try:
        yield container
    finally:
        container.close()
    output.flush()


class _Reader(io.RawIOBase):
    """Reads a file at a place of its own, whoever else writes it."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._at = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        start = {os.SEEK_SET: 0, os.SEEK_CUR: self._at}.get(whence)
        self._at = offset + (os.fstat(self._descriptor).st_size if start is None else start)
        return self._at

    def readinto(self, buffer: Any) -> int:
        view = memoryview(buffer)
        data = os.pread(self._descriptor, len(view), self._at)
        view[: len(data)] = data
        self._at += len(data)
        return len(data)
