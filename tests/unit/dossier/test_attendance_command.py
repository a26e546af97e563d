"""`tiezheng verify` of the note that an observer kept."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

from click.testing import CliRunner, Result

from client_sdk.cli import main
from client_sdk.protocol.attendance import sign_attendance
from client_sdk.protocol.keys import Algorithm, PrivateKey
from client_sdk.protocol.trust import parse_trust
from tests.factories.scenes import policy_text
from tests.factories.tamper_kit import Kit
from tests.unit.protocol.test_attendance import NOTE


def run(
    kit: Kit, folder: Path, *arguments: str, signer: PrivateKey | None = None, spoil: str = ""
) -> Result:
    """The command over a note of the server, or of whom else signed it, by a pinned key."""
    scene = kit.scene()
    key = scene.world.event_key
    pins = ((key.public.thumbprint, key.public),)  # as the server prints them: all of its keys
    trust = replace(parse_trust(scene.trust_bytes()), event_keys=pins)
    (folder / "trust.json").write_text(trust.to_text())
    signer = signer or key
    (folder / "policy.txt").write_text(policy_text(scene.world))
    value = sign_attendance(NOTE, signer, signer.public.thumbprint).to_dict()
    if spoil:
        value["s"] = value["s"].replace('"seconds":60', spoil)
    (folder / "attendance.json").write_text(json.dumps(value, indent=1))
    given = [str(folder / "attendance.json"), *arguments]
    if "--policy" not in arguments:
        given += ["--policy", str(folder / "trust.json")]
    return CliRunner().invoke(main, ["--store", str(folder / "no-store"), "verify", *given])


def test_a_genuine_note_is_verified(kit: Kit, tmp_path: Path) -> None:
    done = run(kit, tmp_path, "--json")
    assert done.exit_code == 0, done.output
    found = json.loads(done.output)
    assert found["verdict"] == "VERIFIED"
    assert found["attendance"] == NOTE.to_body()


def test_people_read_who_was_there(kit: Kit, tmp_path: Path) -> None:
    done = run(kit, tmp_path, "--lang", "zh")
    assert "邓观摩" in done.output
    assert "观摩秒数: 60" in done.output


def test_a_changed_note_fails(kit: Kit, tmp_path: Path) -> None:
    done = run(kit, tmp_path, "--json", spoil='"seconds":61')
    assert done.exit_code == 7
    assert json.loads(done.output)["verdict"] == "FAILED"


def test_a_note_of_a_stranger_fails(kit: Kit, tmp_path: Path) -> None:
    stranger = PrivateKey.generate(Algorithm.ED25519)
    assert run(kit, tmp_path, signer=stranger).exit_code == 7


def test_a_bare_policy_pins_no_key_of_the_server(kit: Kit, tmp_path: Path) -> None:
    policy = str(tmp_path / "policy.txt")
    done = run(kit, tmp_path, "--policy", policy)
    assert done.exit_code == 7
