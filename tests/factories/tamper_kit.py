"""What the tamper cases share: authorities, the usual scene, and how a dossier is bent."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any

from client_sdk.protocol import jcs
from client_sdk.protocol.records import payload_commitment
from client_sdk.protocol.verdicts import Reason, Verdict
from tests.factories.dossiers import Package
from tests.factories.scenes import Scene, begin, standard
from tests.factories.worlds import Sealed, sign_header
from tests.support.tsa import Authority, Root, new_authority, new_root

Line = dict[str, Any]


@dataclass
class Kit:
    """Authorities, made once; every scene is made anew."""

    folder: Path
    count: int = 0

    @cached_property
    def authorities(self) -> tuple[Authority, Authority]:
        """The two that the trust file pins."""
        return self.authority("TSA A (fictional)"), self.authority("TSA B (fictional)")

    @cached_property
    def foreign(self) -> Authority:
        """One of a root that nobody pins, under the name of a pinned one."""
        return self.authority("TSA A (fictional)", root=new_root("TSA A (fictional) root"))

    def authority(
        self, name: str, *, root: Root | None = None, ends_at: datetime | None = None
    ) -> Authority:
        """A further authority."""
        self.count += 1
        return new_authority(self.folder / f"tsa-{self.count}", name, root=root, ends_at=ends_at)

    def scene(self) -> Scene:
        """The usual case, not yet exported."""
        return standard(self.authorities)

    def bare(self) -> Scene:
        """Devices enrolled, nothing of the case yet."""
        return begin(self.authorities)


@dataclass
class Made:
    """A dossier, the trust file to judge it by, and checkpoints kept from earlier."""

    package: Package
    trust: bytes
    priors: tuple[bytes, ...] = ()


@dataclass(frozen=True)
class TamperCase:
    """One attack (or fault): what is done, and what both verifiers must say of it."""

    number: str
    title: str
    make: Callable[[Kit], Made]
    verdict: Verdict
    reasons: frozenset[Reason] = field(default_factory=frozenset)


class Register:
    """Collects the cases of a module by a decorator."""

    def __init__(self) -> None:
        self.cases: list[TamperCase] = []

    def __call__(
        self, number: str, title: str, verdict: Verdict, *reasons: Reason
    ) -> Callable[[Callable[[Kit], Made]], Callable[[Kit], Made]]:
        def keep(make: Callable[[Kit], Made]) -> Callable[[Kit], Made]:
            self.cases.append(TamperCase(number, title, make, verdict, frozenset(reasons)))
            return make

        return keep


def done(scene: Scene, package: Package | None = None, **trust: Any) -> Made:
    """Exported as it is, or a bent package of the scene."""
    return Made(package or scene.export(), scene.trust_bytes(**trust))


def bent_line(package: Package, index: int, **changes: Any) -> Package:
    """One entry line with other members, the bag sealed anew."""
    return package.put_lines(
        [line | changes if line["i"] == index else line for line in package.lines()]
    )


def without_lines(package: Package, drop: Callable[[Line], bool]) -> Package:
    """Without some entry lines, the bag sealed anew."""
    return package.put_lines([line for line in package.lines() if not drop(line)])


def index_of(scene: Scene, one: Sealed | None) -> int:
    """Log index of what was sealed."""
    return next(at for at, other in enumerate(scene.world.sealed) if other is one)


def photo_path(one: Sealed) -> str:
    """Path of a capture's original."""
    return f"data/objects/{one.payload['obj'][0]['sha256']}"


def digest(data: bytes) -> str:
    """SHA-256 in hexadecimal."""
    return hashlib.sha256(data).hexdigest()


def forged(one: Sealed, **changes: Any) -> None:
    """Another payload under a header that commits to it; the signature stays what it was."""
    one.p = jcs.dumps(one.payload | changes)
    header = one.header | {"pc": payload_commitment(one.p, bytes.fromhex(one.salt))}
    one.h = jcs.dumps(header)


def resigned(scene: Scene, one: Sealed, **changes: Any) -> None:
    """The same for a server event, by whoever holds the server's key."""
    forged(one, **changes)
    one.s = sign_header(scene.world.event_key, one.h)
