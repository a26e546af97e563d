"""Pure masking of texts: names, numbers, addresses, times and places that are too exact."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Final

from server.cases.masking import masked_name

HIDDEN: Final = "***"
_SURNAMES: Final = (
    "赵钱孙李周吴郑王冯陈褚卫蒋沈韩杨朱秦尤许何吕施张孔曹严华金魏陶姜戚谢邹喻柏水窦章云苏潘葛范彭郎鲁"
    "韦马苗凤花方俞任袁柳唐罗薛伍余米贝姚孟顾尹江钟廖邓梁宋叶阎邱田董白崔龚程史侯龙段雷贺倪汤滕殷"
    "胡林徐郭高夏蔡丁贾傅曾邵熊汪戴石"
)
_TITLES: Final = "先生|女士|小姐|师傅|大爷|大妈|阿姨|老师|经理|老板|书记|主任|律师|法官|警官"
_HAN: Final = r"\u4e00-\u9fff"
_BETWEEN: Final = r"[\s·•・.]*"
_CASE_NO: Final = re.compile(
    rf"[(（〔\[]\s*\d{{4}}\s*[)）〕\]]\s*[{_HAN}]{{1,4}}\s*\d{{0,5}}\s*[{_HAN}]{{1,4}}\s*\d+\s*号"
    r"(?:之[一二三四五六七八九十]+)?"
)
_COORDINATE: Final = re.compile(
    r"\d{1,3}\.\d{3,}|\d{1,3}\s*°\s*\d{1,2}\s*[′'分](?:\s*[\d.]+\s*[″\"秒])?"
)
_LONG_NUMBER: Final = re.compile(r"\d{7,}[Xx]?|\d{3,4}(?:[ -]\d{3,4}){1,5}(?!\d)|\d{6}\*+\d*[Xx]?")
_CLOCK: Final = re.compile(
    r"\d{1,2}[:：]\d{2}(?:[:：]\d{2})?|\d{1,2}\s*[时点]\s*\d{1,2}\s*分(?:\s*\d{1,2}\s*秒)?"
)
_PLATE: Final = re.compile(
    rf"(?<![A-Za-z])([{_HAN}]?[A-Z])[·•・ -]?(?=[A-Z0-9]*\d[A-Z0-9]*\d)[A-Z0-9]{{4,6}}[警学挂领]?",
    re.IGNORECASE,
)
_MAIL: Final = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+|(?:https?://|www\.)\S+", re.ASCII)
_HOUSE: Final = re.compile(
    r"(?:[A-Za-z]?\d+|[一二三四五六七八九十百]+)\s*(?:-\s*\d+\s*)*(?:号楼|号院|号|弄|栋|幢|座|单元|楼|层|室|户|房|组|队)"
    r"(?!文|令|案)(?:\s*(?:[A-Za-z]?\d+|[一二三四五六七八九十百]+)\s*(?:号|栋|幢|座|单元|楼|层|室|户|房))*"
)
_STREET: Final = re.compile(
    rf"([{_HAN}]{{2,10}}?)(大道|胡同|小区|花园|公寓|大厦|广场|社区|工业园|家园|新村|(?<![道公铁马线电思出退半])路|街(?!道)|巷|弄|(?<![农乡])村|苑|屯)"
)
_STOPS: Final = re.compile(
    "[在到达往于赴至从经沿是的了为对向与和及往进入其该某镇乡]|街道|县|区|市|省"
)
_DIGITS: Final = {0xFF10 + n: 0x30 + n for n in range(10)}
_LETTERS: Final = {
    base + n: low + n for base, low in ((0xFF21, 0x41), (0xFF41, 0x61)) for n in range(26)
}
_SIGNS: Final = {ord("："): ord(":"), ord("．"): ord("."), ord("－"): ord("-"), ord("＊"): ord("*")}
_NARROW: Final = {**_DIGITS, **_LETTERS, **_SIGNS}


@dataclass(frozen=True, slots=True)
class Masker:
    """Masks texts of one mission.

    :param names: names of natural persons as they may occur, each with what replaces it.
    """

    names: tuple[tuple[str, str], ...] = ()
    _patterns: tuple[tuple[re.Pattern[str], str], ...] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Longest names first, so that none is masked as a part of another."""
        ordered = sorted(self.names, key=lambda pair: -len(pair[0]))
        patterns = tuple((_spaced(name), shown) for name, shown in ordered)
        object.__setattr__(self, "_patterns", patterns)

    def masked(self, text: str) -> str:
        """``text`` without names of persons and without anything exact."""
        text = text.translate(_NARROW)
        for pattern, shown in self._patterns:
            text = pattern.sub(shown, text)
        for replace in _REPLACEMENTS:
            text = replace(text)
        return text


def masker(persons: Iterable[str]) -> Masker:
    """A masker for these natural persons; those who would look alike are told apart by 甲, 乙."""
    alike: dict[str, list[str]] = defaultdict(list)
    for name in dict.fromkeys(one.strip() for one in persons):
        clean = re.sub(r"[(（].*", "", name).strip() or name
        if len(clean) > 1 and clean not in alike[masked_name(clean)]:
            alike[masked_name(clean)].append(clean)
    pairs = [
        (name, masked_name(name, place if len(names) > 1 else None))
        for names in alike.values()
        for place, name in enumerate(names)
    ]
    return Masker(tuple(pairs))


def _spaced(name: str) -> re.Pattern[str]:
    """A name with anything blank between its characters; Latin ones in any case."""
    letters = [one for one in name if not re.fullmatch(r"[\s·•・.]", one)]
    return re.compile(_BETWEEN.join(re.escape(one) for one in letters), re.IGNORECASE)


def _street(found: re.Match[str]) -> str:
    before, suffix = found.group(1), found.group(2)
    stops = list(_STOPS.finditer(before))
    start = stops[-1].end() if stops else 0
    if len(before) - start < 2:  # noqa: PLR2004  公路, 道路, 一路
        return found.group(0)
    return f"{before[:start]}某{suffix}"


def _titled(found: re.Match[str]) -> str:
    return f"{found.group(1)}某{found.group(2)}"


_LONE: Final = re.compile(
    rf"(?:^|[^{_HAN}])([{_SURNAMES}][{_HAN}]{{1,2}})(?=$|[^{_HAN}]|[在到称说表已到接签拒承])"
)
_NO_NAMES: Final = re.compile(
    "金额|方式|方案|方面|方法|白色|白天|高度|程序|安全|安排|江边|石材|石料|林地|水电|田地|花园|云南|华南|"
    "章程|何时|何人|何处|余下|余款|夏季|许可|任何|任务|顾及|严格|严重|严肃|和解|钱款|钱物|车辆|雷雨|"
    "张贴|范围|常规|时间|时限|成功|明确|高声|周围|周边|周[一二三四五六日]|尚未|尚需|尤其|施工方?|鲁莽|石桥"
)


def names_somebody(masked: str) -> bool:
    """Whether a masked text seems to name somebody: a surname and one or two characters alone."""
    found = (one.group(1) for one in _LONE.finditer(masked))
    return any("某" not in name and not _NO_NAMES.match(name) for name in found)


_TITLED: Final = re.compile(rf"([{_SURNAMES}])[{_HAN}]{{1,2}}?({_TITLES})")
_REPLACEMENTS: Final[tuple[Callable[[str], str], ...]] = (
    lambda text: _CASE_NO.sub("本案", text),
    lambda text: _MAIL.sub(HIDDEN, text),
    lambda text: _COORDINATE.sub(HIDDEN, text),
    lambda text: _CLOCK.sub("某时", text),
    lambda text: _LONG_NUMBER.sub(HIDDEN, text),
    lambda text: _PLATE.sub(rf"\1{HIDDEN}", text),
    lambda text: _HOUSE.sub("某号", text),
    lambda text: _STREET.sub(_street, text),
    lambda text: _TITLED.sub(_titled, text),
)
