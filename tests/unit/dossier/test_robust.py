"""Whatever is done to a dossier: a verdict, never an exception, and VERIFIED only when unharmed."""

import io
import json
import random
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from client_sdk.dossier.verify import verify_dossier
from client_sdk.protocol import jcs
from client_sdk.protocol.trust import Trust, parse_trust
from client_sdk.protocol.verdicts import Verdict
from tests.factories.dossiers import Package
from tests.factories.scenes import standard
from tests.factories.tamper_kit import Kit

_STRANGE: tuple[Any, ...] = (
    None, True, 0, -1, 2**53 - 1, "", "x", "\u0000", "9" * 5000, [], [[]], [None], {}, {"a": []},
    "9999-12-31T23:59:59.999Z", "0001-01-01T00:00:00+23:59",
)  # fmt: skip


@pytest.fixture(scope="module")
def genuine(kit: Kit, tmp_path_factory: pytest.TempPathFactory) -> tuple[bytes, Trust]:
    scene = standard(kit.authorities)
    path = scene.export().write(tmp_path_factory.mktemp("genuine") / "dossier.zip")
    return path.read_bytes(), parse_trust(scene.trust_bytes())


def contents(data: bytes) -> dict[str, bytes]:
    """Files as a lenient library sees them."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def test_tamper_1_any_changed_octet_is_noticed_or_harmless(
    genuine: tuple[bytes, Trust], tmp_path: Path
) -> None:
    data, trust = genuine
    chance, path = random.Random(11), tmp_path / "dossier.zip"
    for _ in range(150):
        at, bit = chance.randrange(len(data)), 1 << chance.randrange(8)
        bent = data[:at] + bytes([data[at] ^ bit]) + data[at + 1 :]
        path.write_bytes(bent)
        report = verify_dossier(path, trust)
        if report.verdict is Verdict.VERIFIED:  # a date or version in a header of the ZIP
            assert contents(bent) == contents(data), at


def test_tamper_4_any_cut_is_noticed(genuine: tuple[bytes, Trust], tmp_path: Path) -> None:
    data, trust = genuine
    chance, path = random.Random(12), tmp_path / "dossier.zip"
    for length in [0, 1, 3, 4, 21, 22, 30, *(chance.randrange(len(data)) for _ in range(80))]:
        path.write_bytes(data[:length])
        report = verify_dossier(path, trust)
        assert report.verdict in {Verdict.INCOMPLETE, Verdict.FAILED}, length


def members_of(value: Any) -> list[tuple[Any, Any]]:
    """Every container and key below a JSON value."""
    found: list[tuple[Any, Any]] = []
    pairs = value.items() if isinstance(value, dict) else enumerate(value)
    for key, item in list(pairs):
        found.append((value, key))
        if isinstance(item, dict | list):
            found += members_of(item)
    return found


def bend_payload(chance: random.Random, package: Package) -> None:
    lines = package.lines()
    line = chance.choice([line for line in lines if "pl" in line])
    payload = json.loads(line["pl"])
    container, key = chance.choice(members_of(payload))
    container[key] = chance.choice(_STRANGE)
    line["pl"] = jcs.dumps(payload)
    package.put_lines(lines)


def bend_line(chance: random.Random, package: Package) -> None:
    lines = package.lines()
    container, key = chance.choice(members_of(lines))
    container[key] = chance.choice(_STRANGE)
    rows = [json.dumps(line, sort_keys=True, separators=(",", ":")) for line in lines]
    package.files["data/entries.jsonl"] = "".join(f"{row}\n" for row in rows).encode()
    package.reseal()


def bend_leaf(chance: random.Random, package: Package) -> None:
    lines = package.lines()
    line = chance.choice(lines)
    leaf = json.loads(line["leaf"])
    container, key = chance.choice(members_of(leaf))
    container[key] = chance.choice(_STRANGE)
    line["leaf"] = jcs.dumps(leaf)
    package.put_lines(lines)


def bend_file(chance: random.Random, package: Package) -> None:
    # Lines of keys that nobody knows are no fault of a note; those of an earlier one stand alone.
    paths = [path for path in package.files if path.startswith("proof/")]
    path = chance.choice([path for path in paths if not path.endswith(".checkpoint")])
    data = bytearray(package.files[path])
    for _ in range(chance.randrange(1, 6)):
        at = chance.randrange(len(data))
        data[at : at + chance.randrange(3)] = chance.randbytes(chance.randrange(3))
    package.files[path] = bytes(data)
    package.reseal()


@pytest.mark.parametrize("bend", [bend_payload, bend_line, bend_leaf, bend_file])
def test_tamper_9_strange_values_give_a_verdict(
    bend: Callable[[random.Random, Package], None], tmp_path: Path
) -> None:
    chance, path = random.Random(13), tmp_path / "dossier.zip"
    scene = standard()
    trust, package = parse_trust(scene.trust_bytes()), scene.export()
    files = dict(package.files)
    for _ in range(60):
        package.files = dict(files)
        bend(chance, package)
        changed = package.files != files
        verdict = verify_dossier(package.write(path), trust).verdict
        assert verdict in {Verdict.INCOMPLETE, Verdict.FAILED} or not changed


@pytest.mark.parametrize("rx", ["9999-12-31T23:59:59.999Z", "0001-01-01T00:00:00.000+23:59"])
def test_tamper_39_times_at_the_ends_of_the_calendar(rx: str, tmp_path: Path) -> None:
    scene = standard()
    for one in scene.world.sealed:
        one.rx = rx
    path = scene.export().write(tmp_path / "dossier.zip")
    assert verify_dossier(path, parse_trust(scene.trust_bytes())).verdict is Verdict.FAILED
