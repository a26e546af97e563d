"""Words and documents of the conduct rules: complete, and made from the data."""

from __future__ import annotations

import re
from pathlib import Path
from string import Formatter

import pytest

from deploy import conduct_rules
from server.conduct.grounds import LOOKS
from server.conduct.judging import CANCELLED, NOT_BEGUN
from server.conduct.words import DOES_NOT_APPLY, IN_ORDER, sentence, sentences
from server.fieldlog.conduct_judges import JUDGES
from server.fieldlog.conduct_rules import standard
from tests.meta.tree import ROOT

FIELDLOG = ROOT / "server" / "fieldlog"
_CODE = re.compile(r'(?:bad|unknown|Reason)\(\s*"([a-z-]+)"')


def test_the_document_is_fresh() -> None:
    text = (ROOT / "docs" / "conduct-rules.md").read_text(encoding="utf-8")
    assert text == conduct_rules.document(), (
        "run: python -m deploy.conduct_rules --write docs/conduct-rules.md"
    )


def test_the_document_names_every_rule_with_its_law() -> None:
    text = conduct_rules.document()
    for rule in standard():
        assert f"| {rule.id} |" in text
        for basis in rule.basis:
            assert basis.law in text


def test_every_reason_has_its_sentence_and_every_sentence_its_reason() -> None:
    sources = [path.read_text(encoding="utf-8") for path in Path(FIELDLOG).glob("conduct_*.py")]
    codes = {code for source in sources for code in _CODE.findall(source)}
    assert codes | {NOT_BEGUN, CANCELLED, IN_ORDER, DOES_NOT_APPLY} == set(sentences())


@pytest.mark.parametrize("code", sorted(sentences()))
def test_a_sentence_speaks_of_the_same_in_both_languages(code: str) -> None:
    both = sentences()[code]
    named = [
        {name for _, name, _, _ in Formatter().parse(one) if name} for one in (both.zh, both.en)
    ]
    assert named[0] == named[1]
    assert both.en.isascii()


def test_every_judge_has_where_it_looks() -> None:
    assert set(LOOKS) == set(JUDGES)


def test_values_are_shown_to_people() -> None:
    span = {"from": "2026-03-02T00:12:00+00:00", "to": "2026-03-02T00:15:30+00:00"}
    zone = "Asia/Shanghai"
    assert sentence("recording-gap", span, zone).zh == "08:12:00 至 08:15:30 没有录像"
    money = sentence("over-seizure", {"value": "12345678", "claim": "100"}, zone)
    assert money.zh == "估值 123,456.78 元，明显超过标的 1.00 元"
    assert sentence("fact-absent", {"fact": "uniform"}, zone).en == "In uniform: not recorded"
    assert sentence("a-code-of-later", {}, zone).zh == "a-code-of-later"
