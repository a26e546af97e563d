"""What a court's site would publish for verifiers of an export."""

from __future__ import annotations

import json
from collections.abc import Sequence

from client_sdk.protocol.keylist import KeyPurpose
from client_sdk.protocol.trust import Trust, parse_trust
from tests.factories.exports import Bureau
from tests.factories.identity import FieldDevice, runtime_of
from tests.factories.log import signer_of


def trust_of(
    bureau: Bureau, *devices: FieldDevice, policy: str = "", tsa_roots: Sequence[str] = ()
) -> Trust:
    """The log's key, the server-event keys, and the keys of the devices (the phone's always).

    :param policy: a tlog-policy instead of the bare log key; :param tsa_roots: PEM texts.
    """
    with signer_of(bureau.app) as signer:
        (vkey,) = signer.folder.vkeys
    keys = [
        {"kid": entry.kid, "jwk": entry.key.to_jwk()}
        for entry in runtime_of(bureau.app).keyring.published()
        if entry.purpose is KeyPurpose.EVENT
    ]
    pins = [
        {"type": "device", "jkt": device.key.public.thumbprint}
        for device in (bureau.recorder.device, *devices)
    ]
    text = {
        "v": 1,
        "policy": policy or f"log {vkey}\nquorum none\n",
        "event_keys": keys,
        "enrolment_roots": pins,
        "tsa_roots": list(tsa_roots),
        "not_before": None,
    }
    return parse_trust(json.dumps(text).encode())
