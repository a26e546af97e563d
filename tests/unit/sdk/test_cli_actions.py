"""`tiezheng action` and `tiezheng entry`."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from client_sdk import cli
from client_sdk._cli.app import Exit
from client_sdk.protocol.entries import field_kinds
from tests.unit.sdk.cli_support import CASE, MISSION, OTHER_CASE, Run, payloads
from tests.unit.sdk.fake_server import FakeServer


def sent(server: FakeServer, act: str) -> dict[str, Any]:
    (payload,) = payloads(server, act)
    return payload


def test_an_action_by_commands(run: Run, enrolled: FakeServer, tmp_path: Path) -> None:
    photo = tmp_path / "清单.jpg"
    photo.write_bytes(b"photo")
    assert run("missions", "--use", MISSION).exit_code == 0
    begun = run("--json", "action", "start", "--type", "seal", "--place", "东坡村(虚构)")
    assert begun.exit_code == 0, begun.output
    code = json.loads(begun.stdout)["code"]
    for args in (
        ["people", "--people", "孙样例(虚构),role=staff,post=enforcement_judge,sex=F"],
        ["facts", "--facts", "credentials_shown", "--facts", "force_opened=no"],
        ["announce", "--what", "recording"],
        ["item", "--no", "1", "--name", "商铺(虚构)", "--photos", photo, "--no-exempt"],
        ["record", "--signed-by", "officers", "--signed-by", "debtor"],
        ["end", "--action", code],
        ["promise", "--on", "2026-11-23", "--by", "某(虚构)", "--due-on", "2026-12-01",
         "--what", "付清(虚构)", "--case", OTHER_CASE],
    ):  # fmt: skip
        done = run("action", *args)
        assert done.exit_code == 0, done.output
    listed = run("action", "list")
    assert (code in listed.stdout, "Sealing" in listed.stdout, "ended" in listed.stdout) == (
        True, True, True,
    )  # fmt: skip
    assert run("sync").exit_code == 0
    item = sent(enrolled, "action.item")["entry"]["data"]
    assert item["photos"] == [hashlib.sha256(b"photo").hexdigest()]
    assert (item["no"], item["exempt"]) == (1, False)
    facts = sent(enrolled, "action.facts")["entry"]["data"]["facts"]
    assert facts == {"credentials_shown": True, "force_opened": False}
    assert sent(enrolled, "action.started")["case"] == CASE
    assert sent(enrolled, "case.promise")["case"] == OTHER_CASE


def test_an_entry_by_its_kind_and_its_correction(run: Run, enrolled: FakeServer) -> None:
    first = run("--json", "entry", "action.started", "--type", "seal", "--case", CASE)
    done = json.loads(first.stdout)
    again = run(
        "--json", "entry", "action.started", "--type", "search", "--action", done["code"],
        "--amends", done["hid"],
    )  # fmt: skip
    assert again.exit_code == 0, again.output
    (listed,) = json.loads(run("--json", "action", "list", "--open").stdout)["actions"]
    assert (listed["type"], listed["id"], len(listed["entries"])) == ("search", done["action"], 1)


@pytest.mark.parametrize(
    ("args", "error"),
    [
        pytest.param(["entry", "action.started", "--type", "seal"], "no-case", id="no case"),
        pytest.param(["action", "end"], "action-unknown", id="no action"),
        pytest.param(["action", "start", "--case", CASE], "entry-invalid", id="no type"),
    ],
)
def test_what_is_refused_is_said(
    run: Run, enrolled: FakeServer, args: list[str], error: str
) -> None:
    answer = run("--json", *args)
    assert (answer.exit_code, json.loads(answer.stdout)["error"]) == (Exit.USAGE, error)
    chinese = run("--lang", "zh", *args)
    assert "未作记录" in chinese.stderr


@pytest.mark.parametrize(
    "args",
    [
        pytest.param(["action", "facts", "--facts", "uniform=perhaps"], id="neither yes nor no"),
        pytest.param(["action", "item", "--photos", "nowhere.jpg"], id="no file"),
    ],
)
def test_odd_values_are_wrong_usage(run: Run, enrolled: FakeServer, args: list[str]) -> None:
    run("action", "start", "--type", "seal", "--case", CASE)
    assert run(*args).exit_code == Exit.USAGE


def test_every_kind_has_its_command_and_help_in_both_languages(run: Run) -> None:
    commands = cli.main.commands["entry"].commands  # type: ignore[attr-defined]
    assert set(commands) == field_kinds()
    for kind in sorted(field_kinds()):
        told = run("entry", kind, "--help")
        assert told.exit_code == 0
        assert " · " in told.stdout
    assert "persuade" in run("action", "--help").stdout
