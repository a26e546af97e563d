"""Categories of retention and how one is derived from what is known of an item: pure, data first.

What the words below point to is kept for good until a person says otherwise: a search or an
eviction taken for an ordinary visit would be lost, an ordinary visit taken for a search is only
kept too long.  For the same reason an item about whose circumstances nothing is known is
``unclear``, and stays until a person classes it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final


class Category(StrEnum):
    """What an item is to the rules of retention."""

    COERCIVE = "coercive"  # coercive measures, obstruction of enforcement
    ORDINARY = "ordinary"
    RECORDING = "recording"
    LOG = "log"
    UNCLEAR = "unclear"  # derived only


SETTABLE: Final = (Category.COERCIVE, Category.ORDINARY, Category.RECORDING, Category.LOG)
RULED: Final = (Category.ORDINARY, Category.RECORDING, Category.LOG)  # the others stay for good

# Months after closing or capture, until the court rules otherwise.  No provision for courts was
# found (06, "not verified"); five years is how long a terminated case is checked again (06 §2).
DEFAULT_MONTHS: Final = MappingProxyType(
    {Category.ORDINARY: 60, Category.RECORDING: 60, Category.LOG: 60}
)

# Measures of CPL 118, 119, 256-261 and acts of 法释〔2024〕13号 3, as people write them.
HINTS: Final = (
    "搜查", "拘留", "拘传", "扣押", "查封", "强制措施", "强制腾", "强制迁", "强制开", "强制扣",
    "腾退", "腾房", "迁出", "迁退", "开锁", "破门", "罚款", "带离", "控制被执行人", "戒具",
    "手铐", "抗拒", "拒不", "阻碍", "阻挠", "妨害", "妨碍", "围攻", "围堵", "暴力", "辱骂",
    "推搡", "殴打", "威胁", "冲突", "拒执", "毁损", "转移财产", "search", "evict", "detain",
    "detention", "summons", "seiz", "forced", "obstruct", "resist", "assault", "violence",
    "threat",
)  # fmt: skip
_RECORDINGS: Final = frozenset({"video", "audio"})
_LOG_ACTS: Final = frozenset({"log.note"})


@dataclass(frozen=True, slots=True)
class Text:
    """A text about an item's circumstances; ``source`` is ``mission``, ``cause`` or ``log``."""

    source: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What the derivation looks at.

    :param act: kind of the signed record that declared the item.
    :param case_ids_known: whether the item belongs to a case at all.
    """

    media: str
    act: str | None
    has_case: bool
    texts: Sequence[Text]


@dataclass(frozen=True, slots=True)
class Derived:
    """A category and why: a stable ``code``, with the word and where it stands for a hint."""

    category: Category
    code: str  # set | hint | no-case | no-facts | recording | log | ordinary
    word: str | None = None
    source: str | None = None


def derive(facts: Facts) -> Derived:
    """The category of an item that no person has classed."""
    for text in facts.texts:
        lowered = text.text.lower()
        word = next((one for one in HINTS if one in lowered), None)
        if word is not None:
            return Derived(Category.COERCIVE, "hint", word, text.source)
    if not facts.has_case:
        return Derived(Category.UNCLEAR, "no-case")
    if not any(one.source != "cause" for one in facts.texts):
        return Derived(Category.UNCLEAR, "no-facts")
    if facts.act in _LOG_ACTS:
        return Derived(Category.LOG, "log")
    if facts.media in _RECORDINGS:
        return Derived(Category.RECORDING, "recording")
    return Derived(Category.ORDINARY, "ordinary")
