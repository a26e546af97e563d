"""The trust file names what this server signs with, and nothing that it does not know."""

from __future__ import annotations

import json

from flask import Flask

from client_sdk.protocol.keys import Algorithm, PrivateKey
from client_sdk.protocol.trust import RootKind, parse_trust
from server.core.keyring import EVENT
from tests.factories.commands import asked, run
from tests.factories.identity import World, runtime_of
from tests.integration.identity.test_devices import enrol, offered
from tests.integration.identity.test_reenrolment import own_keys


def test_it_pins_the_log_the_servers_keys_and_no_devices(app: Flask) -> None:
    World.build(app)
    first = runtime_of(app).keyring.active(EVENT)
    second = asked(app, "keys", "rotate", EVENT)["kid"]

    found = parse_trust(json.dumps(asked(app, "trust")).encode())

    assert {kid for kid, _ in found.event_keys} == {first.kid, second}
    assert dict(found.event_keys)[first.kid] == first.public
    (vkey,) = asked(app, "signer", "--key")["vkeys"]
    assert found.policy_text == f"log {vkey}\nquorum none\n"
    assert found.enrolment_roots == ()
    assert found.tsa_roots == ()


def test_devices_are_pinned_by_the_first_key_that_signs_their_records(app: Flask) -> None:
    world = World.build(app)
    code, identity = offered(world)["code"], PrivateKey.generate(Algorithm.ES256)
    first, fields = own_keys(code)
    assert enrol(app, code, identity, **fields).status_code == 201

    found = parse_trust(run(app, "trust", "--devices").stdout.encode())

    assert {root.kind for root in found.enrolment_roots} == {RootKind.DEVICE}
    assert {root.jkt for root in found.enrolment_roots} == {first.public.thumbprint}
