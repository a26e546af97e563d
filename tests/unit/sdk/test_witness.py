"""The device watches the log: proofs of its records, and checkpoints that must agree."""

import json
from typing import Any

import pytest

from client_sdk.client import FieldClient
from client_sdk.protocol.errors import ProtocolError
from tests.unit.sdk.cli_support import CASE, Run
from tests.unit.sdk.conftest import Opener
from tests.unit.sdk.fake_log import FakeLog
from tests.unit.sdk.fake_server import CODE, FakeServer


def codes(report: Any) -> set[str]:
    return {problem.code for problem in report.problems}


@pytest.fixture
def log(server: FakeServer) -> FakeLog:
    server.log = FakeLog()
    return server.log


def capture_and_prove(client: FieldClient, server: FakeServer, **changes: Any) -> Any:
    client.capture(b"photo %d" % len(server.wires))
    assert client.sync().complete
    server.prove(**changes)
    return client.sync()


def test_a_proof_shows_how_well_a_record_is_secured(
    client: FieldClient, server: FakeServer, log: FakeLog
) -> None:
    assert capture_and_prove(client, server).complete
    # The court says that it is witnessed; without a policy the device cannot tell.
    assert {one.level for one in client.proven().values()} == {"L1"}
    client.use_log_policy(log.policy)
    proven = client.proven()
    assert {one.level for one in proven.values()} == {"L2"}
    assert {one.checkpoint.size for one in proven.values()} == {log.tree.size}
    assert all(one.witnessed for one in proven.values())
    assert server.calls.count("GET /log/state") == 2  # at enrolment there was no log yet
    assert client.log_alarm() is None


def test_the_logs_key_is_pinned_at_enrolment(
    server: FakeServer, log: FakeLog, open_client: Opener
) -> None:
    client = open_client()
    client.enrol(CODE, name="phone")
    assert client._store.get("trust.log") == [log.vkey]
    client.log("x")
    client.sync()
    server.log = FakeLog()  # another key, from the first proof on
    server.prove()
    assert "receipt-rejected" in codes(client.sync())
    assert server.calls.count("GET /log/state") == 1


def test_a_growing_log_is_followed(client: FieldClient, server: FakeServer, log: FakeLog) -> None:
    for _ in range(3):
        assert capture_and_prove(client, server).complete
        log.add(b"somebody else's entry")
    assert server.calls.count("GET /log/consistency") == 2
    assert client._store.get("witness.newest")["size"] == log.tree.size - 1


def test_a_server_without_a_log_is_no_trouble(client: FieldClient, server: FakeServer) -> None:
    server.log = FakeLog()
    client.log("x")
    client.sync()
    server.prove()
    server.log = None
    assert client.sync().complete
    assert len(client.receipts()) == 2


def test_tamper_57_a_log_that_was_rewritten_is_an_alarm_for_ever(
    client: FieldClient, server: FakeServer, log: FakeLog, open_client: Opener
) -> None:
    assert capture_and_prove(client, server).complete
    forked = FakeLog(key=log.key)
    forked.add(b"another history")
    server.log, server.indices = forked, {}
    for _ in range(2):
        report = capture_and_prove_only(client, server)
        assert "log-inconsistent" in codes(report)
    alarm = client.log_alarm()
    assert alarm is not None
    assert alarm["kept"] == log.note()
    assert alarm["shown"] != alarm["kept"]
    again = open_client()
    assert "log-inconsistent" in {problem.code for problem in again.problems()}
    server.log = log
    assert "log-inconsistent" in codes(again.sync())


def capture_and_prove_only(client: FieldClient, server: FakeServer) -> Any:
    client.capture(b"photo %d" % len(server.wires))
    client.sync()
    server.prove()
    return client.sync()


def test_tamper_57_two_roots_for_one_size_are_an_alarm(
    client: FieldClient, server: FakeServer, log: FakeLog
) -> None:
    assert capture_and_prove(client, server).complete
    indices = dict(server.indices)
    forked = FakeLog(key=log.key)
    for entry in reversed(log.entries):
        forked.add(entry)
    last = len(log.entries) - 1
    server.log = forked
    server.indices = {place: last - index for place, index in indices.items()}
    server.prove()
    assert "log-inconsistent" in codes(client.sync())


def test_tamper_56_a_log_that_shrank_is_an_alarm(
    client: FieldClient, server: FakeServer, log: FakeLog
) -> None:
    for _ in range(2):
        assert capture_and_prove(client, server).complete
    shrunk = FakeLog(key=log.key)
    server.log = shrunk
    for entry in log.entries[:1]:
        shrunk.add(entry)
    server.indices = {place: at for place, at in server.indices.items() if at < 1}
    server.receipted = {one for one in server.receipted if one[:2] in server.indices}
    server.wires = {place: server.wires[place] for place in server.indices}
    server.prove()
    assert "log-inconsistent" in codes(client.sync())


@pytest.mark.parametrize("change", ["key", "proof", "record", "extra"])
def test_a_proof_that_does_not_hold_is_refused(
    client: FieldClient, server: FakeServer, log: FakeLog, change: str
) -> None:
    assert capture_and_prove(client, server).complete
    client.log("one more")
    client.sync()
    if change == "key":
        server.log = FakeLog()
        server.indices = {}
        server.prove()
    elif change == "proof":
        server.prove(proof=client.receipts()[0][0].proof)
    elif change == "record":
        server.indices[1, max(seq for _, seq in server.wires)] = 0
        server.prove()
    else:
        text = str(client.receipts()[0][0].proof).replace("extra ", "extra AA", 1)
        server.prove(proof=text)
    report = client.sync()
    assert "receipt-rejected" in codes(report)
    assert client.log_alarm() is None


def test_with_a_policy_only_its_witnesses_count(
    client: FieldClient, server: FakeServer, log: FakeLog
) -> None:
    with pytest.raises(ProtocolError):
        client.use_log_policy("quorum nobody\n")
    client.use_log_policy(f"log {log.vkey}\nquorum none\n")
    assert capture_and_prove(client, server).complete
    # Nobody is asked, so nobody but the court has seen it, whatever its receipt says.
    assert {one.level for one in client.proven().values()} == {"L1"}
    assert not any(one.witnessed for one in client.proven().values())
    assert client._store.get("trust.log") is None
    assert log.tree.size == len(server.indices)


@pytest.mark.usefixtures("enrolled")
def test_the_command_is_loud_about_it(run: Run, server: FakeServer, log: FakeLog) -> None:
    for text in ("一", "二"):
        assert run("log", text, "--case", CASE).exit_code == 0
        assert run("sync").exit_code == 0
        server.prove()
        assert run("sync").exit_code == 0
    assert "L2" in run("receipts").stdout
    server.log = FakeLog(key=log.key)
    server.log.add(b"another history")
    server.indices = {}
    server.prove()
    loud = run("sync")
    assert loud.exit_code == 7
    assert "ALARM" in loud.stdout
    listed = run("receipts", "--json")
    assert listed.exit_code == 7
    assert json.loads(listed.stdout)["alarm"]["kept"] == log.note()
