"""The chain is the same, whatever the order and however often its records come."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field

from hypothesis import given
from hypothesis import strategies as st

from client_sdk.protocol.records import GENESIS, Header, OpenedRecord, WireRecord
from server.audit.ordering import Conflict, Entry, Head, Outcome, Places, Verdict, judge


def entry(seq: int, prev: str, tag: str = "") -> Entry:
    """A record as far as the order is concerned."""
    hid = hashlib.sha256(f"{seq}{prev}{tag}".encode()).hexdigest()
    wire = WireRecord("", "", "", "")
    return Entry(OpenedRecord(Header(1, "d", 1, seq, prev, hid), {}, hid, wire), f"rx-{tag}")


def chain(length: int, tag: str = "") -> list[Entry]:
    entries: list[Entry] = []
    for seq in range(1, length + 1):
        prev = entries[-1].opened.hid if entries else GENESIS
        entries.append(entry(seq, prev, tag))
    return entries


@dataclass
class Server:
    """What a server keeps of a chain between batches."""

    head: Head = field(default_factory=Head)
    hids: dict[int, str] = field(default_factory=dict)
    prevs: dict[int, str] = field(default_factory=dict)
    held: dict[int, Entry] = field(default_factory=dict)
    log: list[Entry] = field(default_factory=list)
    findings: dict[int, list[str]] = field(default_factory=dict)
    conflicts: list[Conflict] = field(default_factory=list)

    def hid_at(self, seq: int) -> str | None:
        found = self.held.get(seq)
        return found.opened.hid if found else None

    def take(self, seq: int) -> Entry | None:
        return self.held.pop(seq, None)

    def lowest(self) -> int | None:
        return min(self.held, default=None)

    def push(self, batch: list[Entry], release_to: int = 0) -> Verdict:
        places = Places(self.hids, self.prevs)
        verdict = judge(self.head, batch, places, self, release_to)
        self.head = verdict.head
        for accepted in verdict.accepted:
            one = accepted.entry
            self.log.append(one)
            self.findings[one.seq] = [finding["code"] for finding in accepted.findings]
            self.hids[one.seq] = one.opened.hid
            self.prevs[one.seq] = one.opened.header.prev
        for one in verdict.held:
            assert one.seq not in self.held
            self.held[one.seq] = one
        self.conflicts += verdict.conflicts
        return verdict


@given(
    st.integers(1, 12).flatmap(
        lambda n: st.tuples(
            st.just(n),
            st.permutations(list(range(n))),
            st.lists(st.integers(0, n - 1), max_size=10),
            st.lists(st.integers(1, 5), min_size=1, max_size=20),
        )
    )
)
def test_any_order_any_repetition_any_batching_gives_the_same_log(
    case: tuple[int, list[int], list[int], list[int]],
) -> None:
    length, order, repeats, sizes = case
    records = chain(length)
    stream = [*order, *repeats]
    server, position = Server(), 0
    while position < len(stream):
        size = sizes[position % len(sizes)]
        server.push([records[place] for place in stream[position : position + size]])
        position += size
    assert [one.opened.hid for one in server.log] == [one.opened.hid for one in records]
    assert server.head == Head(length, records[-1].opened.hid)
    assert server.held == {}
    assert server.conflicts == []
    assert not any(server.findings.values())


@given(st.data())
def test_every_record_is_logged_held_or_kept_as_a_conflict(data: st.DataObject) -> None:
    ours, theirs = chain(6), chain(6, "fork")
    everything = [*ours, *theirs, entry(3, "a" * 64, "stray")]
    server = Server()
    for batch in data.draw(st.lists(st.lists(st.sampled_from(everything), max_size=6), max_size=6)):
        outcomes = server.push(batch).outcomes
        assert len(outcomes) == len(batch)
        assert Outcome.REJECTED not in outcomes
        logged = {one.opened.hid for one in server.log}
        kept = {one.entry.opened.hid for one in server.conflicts}
        held = {one.opened.hid for one in server.held.values()}
        for one, outcome in zip(batch, outcomes, strict=True):
            place = {
                Outcome.ACCEPTED: logged, Outcome.DUPLICATE: logged,
                Outcome.HELD: held, Outcome.CONFLICT: kept,
            }[outcome]  # fmt: skip
            assert one.opened.hid in place
    seqs = [one.seq for one in server.log]
    assert seqs == list(range(1, len(seqs) + 1))


def test_a_release_enters_with_a_gap_and_the_missing_record_may_still_come() -> None:
    first, second, third, fourth, fifth = chain(5)
    server = Server()
    server.push([first, third, fourth])
    verdict = server.push([], release_to=3)
    assert [one.entry.seq for one in verdict.accepted] == [3, 4]
    assert server.findings[3] == ["gap"]
    assert verdict.accepted[0].findings[0]["detail"] == "missing before it: 2"
    assert server.findings[4] == []
    assert server.push([fifth]).outcomes == [Outcome.ACCEPTED]
    assert server.push([second]).outcomes == [Outcome.ACCEPTED]
    assert server.findings[2] == ["late"]
    assert server.head == Head(5, fifth.opened.hid)
    assert server.push([second]).outcomes == [Outcome.DUPLICATE]


def test_a_late_record_that_does_not_fit_its_neighbours_is_a_conflict() -> None:
    first, _, third, *_ = chain(4)
    server = Server()
    server.push([first, third])
    server.push([], release_to=3)
    stray = entry(2, first.opened.hid, "another")
    assert server.push([stray]).outcomes == [Outcome.CONFLICT]
    assert [one.reason for one in server.conflicts] == ["chain-break"]


def test_a_release_lets_in_what_is_held_below_it_as_well() -> None:
    records = chain(9)
    server = Server()
    server.push([records[2], records[5], records[8]])
    verdict = server.push([], release_to=6)
    assert [one.entry.seq for one in verdict.accepted] == [3, 6]
    assert [one.findings[0]["detail"] for one in verdict.accepted] == [
        "missing before it: 1 to 2",
        "missing before it: 4 to 5",
    ]
    assert set(server.held) == {9}
