import contextlib
import http.server
import io
import socket
import threading
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from client_sdk._api import Api, Backoff, Call, retry_after_seconds
from client_sdk._link import Options
from client_sdk._transport import Body, Request, Response
from client_sdk._transport.http import HttpTransport
from client_sdk._transport.mock import MockTransport
from client_sdk._transport.wsgi import WsgiTransport
from client_sdk.client import FieldClient
from client_sdk.errors import (
    ConflictError,
    ContractError,
    GoneError,
    InvalidRequestError,
    RateLimitedError,
    ServerError,
    TransportError,
    api_error,
)
from tests.unit.sdk.fake_clock import FakeClock
from tests.unit.sdk.fake_server import CODE, START, FakeServer


class Handler(http.server.BaseHTTPRequestHandler):
    """Puts a FakeServer on a socket; may hang up in mid-body."""

    protocol_version = "HTTP/1.1"
    fake: FakeServer
    cut_after: Iterator[int]

    def answer(self) -> None:
        size = int(self.headers.get("Content-Length", "0"))
        limit = next(self.cut_after, size) if self.command == "PATCH" else size
        data = self.rfile.read(min(size, limit))
        base = f"http://{self.headers['Host']}"
        names: tuple[str, ...] = (
            "dpop",
            "authorization",
            "tus-resumable",
            "upload-length",
            "upload-metadata",
        )
        names += ("upload-offset", "idempotency-key", "content-type")
        headers = {_title(name): self.headers[name] for name in names if name in self.headers}
        request = Request(self.command, base + self.path, headers, Body(size, lambda: (data,)))
        response = self.fake.handle(request)
        if len(data) < size:
            self.close_connection = True
            self.connection.shutdown(socket.SHUT_RDWR)
            return
        self.send_response(response.status)
        for name, value in response.headers.items():
            self.send_header(name, value)
        if self.command != "HEAD":
            self.send_header("Content-Length", str(len(response.body)))
        self.end_headers()
        self.wfile.write(response.body)

    do_GET = do_POST = do_PATCH = do_HEAD = answer  # noqa: N815 - names of http.server

    def log_message(self, *args: Any) -> None:
        pass


def _title(name: str) -> str:
    return "DPoP" if name == "dpop" else name.title()


@pytest.fixture
def fake() -> FakeServer:
    return FakeServer()


@pytest.fixture
def address(fake: FakeServer) -> Iterator[str]:
    handler = type("Bound", (Handler,), {"fake": fake, "cut_after": iter(())})
    httpd = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=httpd.serve_forever)
    thread.start()
    fake.handler = handler  # type: ignore[attr-defined]
    yield f"http://127.0.0.1:{httpd.server_address[1]}"
    httpd.shutdown()
    thread.join()
    httpd.server_close()


def test_real_sockets_cut_in_mid_body(fake: FakeServer, address: str, tmp_path: Path) -> None:
    cuts = [70_000, 1, 2_000_000, 3_000_000]
    fake.handler.cut_after = iter(cuts)  # type: ignore[attr-defined]
    fake.now = FakeClock().wall()
    data = bytes(range(256)) * 40_000
    options = Options(uniform=lambda *_: 0.0, ballast_bytes=0)
    with FieldClient(address, store=tmp_path / "s", secrets=None, options=options) as client:
        client.enrol(CODE, name="phone")
        client.capture(data, name="long.mp4")
        report = client.sync()
    assert report.complete, report
    assert fake.received_bytes == len(data)
    assert list(fake.blobs.values()) == [data]


def test_no_server_is_a_transport_error() -> None:
    with contextlib.closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    transport = HttpTransport()
    try:
        with pytest.raises(TransportError):
            transport.send(Request("GET", f"http://127.0.0.1:{port}/"))
        with pytest.raises(TransportError):
            transport.send(Request("GET", "http://[bad"))
    finally:
        transport.close()


def test_redirects_are_not_followed(monkeypatch: pytest.MonkeyPatch) -> None:
    transport = HttpTransport()
    seen: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(str(request.url))
        return httpx.Response(307, headers={"location": "https://elsewhere.test/"})

    transport.close()
    client = httpx.Client(transport=httpx.MockTransport(answer), follow_redirects=False)
    monkeypatch.setattr(transport, "_client", client)
    assert transport.send(Request("GET", "https://bureau.test/x")).status == 307
    assert seen == ["https://bureau.test/x"]
    client.close()


def test_wsgi_reaches_an_app_without_a_socket() -> None:
    seen: dict[str, Any] = {}

    def app(environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        seen.update(environ)
        seen["body"] = environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"]))
        write = start("201 Created", [("X-A", "1"), ("x-a", "2")])
        write(b"first ")
        return iter([b"second"])

    body = Body(6, lambda: iter([b"ab", b"", b"cdef"]))
    request = Request(
        "PATCH", "https://bureau.test:8443/a%20b/%E8%AF%81?q=1", {"Content-Type": "x/y"}, body
    )
    response = WsgiTransport(app).send(request)
    assert (response.status, response.body) == (201, b"first second")
    assert response.headers == {"x-a": "1, 2"}
    assert seen["body"] == b"abcdef"
    assert seen["PATH_INFO"].encode("latin-1") == "/a b/证".encode()
    assert (seen["QUERY_STRING"], seen["HTTP_HOST"]) == ("q=1", "bureau.test:8443")
    assert (seen["wsgi.url_scheme"], seen["SERVER_PORT"]) == ("https", "8443")
    assert seen["CONTENT_TYPE"] == "x/y"


def test_wsgi_closes_what_the_app_returns() -> None:
    class Chunks(io.BytesIO):
        pass

    chunks = Chunks(b"x")

    def app(_environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        start("200 OK", [])
        return chunks

    WsgiTransport(app).send(Request("GET", "https://bureau.test/"))
    assert chunks.closed


# -- calls


def api(
    handler: Callable[[Request], Response], clock: FakeClock, url: str = "https://b.test"
) -> Api:
    return Api(url, MockTransport(handler), clock, uniform=lambda _low, high: high)


def test_addresses(clock: FakeClock) -> None:
    plain = api(lambda _r: Response(200, {}), clock)
    assert plain.address("/me") == "https://b.test/api/v1/me"
    assert plain.address("/api/v1/uploads/1") == "https://b.test/api/v1/uploads/1"
    deep = api(lambda _r: Response(200, {}), clock, "https://b.test/tz/")
    assert deep.address("/me") == "https://b.test/tz/api/v1/me"
    for location in (
        "https://b.test/tz/api/v1/uploads/1",
        "https://evil.test/tz/api/v1/uploads/1",
        "/tz/api/v1/uploads/1",
        "uploads/1",
    ):
        target = deep.target_of(location, "/uploads")
        assert deep.address(target) == "https://b.test/tz/api/v1/uploads/1"
    for location in ("https://b.test/elsewhere", "/api/v1/uploads/1", "/tz/api/v1/../../x"):
        with pytest.raises(ContractError):
            deep.target_of(location, "/uploads")


def test_retries_honour_retry_after_and_end(clock: FakeClock) -> None:
    answers = [Response(503, {"retry-after": "7"}), Response(429, {}), Response(200, {})]
    calling = api(lambda _r: answers.pop(0), clock)
    assert calling.call(Call("GET", "/x")).status == 200
    assert clock.slept == [7.5, 1.0]
    clock.slept.clear()
    failing = api(lambda _r: Response(500, {}), clock)
    with pytest.raises(ServerError):
        failing.call(Call("GET", "/x"))
    assert len(clock.slept) == 3


def test_refusals_are_not_tried_again(clock: FakeClock) -> None:
    seen: list[Request] = []

    def handler(request: Request) -> Response:
        seen.append(request)
        problem = b'{"type":"urn:tiezheng:problem:validation","title":"No","title_zh":"\\u5426"}'
        return Response(422, {"content-type": "application/problem+json"}, problem)

    with pytest.raises(InvalidRequestError) as caught:
        api(handler, clock).call(Call("POST", "/x", json={"a": 1}))
    assert (caught.value.slug, caught.value.title, caught.value.title_zh) == (
        "validation",
        "No",
        "否",
    )
    assert len(seen) == 1


def test_back_off_grows_with_full_jitter_and_a_cap() -> None:
    backoff = Backoff(base_seconds=1, cap_seconds=10, uniform=lambda low, high: low + high)
    error = TransportError()
    assert [backoff.next_seconds(error) for _ in range(6)] == [1, 2, 4, 8, 10, 10]
    backoff.reset()
    assert backoff.next_seconds(error) == 1


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        (None, None),
        ("", None),
        ("5", 5.0),
        ("-5", None),
        ("999999", 3600.0),
        ("soon", None),
        ("nan", None),
        ("Mon, 23 Nov 2026 02:00:30 GMT", 30.0),
        ("Mon, 23 Nov 2026 01:00:00 GMT", 0.0),
    ],
)
def test_retry_after(text: str | None, seconds: float | None) -> None:
    assert retry_after_seconds(text, START) == seconds


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, InvalidRequestError),
        (409, ConflictError),
        (410, GoneError),
        (418, InvalidRequestError),
        (423, RateLimitedError),
        (460, InvalidRequestError),
        (500, ServerError),
        (599, ServerError),
    ],
)
def test_errors_by_status(status: int, kind: type[Exception]) -> None:
    error = api_error(status, {})
    assert type(error) is kind
    assert error.slug == f"http-{status}"


@pytest.mark.parametrize("body", [b"", b"<html>", b"[1]", b'"x"', b"{", b"[" * 100_000])
def test_a_broken_problem_is_still_its_status(clock: FakeClock, body: bytes) -> None:
    answer = Response(403, {"content-type": "application/problem+json"}, body)
    with pytest.raises(Exception) as caught:
        api(lambda _r: answer, clock).once(Call("GET", "/x"))
    assert getattr(caught.value, "slug", None) == "http-403"


def test_a_body_that_is_not_json_breaks_the_contract() -> None:
    with pytest.raises(ContractError):
        Response(200, {}, b"<html>").json()
