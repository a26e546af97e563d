"""No cell of an exported list is a formula."""

from __future__ import annotations

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.console.spreadsheet import as_csv, safe_cell


@pytest.mark.parametrize(
    "text",
    ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "  =1", "＝1", "　=cmd|' /C calc'!A0"],
    ids=["equals", "plus", "minus", "at", "tab", "return", "blanks", "wide", "ideographic-space"],
)
def test_what_looks_like_a_formula_is_quoted(text: str) -> None:
    assert safe_cell(text) == "'" + text


@pytest.mark.parametrize("value", ["(2025)样0101执11号", "云虚构", 12, None, "a=b", ""])
def test_everything_else_stays(value: object) -> None:
    assert safe_cell(value) == ("" if value is None else str(value))


@given(st.lists(st.text(), min_size=1, max_size=5))
def test_a_reader_gets_back_every_cell(cells: list[str]) -> None:
    text = as_csv(["a"], [cells])
    assert text.startswith("\ufeff")
    rows = list(csv.reader(io.StringIO(text[1:], newline="")))
    assert rows[1] == [safe_cell(cell) for cell in cells] or cells == [""]
