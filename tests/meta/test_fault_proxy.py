"""The fault proxy does what its plan says, at the byte that it says."""

from __future__ import annotations

import hashlib
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest

from tests.support.proxy import Fault, FaultPlan, FaultProxy, Injection

BODY = bytes(range(256)) * 2048  # 512 KiB
ANSWER = hashlib.sha256(BODY).hexdigest().encode()


@dataclass
class Upstream:
    """Reads a body of known length, answers with its digest, keeps what each connection sent."""

    port: int
    received: list[bytes] = field(default_factory=list)
    done: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))


def _serve(listener: socket.socket, upstream: Upstream) -> None:
    while True:
        try:
            connection, _ = listener.accept()
        except OSError:
            return
        with connection:
            upstream.received.append(_answer(connection))
            upstream.done.release()


def _answer(connection: socket.socket) -> bytes:
    body = b""
    connection.settimeout(10)
    try:
        while len(body) < len(BODY):
            chunk = connection.recv(65_536)
            if not chunk:
                return body
            body += chunk
        connection.sendall(hashlib.sha256(body).hexdigest().encode())
    except OSError:
        return body
    return body


@pytest.fixture
def upstream() -> Iterator[Upstream]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        state = Upstream(port=listener.getsockname()[1])
        thread = threading.Thread(target=_serve, args=(listener, state))
        thread.start()
        yield state
        listener.shutdown(socket.SHUT_RDWR)
    thread.join()


def talk(port: int) -> bytes:
    """Send the body, return the whole answer."""
    answer = b""
    with socket.create_connection(("127.0.0.1", port), timeout=10) as client:
        client.sendall(BODY)
        while chunk := client.recv(65_536):
            answer += chunk
    return answer


def scripted(*script: Injection, stall_seconds: float = 0.2) -> FaultPlan:
    return FaultPlan(script=script, stall_seconds=stall_seconds)


def attempt(port: int) -> bytes | None:
    """As ``talk``; None where the connection was reset."""
    try:
        return talk(port)
    except OSError:
        return None


def test_without_faults_bytes_pass_unchanged(upstream: Upstream) -> None:
    with FaultProxy(upstream.port) as proxy:
        assert talk(proxy.port) == ANSWER
    assert upstream.received == [BODY]
    counters = proxy.counters
    assert (counters.connections, counters.struck) == (1, 0)
    assert (counters.bytes_up, counters.bytes_down) == (len(BODY), len(ANSWER))


@pytest.mark.parametrize("after_bytes", [0, 1, 65_536, 100_001])
def test_a_cut_on_the_way_up_lets_exactly_so_many_bytes_through(
    upstream: Upstream, after_bytes: int
) -> None:
    with FaultProxy(upstream.port, scripted(Injection(Fault.CUT_UP, after_bytes))) as proxy:
        assert attempt(proxy.port) in {None, b""}
        assert upstream.done.acquire(timeout=10)
        assert talk(proxy.port) == ANSWER
    assert upstream.received == [BODY[:after_bytes], BODY]
    assert proxy.counters.faults == {Fault.CUT_UP: 1}


def test_a_cut_on_the_way_down_truncates_the_answer(upstream: Upstream) -> None:
    with FaultProxy(upstream.port, scripted(Injection(Fault.CUT_DOWN, 10))) as proxy:
        assert attempt(proxy.port) == ANSWER[:10]
    assert proxy.counters.faults == {Fault.CUT_DOWN: 1}


def test_a_dropped_response_leaves_the_server_served_and_the_client_without_answer(
    upstream: Upstream,
) -> None:
    with FaultProxy(upstream.port, scripted(Injection(Fault.DROP_RESPONSE))) as proxy:
        assert attempt(proxy.port) == b""
        assert upstream.done.acquire(timeout=10)
    assert upstream.received == [BODY]
    assert proxy.counters.faults == {Fault.DROP_RESPONSE: 1}
    assert proxy.counters.bytes_down == 0


def test_a_reset_is_seen_as_a_reset(upstream: Upstream) -> None:
    with FaultProxy(upstream.port, scripted(Injection(Fault.RESET, 1000))) as proxy:
        with pytest.raises((ConnectionResetError, BrokenPipeError)):
            talk(proxy.port)
        assert upstream.done.acquire(timeout=10)
    assert upstream.received == [BODY[:1000]]


def test_a_stalled_connection_goes_on_afterwards(upstream: Upstream) -> None:
    with FaultProxy(upstream.port, scripted(Injection(Fault.STALL, 1000))) as proxy:
        assert talk(proxy.port) == ANSWER
    assert proxy.counters.faults == {Fault.STALL: 1}


def test_half_open_the_client_is_gone_and_the_server_does_not_know(upstream: Upstream) -> None:
    plan = scripted(Injection(Fault.HALF_OPEN, 1000), stall_seconds=60)
    with FaultProxy(upstream.port, plan) as proxy:
        assert attempt(proxy.port) is None
        assert upstream.received == []  # still waiting for the rest
        proxy.cut_all()
        assert upstream.done.acquire(timeout=10)
    assert upstream.received == [BODY[:1000]]


def test_offline_refuses_and_online_again_carries(upstream: Upstream) -> None:
    with FaultProxy(upstream.port) as proxy:
        proxy.offline = True
        assert attempt(proxy.port) is None
        proxy.offline = False
        assert talk(proxy.port) == ANSWER
    assert (proxy.counters.refused, proxy.counters.connections) == (1, 1)


def test_a_server_that_is_down_resets_the_client_and_may_come_back_elsewhere(
    upstream: Upstream,
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        unused = listener.getsockname()[1]
    with FaultProxy(unused) as proxy:
        assert attempt(proxy.port) is None
        proxy.upstream_port = upstream.port
        assert talk(proxy.port) == ANSWER


def test_the_same_seed_hurts_the_same_connections_in_the_same_way() -> None:
    plan, twin, other = (FaultPlan(seed=seed, chance=0.5) for seed in (7, 7, 8))
    fates = [plan.injection(number) for number in range(200)]
    assert fates == [twin.injection(number) for number in range(200)]
    assert fates != [other.injection(number) for number in range(200)]
    assert {fate.fault for fate in fates} == set(Fault)


def test_a_plan_with_an_end_lets_everything_through_afterwards() -> None:
    plan = FaultPlan(seed=1, chance=1.0, until=5)
    assert all(plan.injection(number).fault is not Fault.NONE for number in range(5))
    assert all(plan.injection(number).fault is Fault.NONE for number in range(5, 50))


def test_a_persistent_client_gets_through_a_seeded_storm(upstream: Upstream) -> None:
    plan = FaultPlan(seed=20_240_106, chance=1.0, bytes_max=len(BODY), until=12, stall_seconds=0.05)
    with FaultProxy(upstream.port, plan) as proxy:
        answers = [attempt(proxy.port) for _ in range(13)]
    assert answers[-1] == ANSWER
    assert proxy.counters.struck > 0
    assert all(BODY.startswith(body) for body in upstream.received)
