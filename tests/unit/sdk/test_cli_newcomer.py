"""What somebody meets who uses the command for the first time: order of options, next steps."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from client_sdk import cli
from client_sdk._cli.app import Exit
from client_sdk._transport.mock import MockTransport
from client_sdk.client import FieldClient
from tests.unit.sdk.cli_support import CASE, OTHER_CASE, Run, put
from tests.unit.sdk.fake_server import CODE, FakeServer
from tests.unit.sdk.fake_tus import BASE_URL


def bare(*args: object, transport: MockTransport | None = None) -> Result:
    """The command without any option before the subcommand."""

    def make(base_url: str | None, **settings: object) -> FieldClient:
        return FieldClient(base_url, **{**settings, "secrets": None, "transport": transport})  # type: ignore[arg-type]

    return CliRunner().invoke(cli.main, [*map(str, args)], obj={"make_client": make})


def test_options_may_stand_after_the_subcommand(
    server: FakeServer, transport: MockTransport, tmp_path: Path
) -> None:
    here = ("--store", tmp_path / "after", "--lang", "en")
    done = bare("enrol", CODE, "--name", "x", "--server", BASE_URL, *here, transport=transport)
    assert done.exit_code == 0, done.output
    assert (tmp_path / "after").is_dir()
    listed = bare("outbox", *here, "--json", transport=transport)
    assert json.loads(listed.stdout) == {"items": [], "problems": []}
    assert "没有任务" in bare("missions", *here, "--lang", "zh", transport=transport).stdout


def test_what_stands_last_counts(run: Run, enrolled: FakeServer) -> None:
    assert "已记录" in run("log", "x", "--lang", "zh").stdout
    assert run("log", "x", "--lang", "xx").exit_code == Exit.USAGE
    assert "--server" in run("enrol", "--help").stdout


@pytest.mark.parametrize("command", ["missions", "outbox", "receipts", "returns", "sync"])
def test_without_a_device_nothing_is_made_and_the_next_step_is_told(
    command: str, tmp_path: Path
) -> None:
    store = tmp_path / "store"
    result = bare(command, "--store", store, "--lang", "en")
    assert result.exit_code == Exit.REFUSED
    assert "tiezheng enrol CODE" in result.stderr
    assert not store.exists()


def test_enrolling_says_which_court_and_what_next(run: Run, server: FakeServer) -> None:
    result = run("enrol", CODE, "--name", "x")
    assert "法院" in result.stdout
    assert "tiezheng sign-in" in result.stdout


def test_enrolling_again_says_what_to_do_instead(run: Run, enrolled: FakeServer) -> None:
    result = run("enrol", CODE, "--name", "x")
    assert result.exit_code == Exit.REFUSED
    assert "tiezheng sign-in" in result.stderr
    assert "--store" in result.stderr


def test_enrolling_without_an_address(tmp_path: Path) -> None:
    result = bare("enrol", CODE, "--name", "x", "--store", tmp_path / "s", "--lang", "en")
    assert result.exit_code == Exit.USAGE
    assert "--server" in result.stderr


def test_every_empty_list_names_the_next_action(run: Run, server: FakeServer) -> None:
    assert run("enrol", CODE, "--name", "x").exit_code == 0
    assert "tiezheng sign-in" in run("missions").stdout
    assert "tiezheng capture" in run("outbox").stdout
    assert "tiezheng sync" in run("receipts").stdout
    assert "tiezheng sync" in run("returns").stdout


def test_missions_show_their_cases(run: Run, enrolled: FakeServer) -> None:
    assert "(2026)虚0106执123号" in run("missions").stdout


def test_a_capture_of_no_case_says_so(run: Run, enrolled: FakeServer, tmp_path: Path) -> None:
    photo = tmp_path / "a.jpg"
    photo.write_bytes(b"photo")
    assert "--case" in run("capture", photo).stderr
    chosen = run("--json", "capture", photo, "--case", "（2026）虚0106执124号")
    assert json.loads(chosen.stdout)["captured"][0]["captured"]["case"] == OTHER_CASE
    assert "--case" not in run("log", "x", "--case", CASE).stderr
    assert run("log", "x", "--case", "(2026)虚0106执9号").exit_code == Exit.USAGE


def test_what_came_back_is_shown_with_its_reason(run: Run, enrolled: FakeServer) -> None:
    enrolled.changes.append(
        put(
            "return", "01936b1e-0000-7000-8000-0000000000e9", decision="return", seq=3,
            reason={"name": "unclear", "zh": "画面不清", "en": "not clear"}, text="重拍封条",
            by={"id": "x", "name": "钱虚构"}, captured_at="2026-11-23T01:00:00Z", name_b64="5LiA",
        )
    )  # fmt: skip
    synced = run("sync")
    assert synced.exit_code == 0
    assert "tiezheng returns" in synced.stdout
    shown = run("returns").stdout
    for text in ("#3 一", "not clear", "重拍封条", "钱虚构", "returned"):
        assert text in shown
    assert json.loads(run("--json", "returns").stdout)["returns"][0]["seq"] == 3


def test_a_revoked_device_is_told_what_to_do(run: Run, enrolled: FakeServer) -> None:
    run("log", "x")
    enrolled.fault = lambda request: "401:device-revoked"
    result = run("sync")
    assert result.exit_code == Exit.REFUSED
    assert "keep that folder" in result.stdout.replace("\n", " ")
    assert run("outbox").stdout.count("on this device") == 1


def test_the_home_folder_may_be_written_short(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    with FieldClient(store="~/.tiezheng", secrets=None) as client:
        assert client.root == tmp_path / ".tiezheng"
