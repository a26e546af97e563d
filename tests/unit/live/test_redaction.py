"""The rules of release: coarse times and places, categories that hold back, stages."""

from __future__ import annotations

import math
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.live.redaction import (
    DEFAULT_RULES,
    Category,
    Place,
    ReleaseRules,
    Stage,
    categories_of,
    cell_of,
    coarse_place,
    coarse_time,
    furthest,
    is_minor,
    is_search,
    may_carry_photo,
    stage_of,
    town_of,
)

CHINA = ZoneInfo("Asia/Shanghai")
EARTH_M_A_DEGREE = 111_320.0
lats, lons = st.floats(-85, 85), st.floats(-180, 180)
CANARIES = {
    Category.HOME_INTERIOR: ("进入卧室清点", "在客厅发现保险柜", "衣 柜内有现金", "入户检查"),
    Category.MINOR: ("现场有未成年人", "一名7岁男童在场", "孩子由祖母照看", "12 周岁"),
    Category.THIRD_PARTY: ("案外人主张权利", "邻居称其外出", "妻子代为签收", "向其母亲了解情况"),
    Category.LEAD_SOURCE: ("据线索前往仓库", "联络员提供消息", "有人匿名举报", "知情人称"),
    Category.QUERY_RESULT: ("账户余额三千元", "总对总反馈", "名下有车一辆", "微信零钱已冻结"),
    Category.LIVE_TRACK: ("车辆正在赶往现场", "预计十分钟到达", "集结于东门", "实时位置已共享"),
}


@pytest.mark.parametrize(
    ("category", "text"), [(kind, text) for kind, texts in CANARIES.items() for text in texts]
)
def test_what_is_never_shown_is_noticed(category: Category, text: str) -> None:
    assert category in categories_of("note", text, is_search=False, has_minor=False)


@given(
    text=st.sampled_from([text for texts in CANARIES.values() for text in texts]),
    before=st.text(alphabet="，。到达现场后执行人员", max_size=20),
    after=st.text(alphabet="，。到达现场后执行人员", max_size=20),
)
def test_it_is_noticed_wherever_it_stands(text: str, before: str, after: str) -> None:
    assert categories_of("note", before + text + after, is_search=False, has_minor=False)


@pytest.mark.parametrize(
    "text", ["到达现场，亮明执行公务证", "宣读搜查令", "张贴封条并拍照", "被执行人47岁，到场签字"]
)
def test_ordinary_lines_are_not_held(text: str) -> None:
    assert categories_of("note", text, is_search=True, has_minor=True) == frozenset()


def test_captures_of_a_search_and_near_minors_are_held() -> None:
    found = categories_of("photo", None, is_search=True, has_minor=True)
    assert found == {Category.HOME_INTERIOR, Category.MINOR}
    assert not may_carry_photo(found)
    assert may_carry_photo({Category.MINOR})


@pytest.mark.parametrize(
    ("texts", "search"),
    [(["清点", None], False), (["入 户 搜查"], True), ([None, "腾退房屋"], True), ([], False)],
)
def test_a_search_is_known_by_title_or_notes(texts: list[str | None], search: bool) -> None:
    assert is_search(texts) is search


@given(
    seconds=st.integers(0, 4 * 366 * 86_400),
    step=st.sampled_from([60, 300, 600, 900, 1800, 3600]),
)
def test_times_are_rounded_down_to_the_step(seconds: int, step: int) -> None:
    at = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)
    shown = datetime.strptime(coarse_time(at, CHINA, step) + " +0800", "%Y-%m-%d %H:%M %z")
    assert timedelta(0) <= at - shown < timedelta(seconds=step)
    assert coarse_time(shown, CHINA, step) == coarse_time(at, CHINA, step)


@given(lat=lats, lon=lons, cell_m=st.integers(1, 5_000))
def test_a_cell_is_no_smaller_than_asked_and_never_below_500_metres(
    lat: float, lon: float, cell_m: int
) -> None:
    side = max(500, cell_m)
    step_lat = 0.9 * side / EARTH_M_A_DEGREE
    neighbours = {cell_of(lat, lon, cell_m), cell_of(min(89.0, lat + step_lat / 2), lon, cell_m)}
    assert len(neighbours) <= 2
    shown_lat, shown_lon = (
        float(part) for part in cell_of(lat, lon, cell_m).split(" (")[0].split(", ")
    )
    assert abs(shown_lat - lat) * EARTH_M_A_DEGREE <= side / 2 + 60
    width_m = abs(shown_lon - lon) * EARTH_M_A_DEGREE * math.cos(math.radians(lat))
    assert width_m <= side


@given(lat=st.floats(38.0, 38.004), lon=st.floats(104.0, 104.004))
def test_the_grid_is_fixed_so_that_asking_often_tells_nothing(lat: float, lon: float) -> None:
    assert cell_of(lat, lon, 500) == cell_of(lat, lon, 500)
    assert len({cell_of(lat, lon, 500) for _ in range(20)}) == 1


@given(lat=st.decimals(38, 39, places=7), lon=st.decimals(104, 105, places=7))
def test_no_exact_coordinate_is_in_a_place(lat: object, lon: object) -> None:
    for place in Place:
        rules = ReleaseRules(place=place)
        shown = coarse_place(rules, "某省云溪县清河镇东坡村3号", str(lat), str(lon), "WGS84") or ""
        assert str(lat) not in shown
        assert str(lon) not in shown


@pytest.mark.parametrize(
    ("name", "town"),
    [
        ("清河镇(虚构)", "清河镇"),
        ("样省云溪县清河镇东坡村12号", "清河镇"),
        ("石桥区柳湾街道人民路8号", "柳湾街道"),
        ("云溪县东乡", None),
        ("东坡小区3栋", None),
        (None, None),
    ],
)
def test_only_the_town_of_a_place_is_shown(name: str | None, town: str | None) -> None:
    assert town_of(name) == town


def test_a_position_of_another_datum_is_not_put_on_the_grid() -> None:
    rules = ReleaseRules(place=Place.CELL)
    assert coarse_place(rules, "清河镇", "38.21", "104.41", "GCJ02") == "清河镇"
    assert coarse_place(DEFAULT_RULES, None, "38.21", "104.41", "WGS84") is None


@pytest.mark.parametrize(
    ("act", "text", "stage"),
    [
        ("note", "到达现场", Stage.ARRIVED),
        ("note", "亮明身份并宣读裁定", Stage.NOTIFIED),
        ("note", "查封商铺三套", Stage.ENFORCING),
        ("note", "到场人员在笔录上签字", Stage.RECORDING),
        ("note", "天气晴", None),
        ("closed", None, Stage.ENDED),
        ("photo", None, None),
    ],
)
def test_the_stage_is_read_from_the_words(act: str, text: str | None, stage: Stage | None) -> None:
    assert stage_of(act, text) is stage


def test_the_furthest_stage_counts() -> None:
    assert furthest(["arrived", None, "notified", "arrived"]) is Stage.NOTIFIED
    assert furthest([]) is Stage.STARTED


@pytest.mark.parametrize(
    ("year", "minor"), [(2008, True), (2007, False), (2020, True), (None, False)]
)
def test_who_may_be_under_age_counts_as_minor(year: int | None, minor: bool) -> None:
    assert is_minor(year, date(2026, 3, 2)) is minor
