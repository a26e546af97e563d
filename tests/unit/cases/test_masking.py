"""Names of parties as anybody may see them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest

from server.cases.masking import masked_name, public_parties


@dataclass(frozen=True)
class Someone:
    name: str
    role: str = "debtor"
    kind: str = "natural"
    details: dict[str, Any] = field(default_factory=dict)


@pytest.mark.parametrize(
    ("name", "shown"),
    [("蔡虚构", "蔡某"), ("欧阳虚构", "欧阳某"), ("云虚构(虚构)", "云某"), ("Smith", "S.")],
)
def test_a_surname_stays(name: str, shown: str) -> None:
    assert masked_name(name) == shown


@pytest.mark.parametrize(
    ("cause", "party", "masked"),
    [
        pytest.param("抚养费纠纷", Someone("葛虚构"), True, id="family"),
        pytest.param("离婚纠纷", Someone("某公司", kind="legal"), False, id="no person"),
        pytest.param("民间借贷纠纷", Someone("戚虚构"), False, id="loan"),
        pytest.param("民间借贷纠纷", Someone("云虚构", details={"minor": True}), True, id="minor"),
        pytest.param("刑事附带民事", Someone("章样本", role="applicant"), True, id="victim"),
        pytest.param("刑事附带民事", Someone("章样本"), False, id="offender"),
        pytest.param(None, Someone("章样本"), False, id="no cause"),
    ],
)
def test_who_is_masked(cause: str | None, party: Someone, masked: bool) -> None:
    [found] = public_parties([party], cause)
    assert found.masked is masked
    assert (found.name == party.name) is not masked


def test_those_who_look_alike_are_told_apart() -> None:
    people = [
        Someone("张样例"),
        Someone("李样例"),
        Someone("张虚构"),
        Someone("甲厂", kind="legal"),
    ]
    found = [one.name for one in public_parties(people, "离婚纠纷")]
    assert found == ["张某甲", "李某", "张某乙", "甲厂"]


def test_nobody_is_named_in_a_story() -> None:
    people = [Someone("张样例"), Someone("样例公司", kind="legal")]
    assert [one.name for one in public_parties(people, "借贷", story=True)] == ["张某", "某单位"]
