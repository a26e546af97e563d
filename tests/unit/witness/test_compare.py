"""Anybody can find out whether the witnesses have seen one history."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

from client_sdk.protocol.tlog.notes import parse_vkey
from client_sdk.protocol.tlog.policies import Policy
from client_sdk.protocol.tlog.tiles import parse_tile_path
from server.witness.compare import Comparison, NotFetchedError, compare
from server.witness.state import WitnessFolder
from server.witness.web import create_app
from server.witness.witness import Witness
from tests.support.witness import SmallLog


@dataclass
class Net:
    """Two witnesses and the log, reached without a network; ``log`` is what it publishes."""

    folder: Path
    log: SmallLog
    found: dict[str, Witness] = field(default_factory=dict)
    with_tiles: bool = True

    def __post_init__(self) -> None:
        for name in ("a", "b"):
            made = Witness(WitnessFolder.create(self.folder / name, f"witness.example/{name}"))
            made.trust(parse_vkey(self.log.vkey))
            self.found[name] = made

    def policy(self) -> Policy:
        address = " http://log.test/log" if self.with_tiles else ""
        lines = [f"log {self.log.vkey}{address}"]
        lines += [
            f"witness {name} {one.vkey} http://{name}.test" for name, one in self.found.items()
        ]
        return Policy.parse("".join(f"{line}\n" for line in [*lines, "quorum none"]))

    def fetch(self, address: str) -> bytes:
        parts = urlsplit(address)
        name = parts.netloc.removesuffix(".test")
        if name == "log":
            tile = parse_tile_path(unquote(parts.path).removeprefix("/log/"))
            if tile.level:
                raise NotFetchedError("small trees have no upper tiles")
            leaves = [(0, tile.index * 256 + at) for at in range(tile.width)]
            return b"".join(self.log.tree.hashes(leaves))
        answer = create_app(self.found[name]).test_client().get(parts.path)
        if answer.status_code != 200:
            raise NotFetchedError(f"answered {answer.status_code}")
        body: bytes = answer.data
        return body

    def compared(self) -> Comparison:
        (found,) = compare(self.policy(), self.fetch)
        return found


@pytest.fixture
def net(tmp_path: Path) -> Net:
    return Net(tmp_path, SmallLog().grow(70))


def fork(net: Net, size: int) -> SmallLog:
    return SmallLog(net.log.origin, net.log.key).grow(size, "other")


def test_one_history_at_one_size(net: Net) -> None:
    for one in net.found.values():
        one.add_checkpoint(net.log.request(0))
    assert net.compared().is_one_history


def test_one_history_at_two_sizes(net: Net) -> None:
    net.found["a"].add_checkpoint(net.log.request(0, 40))
    net.found["b"].add_checkpoint(net.log.request(0, 70))
    assert net.compared().is_one_history


def test_tamper_57_a_split_at_one_size(net: Net) -> None:
    net.found["a"].add_checkpoint(net.log.request(0))
    net.found["b"].add_checkpoint(fork(net, 70).request(0))
    ((older, newer),) = net.compared().splits
    assert {older.witness, newer.witness} == {"a", "b"}
    assert older.note_text != newer.note_text


@pytest.mark.parametrize(("a", "b"), [(40, 70), (70, 40)])
def test_tamper_57_a_split_at_two_sizes(net: Net, a: int, b: int) -> None:
    net.found["a"].add_checkpoint(net.log.request(0, a))
    net.found["b"].add_checkpoint(fork(net, b).request(0))
    assert len(net.compared().splits) == 1


def test_who_cannot_be_heard_is_told(net: Net) -> None:
    net.found["a"].add_checkpoint(net.log.request(0))
    found = net.compared()
    assert not found.is_one_history
    assert found.splits == ()
    assert found.open_points == ("b: answered 404",)


def test_without_the_logs_address_two_sizes_stay_open(net: Net) -> None:
    net.with_tiles = False
    net.found["a"].add_checkpoint(net.log.request(0, 40))
    net.found["b"].add_checkpoint(net.log.request(0, 70))
    assert net.compared().open_points == (
        "a and b: the policy has no address of the log to read its tiles from",
    )


def test_another_witness_answer_does_not_count(net: Net) -> None:
    for one in net.found.values():
        one.add_checkpoint(net.log.request(0))
    policy = net.policy()
    net.found["b"] = net.found["a"]
    (found,) = compare(policy, net.fetch)
    assert found.open_points == ("b: no cosignature of witness.example/b",)
