"""A case as it happens: two devices, photos, a recording in the past, hand-overs, an export."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from client_sdk.protocol.keys import Algorithm
from client_sdk.protocol.tlog.notes import VerifierKey, format_vkey
from tests.factories.dossiers import Export, Package, export
from tests.factories.worlds import Device, Sealed, World
from tests.support.tsa import Authority


@dataclass
class Scene:
    """The world and the parts that a test wants to get hold of."""

    world: World
    authorities: tuple[Authority, ...]
    phone: Device
    tablet: Device
    photos: list[Sealed] = field(default_factory=list)
    items: list[UUID] = field(default_factory=list)
    stub: Sealed | None = None
    note: Sealed | None = None
    attest: Sealed | None = None
    viewed: Sealed | None = None
    ticket: Sealed | None = None
    offer: Sealed | None = None
    accepted: Sealed | None = None
    prior: int = 0

    def export(self, **how: Any) -> Package:
        """Export; both authorities and the earlier checkpoint unless said otherwise."""
        usual: dict[str, Any] = {"authorities": self.authorities, "priors": (self.prior,)}
        return export(self.world, Export(**(usual | how)))

    def trust(self, **changes: Any) -> dict[str, Any]:
        """The trust file's members."""
        world = self.world
        return {
            "v": 1,
            "policy": policy_text(world),
            "event_keys": [{"kid": world.event_root.thumbprint, "jwk": world.event_root.to_jwk()}],
            "enrolment_roots": [{"type": "supervisor", "jwk": world.supervisor.public.to_jwk()}],
            "tsa_roots": [one.root.pem.decode() for one in self.authorities],
            "not_before": "2026-01-01T00:00:00.000Z",
        } | changes

    def trust_bytes(self, **changes: Any) -> bytes:
        """The trust file."""
        return json.dumps(self.trust(**changes), ensure_ascii=False).encode()


def policy_text(world: World, quorum: int = 2) -> str:
    """A tlog-policy: the log, its witnesses, two of three."""
    log: VerifierKey = world.log.verifier_key
    lines = [f"log {format_vkey(log)}"]
    names = []
    for number, witness in enumerate(world.witnesses, start=1):
        names.append(f"w{number}")
        lines.append(f"witness w{number} {format_vkey(witness.verifier_key)}")
    lines += [f"group two-of-three {quorum} {' '.join(names)}", "quorum two-of-three"]
    return "".join(f"{line}\n" for line in lines)


def begin(authorities: Sequence[Authority] = ()) -> Scene:
    """Keys and devices; nothing of the case yet."""
    world = World()
    world.fill(3)
    phone, tablet = world.enrol(Algorithm.ES256), world.enrol(Algorithm.ED25519)
    world.rotate_event_key()
    return Scene(world, tuple(authorities), phone, tablet)


def standard(authorities: Sequence[Authority] = ()) -> Scene:
    """The usual case: everything an ordinary dossier has."""
    scene = begin(authorities)
    world, phone, tablet = scene.world, scene.phone, scene.tablet
    phone.record("log.note", case=world.other_case, text="别案（虚构）")
    phone.next_key()
    scene.ticket = world.give_ticket(phone)
    world.event("case.added", ("case", world.case_id), {"no": world.case_no})
    scene.photos.append(phone.capture(b"photo one, fictional"))
    scene.stub = phone.record("log.note", case=world.other_case, text="别案（虚构）")
    scene.photos.append(phone.capture(b"photo two, fictional!"))
    world.fill(5)
    scene.prior = len(world.sealed)
    phone.next_key()
    scene.note = phone.record("log.note", text="现场说明（虚构）")
    tablet.record("log.note", text="平板在场（虚构）")
    scene.attest = tablet.record("head.attest", case=None, head=phone.head_text())
    phone.next_key()
    scene.photos.append(phone.capture(b"photo three, fictional"))
    tablet.record("log.note", text="平板离场（虚构）")
    for photo in scene.photos:
        scene.items.append(world.verify_item(photo))
    first = scene.items[0]
    facts = {"sha256": scene.photos[0].payload["obj"][0]["sha256"]}
    scene.viewed = world.event("custody.viewed", ("evidence", first), facts, user=world.judge)
    give = {"from": str(world.officer), "to": str(world.judge)}
    scene.offer = world.event("custody.offered", ("evidence", first), give)
    scene.accepted = world.event(
        "custody.accepted", ("evidence", first), {"offer": scene.offer.hid}, user=world.judge
    )
    world.event("custody.downloaded", ("evidence", first), facts, user=world.judge)
    world.fill(4)
    return scene
