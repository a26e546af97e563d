"""Two witnesses beside the demo's server, each a process of its own with its own key and memory.

In earnest they stand elsewhere, with offices that are not the log's (docs/witness.md); here they
show that nothing is called witnessed before both have cosigned it.
"""

from __future__ import annotations

import contextlib
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from client_sdk.protocol.tlog.notes import parse_vkey
from deploy.demo.processes import HOST, ROOT, ProcessError, free_port, get_json
from server.audit.signing_state import SignerFolder
from server.settings import Settings
from server.witness.state import WitnessFolder
from server.witness.witness import Witness

NAMES = ("supervision", "notary")
_START_SECONDS = 30
_LEVEL_SECONDS = 90
_PAUSE_SECONDS = 0.1


@dataclass(frozen=True, slots=True)
class Level:
    """How far the log is witnessed."""

    size: int
    witnessed: int


@contextlib.contextmanager
def running_witnesses(folder: Path, environment: dict[str, str]) -> Iterator[Path]:
    """Start them, put the policy that names them into ``environment``, and stop them at the end.

    To be entered before the server starts; yields the policy, which verifiers need as well.
    """
    log_vkeys = _log_vkeys(environment)
    lines = [f"log {vkey} {environment['TIEZHENG_PUBLIC_URL']}/log" for vkey in log_vkeys]
    with contextlib.ExitStack() as stack:
        for name in NAMES:
            port = free_port()
            vkey = _made(folder / name, f"{name}.example", log_vkeys)
            stack.enter_context(_running(folder / name, port, environment))
            lines.append(f"witness {name} {vkey} http://{HOST}:{port}")
        lines += [f"group both all {' '.join(NAMES)}", "quorum both"]
        policy = folder / "policy"
        policy.write_text("".join(f"{line}\n" for line in lines))
        environment["TIEZHENG_WITNESS_POLICY"] = str(policy)
        environment["TIEZHENG_COSIGN_SECONDS"] = "1"
        yield policy


def wait_until_witnessed(public_url: str) -> Level:
    """Wait until everything that is in the log now is witnessed; raises :class:`ProcessError`."""
    wanted: int = get_json(f"{public_url}/api/v1/log/state")["size"]
    deadline = time.monotonic() + _LEVEL_SECONDS
    while time.monotonic() < deadline:
        state = get_json(f"{public_url}/api/v1/log/state")
        if state["levels"]["L2"] >= wanted:
            return Level(state["size"], state["levels"]["L2"])
        time.sleep(_PAUSE_SECONDS)
    raise ProcessError(f"the log is not witnessed up to {wanted} entries: {state}")


def _log_vkeys(environment: Mapping[str, str]) -> list[str]:
    """The log's verifier keys; the signer's folder is made when it is not there yet."""
    settings = Settings.from_env(environment)
    folder = SignerFolder(settings.signer_folder)
    folder.open(settings.origin, datetime.now(UTC))
    try:
        return folder.vkeys
    finally:
        folder.close()


def _made(folder: Path, name: str, log_vkeys: list[str]) -> str:
    witness = Witness(WitnessFolder.create(folder, name))
    for vkey in log_vkeys:
        witness.trust(parse_vkey(vkey))
    return witness.vkey


@contextlib.contextmanager
def _running(folder: Path, port: int, environment: Mapping[str, str]) -> Iterator[None]:
    own = {name: text for name, text in environment.items() if not name.startswith("TIEZHENG_")}
    command = [sys.executable, "-m", "server.witness", "run"]
    command += ["--folder", str(folder), "--bind", f"{HOST}:{port}"]
    with (folder / "log").open("ab") as sink:
        process = subprocess.Popen(command, cwd=ROOT, env=own, stdout=sink, stderr=sink)
    try:
        yield
    finally:
        process.terminate()
        try:
            process.wait(_START_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
