"""What the server exports is what the verifier accepts."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from flask import Flask

from client_sdk.dossier.verify import verify_dossier
from client_sdk.protocol.trust import Trust, parse_trust
from tests.factories.exports import Bureau
from tests.factories.identity import runtime_of
from tests.factories.log import signer_of


@pytest.fixture
def bureau(app: Flask) -> Bureau:
    return Bureau.build(app)


def trust_of(bureau: Bureau) -> Trust:
    """What the court's site would say: log key, event keys, the phone's key."""
    with signer_of(bureau.app) as signer:
        (vkey,) = signer.folder.vkeys
    keys = [
        {"kid": entry.kid, "jwk": entry.key.to_jwk()}
        for entry in runtime_of(bureau.app).keyring.published()
        if entry.purpose.value == "event"
    ]
    return parse_trust(
        json.dumps(
            {
                "v": 1,
                "policy": f"log {vkey}\nquorum none\n",
                "event_keys": keys,
                "enrolment_roots": [
                    {"type": "device", "jkt": bureau.recorder.device.key.public.thumbprint}
                ],
                "tsa_roots": [],
                "not_before": None,
            }
        ).encode()
    )


def test_a_whole_case_is_verified(bureau: Bureau, tmp_path: Path) -> None:
    package = bureau.package(bureau.export(), tmp_path)
    report = verify_dossier(package, trust_of(bureau))
    print(report)
    assert report.findings == ()
