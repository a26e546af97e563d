"""How an item's category is derived: what may be a coercive measure stays."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from server.retention.categories import HINTS, Category, Facts, Text, derive

VISIT = Text("mission", "走访(虚构)")


def facts(
    texts: Sequence[Text] = (VISIT,), *, media: str = "photo", act: str | None = "capture.recorded",
    has_case: bool = True,
) -> Facts:  # fmt: skip
    return Facts(media=media, act=act, has_case=has_case, texts=texts)


@pytest.mark.parametrize("word", HINTS)
def test_every_word_makes_it_permanent(word: str) -> None:
    found = derive(facts([VISIT, Text("log", f"现场{word.upper()}(虚构)")]))
    assert (found.category, found.code, found.word, found.source) == (
        Category.COERCIVE, "hint", word, "log",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("given", "category", "code"),
    [
        (facts(), Category.ORDINARY, "ordinary"),
        (facts(media="video"), Category.RECORDING, "recording"),
        (facts(media="audio"), Category.RECORDING, "recording"),
        (facts(act="log.note"), Category.LOG, "log"),
        (facts([]), Category.UNCLEAR, "no-facts"),
        (facts([Text("cause", "买卖合同纠纷")]), Category.UNCLEAR, "no-facts"),
        (facts(has_case=False), Category.UNCLEAR, "no-case"),
    ],
    ids=["photo", "video", "audio", "log", "nothing-known", "only-a-cause", "no-case"],
)
def test_what_is_known_decides(given: Facts, category: Category, code: str) -> None:
    found = derive(given)
    assert (found.category, found.code) == (category, code)


def test_a_hint_counts_also_without_a_case() -> None:
    found = derive(facts([Text("log", "被执行人暴力抗拒")], has_case=False))
    assert found.category is Category.COERCIVE


def test_ordinary_enforcement_is_no_coercive_measure() -> None:
    assert derive(facts([VISIT, Text("log", "申请强制执行人到场")])).category is Category.ORDINARY
