"""`tiezheng verify` as people and programs call it."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from client_sdk.cli import main
from client_sdk.dossier.words import REASONS, VERDICTS
from client_sdk.protocol.verdicts import Check, Reason, Verdict
from tests.factories.scenes import Scene, policy_text
from tests.factories.tamper_kit import Kit


@pytest.fixture
def scene(kit: Kit, tmp_path: Path) -> Scene:
    """The usual case, exported to dossier.zip with trust.json and a bare policy beside it."""
    scene = kit.scene()
    scene.export().write(tmp_path / "dossier.zip")
    (tmp_path / "trust.json").write_bytes(scene.trust_bytes())
    (tmp_path / "policy.txt").write_text(policy_text(scene.world))
    return scene


def verify(folder: Path, *arguments: str, policy: str = "trust.json") -> Result:
    """Run the command in a folder without a device's store."""
    given = [str(folder / "dossier.zip"), "--policy", str(folder / policy), *arguments]
    store = str(folder / "no-store")
    return CliRunner().invoke(main, ["--store", store, "verify", *given])


def test_a_genuine_dossier(scene: Scene, tmp_path: Path) -> None:
    done = verify(tmp_path)
    assert done.exit_code == 0, done.output
    assert done.output.startswith("VERIFIED ")
    assert scene.world.case_no in done.output


def test_json_has_an_outcome_for_every_check(scene: Scene, tmp_path: Path) -> None:
    done = verify(tmp_path, "--json")
    report = json.loads(done.output)
    assert report["verdict"] == "VERIFIED"
    assert [one["check"] for one in report["checks"]] == [check.value for check in Check]
    assert {one["outcome"] for one in report["checks"]} == {"passed"}
    assert report["about"]["case"]["no"] == scene.world.case_no


def test_a_bare_policy_pins_too_little(scene: Scene, tmp_path: Path) -> None:
    done = verify(tmp_path, "--json", policy="policy.txt")
    report = json.loads(done.output)
    assert done.exit_code == 3
    reasons = {finding["reason"] for finding in report["findings"]}
    assert reasons == {"event-key-unpinned", "enrolment-unpinned", "token-unpinned"}


def test_a_flipped_bit_in_chinese(scene: Scene, tmp_path: Path) -> None:
    data = bytearray((tmp_path / "dossier.zip").read_bytes())
    at = data.index(b"photo two")
    data[at] ^= 1
    (tmp_path / "dossier.zip").write_bytes(bytes(data))
    done = verify(tmp_path, "--lang", "zh")
    assert done.exit_code == 7
    assert done.output.startswith("FAILED")
    assert REASONS[Reason.DIGEST][1] in done.output
    assert VERDICTS[Verdict.FAILED][1] in done.output


def test_a_cut_dossier_is_incomplete(scene: Scene, tmp_path: Path) -> None:
    path = tmp_path / "dossier.zip"
    path.write_bytes(path.read_bytes()[:3000])
    done = verify(tmp_path, "--json")
    assert done.exit_code == 5
    outcomes = {one["check"]: one["outcome"] for one in json.loads(done.output)["checks"]}
    assert outcomes["archive"] == "incomplete"
    assert outcomes["signatures"] == "not-run"


def test_a_kept_checkpoint_or_dossier(scene: Scene, kit: Kit, tmp_path: Path) -> None:
    package = scene.export()
    package.write(tmp_path / "dossier.zip")
    prior = tmp_path / "kept.checkpoint"
    prior.write_bytes(package.files[f"proof/prior/{scene.prior}.checkpoint"])
    assert verify(tmp_path, "--prior", str(prior)).exit_code == 0
    earlier = kit.scene().export().write(tmp_path / "other.zip")
    done = verify(tmp_path, "--prior", str(tmp_path / "dossier.zip"), "--prior", str(earlier))
    assert done.exit_code == 7
    assert "[prior-signature]" in done.output
    assert "--prior 2" in done.output
    prior.write_bytes(b"not a note")
    assert verify(tmp_path, "--prior", str(prior)).exit_code == 2


@pytest.mark.parametrize(
    "text", ["", "{}", '{"v":1,"v":1}', "log nothing\n", "{" * 5000, '{"v":1,"policy":5}']
)
def test_a_policy_that_is_none(scene: Scene, tmp_path: Path, text: str) -> None:
    (tmp_path / "trust.json").write_text(text)
    done = verify(tmp_path)
    assert done.exit_code == 2, done.output
    assert "--policy" in done.output


def test_every_reason_has_words() -> None:
    assert set(REASONS) == set(Reason)
    assert set(VERDICTS) == set(Verdict)


def test_the_verifier_loads_neither_network_nor_server() -> None:
    code = (
        "import sys, client_sdk.dossier.verify;"
        "print([name for name in sys.modules if name.partition('.')[0] in"
        " {'httpx', 'requests', 'server', 'storage', 'flask'}"
        " or name.startswith(('client_sdk._', 'client_sdk.client'))])"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout == "[]\n"
