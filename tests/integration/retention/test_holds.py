"""Legal holds: placed with a reason, lifted by somebody else, automatic on an objection."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from flask import Flask

from server.audit.events import EventKind
from server.core.clock import FixedClock
from server.core.context import Context, system_actor
from server.core.transactions import unit_of_work
from server.retention import service
from tests.factories.cases import Bench
from tests.factories.identity import runtime_of
from tests.factories.retention import Archive


@pytest.fixture
def archive(app: Flask, clock: FixedClock) -> Archive:
    return Archive.build(app, clock)


def lift(archive: Archive, hold: str, by: str = "president") -> Any:
    caller = getattr(archive, by)
    return caller.post(f"/retention/holds/{hold}/lift", json={"reason": "已办结(虚构)"})


def case_of(archive: Archive, item: uuid.UUID) -> uuid.UUID:
    return uuid.UUID(archive.judged(item)["case_id"])


@pytest.mark.parametrize("target", ["case", "item"])
def test_what_is_held_is_not_due(archive: Archive, target: str) -> None:
    item, other = archive.old(2)
    named: dict[str, Any] = (
        {"case_id": case_of(archive, item)} if target == "case" else {"evidence_id": item}
    )
    hold = archive.hold(**named)
    assert archive.due() == ([] if target == "case" else [str(other)])
    assert archive.judged(item)["why_not"] == "held"
    case = case_of(archive, item)
    with unit_of_work(archive.court.id, write=False) as session:
        assert service.is_held(session, case) is (target == "case")
    assert lift(archive, hold).status_code == 200
    assert set(archive.due()) == {str(item), str(other)}


def test_who_placed_it_may_not_lift_it(archive: Archive) -> None:
    hold = archive.hold(case_id=archive.case())
    assert lift(archive, hold, "supervisor").status_code == 403
    assert lift(archive, hold).get_json()["lift_reason"] == "已办结(虚构)"
    again = lift(archive, hold)
    assert again.status_code == 409
    bench = Bench(archive.app)
    assert len(bench.events(EventKind.HOLD_PLACED)) == len(bench.events(EventKind.HOLD_LIFTED)) == 1


def test_a_case_may_be_held_twice(archive: Archive) -> None:
    (item,) = archive.old()
    case = case_of(archive, item)
    first, second = archive.hold(case_id=case), archive.hold(case_id=case)
    lift(archive, first)
    assert archive.due() == []
    lift(archive, second)
    assert archive.due() == [str(item)]


def test_holds_are_listed(archive: Archive) -> None:
    case = archive.case()
    hold = archive.hold(case_id=case)
    lifted = archive.hold(case_id=archive.case())
    lift(archive, lifted)
    in_force = archive.supervisor.get("/retention/holds").get_json()["items"]
    assert [one["id"] for one in in_force] == [hold]
    gone = archive.supervisor.get("/retention/holds?lifted=true").get_json()["items"]
    assert [one["id"] for one in gone] == [lifted]
    assert archive.supervisor.get(f"/retention/holds?case_id={case}").get_json()["items"]
    other = archive.world.caller(archive.world.second.supervisor)
    assert other.get("/retention/holds").get_json()["items"] == []


def test_another_court_can_neither_place_nor_lift(archive: Archive) -> None:
    case = archive.case()
    hold = archive.hold(case_id=case)
    other = archive.world.caller(archive.world.second.supervisor)
    body = {"case_id": str(case), "reason": "x"}
    assert other.post("/retention/holds", json=body).status_code == 404
    lifted = other.post(f"/retention/holds/{hold}/lift", json={"reason": "x"})
    assert lifted.status_code == 404


@pytest.mark.parametrize("target", [{}, {"case_id": "case", "evidence_id": "case"}],
                         ids=["nothing", "both"])  # fmt: skip
def test_a_hold_is_about_one_thing(archive: Archive, target: dict[str, str]) -> None:
    case = str(archive.case())
    body = dict.fromkeys(target, case) | {"reason": "信访(虚构)"}
    assert archive.supervisor.post("/retention/holds", json=body).status_code == 422


def file(archive: Archive, kind: str, basis: Any = None) -> uuid.UUID:
    """A case of another type in the first court."""
    code = archive.court.code
    body: dict[str, Any] = {"case_no": f"(2026){code}{kind}7号"}
    if basis is not None:
        body["basis"] = basis
    answer = archive.supervisor.post("/cases", json=body)
    assert answer.status_code == 201, answer.get_json()
    return uuid.UUID(answer.get_json()["id"])


def holds(archive: Archive) -> set[tuple[str, str, bool]]:
    found = archive.supervisor.get("/retention/holds").get_json()["items"]
    return {(one["case_id"], one["ground"], one["automatic"]) for one in found}


@pytest.mark.parametrize(
    ("kind", "ground"),
    [("执异", "objection"), ("执复", "review"), ("执监", "supervision")],
    ids=["objection", "review", "supervision"],
)
def test_an_objection_holds_the_case_it_names(archive: Archive, kind: str, ground: str) -> None:
    (item,) = archive.old()
    case = case_of(archive, item)
    number = archive.supervisor.get(f"/cases/{case}").get_json()["case_no"]
    basis = {"kind": "执行行为", "doc_no": number.replace("(", "（").replace(")", "）")}
    new = file(archive, kind, basis)
    assert holds(archive) == {(str(case), ground, True), (str(new), ground, True)}
    assert archive.due() == []


def test_a_basis_that_comes_later_holds_too_and_only_once(archive: Archive) -> None:
    case = archive.case()
    new = file(archive, "执异")
    number = archive.supervisor.get(f"/cases/{case}").get_json()["case_no"]
    for kind in ("执行行为", "案外人异议"):
        changed = {"basis": {"kind": kind, "doc_no": number}}
        answer = archive.supervisor.patch(f"/cases/{new}", json=changed, headers={"If-Match": "*"})
        assert answer.status_code == 200
    assert holds(archive) == {(str(case), "objection", True), (str(new), "objection", True)}
    assert len(Bench(archive.app).events(EventKind.HOLD_PLACED)) == 2


@pytest.mark.parametrize("basis", [None, {"kind": "判决", "doc_no": "(2024)虚构民初1号"}],
                         ids=["none", "no-case-of-ours"])  # fmt: skip
def test_an_ordinary_case_holds_nothing(archive: Archive, basis: Any) -> None:
    file(archive, "执恢", basis)
    assert holds(archive) == set()


def test_a_petition_holds_through_the_service(archive: Archive) -> None:
    (item,) = archive.old()
    case = case_of(archive, item)
    with unit_of_work(archive.court.id) as session:
        ctx = Context(system_actor(archive.court.id), session, runtime_of(archive.app))
        first = service.hold_automatically(ctx, case, "petition", reason="信访(虚构)")
        assert service.hold_automatically(ctx, case, "petition").id == first.id
        hold = str(first.id)
    assert holds(archive) == {(str(case), "petition", True)}
    assert lift(archive, hold, "supervisor").status_code == 200  # nobody in particular placed it
    assert archive.due() == [str(item)]
