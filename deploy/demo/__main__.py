"""``make demo`` and ``make smoke``: a whole day, against the real server and its worker."""

from __future__ import annotations

import argparse
import json
import os
import signal
import socket
import sys
import tempfile
import threading
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from client_sdk import FieldClient
from client_sdk.errors import FieldError
from deploy.demo import day, material, room
from deploy.demo.check import compare
from deploy.demo.dossier import export_and_verify
from deploy.demo.fault_proxy import FaultProxy
from deploy.demo.processes import (
    ROOT,
    flask_command,
    free_port,
    running_server,
    server_environment,
)
from deploy.demo.report import Line, headline, print_items, print_logins, say
from deploy.demo.three import Three
from deploy.demo.witnesses import running_witnesses, wait_until_witnessed

DEMO_PORT = 8460


def main() -> int:
    """Play the day; 0 when every item is good."""
    parser = argparse.ArgumentParser(prog="python -m deploy.demo", description=__doc__)
    parser.add_argument("--smoke", action="store_true", help="in a temporary folder, then stop")
    parser.add_argument("--database-url", help="instead of a SQLite file in the data folder")
    parser.add_argument("--port", type=int, help=f"default: {DEMO_PORT}, for --smoke a free one")
    asked = parser.parse_args()
    with ExitStack() as stack:
        if asked.smoke:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="tiezheng-")))
        else:
            folder = ROOT / "var" / f"demo-{datetime.now(UTC):%Y%m%dT%H%M%S}"
        port = asked.port or (free_port() if asked.smoke else _demo_port())
        extra = {"TIEZHENG_DATABASE_URL": asked.database_url} if asked.database_url else {}
        environment = server_environment(folder / "server", port, extra)
        good = _play(stack, folder, environment, stays=not asked.smoke)
        say(
            "[green]every item arrived exactly once, and its dossier verifies[/green]"
            if good
            else "[red]NOT GOOD[/red]"
        )
        if not asked.smoke and good:
            _stay(environment["TIEZHENG_PUBLIC_URL"], folder)
    return 0 if good else 1


def _play(stack: ExitStack, folder: Path, environment: dict[str, str], *, stays: bool) -> bool:
    folder.mkdir(parents=True, exist_ok=True)
    Path(environment["TIEZHENG_DATA_DIR"]).mkdir(mode=0o700)
    public_url = environment["TIEZHENG_PUBLIC_URL"]
    headline("1. Set up / 准备")
    seed = json.loads(flask_command(environment, "demo", "--json"))
    say(f"{len(seed['courts'])} courts, {len(seed['users'])} people, {len(seed['cases'])} cases")
    stack.enter_context(running_witnesses(folder / "witnesses", environment))
    stack.enter_context(running_server(environment, folder / "server.log"))
    say(f"server and worker run at {public_url}, beside two witnesses of its log")
    officer = day.Officer(**seed["officer"])
    desk, lines = play_day(stack, folder, public_url, seed)
    level = wait_until_witnessed(public_url)
    say(f"two witnesses have cosigned {level.witnessed} of {level.size} entries of the log")
    headline("6. Dossier / 卷宗")
    verified = export_and_verify(desk, officer.case_id, folder, environment)
    headline("7. Observers' room / 观摩室")
    observed = _observed(desk, public_url, seed)
    headline("8. Three cases / 三个案件")
    with day.open_field(folder / "phone", public_url, public_url) as phone:
        three = Three(phone, desk, seed["devices"], folder / "three", public_url, officer.case_id)
        good = three.play()
    headline("9. Addresses and logins / 地址与账号")
    say(f"console          {public_url}/sign-in")
    say(f"start page       {public_url}/")
    say(f"API description  {public_url}/docs")
    say(f"clock code       {public_url}/time-qr")
    for what, where in three.shown:
        say(f"{what:<28} {where}")
    print_logins([tuple(row) for row in seed["logins"]])
    say(f"observer's link  {observed.open.link}")
    say(f"its code         {observed.open.code}   (told by another channel)")
    if stays:
        _invite(desk, public_url, officer)
    return verified and observed.good and good and all(line.good for line in lines)


def play_day(
    stack: ExitStack, folder: Path, public_url: str, seed: dict[str, Any]
) -> tuple[FieldClient, list[Line]]:
    """The officer's day and the supervisor's check of it, at the desk that is returned."""
    port = int(public_url.rsplit(":", 1)[1])
    proxy = stack.enter_context(FaultProxy(port, None))
    officer = day.Officer(**seed["officer"])
    samples = os.environ.get("TIEZHENG_SAMPLES")
    now = datetime.now(UTC)
    items = material.gather(folder / "camera", Path(samples) if samples else None, now)
    desk = stack.enter_context(FieldClient(public_url, store=folder / "desk", secrets=None))
    desk.enrol(seed["desk"]["code"], name="督导工作站(虚构)")
    desk.sign_in(seed["desk"]["login"], seed["desk"]["password"])
    with day.open_field(folder / "phone", proxy.url, public_url) as field:
        headline("2. Morning / 出发前")
        mission_id = day.prepare(field, desk, officer)
        headline("3. In the field, offline / 现场，无网络")
        proxy.offline = True
        for link in proxy.cut_all():
            link.join()
        captures = day.capture_offline(field, officer, mission_id, items)
        _prove_offline(field)
    headline("4. Back, on a bad connection / 返程，网络时断时续")
    rough = stack.enter_context(FaultProxy(port, day.ROUGH))
    with day.open_field(folder / "phone", rough.url, public_url) as field:
        reports = day.sync_through_cuts(field, rough)
        for problem in reports[-1].problems:
            say(f"[red]{problem.code}: {problem.detail}[/red]")
        headline("5. At the desk / 督导核对")
        case = desk.request("GET", f"/cases/{officer.case_id}").json()
        lines = compare(field, desk, case, captures)
    print_items(lines)
    return desk, lines


@dataclass(frozen=True, slots=True)
class Observed:
    """Whether a guest saw what a guest may see, and an invitation that nobody has used."""

    good: bool
    open: room.Invitation


def _observed(desk: FieldClient, public_url: str, seed: dict[str, Any]) -> Observed:
    """Two observers are invited on the console; one comes in now."""
    case_id = seed["officer"]["case_id"]
    case = desk.request("GET", f"/cases/{case_id}").json()
    missions = desk.request("GET", "/missions", query={"case_id": case_id}).json()["items"]
    mission_id = missions[0]["id"]
    released = room.release_some(desk, mission_id)
    say(f"{released} entries released early, with a reason; the others wait their ten minutes")
    login, password = seed["desk"]["login"], seed["desk"]["password"]
    first, second = (
        room.invite(public_url, login, password, mission_id, name)
        for name in ("演示代表甲(虚构)", "演示代表乙(虚构)")
    )
    good = room.visit(public_url, first, room.secrets_of(case))
    return Observed(good and released == room.RELEASED, second)


def _prove_offline(field: FieldClient) -> None:
    try:
        report = field.sync(patience_seconds=0, receipts_wait_seconds=0)
        if report.pushed or report.uploaded:
            raise SystemExit("the demo is not offline: something was sent")
    except FieldError as error:
        say(f"a sync now says: {error}")
    else:
        say(f"a sync now says: {report.paused}")
    waiting = field.pending()
    say(f"in the outbox: {waiting.records} records, {waiting.objects} files")


def _invite(desk: FieldClient, public_url: str, officer: day.Officer) -> None:
    """What somebody can type in another window: a device of their own."""
    wanted = {"kind": "dock", "name": "试用设备(虚构)"}
    code = desk.request("POST", "/enrolment-codes", json=wanted).json()["code"]
    headline("10. Try it: in this folder, in another window / 另开窗口，在本目录试用")
    for line in (
        "export TIEZHENG_STORE=var/try-$$ PATH=$PWD/.venv/bin:$PATH",
        f"tiezheng enrol {code} --name try --server {public_url}",
        f"echo {officer.password} | tiezheng sign-in {officer.login} --password-stdin",
        "tiezheng missions                                  # shows a CODE",
        "tiezheng capture README.md --mission CODE && tiezheng sync",
    ):
        say(line)


def _demo_port() -> int:
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", DEMO_PORT))
        except OSError:
            return free_port()
    return DEMO_PORT


def _stay(public_url: str, folder: Path) -> None:
    say(f"\nThe server stays at {public_url}; its data lies in {folder}. Stop it with Ctrl-C.")
    stop = threading.Event()
    handler: Callable[..., object] = lambda *_: stop.set()  # noqa: E731  a one-line handler
    signal.signal(signal.SIGTERM, handler)
    signal.signal(signal.SIGINT, handler)
    stop.wait()


if __name__ == "__main__":
    sys.exit(main())
