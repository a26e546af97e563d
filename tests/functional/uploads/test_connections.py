"""Connections that break, hang, lie or talk over each other: against the real server."""

from __future__ import annotations

import random
import socket
import time
from contextlib import suppress

import pytest

from tests.factories.uploads import OFFSET_TYPE, UPLOADS, sha256_of
from tests.functional.uploads.conftest import Field, other
from tests.support.raw_tus import RawTus, path_of

CUTS = 400


def settled(client: RawTus, address: str, expected: int) -> int:
    """The offset once the server has read what is on its way; gives up after a while."""
    deadline = time.monotonic() + 10
    while (offset := client.head(address)) != expected and time.monotonic() < deadline:
        time.sleep(0.02)
    return offset


@pytest.mark.parametrize("sent", [1, 1000, 262_144, 1_000_003])
def test_a_closed_connection_keeps_every_byte(field: Field, file: bytes, sent: int) -> None:
    file = other(file, sent)
    headers = field.headers(file)
    client = field.client(headers)
    address = client.create(len(file), sha256_of(file))
    client.begin_patch(address, 0, len(file))
    client.socket.sendall(file[:sent])
    client.socket.shutdown(socket.SHUT_WR)
    client.answer()  # the server noticed the end and answered what nobody needs to read
    second = field.client(headers)
    assert second.head(address) == sent
    second.patch(address, sent, [memoryview(file)[sent:]], len(file) - sent)
    assert field.sees(address).stored(file)


def test_a_reset_connection_keeps_what_the_server_had(field: Field, file: bytes) -> None:
    file = other(file, 2)
    headers = field.headers(file)
    client, second = field.client(headers), field.client(headers)
    address = client.create(len(file), sha256_of(file))
    client.begin_patch(address, 0, len(file))
    client.socket.sendall(file[:1_500_000])
    time.sleep(0.3)  # a reset drops what the client's own kernel has not sent yet
    client.reset()
    offset = settled(second, address, 1_500_000)
    assert offset == 1_500_000
    second.patch(address, offset, [memoryview(file)[offset:]], len(file) - offset)
    assert field.sees(address).stored(file)


@pytest.mark.parametrize("chunked", [False, True])
def test_a_newcomer_takes_over_from_one_that_hangs(
    field: Field, file: bytes, chunked: bool
) -> None:
    file = other(file, 3 + chunked)
    headers = field.headers(file)
    hanging, second = field.client(headers), field.client(headers)
    address = hanging.create(len(file), sha256_of(file))
    hanging.begin_patch(address, 0, None if chunked else len(file))
    piece = file[:500_000]
    hanging.socket.sendall(b"%x\r\n%s\r\n" % (len(piece), piece) if chunked else piece)
    time.sleep(0.3)  # on loopback all of it is there by now
    second.socket.settimeout(1.5)  # long before the server would call it a stall
    assert second.head(address) == 500_000
    second.patch(address, 500_000, [memoryview(file)[500_000:]], len(file) - 500_000)
    status, _ = hanging.answer()
    assert status in {400, 423}
    with suppress(OSError):  # the old connection goes on as if nothing had happened
        hanging.socket.sendall(file[500_000:])
    assert second.head(address) == len(file)
    assert field.sees(address).stored(file)


def test_a_silent_sender_is_let_go_and_nothing_is_lost(field: Field, file: bytes) -> None:
    file = other(file, 5)
    headers = field.headers(file)
    client = field.client(headers)
    address = client.create(len(file), sha256_of(file))
    client.begin_patch(address, 0, len(file))
    client.socket.sendall(file[:12_345])
    status, answer = client.answer()
    assert (status, answer["upload-offset"]) == (408, "12345")
    assert field.client(headers).head(address) == 12_345


class Abandoned:
    """A connection that its client has given up, but that goes on sending its own bytes."""

    def __init__(self, client: RawTus, rest: bytes) -> None:
        self._client = client
        self._rest = rest

    def murmur(self, size_bytes: int) -> None:
        """Send a little more."""
        with suppress(OSError):
            self._client.socket.sendall(self._rest[:size_bytes])
        self._rest = self._rest[size_bytes:]


@pytest.mark.parametrize("seed", range(4))
def test_writers_never_interleave(field: Field, seed: int) -> None:
    """Cut at random, again and again, while abandoned connections go on sending."""
    random_ = random.Random(f"cuts {seed}")
    cuts = 0
    while cuts < CUTS // 4:
        data = random_.randbytes(400_000)
        headers = field.headers(data)
        abandoned: list[Abandoned] = []
        address = field.client(headers).create(len(data), sha256_of(data))
        while (offset := field.client(headers).head(address)) < len(data):
            client = field.client(headers)
            end = random_.randrange(offset, len(data)) + 1
            sent = min(end, offset + random_.randrange(30_000))
            client.begin_patch(address, offset, end - offset)
            client.socket.sendall(data[offset:sent])
            cuts += 1
            match random_.choice(["close", "reset", "hang", "murmur", "whole"]):
                case "close":
                    client.close()
                case "reset":
                    client.reset()
                case "murmur":
                    abandoned.append(Abandoned(client, data[sent:end]))
                case "whole":
                    with suppress(OSError):
                        client.socket.sendall(data[sent:end])
                        # A request of a client long gone may have been served in between.
                        assert client.answer()[0] in {204, 409, 423}
            for connection in abandoned:
                connection.murmur(random_.randrange(5_000))
        field.hang_up()
        assert field.sees(address).stored(data), f"seed {seed}, {cuts} cuts"
        assert field.sees(address).row(address).state == "complete"


def test_a_pipelined_request_is_answered_in_turn(field: Field, file: bytes) -> None:
    file = other(file, 6)
    client = field.client(field.headers(file))
    address = client.create(len(file), sha256_of(file))
    pieces = [file[:7], file[7:20_000], file[20_000:]]
    stream = b""
    offset = 0
    for piece in pieces:
        lines = [
            f"PATCH {path_of(address)} HTTP/1.1",
            "Host: h",
            "Tus-Resumable: 1.0.0",
            f"Authorization: {client.headers['Authorization']}",
            f"Upload-Offset: {offset}",
            f"Content-Type: {OFFSET_TYPE}",
            f"Content-Length: {len(piece)}",
        ]
        stream += "\r\n".join([*lines, "", ""]).encode() + piece
        offset += len(piece)
    client.socket.sendall(stream)
    offsets = [client.answer()[1]["upload-offset"] for _ in pieces]
    assert offsets == ["7", "20000", str(len(file))]
    assert client.head(address) == len(file)
    assert field.sees(address).stored(file)


def test_a_refusal_is_read_by_a_sender_in_full_flow(field: Field, file: bytes) -> None:
    file = other(file, 7)
    client = field.client(field.headers(file))
    address = client.create(len(file), sha256_of(file))
    client.begin_patch(address, 5, len(file) - 5)
    client.socket.sendall(file[5:])
    status, answer = client.answer()
    assert (status, answer["upload-offset"]) == (409, "0")
    client.patch(address, 0, [memoryview(file)], len(file))  # on the same connection
    assert field.sees(address).stored(file)


def test_an_unauthorised_sender_reads_why(field: Field, file: bytes) -> None:
    client = field.client({"Authorization": "Bearer nonsense"})
    client.begin_patch(f"{UPLOADS}/{field.court.id}", 0, len(file))
    client.socket.sendall(file)
    assert client.answer()[0] == 401


def test_an_endless_body_is_refused_and_closed(field: Field, file: bytes) -> None:
    file = other(file, 8)
    client = field.client(field.headers(file))
    address = client.create(len(file), sha256_of(file))
    client.begin_patch(address, 0, None)
    client.socket.settimeout(30)
    piece = bytes(65_536)
    with suppress(OSError):  # the server hangs up after it has answered
        for _ in range(4_000):
            client.socket.sendall(b"10000\r\n" + piece + b"\r\n")
    assert field.sees(address).row(address).state != "complete"
    # zeros are not what was declared: what came is in quarantine, nothing was stored
    status, _ = field.client(dict(client.headers)).request("HEAD", path_of(address), {})
    assert status in {410, 460}


def test_a_length_that_no_upload_has(field: Field, file: bytes) -> None:
    file = other(file, 9)
    client = field.client(field.headers(file))
    address = client.create(len(file), sha256_of(file))
    client.begin_patch(address, 0, 10**15)
    assert client.answer()[0] == 413
    assert field.client(dict(client.headers)).head(address) == 0


def test_chunked_bodies_that_break_off_keep_what_came(field: Field, file: bytes) -> None:
    file = other(file, 10)
    headers = field.headers(file)
    client = field.client(headers)
    address = client.create(len(file), sha256_of(file))
    client.begin_patch(address, 0, None)
    for start in range(0, 300_000, 100_000):
        piece = file[start : start + 100_000]
        client.socket.sendall(b"%x\r\n%s\r\n" % (len(piece), piece))
    client.socket.shutdown(socket.SHUT_WR)
    client.answer()
    second = field.client(headers)
    assert second.head(address) == 300_000
    rest = file[300_000:]
    second.begin_patch(address, 300_000, None)
    second.socket.sendall(b"%x\r\n%s\r\n0\r\n\r\n" % (len(rest), rest))
    assert second.answer()[0] == 204
    assert field.sees(address).stored(file)


def test_a_large_file_is_hashed_beside_and_resumed(field: Field) -> None:
    """Above the size from which another thread hashes, cut twice, through two processes."""
    data = random.Random(11).randbytes(40 << 20)
    headers = field.headers(data)
    view = memoryview(data)
    client = field.client(headers)
    address = client.create(len(data), sha256_of(data))
    for part in (0.4, 0.7):
        offset = field.client(headers).head(address)
        client = field.client(headers)
        client.begin_patch(address, offset, len(data) - offset)
        client.socket.sendall(view[offset : int(len(data) * part)])
        client.close()
    second = field.client(headers)
    offset = settled(second, address, int(len(data) * 0.7))
    second.patch(address, offset, [view[offset:]], len(data) - offset)
    assert field.sees(address).stored(data)
