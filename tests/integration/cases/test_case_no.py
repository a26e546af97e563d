"""Case numbers: every customary writing becomes one form, everything else one typed error."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from server.cases.case_no import (
    CASE_TYPES,
    SUFFIX_MAX,
    CaseNo,
    CaseNoError,
    chinese_number,
    normalise,
    parse,
)
from tests.support.need import need

COURTS = ["粤", "粤01", "粤0106", "京73", "最高法", "样0101", "兵08"]
numbers = st.builds(
    CaseNo,
    year=st.integers(1949, 2099),
    court_code=st.sampled_from(COURTS),
    type_code=st.sampled_from(sorted(CASE_TYPES)),
    serial=st.integers(1, 9_999_999),
    suffix=st.none() | st.integers(1, SUFFIX_MAX),
)
WIDE = {str(value): chr(0xFF10 + value) for value in range(10)} | {"(": "（", ")": "）"}


def test_parts_of_a_number() -> None:
    found = parse("(2024)粤0106执123号")
    assert found == CaseNo(2024, "粤0106", "执", 123)
    assert str(found) == "(2024)粤0106执123号"
    assert found.type.implements


@pytest.mark.parametrize(
    "text",
    [
        "（2024）粤0106执123号",
        "(2024）粤0106执123号",
        "〔2024〕粤0106执123号",
        "（２０２４）粤０１０６执１２３号",
        " (2024) 粤0106 执 123 号 ",
        "(2024)粤0106执0123号",
        "\u3000（2024）粤0106执123号",
    ],
)
def test_writings_of_one_number(text: str) -> None:
    assert normalise(text) == "(2024)粤0106执123号"


@pytest.mark.parametrize(("text", "code"), [(f"(2025)粤{code}8号", code) for code in CASE_TYPES])
def test_every_type_code_is_told_from_the_court_code(text: str, code: str) -> None:
    found = parse(text)
    assert (found.court_code, found.type_code) == ("粤", code)


def test_suffix() -> None:
    found = parse("(2024)粤0106执123号之十二")
    assert found.suffix == 12
    assert str(found.without_suffix) == "(2024)粤0106执123号"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "shape"),
        ("(2024)粤0106执123", "shape"),
        ("(2024)粤0106民初123号", "shape"),
        ("(2024)粤0106执号", "shape"),
        ("(24)粤0106执1号", "shape"),
        ("(2024)0106执1号", "shape"),
        ("(2024)粤01066执1号", "shape"),
        ("(2024)粤0106执①号", "shape"),
        ("(2024)粤0106执١号", "shape"),
        ("(2024)粤0106执1号\n", "shape"),
        ("(2024)粤0106执12345678号", "shape"),
        ("(2024)粤0106执0号", "serial"),
        ("(1024)粤0106执1号", "year"),
        ("(2024)粤0106执1号之十十", "suffix"),
        ("(2024)粤0106执1号之一二", "suffix"),
        ("(2024)粤0106执1号之一十", "suffix"),
        ("9" * 5000, "too-long"),
    ],
)
def test_what_is_no_number(text: str, reason: str) -> None:
    with pytest.raises(CaseNoError) as caught:
        parse(text)
    assert caught.value.reason == reason
    assert not isinstance(caught.value, ValueError)


@given(numbers)
def test_a_number_survives_its_text(number: CaseNo) -> None:
    assert parse(str(number)) == number
    assert normalise(str(number)) == str(number)


@given(numbers, st.data())
def test_width_and_spaces_do_not_matter(number: CaseNo, data: st.DataObject) -> None:
    written = "".join(
        WIDE.get(character, character) if data.draw(st.booleans()) else character
        for character in str(number)
    )
    at = data.draw(st.integers(0, len(written)))
    assert parse(written[:at] + data.draw(st.sampled_from(["", " ", "\u3000"])) + written[at:]) == (
        number
    )


@given(st.text(max_size=80) | st.text("()（）0123456789粤执恢号之一十", max_size=40))
@example("(2024)粤0106执1号之")
def test_any_text_is_a_number_or_the_typed_error(text: str) -> None:
    try:
        found = parse(text)
    except CaseNoError:
        return
    assert parse(str(found)) == found


@given(st.integers(1, SUFFIX_MAX))
def test_chinese_numbers_are_told_apart(value: int) -> None:
    assert parse(f"(2024)粤执1号之{chinese_number(value)}").suffix == value


def test_the_sample_cases() -> None:
    folder = os.environ.get("TIEZHENG_SAMPLES", "")
    need(folder, "TIEZHENG_SAMPLES names the folder of sample data")
    sample = json.loads((Path(folder) / "cases.json").read_text(encoding="utf-8"))
    courts = {court["id"]: court["court_code"] for court in sample["courts"]}
    assert sample["cases"]
    for case in sample["cases"]:
        found = parse(case["case_no"])
        assert str(found) == case["case_no"]
        assert found.type_code == case["case_type_code"]
        assert found.court_code == courts[case["court_id"]]
