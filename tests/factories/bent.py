"""Dossiers that chance bent: strange values, odd JSON, changed octets."""

from __future__ import annotations

import copy
import json
import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

from client_sdk.protocol import jcs
from tests.factories.dossiers import Package
from tests.factories.scenes import standard

STRANGE: Final[tuple[Any, ...]] = (
    None, True, 0, 1, -1, 2**53 - 1, "", "x", "constructor", "__proto__", "\u0000", "虚构",
    "9" * 5000, [], [[]], [None], {}, {"a": []}, {"id": "x"}, "9999-12-31T23:59:59.999Z",
    "0001-01-01T00:00:00+23:59", "2026-03-02T01:00:00Z", "0" * 64, "a" * 64,
)  # fmt: skip
TEXTS: Final[tuple[tuple[str, str], ...]] = (
    ("1", "1.0"), ("1", "1e0"), ("2", "-0"), ('"i"', '"\\u0069"'), ("{", "{ "), (":", ": "),
    ('"path"', '"i":1,"path"'), ("}", ',"z":0.5}'), ("}", ',"z":9007199254740993}'),
    ("}", ',"\u00e9":1}'), ("}", ',"z":"\\ud800"}'), ("}", ",}"), ("}", ',"z":NaN}'), ("]", "]]"),
    ("\n", "\r\n"), ("\n", "\n\n"), ("虚构", "\\u865a\\u6784"),
)  # fmt: skip


def places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Every container and key below a JSON value."""
    for key, item in list(value.items() if isinstance(value, dict) else enumerate(value)):
        yield value, key
        if isinstance(item, dict | list):
            yield from places(item)


def change(chance: random.Random, value: Any) -> None:
    container, key = chance.choice(list(places(value)))
    if isinstance(container, dict) and chance.random() < 0.15:
        del container[key]
    else:
        container[key] = chance.choice(STRANGE)


def bend_line(chance: random.Random, package: Package) -> None:
    lines = package.lines()
    change(chance, lines)
    rows = [json.dumps(line, sort_keys=True, separators=(",", ":")) for line in lines]
    package.files["data/entries.jsonl"] = "".join(f"{row}\n" for row in rows).encode()
    package.reseal()


def bend_text(chance: random.Random, package: Package) -> None:
    old, new = chance.choice(TEXTS)
    text = package.files["data/entries.jsonl"].decode()
    at = text.find(old, chance.randrange(len(text)))
    text = text[:at] + text[at:].replace(old, new, 1) if at >= 0 else text
    package.files["data/entries.jsonl"] = text.encode()
    package.reseal()


def bend_within(name: str) -> Callable[[random.Random, Package], None]:
    def bend(chance: random.Random, package: Package) -> None:
        lines = package.lines()
        line = chance.choice([line for line in lines if name in line])
        inner = json.loads(line[name])
        change(chance, inner)
        line[name] = jcs.dumps(inner)
        package.put_lines(lines)

    return bend


def bend_file(chance: random.Random, package: Package) -> None:
    path = chance.choice([path for path in package.files if "objects" not in path])
    data = bytearray(package.files[path])
    for _ in range(chance.randrange(1, 6)):
        at = chance.randrange(len(data) or 1)
        data[at : at + chance.randrange(3)] = chance.randbytes(chance.randrange(3))
    if chance.random() < 0.3:
        package.reseal()
    package.files[path] = bytes(data)
    if chance.random() < 0.5 and "manifest" not in path:
        package.reseal()


def bend_zip(chance: random.Random, package: Package) -> None:
    """Octets of the file itself, mostly of its directory."""
    assert package.raw is not None
    data = bytearray(package.raw)
    for _ in range(chance.choice((1, 1, 2))):
        start = chance.choice((0, max(len(data) - 3000, 0)))
        data[chance.randrange(start, len(data))] ^= 1 << chance.randrange(8)
    if chance.random() < 0.15:
        del data[chance.randrange(len(data)) :]
    package.raw = bytes(data)


BENDS: Final = {
    "line": bend_line, "text": bend_text, "leaf": bend_within("leaf"), "payload": bend_within("pl"),
    "file": bend_file, "zip": bend_zip,
}  # fmt: skip


def write_bent(folder: Path, name: str, count: int) -> list[dict[str, Any]]:
    """Genuine dossiers, each bent in one way; rows as of ``expected.json``."""
    chance = random.Random(f"bent {name}")
    scene = standard()  # no tokens: of a bent one the two libraries name different faults
    genuine = scene.export()
    raw = genuine.write(folder / "genuine.zip").read_bytes()
    (folder / "trust.json").write_bytes(scene.trust_bytes())
    rows = []
    for number in range(count):
        package = copy.copy(genuine)
        package.files = dict(genuine.files)
        package.raw = raw if name == "zip" else None
        BENDS[name](chance, package)
        file = f"{name}-{number}.zip"
        package.write(folder / file)
        rows.append({"number": file, "dossier": file, "trust": "trust.json", "priors": []})
    return rows
