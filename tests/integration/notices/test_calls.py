"""Calls to receivers: only good places, the judged address, one deadline, no redirects."""

from __future__ import annotations

import datetime as dt
import ssl
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from server.notices.webhook_calls import Caller, CallError
from server.notices.webhook_places import PlaceRefusedError, Places
from tests.support.ports import free_port
from tests.support.receiver import Receiver, dripping, raw, receiving, status

HERE = Places.named("127.0.0.0/8")
BODY = b'{"type":"x"}'
PRIVATE = (
    "127.0.0.1", "10.0.0.5", "172.16.3.4", "192.168.1.1", "169.254.169.254", "100.64.0.1",
    "0.0.0.0", "224.0.0.1", "255.255.255.255", "192.0.2.1", "::1", "::", "fe80::1", "fc00::1",
    "ff02::1", "::ffff:10.0.0.5", "::ffff:127.0.0.1", "64:ff9b::a00:5", "2002:a00:5::",
    "2001:0:a00:5::1", "2001:db8::1",
)  # fmt: skip


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as found:
        yield found


def resolving(*addresses: str) -> Callable[[str, int], Sequence[str]]:
    return lambda _host, _port: addresses


def problem_of(caller: Caller, url: str) -> str:
    with pytest.raises(CallError) as caught:
        caller.post(url, {}, BODY)
    return caught.value.code


@pytest.mark.parametrize("address", PRIVATE)
def test_no_inner_address_is_reached(address: str, receiver: Receiver) -> None:
    caller = Caller(Places(), resolving(address))
    assert problem_of(caller, f"https://receiver.example:{receiver.port}/") == "private-address"
    literal = f"[{address}]" if ":" in address else address
    assert problem_of(Caller(Places()), f"https://{literal}/") == "private-address"
    assert receiver.messages == []


def test_one_inner_address_among_public_ones_refuses_the_name(receiver: Receiver) -> None:
    caller = Caller(Places(), resolving("93.184.216.34", "127.0.0.1"))
    assert problem_of(caller, f"https://mixed.example:{receiver.port}/") == "private-address"


def test_a_name_is_asked_once_and_its_answer_is_where_the_call_goes(receiver: Receiver) -> None:
    asked: list[str] = []

    def resolve(host: str, _port: int) -> Sequence[str]:
        asked.append(host)
        return ["127.0.0.1"] if len(asked) == 1 else ["127.0.0.99"]

    answer = Caller(HERE, resolve).post(f"http://rebind.example:{receiver.port}/x", {}, BODY)
    assert answer.status == 200
    assert asked == ["rebind.example"]
    (message,) = receiver.messages
    assert message.headers["host"] == f"rebind.example:{receiver.port}"
    assert message.body == BODY


def test_without_tls_only_the_named_networks_are_reached() -> None:
    caller = Caller(HERE, resolving("93.184.216.34"))
    assert problem_of(caller, "http://public.example/") == "plain-http"


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("http://receiver.example/", "not-https"),
        ("ftp://receiver.example/", "not-https"),
        ("file:///etc/passwd", "malformed"),
        ("https://user:pass@receiver.example/", "malformed"),
        ("https://receiver.example/#part", "malformed"),
        ("https:///nowhere", "malformed"),
        ("https://receiver.example:99999/", "malformed"),
        ("https://受信.example/", "malformed"),
        ("https://[::1/", "malformed"),
        ("https://127.0.0.1/", "private-address"),
        ("https://[::ffff:10.0.0.1]/", "private-address"),
    ],
)
def test_an_address_that_can_be_refused_at_once_is(url: str, code: str) -> None:
    with pytest.raises(PlaceRefusedError) as caught:
        Places().require_url(url)
    assert caught.value.code == code


def test_a_public_address_by_https_is_fine() -> None:
    Places().require_url("https://hooks.example/path?token=1")
    Places().require_url("https://8.8.8.8/path")


def test_a_redirect_is_an_answer_and_is_not_followed(receiver: Receiver) -> None:
    receiver.answer = status(302, location=f"http://127.0.0.1:{receiver.port}/secret")
    assert Caller(HERE).post(receiver.url, {}, BODY).status == 302
    assert [message.path for message in receiver.messages] == ["/hook"]


def test_who_drips_its_answer_is_left(receiver: Receiver) -> None:
    stopped = threading.Event()
    receiver.answer = dripping(stopped)
    assert problem_of(Caller(HERE, whole_seconds=0.4), receiver.url) == "timeout"
    stopped.set()


@pytest.mark.parametrize(
    "answer",
    [
        raw(b""),
        raw(b"SSH-2.0-OpenSSH_9.2\r\n"),
        raw(b"HTTP/1.1 999999 what\r\n\r\n"),
        raw(b"HTTP/1.1 200 OK\r\n", b"X: " + b"a" * 300_000),
    ],
    ids=["hangs up", "speaks another language", "no status", "endless header"],
)
def test_what_is_no_answer_is_no_success(
    receiver: Receiver, answer: Callable[[object], None]
) -> None:
    receiver.answer = answer
    assert problem_of(Caller(HERE), receiver.url) == "broken-off"


@pytest.mark.parametrize(
    "answer",
    [
        raw(b"HTTP/1.1 200 OK\r\nContent-Length: 999999999999\r\n\r\nshort"),
        status(200, b"x" * 5_000_000),
    ],
    ids=["lies about its length", "sends a lot"],
)
def test_of_an_answer_only_the_status_counts(
    receiver: Receiver, answer: Callable[[object], None]
) -> None:
    receiver.answer = answer
    assert Caller(HERE).post(receiver.url, {}, BODY).status == 200


def test_when_to_ask_again_is_read(receiver: Receiver) -> None:
    receiver.answer = status(503, retry_after="120")
    answer = Caller(HERE).post(receiver.url, {}, BODY)
    assert (answer.status, answer.retry_after_s) == (503, 120)


def test_nobody_there_and_no_such_name_have_codes_of_their_own() -> None:
    assert problem_of(Caller(HERE), f"http://127.0.0.1:{free_port()}/") == "connect"

    def unknown(_host: str, _port: int) -> Sequence[str]:
        raise OSError("no such host")

    assert problem_of(Caller(HERE, unknown), "http://nowhere.example/") == "unknown-name"
    assert problem_of(Caller(HERE, resolving()), "http://nowhere.example/") == "unknown-name"


def test_the_proxy_of_the_environment_is_not_asked(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{free_port()}")
    assert Caller(HERE).post(receiver.url, {}, BODY).status == 200


def test_tls_proves_the_name_although_the_address_is_pinned(tmp_path: Path) -> None:
    serving, trusting = certified(tmp_path, "good.example")
    with receiving(serving) as receiver:
        here = resolving("127.0.0.1")
        good = Caller(HERE, here, trusting)
        assert good.post(f"https://good.example:{receiver.port}/", {}, BODY).status == 200
        assert problem_of(good, f"https://evil.example:{receiver.port}/") == "tls"
        stranger = Caller(HERE, here)
        assert problem_of(stranger, f"https://good.example:{receiver.port}/") == "tls"
        assert len(receiver.messages) == 1


def certified(folder: Path, name: str) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """A server's TLS with a certificate of its own for ``name``, and a client's that trusts it."""
    key = ec.generate_private_key(ec.SECP256R1())
    who = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = dt.datetime.now(dt.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(who).issuer_name(who).public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )  # fmt: skip
    chain, private = folder / "chain.pem", folder / "key.pem"
    chain.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    private.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )  # fmt: skip
    serving = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    serving.load_cert_chain(chain, private)
    return serving, ssl.create_default_context(cafile=str(chain))
