"""Case numbers of enforcement cases: ``(2024)粤0106执123号`` and how people write them.

Grammar (最高人民法院 关于人民法院案件案号的若干规定): （year）court code, type code, serial, 号.
Pure: nothing here knows a database.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Final

TEXT_CHARACTERS_MAX: Final = 64
YEAR_MIN: Final = 1949
YEAR_MAX: Final = 2099
SUFFIX_MAX: Final = 99


class CaseNoError(Exception):
    """The text is not a case number; ``reason`` is stable, the message is for people."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class CaseType:
    """A kind of enforcement case.

    ``implements``: 执行实施类 (法发〔2014〕26号), the class that carries field actions.
    """

    code: str
    zh: str
    en: str
    implements: bool


CASE_TYPES: Final = MappingProxyType(
    {
        kind.code: kind
        for kind in (
            CaseType("执", "首次执行", "first enforcement", implements=True),
            CaseType("执恢", "恢复执行", "resumed enforcement", implements=True),
            CaseType("执保", "财产保全执行", "preservation", implements=True),
            CaseType("执异", "执行异议", "objection", implements=False),
            CaseType("执复", "执行复议", "review", implements=False),
            CaseType("执监", "执行监督", "supervision", implements=False),
            CaseType("执协", "执行协调", "coordination", implements=False),
            CaseType("执他", "其他执行", "other enforcement", implements=True),
        )
    }
)

_DIGITS = "一二三四五六七八九"
# Explicitly these: a general compatibility folding would also turn ① or ² into digits.
_FOLD = str.maketrans(
    {
        **{chr(0xFF10 + value): str(value) for value in range(10)},
        **dict.fromkeys("（〔［【", "("),
        **dict.fromkeys("）〕］】", ")"),
        "[": "(",
        "]": ")",
    }
)
_SPACE = re.compile(r"[ \t\u00a0\u3000]+")
_CODES = "|".join(sorted(CASE_TYPES, key=len, reverse=True))
_SHAPE = re.compile(
    rf"""
    \((?P<year>[0-9]{{4}})\)
    (?P<court>(?:(?!执)[\u4e00-\u9fff]){{1,3}}[0-9]{{0,4}})
    (?P<type>{_CODES})
    (?P<serial>[0-9]{{1,7}})号
    (?:之(?P<suffix>[{_DIGITS}十]{{1,3}}))?
    """,
    re.VERBOSE,
)
_COURT = re.compile(r"(?:(?!执)[\u4e00-\u9fff]){1,3}[0-9]{0,4}")


@dataclass(frozen=True, slots=True)
class CaseNo:
    """The parts of a case number; ``str()`` gives the one form that is stored and compared."""

    year: int
    court_code: str
    type_code: str
    serial: int
    suffix: int | None = None

    def __post_init__(self) -> None:
        _check(self)

    def __str__(self) -> str:
        text = f"({self.year}){self.court_code}{self.type_code}{self.serial}号"
        return text if self.suffix is None else f"{text}之{chinese_number(self.suffix)}"

    @property
    def type(self) -> CaseType:
        """The kind of case."""
        return CASE_TYPES[self.type_code]

    @property
    def without_suffix(self) -> CaseNo:
        """The case itself, without the 之一 of a split or of a document."""
        return replace(self, suffix=None)


def parse(text: str) -> CaseNo:
    """Read a case number in any customary writing; raises :class:`CaseNoError`.

    Half- and full-width brackets and digits, spaces between the parts and leading zeros of the
    serial are accepted and do not survive.
    """
    if len(text) > TEXT_CHARACTERS_MAX:
        raise CaseNoError("too-long", f"at most {TEXT_CHARACTERS_MAX} characters")
    folded = _SPACE.sub("", text.translate(_FOLD))
    found = _SHAPE.fullmatch(folded)
    if found is None:
        raise CaseNoError(
            "shape", "a case number looks like (2024)粤0106执123号; known types: "
            + "、".join(CASE_TYPES),
        )  # fmt: skip
    suffix = found["suffix"]
    return CaseNo(
        year=int(found["year"]),
        court_code=found["court"],
        type_code=found["type"],
        serial=int(found["serial"]),
        suffix=None if suffix is None else _number(suffix),
    )


def normalise(text: str) -> str:
    """The stored form of ``text``; raises :class:`CaseNoError`."""
    return str(parse(text))


def is_court_code(text: str) -> bool:
    """Whether ``text`` can be a 法院代字, such as 粤0106 or 最高法."""
    return _COURT.fullmatch(text) is not None


def chinese_number(value: int) -> str:
    """1 to 99 in Chinese digits, as in 之十二."""
    if not 1 <= value <= SUFFIX_MAX:
        raise CaseNoError(
            "suffix", f"a suffix lies between 之一 and 之{chinese_number(SUFFIX_MAX)}"
        )
    tens, ones = divmod(value, 10)
    head = "" if tens == 0 else "十" if tens == 1 else _DIGITS[tens - 1] + "十"
    return head + (_DIGITS[ones - 1] if ones else "")


def _number(text: str) -> int:
    before, ten, after = text.partition("十")
    if not ten:
        before, after = "", text
    tens = (_DIGITS.find(before) + 1 if before else 1) if ten else 0
    ones = _DIGITS.find(after) + 1 if after else 0
    value = tens * 10 + ones
    if not 1 <= value <= SUFFIX_MAX or chinese_number(value) != text:
        raise CaseNoError("suffix", f"之{text} is not a number from 之一 to 之九十九")
    return value


def _check(parts: CaseNo) -> None:
    if not YEAR_MIN <= parts.year <= YEAR_MAX:
        raise CaseNoError("year", f"the year lies between {YEAR_MIN} and {YEAR_MAX}")
    if not is_court_code(parts.court_code):
        raise CaseNoError("court", f"{parts.court_code} is not the code of a court")
    if parts.type_code not in CASE_TYPES:
        raise CaseNoError("type", "known types: " + "、".join(CASE_TYPES))
    if not 1 <= parts.serial <= 9_999_999:  # noqa: PLR2004  seven digits
        raise CaseNoError("serial", "the serial lies between 1 and 9999999")
    if parts.suffix is not None:
        chinese_number(parts.suffix)
