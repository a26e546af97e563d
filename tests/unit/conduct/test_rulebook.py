"""A court's own rules: the same form, checked before they are in force."""

from __future__ import annotations

from datetime import time, timedelta

import pytest

from server.conduct.rulebook import RulesError, read
from server.fieldlog.conduct_rules import Config, Outcome

OWN = """
[config]
staff_min = 3
night_begins = 21:00:00
recording_slack_seconds = 60
seizure_ratio_max = 1.5

[LOCAL-1]
severity = "warn"
zh = "送达须有见证人"
en = "Service has a witness"
basis = [{ law = "本院规定", article = "12" }]
types = ["service"]
require = ["service_witnessed"]

[LOCAL-2]
severity = "fail"
zh = "送达二人"
en = "Two for service"
basis = [{ law = "本院规定" }]
types = ["*"]
judge = "staffed"
"""


def test_numbers_and_rules_are_read() -> None:
    config, rules = read(OWN, Config())
    assert (config.staff_min, config.night_begins) == (3, time(21))
    assert (config.recording_slack, config.seizure_ratio_max) == (timedelta(seconds=60), 1.5)
    assert config.upload_within == Config().upload_within
    assert [(rule.id, rule.severity) for rule in rules] == [
        ("LOCAL-1", Outcome.WARN), ("LOCAL-2", Outcome.FAIL),
    ]  # fmt: skip


def test_nothing_is_a_rulebook_too() -> None:
    assert read("", Config()) == (Config(), ())


RULE = '[{id}]\nseverity = "warn"\nzh = "甲"\nen = "a"\nbasis = [{{ law = "法" }}]\n'


def rule(id_: str = "LOCAL-1", rest: str = 'types = ["*"]\nrequire = ["uniform"]') -> str:
    return RULE.format(id=id_) + rest


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("[", id="no toml"),
        pytest.param("x = 1", id="no table"),
        pytest.param("config = 1", id="numbers that are none"),
        pytest.param("[config]\nstaff_min = 1", id="fewer than two"),
        pytest.param("[config]\nstaff_min = true", id="a flag for a number"),
        pytest.param("[config]\nupload_within_hours = 1000", id="a month to bring it in"),
        pytest.param("[config]\nnight_begins = 22", id="an hour for a time"),
        pytest.param("[config]\nseizure_ratio_max = 99", id="far too much"),
        pytest.param('[config]\nfemale_police_may_search = "no"', id="a text for a flag"),
        pytest.param("[config]\nstaff = 2", id="unknown number"),
        pytest.param(rule("CC02"), id="a standard rule"),
        pytest.param(rule("CC99"), id="an id that may come"),
        pytest.param(rule("local"), id="small letters"),
        pytest.param(rule(rest='types = ["dance"]\nrequire = ["uniform"]'), id="unknown type"),
        pytest.param(rule(rest='types = "seal"\nrequire = ["uniform"]'), id="no list"),
        pytest.param(rule(rest="types = []\nrequire = ['uniform']"), id="about nothing"),
        pytest.param(rule(rest='types = ["*"]\nrequire = ["polite"]'), id="unknown fact"),
        pytest.param(rule(rest='types = ["*"]\njudge = "nobody"'), id="unknown judge"),
        pytest.param(rule(rest='types = ["*"]'), id="nothing to judge"),
        pytest.param(rule().replace('"warn"', '"pass"'), id="a rule that passes"),
        pytest.param(rule().replace('"warn"', '"may"'), id="unknown severity"),
        pytest.param(rule().replace('zh = "甲"\n', ""), id="no name"),
        pytest.param(rule().replace('zh = "甲"', "zh = 1"), id="a number for a name"),
        pytest.param(rule().replace('{ law = "法" }', ""), id="no basis"),
        pytest.param(rule().replace("law =", "book ="), id="no law"),
        pytest.param(rule() + "\n" + rule(), id="twice"),
    ],
)
def test_what_is_no_rulebook_is_refused(text: str) -> None:
    with pytest.raises(RulesError):
        read(text, Config())
