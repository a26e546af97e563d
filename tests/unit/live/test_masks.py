"""What leaves the server as text: no name, number, address, exact time or place survives."""

from __future__ import annotations

import string

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from server.cases.masking import masked_name
from server.live.masks import masker, names_somebody

PERSONS = ("张卫国", "张卫民", "欧阳若兰", "李四", "买买提·艾力", "John Carver")
TALK = "，。到达现场后执行人员当场宣读裁定并请在的与"
CANARIES = (
    "990102200901201217", "13800001234", "138 0000 1234", "138-0000-1234", "6222020200012345678",
    "38.211234", "104.419876", "样A12345", "A·B1234", "14:02", "14:02:33", "14时02分",
    "(2025)样0101执11号", "（2025）样0101执保204号", "88号3栋502室", "fa@example.com",
    "91990101MA9000001P", "北纬38°12′40″",
)  # fmt: skip
MASKER = masker(PERSONS)
talk = st.text(alphabet=TALK, max_size=12)


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("张卫国", "张某"),
        ("蔡虚构(虚构)", "蔡某"),
        ("欧阳若兰", "欧阳某"),
        ("买买提·艾力", "买某"),
        ("John Carver", "J."),
    ],
)
def test_a_name_keeps_its_surname_only(name: str, shown: str) -> None:
    assert masked_name(name) == shown


def test_persons_who_would_look_alike_are_told_apart() -> None:
    assert MASKER.masked("张卫国与张卫民") == "张某甲与张某乙"


@pytest.mark.parametrize(
    "written", ["张 卫 国", "张·卫国", "张\u3000卫国", "ＪＯＨＮ ＣＡＲＶＥＲ", "johncarver"]
)
def test_a_name_is_found_however_it_is_written(written: str) -> None:
    masked = MASKER.masked(f"被执行人{written}在场")
    assert masked in {"被执行人张某甲在场", "被执行人J.在场"}


@given(
    person=st.sampled_from(PERSONS), before=talk, after=talk, gap=st.sampled_from(["", " ", "·"])
)
def test_no_name_survives(person: str, before: str, after: str, gap: str) -> None:
    masked = MASKER.masked(before + gap.join(person) + after)
    assert person not in masked
    given_name = person[2:] if person.startswith("欧阳") else person[1:]
    assert given_name not in masked.replace(" ", "").replace("·", "")


@given(canary=st.sampled_from(CANARIES), before=talk, after=talk)
def test_nothing_exact_survives(canary: str, before: str, after: str) -> None:
    masked = MASKER.masked(before + canary + after)
    assert canary not in masked
    assert not _shares_a_run(canary, masked, 4)


@given(number=st.text(alphabet=string.digits, min_size=7, max_size=22), before=talk, after=talk)
def test_no_long_number_survives_in_either_width(number: str, before: str, after: str) -> None:
    wide = "".join(chr(ord(one) + 0xFEE0) for one in number)
    for written in (number, wide):
        masked = MASKER.masked(before + written + after)
        assert not any(one.isdigit() for one in masked)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("到达人民路88号3栋502室", "到达某路某号"),
        ("在清河镇东坡村村口", "在清河镇某村村口"),
        ("封锁道路，禁止通行", "封锁道路，禁止通行"),
        ("清河街道办事处派员到场", "清河街道办事处派员到场"),
        ("王建国主任到场", "王某主任到场"),
        ("扣押车辆样A·F0001警", "扣押车辆样A***"),
        ("查封商铺3套，价值280万元", "查封商铺3套，价值280万元"),
        ("宣读(2025)样0101执11号裁定", "宣读本案裁定"),
    ],
)
def test_what_is_said_stays_readable(text: str, shown: str) -> None:
    assert MASKER.masked(text) == shown


@given(st.text(max_size=200))
def test_masking_twice_changes_nothing_more(text: str) -> None:
    once = MASKER.masked(text)
    assume(not any(mark in once for mark in ("***", "某", "J.")))
    assert MASKER.masked(once) == once


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("到达现场，冯样例，宣读裁定", True),
        ("冯样例在场", True),
        ("到场：周虚构、吴样例。", True),
        ("到达现场，张某甲，宣读裁定", False),
        ("封条已张贴，金额，方式均已核对", False),
        ("到达现场，亮明执行公务证，宣读裁定", False),
    ],
)
def test_names_that_nobody_knows_are_suspected(text: str, names: bool) -> None:
    assert names_somebody(text) is names


def _shares_a_run(canary: str, text: str, digits: int) -> bool:
    """Whether that many digits in a row of a canary stand in a text."""
    runs = (canary[at : at + digits] for at in range(len(canary) - digits + 1))
    return any(run.isdigit() and run in text for run in runs)
