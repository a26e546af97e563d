"""Bytes come from gunicorn's connection as they were sent, and leave it in order."""

from __future__ import annotations

import io
import random
import socket
import threading
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from gunicorn.config import Config
from gunicorn.http.parser import RequestParser

from server.evidence.byte_source import (
    ByteSource,
    SenderGone,
    SocketSource,
    WsgiSource,
    open_source,
)


def never() -> bool:
    return False


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    server, client = socket.socketpair()
    yield server, client
    server.close()
    client.close()


def request_on(server: socket.socket) -> tuple[dict[str, Any], RequestParser]:
    """What gunicorn hands to the application for the next request of a connection."""
    parser = RequestParser(Config(), server, ("127.0.0.1", 1))
    return environ_of(next(parser), server), parser


def environ_of(request: Any, server: socket.socket) -> dict[str, Any]:
    headers = dict(request.headers)
    environ = {
        "wsgi.input": request.body,
        "wsgi.input_terminated": True,
        "gunicorn.socket": server,
    }
    if "CONTENT-LENGTH" in headers:
        environ["CONTENT_LENGTH"] = headers["CONTENT-LENGTH"]
    return environ


def read_all(source: ByteSource, buffer_bytes: int = 1000) -> bytes:
    view = memoryview(bytearray(buffer_bytes))
    data = b""
    with source.open(never):
        while (got := source.read_into(view)) is not None:
            data += view[:got]
    return data


def read_until_gone(source: ByteSource, give_up: Callable[[], bool]) -> bytes:
    """What came before the sender was gone."""
    view = memoryview(bytearray(100))
    data = b""
    with source.open(give_up):
        while True:
            try:
                data += view[: source.read_into(view) or 0]
            except SenderGone:
                return data


def head(length: int, path: str = "/x") -> bytes:
    return f"PATCH {path} HTTP/1.1\r\nHost: h\r\nContent-Length: {length}\r\n\r\n".encode()


@pytest.mark.parametrize("seed", range(20))
def test_pipelined_requests_stay_apart(
    pair: tuple[socket.socket, socket.socket], seed: int
) -> None:
    server, client = pair
    random_ = random.Random(seed)
    bodies = [random_.randbytes(random_.choice([1, 10, 8192, 50_000])) for _ in range(4)]
    stream = b"".join(head(len(body), f"/{n}") + body for n, body in enumerate(bodies))

    def send() -> None:
        at = 0
        while at < len(stream):
            step = random_.randrange(1, 20_000)
            client.sendall(stream[at : at + step])
            at += step

    sender = threading.Thread(target=send)
    sender.start()
    parser = RequestParser(Config(), server, ("127.0.0.1", 1))
    for number, body in enumerate(bodies):
        request = next(parser)
        assert request.path == f"/{number}"
        source = open_source(environ_of(request, server))
        assert isinstance(source, SocketSource)
        assert read_all(source, random_.choice([7, 1000, 262_144])) == body
        source.linger()
    sender.join()


def test_a_quiet_sender_gives_zero_and_the_timeout_is_taken_back(
    pair: tuple[socket.socket, socket.socket],
) -> None:
    server, client = pair
    client.sendall(head(3) + b"a")
    environ, _ = request_on(server)
    source = open_source(environ)
    view = memoryview(bytearray(10))
    with source.open(never):
        assert source.read_into(view) == 1
        assert source.read_into(view) == 0
        client.sendall(b"bc")
        assert source.read_into(view) == 2
        assert source.read_into(view) is None
    assert server.getsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, 16) == bytes(16)
    assert server.gettimeout() is None


def test_a_sender_that_leaves_is_noticed_after_its_last_byte(
    pair: tuple[socket.socket, socket.socket],
) -> None:
    server, client = pair
    client.sendall(head(100) + b"abc")
    environ, _ = request_on(server)
    client.sendall(b"def")
    client.close()
    source = open_source(environ)
    data = read_until_gone(source, never)
    assert data == b"abcdef"


def test_a_short_rest_is_read_away_and_the_connection_lives(
    pair: tuple[socket.socket, socket.socket],
) -> None:
    server, client = pair
    client.sendall(head(50_000, "/1") + bytes(50_000) + head(0, "/2"))
    environ, parser = request_on(server)
    open_source(environ).linger()
    assert not environ["wsgi.input"].failed
    assert next(parser).path == "/2"


def test_a_rest_that_does_not_end_closes_the_connection(
    pair: tuple[socket.socket, socket.socket],
) -> None:
    server, client = pair
    client.sendall(head(50_000) + b"only this")
    environ, parser = request_on(server)
    client.shutdown(socket.SHUT_WR)
    open_source(environ).linger()
    assert environ["wsgi.input"].failed
    with pytest.raises(StopIteration):
        next(parser)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda environ: environ.update({"gunicorn.socket": None}),
        lambda environ: environ.update({"gunicorn.socket": object()}),
        lambda environ: setattr(environ["wsgi.input"], "reader", None),
        lambda environ: setattr(environ["wsgi.input"], "buf", b""),
        lambda environ: setattr(environ["wsgi.input"].reader, "length", 7),
        lambda environ: setattr(environ["wsgi.input"].reader, "unreader", None),
        lambda environ: environ["wsgi.input"].reader.unreader.__dict__.pop("buf"),
    ],
)
def test_unknown_insides_are_left_alone(
    pair: tuple[socket.socket, socket.socket], spoil: Any
) -> None:
    server, client = pair
    client.sendall(head(5) + b"bytes")
    environ, _ = request_on(server)
    spoil(environ)
    assert isinstance(open_source(environ), WsgiSource)


def test_something_read_before_is_left_alone(pair: tuple[socket.socket, socket.socket]) -> None:
    server, client = pair
    client.sendall(head(5) + b"bytes")
    environ, _ = request_on(server)
    environ["wsgi.input"].read(2)
    # What the parser buffered is still in place: two bytes fewer than declared.
    assert isinstance(open_source(environ), WsgiSource)


def chunked(pieces: list[bytes], *, end: bool = True) -> bytes:
    body = b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces)
    start = b"PATCH /x HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"
    return start + body + (b"0\r\n\r\n" if end else b"")


def test_a_chunked_body_comes_through_wsgi(pair: tuple[socket.socket, socket.socket]) -> None:
    server, client = pair
    pieces = [b"a" * 10, b"b" * 3000, b"c"]
    client.sendall(chunked(pieces))
    environ, _ = request_on(server)
    source = open_source(environ)
    assert isinstance(source, WsgiSource)
    assert source.length is None
    assert read_all(source) == b"".join(pieces)


def test_a_chunked_body_that_breaks_off_keeps_what_came(
    pair: tuple[socket.socket, socket.socket],
) -> None:
    server, client = pair
    client.sendall(chunked([b"a" * 10, b"b" * 3000], end=False))
    client.close()
    environ, _ = request_on(server)
    source = open_source(environ)
    data = read_until_gone(source, never)
    assert data == b"a" * 10 + b"b" * 3000


def test_a_blocked_reader_is_woken_when_it_shall_give_up(
    pair: tuple[socket.socket, socket.socket],
) -> None:
    server, client = pair
    client.sendall(chunked([b"a" * 10], end=False))
    environ, _ = request_on(server)
    source = open_source(environ)
    give_up = threading.Event()
    timer = threading.Timer(0.05, give_up.set)
    timer.start()
    data = read_until_gone(source, give_up.is_set)
    assert data == b"a" * 10
    timer.join()


def test_other_servers_give_their_declared_length() -> None:
    environ = {"wsgi.input": io.BytesIO(b"bytes and more"), "CONTENT_LENGTH": "5"}
    assert read_all(open_source(environ)) == b"bytes"
    short = {"wsgi.input": io.BytesIO(b"byt"), "CONTENT_LENGTH": "5"}
    with pytest.raises(SenderGone):
        read_all(open_source(short))


@pytest.mark.parametrize("text", ["", "abc", "-5", "٥"])
def test_without_a_length_the_body_is_empty(text: str) -> None:
    source = open_source({"wsgi.input": io.BytesIO(b"bytes"), "CONTENT_LENGTH": text})
    assert source.length == 0
    assert read_all(source) == b""


def test_tls_is_not_read_behind_its_back(pair: tuple[socket.socket, socket.socket]) -> None:
    server, client = pair
    client.sendall(head(5) + b"bytes")
    environ, _ = request_on(server)
    environ["gunicorn.socket"] = SimpleNamespace(do_handshake=never)
    assert isinstance(open_source(environ), WsgiSource)
