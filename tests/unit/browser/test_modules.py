"""The modules of the browser's verifier, run by Node: formats, words, and the whole corpus."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from client_sdk.dossier.words import REASONS, VERDICTS
from client_sdk.protocol.verdicts import Check, Reason, level_of
from tests.factories.tamper_cases import CASES
from tests.support import corpus
from tests.support.node import ROOT, run_node

HERE = Path(__file__).parent
SOURCES = ROOT / "client_sdk/browser"
PAGE = (SOURCES / "page.html").read_text(encoding="utf-8")
SUITES = sorted(HERE.glob("*.test.mjs"))


@pytest.mark.parametrize("suite", SUITES, ids=lambda suite: suite.stem)
def test_suite_of(suite: Path) -> None:
    run_node("--test", suite)


def test_types_hold() -> None:
    run_node("node_modules/typescript/bin/tsc", "-p", "client_sdk/browser/jsconfig.json")


@pytest.fixture(scope="module")
def words() -> dict[str, Any]:
    told: dict[str, Any] = json.loads(run_node(HERE / "print_words.mjs"))
    return told


def test_every_word_is_there_in_both_languages(words: dict[str, Any]) -> None:
    for table in words["tables"].values():
        for name, pair in table.items():
            assert len(pair) == 2, name
            assert all(isinstance(text, str) and text.strip() for text in pair), name
            assert any("\u4e00" <= char <= "\u9fff" for char in "".join(pair)), name


def test_verdicts_and_reasons_have_the_words_of_the_command_line(words: dict[str, Any]) -> None:
    verdicts = {verdict.value: list(pair) for verdict, pair in VERDICTS.items()}
    reasons = {reason.value: list(pair) for reason, pair in REASONS.items()}
    assert words["tables"]["verdicts"] == verdicts
    assert words["tables"]["reasons"].pop("not-performed")
    assert words["tables"]["reasons"] == reasons


def test_checks_and_levels_are_those_of_the_command_line(words: dict[str, Any]) -> None:
    assert words["checks"] == [check.value for check in Check]
    assert list(words["tables"]["checks"]) == words["checks"]
    assert words["functions"] == words["checks"]
    levels = {reason.value: int(level_of(reason)) for reason in Reason}
    assert words["levels"].pop("not-performed") == 2
    assert words["levels"] == levels


def test_every_word_that_the_page_asks_for_is_there(words: dict[str, Any]) -> None:
    asked = {part.split('"')[0] for part in PAGE.split('data-word="')[1:]}
    assert asked
    assert asked <= set(words["tables"]["page"])


def test_no_source_reaches_for_a_network() -> None:
    for source in sorted(SOURCES.iterdir()):
        text = source.read_text(encoding="utf-8")
        for way in ("http:", "https:", "fetch(", "XMLHttpRequest", "WebSocket", "sendBeacon"):
            assert way not in text, f"{source.name}: {way}"


def test_both_verifiers_say_the_same_of_every_tamper_case(tmp_path: Path) -> None:
    written = corpus.write(tmp_path, CASES)
    told = json.loads(run_node(HERE / "run_corpus.mjs", tmp_path))
    for case in written:
        assert corpus.facts(told[case.number]) == corpus.facts(case.report), case.number
