"""Every text of a page stands in the word files, in both languages; none is left over."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from string import Formatter
from typing import Final

import pytest

from server.console import words
from tests.meta.tree import ROOT

CONSOLE: Final = ROOT / "server" / "console"
TEMPLATES: Final = sorted((CONSOLE / "templates").rglob("*.html"))
CODE: Final = sorted(CONSOLE.rglob("*.py"))
SCRIPTS: Final = sorted(
    path for path in (CONSOLE / "static" / "js").rglob("*.js") if "vendor" not in path.parts
)
_KEY: Final = re.compile(r"""["']([a-z_]+\.[a-z0-9_]+)["']""")
_PREFIX: Final = re.compile(
    r"""["']([a-z_]+\.[a-z0-9_]*_)["']\s*(?:~|\+|\})|f["']([a-z_]+\.[a-z0-9_]*?)\{"""
)
_JINJA: Final = re.compile(r"\{#.*?#\}|\{%.*?%\}|\{\{.*?\}\}", re.DOTALL)
_WORD: Final = re.compile(r"[A-Za-z]{2,}|[㐀-鿿]")
_CHINESE: Final = re.compile(r"[㐀-鿿]")
_SPOKEN: Final = ("title", "aria-label", "placeholder", "alt")
_SILENT: Final = {"code", "script", "style", "kbd"}


def relative(path: Path) -> str:
    return path.relative_to(CONSOLE).as_posix()


def test_every_text_says_the_same_in_both_languages() -> None:
    wrong = [
        key
        for key, text in words.texts().items()
        if not text.zh.strip() or not text.en.strip() or names(text.zh) != names(text.en)
    ]
    assert wrong == []


def names(text: str) -> set[str | None]:
    return {name for _, name, _, _ in Formatter().parse(text) if name is not None}


def test_every_text_that_is_asked_for_is_there() -> None:
    areas = {key.partition(".")[0] for key in words.texts()}
    missing = [
        f"{relative(path)}: {key}"
        for path in (*TEMPLATES, *CODE)
        for key in asked(path.read_text(encoding="utf-8"), path.suffix)
        if key.partition(".")[0] in areas and key not in words.texts()
    ]
    assert missing == []


def asked(text: str, suffix: str) -> Iterator[str]:
    calls = r"""(?:\bt|words_json|text)\(\s*(?:lang,\s*)?["']([a-z_]+\.[a-z0-9_]+)["']\s*[,)]"""
    if suffix == ".html":
        yield from re.findall(calls, text)
    yield from re.findall(r"""said=["']([a-z_]+\.[a-z0-9_]+)["']""", text)


def test_no_text_is_left_over() -> None:
    everything = "\n".join(
        path.read_text(encoding="utf-8") for path in (*TEMPLATES, *CODE, *SCRIPTS)
    )
    named = set(_KEY.findall(everything))
    prefixes = tuple({one or other for one, other in _PREFIX.findall(everything)})
    unused = [
        key for key in words.texts() if key not in named and not key.startswith(prefixes or ("\0",))
    ]
    assert unused == []


class _Literals(HTMLParser):
    """Texts and spoken attributes that stand in a template itself."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self._inside: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in {"input", "img", "br", "meta", "link", "hr", "source", "track", "wbr", "col"}:
            self._inside.append(tag)
        self.found += [
            f"{name}={value}"
            for name, value in attrs
            if name in _SPOKEN and _WORD.search(value or "")
        ]

    def handle_endtag(self, tag: str) -> None:
        if tag in self._inside:
            while self._inside and self._inside.pop() != tag:
                pass

    def handle_data(self, data: str) -> None:
        if not _SILENT.intersection(self._inside) and _WORD.search(data):
            self.found.append(data.strip())


@pytest.mark.parametrize("path", TEMPLATES, ids=relative)
def test_a_template_holds_no_words(path: Path) -> None:
    bare = _JINJA.sub("", path.read_text(encoding="utf-8"))
    literals = _Literals()
    literals.feed(bare)
    assert literals.found == []
    assert not _CHINESE.search(bare)


@pytest.mark.parametrize("path", [*SCRIPTS, *CODE], ids=relative)
def test_code_holds_no_chinese(path: Path) -> None:
    lines = path.read_text(encoding="utf-8").splitlines()
    assert [line for line in lines if _CHINESE.search(line)] == []


@pytest.mark.parametrize("path", TEMPLATES, ids=relative)
def test_a_template_has_no_inline_script_or_style(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert not re.search(r"<style|\sstyle=|\son[a-z]+=|<script(?![^>]*\bsrc=)|javascript:", text)
    assert "|safe" not in text
