"""Pure rules of release: what observers never see, and how coarse the rest becomes (06 §3).

No table, clock or setting is read here.  Where a rule cannot be sure it holds back: a person at the
release desk can still rewrite an entry, nobody can take back what an observer has read.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, tzinfo
from enum import StrEnum
from types import MappingProxyType
from typing import Final

DELAY_SECONDS_DEFAULT: Final = 600
DELAY_SECONDS_MAX: Final = 86_400
ROUND_SECONDS_DEFAULT: Final = 300
CELL_M_MIN: Final = 500
ADULT_YEARS: Final = 18
_METRES_A_DEGREE: Final = 111_320.0
_MINUTE: Final = 60
_CELL_DECIMALS: Final = 3


class Place(StrEnum):
    """How exactly a place is shown."""

    TOWN = "town"
    CELL = "cell"


class Category(StrEnum):
    """What observers never see."""

    HOME_INTERIOR = "home-interior"
    MINOR = "minor"
    THIRD_PARTY = "third-party"
    LEAD_SOURCE = "lead-source"
    QUERY_RESULT = "query-result"
    LIVE_TRACK = "live-track"


class Stage(StrEnum):
    """How far an operation has come, in the order of this list."""

    STARTED = "started"
    ARRIVED = "arrived"
    NOTIFIED = "notified"
    ENFORCING = "enforcing"
    RECORDING = "recording"
    ENDED = "ended"


STAGES: Final = tuple(Stage)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseRules:
    """A court's rules of release; version 0 are the defaults of a court that set none.

    :param delay_seconds: an ordinary release comes no sooner after the entry happened.
    :param round_seconds: times are rounded down to multiples of this since midnight.
    :param cell_m: side of the fixed grid's cells in metres, at least 500.
    :param automatic: what no category holds back is released when its delay is over.
    """

    version: int = 0
    delay_seconds: int = DELAY_SECONDS_DEFAULT
    round_seconds: int = ROUND_SECONDS_DEFAULT
    place: Place = Place.TOWN
    cell_m: int = CELL_M_MIN
    mask_staff: bool = True
    automatic: bool = True


DEFAULT_RULES: Final = ReleaseRules()

# Words that make an entry wait for a person; a false alarm costs a look, a miss cannot be undone.
_WORDS: Final = MappingProxyType(
    {
        Category.HOME_INTERIOR: "卧室|客厅|厨房|屋内|屋里|室内|家中|家里|宅内|住所内|房内|衣柜|"
        "床头|床下|抽屉|保险柜|阁楼|入户|入室|卫生间|阳台",
        Category.MINOR: "未成年|儿童|小孩|孩子|幼儿|婴儿|女童|男童|学生|幼儿园|小学|中学|监护人|"
        "(?<![0-9])(?:[0-9]|1[0-7])周?岁",
        Category.THIRD_PARTY: "案外人|邻居|租客|租户|亲属|亲戚|家属|妻子|丈夫|配偶|母亲|父亲|"
        "岳父|岳母|儿子|女儿|朋友|保姆|围观|路人|村民|同住人|第三人",
        Category.LEAD_SOURCE: "线索|举报|知情人|线人|联络员|匿名|反映称|据反映|提供消息|协助人提供",
        Category.QUERY_RESULT: "查控|查询结果|网络查询|总对总|点对点|余额|存款|账户|账号|银行卡|"
        "名下|流水|微信|支付宝|不动产登记|工商登记|车辆登记|社保",
        Category.LIVE_TRACK: "轨迹|定位|实时位置|坐标|经纬度|行进路线|正在赶往|正前往|途经|集结|"
        "蹲守|布控|预计[^。；]{0,6}(?:到|抵)达",
    }
)
_FOUND: Final = MappingProxyType({kind: re.compile(words) for kind, words in _WORDS.items()})
_SEARCH: Final = re.compile("搜查|入户|住宅|住所|腾退|腾房|强制开锁")
_STAGE_WORDS: Final = (
    (Stage.RECORDING, re.compile("笔录|签字|签名|捺印|清点|清单|交接|移交")),
    (
        Stage.ENFORCING,
        re.compile("查封|扣押|搜查|腾退|冻结|拘传|拘留|张贴|封条|强制|搬离|开锁|拍卖"),
    ),
    (Stage.NOTIFIED, re.compile("亮明|出示|亮证|宣读|告知|送达|释明|宣布")),
    (Stage.ARRIVED, re.compile("到达|抵达|到场|进场|现场集合")),
)  # fmt: skip
_CAPTURES: Final = frozenset({"photo", "video", "audio", "document"})
_TOWN: Final = re.compile(r"([\u4e00-\u9fff]{2,8}?(?:镇|乡|街道|苏木))")
_ABOVE_TOWN: Final = re.compile(r"^.*(?:省|自治区|自治州|市|地区|盟|区|县|旗)(?=[\u4e00-\u9fff])")


def categories_of(
    act: str, text: str | None, *, is_search: bool, has_minor: bool
) -> frozenset[Category]:
    """Categories that keep an entry from being shown as it is.

    :param act: ``note``, a medium, or ``closed``.
    :param is_search: the mission searches or clears premises, so its captures show an interior.
    :param has_minor: a party of its cases is under age, so its captures may show them.
    """
    found = {kind for kind, words in _FOUND.items() if text and words.search(_plain(text))}
    if act in _CAPTURES and is_search:
        found.add(Category.HOME_INTERIOR)
    if act in _CAPTURES and has_minor:
        found.add(Category.MINOR)
    return frozenset(found)


def is_search(texts: Iterable[str | None]) -> bool:
    """Whether titles or notes say that premises are searched or cleared."""
    return any(text and _SEARCH.search(_plain(text)) for text in texts)


def may_carry_photo(categories: Iterable[str]) -> bool:
    """Whether even a redacted photo may go with the entry: never of a home's interior."""
    return Category.HOME_INTERIOR not in set(categories)


def is_minor(birth_year: int | None, on: date) -> bool:
    """Whether somebody born in that year may be under age; the day of birth is not known here."""
    return birth_year is not None and on.year - birth_year <= ADULT_YEARS


def coarse_time(at: datetime, zone: tzinfo, round_seconds: int) -> str:
    """``YYYY-MM-DD HH:MM`` in local time, rounded down; never finer than a minute."""
    local = at.astimezone(zone)
    step = max(_MINUTE, round_seconds)
    midnight = local.replace(hour=0, minute=0, second=0, microsecond=0)
    seconds = (local.hour * _MINUTE + local.minute) * _MINUTE + local.second
    minutes = seconds // step * step // _MINUTE
    return f"{midnight:%Y-%m-%d} {minutes // _MINUTE:02d}:{minutes % _MINUTE:02d}"


def coarse_place(
    rules: ReleaseRules, name: str | None, lat: str | None, lon: str | None, datum: str | None
) -> str | None:
    """The town in a place's name, or the cell of a position where the court enables it.

    ``None`` when neither is known: a place that is not understood is not shown.
    """
    if rules.place is Place.CELL and lat and lon and datum == "WGS84":
        return cell_of(float(lat), float(lon), rules.cell_m)
    return town_of(name)


def town_of(name: str | None) -> str | None:
    """The town, township or subdistrict that a place's name contains, without what is below it."""
    found = _TOWN.search(_ABOVE_TOWN.sub("", _plain(name or "")))
    return found.group(1) if found else None


def cell_of(lat: float, lon: float, cell_m: int) -> str:
    """Middle of the cell of a fixed grid, in degrees with three decimals.

    The grid is the same for everybody and for ever: what is jittered anew each time can be
    averaged out (05, finding 5).  Cells are at least ``cell_m`` metres wide and high.
    """
    side_m = max(CELL_M_MIN, cell_m)
    high = side_m / _METRES_A_DEGREE
    row = math.floor(lat / high)
    poleward = min(89.0, max(abs(row * high), abs((row + 1) * high)))
    wide = side_m / (_METRES_A_DEGREE * math.cos(math.radians(poleward)))
    column = math.floor(lon / wide)
    middle = (row + 0.5) * high, (column + 0.5) * wide
    return ", ".join(f"{one:.{_CELL_DECIMALS}f}" for one in middle) + f" (±{side_m // 2} m)"


def stage_of(act: str, text: str | None) -> Stage | None:
    """The stage that an entry speaks of; ``None`` when it does not say."""
    if act == "closed":
        return Stage.ENDED
    plain = _plain(text or "")
    return next((stage for stage, words in _STAGE_WORDS if words.search(plain)), None)


def furthest(stages: Iterable[str | None]) -> Stage:
    """The furthest of these stages; a mission that is visible has started at least."""
    return max((Stage(one) for one in stages if one), key=STAGES.index, default=Stage.STARTED)


_WIDE: Final = {0xFF01 + place: 0x21 + place for place in range(94)}


def _plain(text: str) -> str:
    """Full-width letters, digits and signs as their usual forms, without blanks between them."""
    return re.sub(r"\s+", "", text.translate(_WIDE))
