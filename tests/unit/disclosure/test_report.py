"""The custody report: text, print rules, rare names, nothing of the moment of its making."""

from __future__ import annotations

import io
import logging
from dataclasses import replace
from pathlib import Path

import pypdf
import pytest

from client_sdk.protocol.export_statement import AbsentWhy
from client_sdk.protocol.payloads import RecordKind
from server.audit.events import EventKind
from server.commands.checks import reports
from server.commands.checks.finding import Level
from server.disclosure.report import words
from server.disclosure.report.custody import custody_pdf
from server.disclosure.report.fonts import (
    BOX,
    Face,
    FontError,
    FontStack,
    font_stack,
    is_rare,
)
from server.disclosure.report.layout import TEXT_WIDTH_MM, broken
from tests.factories.disclosure import OFFICER, item, report
from tests.support.need import need
from tests.support.pdf_text import page_texts

MM = 72 / 25.4


@pytest.fixture(scope="module")
def fonts() -> FontStack:
    try:
        return font_stack()
    except FontError as error:
        need(condition=False, reason=str(error))
        raise


def text_of(pdf: bytes) -> str:
    """All text without white space, since lines are broken anywhere."""
    return "".join("".join(text.split()) for text in page_texts(pdf))


def test_it_says_what_a_custody_report_must_contain(fonts: FontStack) -> None:
    text = text_of(custody_pdf(report(), fonts))
    first = report().items[0]
    said = [
        "(2026)样0101执1号", "7F3K-29", "移送上级法院", "样例中级法院", first.sha256, "image/jpeg",
        first.name.hex(), "执法终端一号", "SN-001", "kid-of-phone", "李四", "witness.one",
        "tsa.one", "L3", "ab" * 32, "38.2100000", "±8.0m", "±15ms", "未记录notrecorded",
        "合议庭查阅", "依法删除", "not-selected", "nofix".replace("nofix", "no-fix"), "cd" * 32,
        "tiezhengverify", "到达现场",
    ]  # fmt: skip
    assert [one for one in said if "".join(one.split()) not in text] == []


def test_rare_names_have_their_code_point_beside_them(fonts: FontStack) -> None:
    text = text_of(custody_pdf(report(), fonts))
    for character in "䶮㛃":
        shown = f"{character}(" if fonts.has(character) else f"{BOX}["
        assert f"{shown}U+{ord(character):04X}" in text


def test_a_character_that_no_font_has_is_a_box_with_its_code_point(
    fonts: FontStack, caplog: pytest.LogCaptureFixture
) -> None:
    poor = FontStack(
        (replace(fonts.faces[0], characters=fonts.faces[0].characters - {ord("䶮"), ord("张")}),)
    )
    with caplog.at_level(logging.WARNING):
        text = text_of(custody_pdf(report(), poor))
    assert f"{BOX}[U+5F20]{BOX}[U+4DAE]" in text
    assert "missing" not in caplog.text


def test_what_could_deceive_the_eye_is_shown(fonts: FontStack) -> None:
    name = "\u202egpj.exe\u200b\n\x00".encode()
    text = text_of(custody_pdf(report(items=(item(1, name=name),)), fonts))
    assert f"{BOX}[U+202E]gpj.exe{BOX}[U+200B]" in text
    assert f"{BOX}[U+0000]" in text


def test_pages_follow_the_print_rules(fonts: FontStack) -> None:
    data = custody_pdf(report(), fonts)
    pdf, texts = pypdf.PdfReader(io.BytesIO(data)), page_texts(data)
    count = len(pdf.pages)
    assert count > 3
    for number, page in enumerate(pdf.pages, 1):
        assert [round(float(side) / MM) for side in page.mediabox[2:]] == [210, 297]
        text = "".join(texts[number - 1].split())
        assert f"第{number}/{count}页" in text
        assert "(2026)样0101执1号检查点checkpoint41" in text
        assert "7F3K-29" in text


def test_fonts_are_embedded_as_subsets(fonts: FontStack) -> None:
    data = custody_pdf(report(), fonts)
    pdf = pypdf.PdfReader(io.BytesIO(data))
    embedded = set()
    for page in pdf.pages:
        for font in page["/Resources"]["/Font"].values():  # type: ignore[index]
            within = font.get_object()["/DescendantFonts"][0].get_object()
            descriptor = within["/FontDescriptor"].get_object()
            assert {"/FontFile2", "/FontFile3"} & set(descriptor)
            embedded.add(str(descriptor["/FontName"]))
    assert all("+" in name for name in embedded)
    assert len(data) < 1_000_000


def test_the_same_facts_give_the_same_bytes(fonts: FontStack) -> None:
    assert custody_pdf(report(), fonts) == custody_pdf(report(), fonts)
    assert custody_pdf(report(), fonts) != custody_pdf(report(code="7F3K-30"), fonts)


def test_long_values_stay_on_the_page(fonts: FontStack) -> None:
    long = replace(OFFICER, name="长" * 2_000)
    text = text_of(custody_pdf(report(items=(item(1, officers=(long,)),)), fonts))
    assert text.count("长") == 2_000 + 1  # and once in the words of the report


def test_lines_break_at_words_digests_anywhere() -> None:
    assert broken("the custody of it", 11, lambda _: 1) == ["the custody", "of it"]
    assert broken("ab" * 8, 5, lambda _: 1) == ["ababa", "babab", "ababa", "b"]
    assert broken("执行证据", 3, lambda _: 1) == ["执行证", "据"]
    assert broken("", 3, lambda _: 1) == [""]
    assert TEXT_WIDTH_MM == 156


def test_rare_is_what_gbk_lacks() -> None:
    assert [is_rare(one) for one in "张䶮㛃𠮷a。"] == [False, True, True, True, False, False]


def test_no_font_says_what_to_install(tmp_path: Path) -> None:
    with pytest.raises(FontError, match="fonts-wqy-microhei"):
        font_stack(root=tmp_path)
    with pytest.raises(FontError, match="TIEZHENG_REPORT_FONT"):
        font_stack(str(tmp_path / "absent.ttf"))
    broken_font = tmp_path / "broken.ttf"
    broken_font.write_bytes(b"no font")
    with pytest.raises(FontError, match="cannot be read"):
        font_stack(str(broken_font))


def test_a_helper_face_gives_what_the_first_lacks(fonts: FontStack) -> None:
    first = fonts.faces[0]
    lacking = replace(first, characters=first.characters - {ord("张")})
    stack = FontStack((lacking, Face(first.path, first.number, "helper", first.characters)))
    text = text_of(custody_pdf(report(), stack))
    assert "U+5F20" not in text
    assert "张" in text


def test_doctor_says_what_is_printed_with(fonts: FontStack, tmp_path: Path) -> None:
    assert reports.fonts("").level is Level.OK
    assert fonts.faces[0].name in reports.fonts("").said.en
    assert reports.fonts(str(tmp_path / "absent.ttf")).level is Level.FAIL


def test_every_kind_that_a_case_may_hold_has_words() -> None:
    told = (
        "custody.",
        "evidence.",
        "review.",
        "case.",
        "erasure.",
        "recording.",
        "key.",
        "device.",
        "action.",
        "entry.",
        "finding.",
    )
    kinds = [*EventKind, *RecordKind]
    assert [one for one in kinds if one.startswith(told) and words.event(one) == one] == []
    assert [why for why in AbsentWhy if why not in words.ABSENT] == []
