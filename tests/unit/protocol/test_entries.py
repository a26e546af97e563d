"""Kinds of entries: what their data says, and what a value must be."""

from __future__ import annotations

import uuid
from typing import Any

import pytest

from client_sdk.protocol import entries
from client_sdk.protocol.errors import PayloadError
from client_sdk.protocol.payloads import Instant, NoGeo, Payload, RecordKind
from server.cases import clock_table

KINDS = entries.kinds()
CASE, ACTION = uuid.UUID(int=1), uuid.UUID(int=2)
AT = Instant("2025-06-20T10:00:00.000+08:00", 1000, "b", suspend=True)
DIGEST = "ab" * 32
GOOD: dict[str, list[Any]] = {
    "line": ["东坡村(虚构)", "a" * 200],
    "text": ["第一行\n第二行\t完", "a" * 4000],
    "flag": [True, False],
    "fen": [0, 2**53 - 1],
    "count": [0, 7],
    "day": ["2024-02-29", "1990-01-01", "2099-12-31"],
    "instant": ["2025-06-20T10:00:00+08:00", "2025-06-20T02:00:00.5Z"],
    "id": [str(uuid.UUID(int=9))],
    "digests": [[DIGEST], [DIGEST, "cd" * 32]],
    "people": [[{"name": "孙样例(虚构)"}], [{"id": str(CASE), "role": "staff", "sex": "F"}]],
}
BAD: dict[str, list[Any]] = {
    "line": ["", "  ", "a" * 201, "two\nlines", "nul\0", 7],
    "text": ["", "a" * 4001, "bell\a", ["text"]],
    "flag": [0, 1, "true"],
    "fen": [-1, 1.0, "1", 2**53, True],
    "count": [-1, 1.5, False],
    "day": ["2025-02-30", "20250101", "1989-12-31", "2025-1-1", 20250101, "2025-W01-1"],
    "instant": ["2025-06-20", "2025-06-20T10:00:00", "soon", 1750384800, "0001-01-01T00:00:00Z"],
    "id": ["x", str(uuid.UUID(int=9)).upper().replace("0", "A"), 9],
    "digests": [[], DIGEST, [DIGEST, DIGEST], ["AB" * 32], [7], [DIGEST] * 101],
    "people": [[], [{}], [{"role": "staff"}], [{"name": "a", "role": "king"}],
               [{"name": "a", "age": "7"}], ["a"], {"name": "a"}],
    "choice": ["", "nothing", 7, ["seal"]],
    "choices": [[], "officers", ["nobody"], ["officers", "officers"], [["officers"]]],
    "facts": [{}, {"uniform": "yes"}, {"nothing": True}, ["uniform"]],
}  # fmt: skip


def samples() -> dict[str, entries.Field]:
    """For each type a field that has it."""
    found: dict[str, entries.Field] = {}
    for kind in KINDS.values():
        for field in kind.fields.values():
            found.setdefault(field.type, field)
    return found


def check(field: entries.Field, value: Any) -> Any:
    kind = entries.read(
        f"[options.o]\n{_options(field)}[kinds.k]\nzh='一'\nen='a'\nabout='case'\n"
        f"fields=[['f', '{field.type}{':o' if field.options else ''}!', '一', 'a']]\n"
    )["k"]
    return kind.check({"f": value})["f"]


def _options(field: entries.Field) -> str:
    return "".join(f"{name} = ['一', 'a']\n" for name in field.options)


@pytest.mark.parametrize(
    ("type_", "value"),
    [pytest.param(t, v, id=f"{t}-{n}") for t, values in GOOD.items() for n, v in enumerate(values)],
)
def test_good_values_stay_as_they_are(type_: str, value: Any) -> None:
    assert check(samples()[type_], value) == value


@pytest.mark.parametrize(
    ("type_", "value"),
    [pytest.param(t, v, id=f"{t}-{n}") for t, values in BAD.items() for n, v in enumerate(values)],
)
def test_bad_values_are_refused_by_name(type_: str, value: Any) -> None:
    with pytest.raises(PayloadError, match=r"data\.f"):
        check(samples()[type_], value)


def test_every_type_is_used_and_tried() -> None:
    assert set(samples()) == set(BAD)


def test_devices_know_the_kinds_that_they_may_record() -> None:
    about = {kind.value for kind in RecordKind if kind.value in KINDS}
    assert about == entries.field_kinds()


def test_every_clock_can_be_started_and_stopped_by_an_entry_or_the_case() -> None:
    marked = {mark.event for kind in KINDS.values() for mark in kind.marks}
    nodes = set(KINDS["case.node"].fields["node"].options)
    of_the_case = {"filed", "closed", "round_terminated"}
    of_measures = {"frozen", "impounded", "sealed", "detained", "summoned"}
    ends = {"freeze_renewed", "impound_renewed", "seal_renewed", "family_told"}
    known = marked | nodes | of_the_case | of_measures | ends
    for clock in clock_table.standard():
        assert {clock.starts, clock.stops} <= known, clock.id


@pytest.mark.parametrize("name", sorted(KINDS))
def test_marks_and_gates_name_fields_and_choices(name: str) -> None:
    kind = KINDS[name]
    assert kind.label.zh
    assert kind.label.en
    for mark in kind.marks:
        assert mark.of is None or mark.of in kind.fields
        for field, value in mark.when.items():
            meant = kind.fields[field]
            assert value in meant.options or (meant.type == "flag" and value in (True, False))
    if kind.gate and kind.gate.startswith("$"):
        assert kind.gate[1:] in kind.fields


def payload(**changes: Any) -> Payload:
    entry = entries.EntryPart({"type": "seal"}, ACTION)
    usual: dict[str, Any] = {"case": CASE, "entry": entry}
    return Payload(RecordKind.ACTION_STARTED, AT, NoGeo("no-fix"), **(usual | changes))


def test_a_payload_goes_over_the_wire_and_back() -> None:
    sent = payload(entry=entries.EntryPart({"type": "seal"}, ACTION, amends=DIGEST))
    assert Payload.from_dict(sent.to_dict()) == sent


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"case": None}, id="no case"),
        pytest.param({"entry": None}, id="no entry"),
        pytest.param({"entry": entries.EntryPart({"type": "seal"})}, id="no action"),
        pytest.param({"entry": entries.EntryPart({}, ACTION)}, id="no type"),
        pytest.param({"entry": entries.EntryPart({"type": "seal", "x": 1}, ACTION)}, id="more"),
    ],
)
def test_a_payload_that_says_too_little_or_too_much_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(PayloadError):
        payload(**changes)


def test_a_note_has_no_entry() -> None:
    with pytest.raises(PayloadError):
        Payload(RecordKind.LOG_NOTE, AT, NoGeo("no-fix"), text="x",
                entry=entries.EntryPart({}, ACTION))  # fmt: skip
