"""Settings that cannot be used: the command line explains them, a web server does not start."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from tests.meta.tree import ROOT

OF_THE_MACHINE = {"clock", "sandbox", "space"}


def flask_command(*arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
    own = {name: value for name, value in os.environ.items() if not name.startswith("TIEZHENG_")}
    return subprocess.run(
        [sys.executable, "-m", "flask", "--app", "wsgi", *arguments],
        cwd=ROOT, env={**own, "LANG": "en_GB.UTF-8", "LC_ALL": "", **env}, capture_output=True,
        text=True, check=False, timeout=60,
    )  # fmt: skip


WRONG: Mapping[str, str] = {
    "TIEZHENG_PUBLIC_URL": "ftp://evidence.example",
    "TIEZHENG_WEB_THREADS": "many",
    "TIEZHENG_WEP_THREADS": "8",
}


def test_broken_settings_are_explained_one_by_one() -> None:
    done = flask_command("doctor", **WRONG)
    assert done.returncode == 2
    assert "Traceback" not in done.stdout + done.stderr
    failing = [line for line in done.stdout.splitlines() if line.startswith("fail")]
    assert len(failing) == len(WRONG)
    for name in WRONG:
        assert any(name in line for line in failing), name


def test_broken_settings_for_programs() -> None:
    done = flask_command("doctor", "--json", **WRONG)
    found = json.loads(done.stdout)
    assert found["level"] == "fail"
    assert {"settings", "sqlite", "uploads", "clock"} == {one["check"] for one in found["findings"]}


def test_other_commands_send_to_doctor() -> None:
    done = flask_command("user", "add", "--court", "样0101", "--json", **WRONG)
    assert done.returncode == 3
    assert "doctor" in done.stderr
    assert json.loads(done.stdout)["error"] == "settings"


def test_a_folder_that_cannot_be_made_is_explained(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    done = flask_command("doctor", TIEZHENG_DATA_DIR=str(tmp_path / "file" / "data"))
    assert done.returncode == 2
    assert "Traceback" not in done.stdout + done.stderr
    assert "fail  start" in done.stdout
    assert "fail  data" in done.stdout


def test_a_database_address_that_cannot_be_read_is_explained(tmp_path: Path) -> None:
    env = {
        "TIEZHENG_DATA_DIR": str(tmp_path),
        "TIEZHENG_DATABASE_URL": "postgresql://somebody:s3cret@host:port/name",
    }
    done = flask_command("doctor", **env)
    assert done.returncode == 2
    assert "Traceback" not in done.stdout + done.stderr
    assert "fail  database" in done.stdout
    assert "s3cret" not in done.stdout + done.stderr


def test_a_web_server_does_not_start_with_broken_settings() -> None:
    own = {name: value for name, value in os.environ.items() if not name.startswith("TIEZHENG_")}
    own.pop("FLASK_RUN_FROM_CLI", None)
    done = subprocess.run(
        [sys.executable, "-c", "import wsgi"],
        cwd=ROOT, env={**own, **WRONG}, capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert done.returncode != 0
    assert "TIEZHENG_WEP_THREADS" in done.stderr


def test_a_sound_installation_from_a_real_terminal(tmp_path: Path) -> None:
    env = {"TIEZHENG_DATA_DIR": str(tmp_path / "data"), "TIEZHENG_LOG_LEVEL": "error"}
    made = flask_command(
        "init", "--court-name", "甲(虚构)", "--court-code", "样0101", "--admin-login", "admin",
        "--admin-name", "管理员(虚构)", "--no-input", **env,
    )  # fmt: skip
    assert made.returncode == 0, made.stderr
    done = flask_command("doctor", "--json", **env)
    assert done.returncode < 2, done.stdout
    bad = {
        one["check"]
        for one in json.loads(done.stdout)["findings"]
        if one["level"] != "ok" and one["check"] not in OF_THE_MACHINE
    }
    assert bad == set()
