"""Wrote the fixed vectors beside this file, once; every implementation is held to them.

Run again only for a new file: `python -m tests.vectors.make_vectors NAME…`. It refuses to
change a file that exists. The keys are for tests alone.
"""

from __future__ import annotations

import hashlib
import json
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec, ed25519

from client_sdk.protocol import jcs, keylist, records, statements, timeqr
from client_sdk.protocol.encoding import b64url_encode
from client_sdk.protocol.enrolment import enrolment_proof
from client_sdk.protocol.keylist import KeyEntry, KeyList, KeyPurpose
from client_sdk.protocol.keys import Algorithm, PrivateKey
from client_sdk.protocol.statements import ClockReading, Receipt, StatementKind, Ticket

HERE = Path(__file__).parent
NOW = datetime(2026, 11, 23, 2, 0, 0, 123000, UTC)
COURT = "01936b1e-0000-7000-8000-0000000000c0"
DEVICE = "01936b1e-0000-7000-8000-0000000000d0"
OFFICER = "01936b1e-0000-7000-8000-0000000000f0"
CASE = "01936b1e-0000-7000-8000-0000000000a0"
MISSION = "01936b1e-0000-7000-8000-0000000000e0"
ACTION = "01936b1e-0000-7000-8000-0000000000b0"
_ENTRIES: list[tuple[str, dict[str, Any]]] = [
    ("action.started", {"type": "search", "place": "东坡村(虚构)"}),
    ("action.people", {"people": [{"name": "孙样例(虚构)", "role": "staff",
                                   "post": "enforcement_judge", "sex": "F"}], "minors_on_site": 0}),
    ("action.facts", {"facts": {"credentials_shown": True, "force_opened": False}}),
    ("action.item", {"no": 1, "name": "账册(虚构)", "photos": ["00" * 32], "exempt": False}),
    ("action.gap", {"begins_at": "2026-11-23T10:10:00+08:00", "reason": "更换电池(虚构)",
                    "ends_at": "2026-11-23T10:22:00+08:00"}),
    ("action.ended", {}),
    ("case.promise", {"on": "2026-11-23", "by": "某(虚构)", "due_on": "2026-12-01",
                      "what": "付清(虚构)", "amount_fen": 500_000}),
    ("case.promise", {"on": "2026-11-23", "by": "某(虚构)", "due_on": "2026-12-31",
                      "what": "付清(虚构)", "amount_fen": 500_000}),
]  # fmt: skip


def test_key(alg: Algorithm, name: str) -> PrivateKey:
    """A key that is known to everybody."""
    seed = hashlib.sha256(f"tiezheng test key {name}".encode()).digest()
    if alg is Algorithm.ED25519:
        return PrivateKey(alg, ed25519.Ed25519PrivateKey.from_private_bytes(seed))
    return PrivateKey(alg, ec.derive_private_key(int.from_bytes(seed), ec.SECP256R1()))


def _key(key: PrivateKey) -> dict[str, Any]:
    return {
        "alg": key.alg.value,
        "jwk": key.public.to_jwk(),
        "thumbprint": key.public.thumbprint,
        "pem": key.to_pem().decode(),
    }


def _instant(mono: int) -> dict[str, Any]:
    return {
        "wall": "2026-11-23T10:00:00.123+08:00",
        "mono": mono,
        "boot": "6f1d8f1e-0000-4000-8000-000000000001",
        "suspend": True,
    }


def _payloads() -> list[dict[str, Any]]:
    common = {"who": OFFICER, "case": CASE, "mission": MISSION}
    names = ["证据 0231.jpg".encode(), b"\xff\x00raw", "\u202egpj.exe".encode()]
    captures: list[dict[str, Any]] = [
        {
            **common,
            "act": "capture.recorded",
            "geo": {
                "lat": "38.2100000",
                "lon": "104.4100000",
                "acc_m": "8.0",
                "datum": "WGS84",
                "src": "gnss",
            },
            "obj": [
                {
                    "sha256": hashlib.sha256(name).hexdigest(),
                    "size": len(name),
                    "mime": "image/jpeg",
                    "name_b64": b64url_encode(name),
                }
            ],
            "t": _instant(1000 + place),
            "media": "photo",
            "ticket": "AAAAAAAAAAAAAAAA",
        }
        for place, name in enumerate(names)
    ]
    note = {
        **common,
        "act": "log.note",
        "geo": {"none": "no-fix"},
        "obj": [],
        "t": _instant(2000),
        "text": '到达现场，门已上锁。\n\u2028\u0001"\\/😀',
    }
    return [*captures, note]


def make_records() -> dict[str, Any]:
    """Chains of both algorithms, and records that must be refused."""
    chains: list[dict[str, Any]] = []
    for alg in Algorithm:
        key, prev = test_key(alg, "device"), records.GENESIS
        links: list[dict[str, Any]] = []
        for seq, payload in enumerate(_payloads(), start=1):
            salt = hashlib.sha256(f"salt {seq}".encode()).digest()
            sealed = records.seal(payload, src=DEVICE, ep=1, seq=seq, prev=prev, salt=salt, key=key)
            prev = sealed.hid
            links.append({"wire": sealed.record.to_dict(), "hid": prev, "payload": payload})
        chains.append({"key": _key(key), "records": links})
    return {"chains": chains, "refused": _refused(chains[0]["records"][0]["wire"])}


def _refused(wire: dict[str, str]) -> list[dict[str, Any]]:
    header = json.loads(wire["h"])
    return [
        {
            "why": "salt of another record",
            "code": "record-commitment",
            "wire": wire | {"salt": "00" * 32},
        },
        {"why": "payload edited", "code": "record-commitment", "wire": wire | {"p": "{}"}},
        {"why": "payload with spaces", "code": "record-payload", "wire": wire | {"p": '{"a": 1}'}},
        {
            "why": "header member added",
            "code": "record-header",
            "wire": wire | {"h": jcs.dumps(header | {"x": 1})},
        },
        {
            "why": "unknown version",
            "code": "record-version",
            "wire": wire | {"h": jcs.dumps(header | {"v": 2})},
        },
        {
            "why": "seq 2 without predecessor",
            "code": "record-header",
            "wire": wire | {"h": jcs.dumps(header | {"seq": 2})},
        },
        {
            "why": "padded signature",
            "code": "record-shape",
            "wire": wire | {"sig": wire["sig"] + "=="},
        },
        {"why": "upper-case salt", "code": "record-shape", "wire": wire | {"salt": "AB" * 32}},
        {
            "why": "member missing",
            "code": "record-shape",
            "wire": {k: v for k, v in wire.items() if k != "sig"},
        },
    ]


def make_jcs() -> dict[str, Any]:
    """Canonical texts with their values, and texts that must be refused."""
    good: list[Any] = [
        None,
        True,
        0,
        -1,
        2**53 - 1,
        1 - 2**53,
        "",
        "铁证",
        '\b\t\n\f\r"\\\u0000\u001f\u007f/é€😂\u2028\u2029',
        [],
        {},
        [[], {}, [None]],
        {"b": 1, "a": {"Z": 1, "_": 2, "a": 3}, "": 0, "10": 1, "2": 2, "\u007f": 1, "\n": 1},
    ]
    bad = {
        "duplicate-key": ['{"a":1,"a":2}', '{"a":{"b":1,"b":1}}'],
        "key-not-ascii": ['{"é":1}'],
        "float": ["1.0", "1e3", "-0.0", "NaN", "Infinity"],
        "integer-range": ["9007199254740992", "-9007199254740992"],
        "too-deep": ["[" * 33 + "]" * 33],
        "not-json": ["", "[1,]", "01", '"a\nb"', "{}{}", "\ufeff{}"],
        "not-canonical": [
            "-0",
            '"\\ud800"',
            '"\\u0041"',
            '"\\/"',
            '"\\u001F"',
            '{"b":1,"a":2}',
            '{"a": 1}',
            " 1",
            "1\n",
        ],
    }
    return {
        "good": [{"value": value, "text": jcs.dumps(value)} for value in good],
        "bad": [{"code": code, "text": text} for code, texts in bad.items() for text in texts],
        "bad_bytes_hex": [b'"\xff"'.hex(), b'"\xed\xa0\x80"'.hex()],
    }


def make_statements() -> dict[str, Any]:
    """Receipts, a ticket, a clock reading and key lists with a succession."""
    first, second = test_key(Algorithm.ED25519, "event 1"), test_key(Algorithm.ES256, "event 2")
    entry = KeyEntry(first.public.thumbprint, KeyPurpose.EVENT, first.public, NOW)
    log = test_key(Algorithm.ED25519, "log").public
    lists = [KeyList(1, NOW, (entry, KeyEntry(log.thumbprint, KeyPurpose.LOG, log, NOW)))]
    heir = keylist.successor(entry, first, second.public, NOW)
    lists.append(KeyList(2, NOW, (*lists[0].keys, heir)))
    receipts = [
        Receipt(COURT, DEVICE, 1, 1, "ab" * 32, "cd" * 32, 2**60, 1, None, NOW, NOW),
        Receipt(COURT, DEVICE, 1, 1, "ab" * 32, "cd" * 32, 2**60, 2, 2**62, NOW, NOW),
        Receipt(COURT, DEVICE, 1, 4, "ab" * 32, None, None, 1, None, NOW, NOW),
    ]
    ticket = Ticket(COURT, DEVICE, MISSION, (CASE,), 0, records.GENESIS, "AAAAAAAAAAAAAAAA", NOW)
    reading = ClockReading(DEVICE, 1795399200123, 1795399200223, 1795399200224, "AAAA")
    bodies = [
        *((StatementKind.RECEIPT, receipt.to_body()) for receipt in receipts),
        (StatementKind.TICKET, ticket.to_body()),
        (StatementKind.CLOCK, reading.to_body()),
    ]
    return {
        "keys": [_key(first), _key(second)],
        "statements": [
            {
                "kind": kind.value,
                "statement": statements.sign(kind, body, key).to_dict(),
                "body": body,
            }
            for kind, body in bodies
            for key in (first, second)
        ],
        "key_lists": [
            keylist.sign_key_list(lists[0], first).to_dict(),
            keylist.sign_key_list(lists[1], second).to_dict(),
        ],
        "time_qr": [timeqr.make(1795399200123, bytes(9), key).text for key in (first, second)],
        "enrolment": [
            {"code": "7F3K-29QX", "proof": enrolment_proof("7F3K-29QX", key), "key": place}
            for place, key in enumerate((first, second))
        ],
    }


def make_entries() -> dict[str, Any]:
    """A chain with entries about an action, one of which is amended, and payloads to refuse."""
    key, prev = test_key(Algorithm.ES256, "device"), records.GENESIS
    links: list[dict[str, Any]] = []
    for seq, (act, data) in enumerate(_ENTRIES, start=1):
        entry: dict[str, Any] = {"data": data}
        entry |= {} if act.startswith("case.") else {"action": ACTION}
        entry |= {"amends": prev} if seq == len(_ENTRIES) else {}
        payload = {**_said(act, 3000 + seq), "entry": entry}
        salt = hashlib.sha256(f"salt {seq}".encode()).digest()
        sealed = records.seal(payload, src=DEVICE, ep=1, seq=seq, prev=prev, salt=salt, key=key)
        prev = sealed.hid
        links.append({"wire": sealed.record.to_dict(), "hid": prev, "payload": payload})
    return {"chain": {"key": _key(key), "records": links}, "refused": _refused_entries()}


def _said(act: str, mono: int) -> dict[str, Any]:
    common: dict[str, Any] = {"who": OFFICER, "case": CASE, "mission": None, "obj": []}
    return {**common, "act": act, "geo": {"none": "no-fix"}, "t": _instant(mono)}


def _refused_entries() -> list[dict[str, Any]]:
    started, note = _said("action.started", 1), _said("log.note", 1)
    seal = {"type": "seal"}
    cases: list[tuple[str, dict[str, Any]]] = [
        ("no entry", started),
        (
            "an entry where none belongs",
            {**note, "text": "x", "entry": {"data": {}}},
        ),
        ("a member that is unknown", {**started, "entry": {"data": seal, "extra": 1}}),
        ("data that is no object", {**started, "entry": {"data": [], "action": ACTION}}),
        ("an action that is no id", {**started, "entry": {"data": seal, "action": "7"}}),
        ("amends that is no digest", {**started, "entry": {"data": seal, "amends": "00"}}),
    ]
    return [{"why": why, "payload": payload} for why, payload in cases]


MAKERS = {
    "entries": make_entries,
    "records": make_records,
    "jcs": make_jcs,
    "statements": make_statements,
}


def main(names: list[str]) -> None:
    """Write the named vectors; those that exist stay as they are."""
    for name in names:
        with (HERE / f"{name}.json").open("x", encoding="utf-8") as file:
            json.dump(MAKERS[name](), file, ensure_ascii=True, indent=1)
            file.write("\n")


if __name__ == "__main__":
    main(sys.argv[1:] or list(MAKERS))
