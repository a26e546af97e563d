"""The worker's answer on its pipe: frames of one type byte, a length and the payload."""

import struct
from collections.abc import Iterator

STAGE = b"S"  # a stage begins: its name
DERIVATIVE = b"D"  # the length of a JSON description, the description, the bytes
RESULT = b"R"  # the findings as JSON
FAILURE = b"F"  # why there are none: a code

_HEADER = struct.Struct(">cI")
_LENGTH = struct.Struct(">I")


class FrameError(ValueError):
    """The bytes are not frames."""


def pack(kind: bytes, payload: bytes) -> bytes:
    """One frame."""
    return _HEADER.pack(kind, len(payload)) + payload


def pack_derivative(description: bytes, data: bytes) -> bytes:
    """A derivative's frame."""
    return pack(DERIVATIVE, _LENGTH.pack(len(description)) + description + data)


def unpack(stream: bytes) -> Iterator[tuple[bytes, bytes]]:
    """The complete frames of a stream; what a dying worker left half written is dropped."""
    at = 0
    while at + _HEADER.size <= len(stream):
        (kind, length) = _HEADER.unpack_from(stream, at)
        at += _HEADER.size
        if at + length > len(stream):
            return
        yield kind, stream[at : at + length]
        at += length


def unpack_derivative(payload: bytes) -> tuple[bytes, bytes]:
    """Description and bytes of a derivative's frame."""
    if len(payload) < _LENGTH.size:
        raise FrameError("a derivative without a description")
    (length,) = _LENGTH.unpack_from(payload)
    rest = payload[_LENGTH.size :]
    if length > len(rest):
        raise FrameError("a description longer than its frame")
    return rest[:length], rest[length:]
