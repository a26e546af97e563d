"""A server of the wire contract in memory: strict about what a client sends, with faults.

It keeps what it acknowledged, checks every signature, proof and offset, and can be told
to lose requests or answers, or to take only part of a body.
"""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from client_sdk._transport import Request, Response
from client_sdk.errors import TransportError
from client_sdk.protocol import keylist, records, statements
from client_sdk.protocol.encoding import b64url_decode
from client_sdk.protocol.enrolment import verify_enrolment_proof
from client_sdk.protocol.epochs import KeyLine
from client_sdk.protocol.keylist import KeyEntry, KeyList, KeyPurpose
from client_sdk.protocol.keys import Algorithm, PrivateKey, PublicKey
from client_sdk.protocol.payloads import Payload
from client_sdk.protocol.statements import (
    ClockReading,
    Receipt,
    SignedStatement,
    StatementKind,
    Ticket,
)
from tests.unit.sdk.fake_log import FakeLog
from tests.unit.sdk.fake_tus import BASE_URL, FakeTus, RefusedError

COURT = "01936b1e-0000-7000-8000-0000000000c0"
DEVICE = "01936b1e-0000-7000-8000-0000000000d0"
OFFICER = "01936b1e-0000-7000-8000-0000000000f0"
CODE = "7F3K-29QX"
START = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)
PROBLEM = "urn:tiezheng:problem:"

Fault = Callable[[Request], str | int | None]


@dataclass
class FakeServer(FakeTus):
    """Pass `handle` to MockTransport. `fault` may answer `lost-request`, `lost-answer`, a
    number of body bytes after which the connection breaks, or `<status>:<slug>`."""

    alg: Algorithm = Algorithm.ED25519
    fault: Fault | None = None
    now: datetime = START
    receipts_on: bool = True
    token_seconds: int = 300

    def __post_init__(self) -> None:
        self.key = PrivateKey.generate(self.alg)
        entry = KeyEntry(self.key.public.thumbprint, KeyPurpose.EVENT, self.key.public, START)
        self.keys = KeyList(1, START, (entry,))
        self.device_key: PublicKey | None = None
        self.key_line: KeyLine | None = None
        self.officers = {"liu": ("password", OFFICER)}
        self.nonce = secrets.token_urlsafe(8)
        self.rotate_nonce = False
        self.jtis: set[str] = set()
        self.tokens: dict[str, tuple[str, datetime]] = {}
        self.refresh_tokens: set[str] = set()
        self.revoked = False
        self.records: dict[tuple[int, int], str] = {}
        self.wires: dict[tuple[int, int], Any] = {}
        self.refuse_record: Callable[[dict[str, Any]], str | None] = lambda _payload: None
        self.begin_tus()
        self.changes: list[dict[str, Any]] = []
        self.expired_cursors: set[str] = set()
        self.receipt_list: list[dict[str, str]] = []
        self.receipted: set[tuple[int, int, str]] = set()
        self.ticket_changes: dict[str, str] = {}
        self.calls: list[str] = []
        self.log: FakeLog | None = None
        self.indices: dict[tuple[int, int], int] = {}

    @property
    def first_key(self) -> PublicKey:
        """The key that was bound for the first record."""
        assert self.key_line is not None
        return self.key_line.key_at(1)

    # -- transport

    def handle(self, request: Request) -> Response:
        path = urlsplit(request.url).path.removeprefix("/api/v1")
        self.calls.append(f"{request.method} {path}")
        fault = self.fault(request) if self.fault else None
        if fault == "lost-request":
            raise TransportError("cut before the server saw it")
        cut = fault if isinstance(fault, int) else None
        try:
            if isinstance(fault, str) and fault[:3].isdigit():
                status, _, slug = fault.partition(":")
                raise RefusedError(int(status), slug, **{"Retry-After": "0"})  # noqa: TRY301
            response = self._route(request, path, cut)
        except RefusedError as refused:
            body = {"type": PROBLEM + refused.slug, "title": refused.slug, "status": refused.status}
            headers = {"content-type": "application/problem+json", **_lower(refused.headers)}
            response = Response(refused.status, headers, json.dumps(body).encode())
        if fault == "lost-answer" or cut is not None:
            raise TransportError("cut before the client saw the answer")
        if self.rotate_nonce:
            self.nonce = secrets.token_urlsafe(8)
        return replace(response, headers={**response.headers, "dpop-nonce": self.nonce})

    def _route(self, request: Request, path: str, cut: int | None) -> Response:
        body: Any = None
        if request.headers.get("Content-Type") == "application/json":
            assert request.body is not None
            body = json.loads(request.body.read())
        query = dict(parse_qsl(urlsplit(request.url).query))
        if path == "/server":
            return _json(200, {"keys": keylist.sign_key_list(self.keys, self.key).to_dict()})
        if path.startswith("/log/"):
            return self._of_log(path, query)
        if path == "/devices/enrol":
            return self._enrol(body)
        if path == "/auth/token":
            self._proof(request, None)
            return self._token(body)
        kind = self._authorise(request)
        if path.startswith("/uploads"):
            return self.tus(request, path, cut)
        name = f"_{request.method.lower()}{path.replace('/', '_')}"
        view = getattr(self, name, None)
        if view is None:
            raise RefusedError(404, "not-found")
        answer: Response = view(body, query, kind)
        return answer

    def _of_log(self, path: str, query: dict[str, str]) -> Response:
        if self.log is None:
            raise RefusedError(404, "not-found")
        if path == "/log/state":
            return _json(200, {"vkeys": [self.log.vkey]})
        proof = self.log.consistency(int(query["old"]), int(query["new"]))
        if proof is None:
            raise RefusedError(404, "not-found")
        return _json(200, {**query, "proof": proof})

    # -- identity

    def _enrol(self, body: dict[str, Any]) -> Response:
        key = PublicKey.from_jwk(body["public_jwk"])
        if body["code"] != CODE or not verify_enrolment_proof(body["proof"], CODE, key):
            raise RefusedError(400, "enrolment-refused")
        if self.device_key not in (None, key):
            raise RefusedError(409, "code-used")
        assert body["alg"] == key.alg.value
        first = PublicKey.from_jwk(body["record_jwk"])
        assert verify_enrolment_proof(body["record_proof"], CODE, first)
        assert first != key
        if self.key_line is not None and self.first_key != first:
            raise RefusedError(409, "code-used")
        self.device_key, self.key_line = key, KeyLine.starting(first)
        return _json(
            201,
            {
                "device_id": DEVICE,
                "court_id": COURT,
                "court_name": "虚构法院",
                "ep": 1,
                "keys": keylist.sign_key_list(self.keys, self.key).to_dict(),
                "server_time": "2026-11-23T02:00:00.000Z",
            },
        )

    def _token(self, body: dict[str, str]) -> Response:
        grant = body["grant"]
        if grant == "password":
            known = self.officers.get(body["login"])
            if known is None or known[0] != body["password"]:
                raise RefusedError(401, "credentials-invalid")
        elif grant == "refresh":
            if body["refresh_token"] not in self.refresh_tokens:
                raise RefusedError(401, "token-invalid")
            self.refresh_tokens.discard(body["refresh_token"])
        if self.revoked:
            raise RefusedError(401, "device-revoked")
        kind = "device" if grant == "device" else "officer"
        token = f"{kind}-{secrets.token_urlsafe(8)}"
        self.tokens[token] = (kind, self.now + timedelta(seconds=self.token_seconds))
        answer: dict[str, Any] = {"access_token": token, "token_type": "DPoP"}
        answer["expires_in"] = self.token_seconds
        if kind == "officer":
            answer["refresh_token"] = secrets.token_urlsafe(8)
            self.refresh_tokens.add(answer["refresh_token"])
        return _json(200, answer)

    def _authorise(self, request: Request) -> str:
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        if scheme != "DPoP" or token not in self.tokens:
            raise RefusedError(401, "token-invalid")
        self._proof(request, token)
        kind, until = self.tokens[token]
        if until <= self.now:
            raise RefusedError(401, "token-expired")
        if self.revoked:
            raise RefusedError(401, "device-revoked")
        return kind

    def _proof(self, request: Request, token: str | None) -> None:
        head, claims, signature = request.headers["DPoP"].split(".")
        header, body = json.loads(b64url_decode(head)), json.loads(b64url_decode(claims))
        key = PublicKey.from_jwk(header["jwk"])
        assert header["typ"] == "dpop+jwt"
        assert header["alg"] == key.alg.jose
        assert key == self.device_key
        assert key.verify(b64url_decode(signature), f"{head}.{claims}".encode())
        assert body["htm"] == request.method
        assert body["htu"] == request.url.split("?")[0]
        assert isinstance(body["iat"], int)
        if body.get("nonce") != self.nonce:
            raise RefusedError(401, "use-dpop-nonce", **{"DPoP-Nonce": self.nonce})
        assert body["jti"] not in self.jtis
        self.jtis.add(body["jti"])
        if token is not None:
            digest = hashlib.sha256(token.encode()).digest()
            assert b64url_decode(body["ath"]) == digest

    def _get_me(self, _body: Any, _query: Any, _kind: str) -> Response:
        return _json(200, {"user": {"id": OFFICER}})

    def _post_auth_logout(self, _body: Any, _query: Any, _kind: str) -> Response:
        return Response(204, {})

    # -- sync

    @property
    def head(self) -> dict[str, Any]:
        seq = 0
        while (1, seq + 1) in self.records:
            seq += 1
        return {"ep": 1, "seq": seq, "hid": self.records.get((1, seq), records.GENESIS)}

    def _post_sync_push(self, body: Any, _query: Any, _kind: str) -> Response:
        assert 0 < len(body["records"]) <= 500
        results = [self._take(wire) for wire in body["records"]]
        return _json(200, {"results": results, "head": self.head})

    def _take(self, wire: dict[str, str]) -> dict[str, Any]:
        opened = records.open_record(wire)
        assert self.key_line is not None
        assert self.key_line.signed(opened)
        Payload.from_dict(opened.payload)
        header = opened.header
        result = {"seq": header.seq, "ep": header.ep, "hid": opened.hid}
        known = self.records.get((header.ep, header.seq))
        if known is not None:
            return {**result, "outcome": "duplicate" if known == opened.hid else "conflict"}
        slug = self.refuse_record(opened.payload)
        if slug:
            return {**result, "outcome": "rejected", "problem": {"type": PROBLEM + slug}}
        self.key_line.learn(opened)
        self.records[header.ep, header.seq] = opened.hid
        self.wires[header.ep, header.seq] = opened
        held = header.seq > 1 and (header.ep, header.seq - 1) not in self.records
        return {**result, "outcome": "held" if held else "accepted"}

    def _get_sync_pull(self, _body: Any, query: Any, _kind: str) -> Response:
        cursor = query.get("cursor")
        if cursor in self.expired_cursors:
            raise RefusedError(410, "cursor-expired")
        start = int(cursor or 0)
        some = self.changes[start : start + 2]
        end = start + len(some)
        more = end < len(self.changes)
        return _json(200, {"changes": some, "cursor": str(end), "has_more": more})

    def _post_clock(self, body: Any, _query: Any, _kind: str) -> Response:
        ms = int(self.now.timestamp() * 1000)
        reading = ClockReading(DEVICE, int(body["t1"]), ms, ms, secrets.token_urlsafe(6))
        return _json(
            200, statements.sign(StatementKind.CLOCK, reading.to_body(), self.key).to_dict()
        )

    def _post_tickets(self, body: Any, _query: Any, kind: str) -> Response:
        assert kind == "officer"
        ticket = Ticket(
            COURT,
            DEVICE,
            body["mission_id"],
            None,
            body["seq"],
            body["head"],
            "ticket-nonce",
            self.now + timedelta(days=3),
        )
        changed = {**ticket.to_body(), **self.ticket_changes}
        return _json(201, statements.sign(StatementKind.TICKET, changed, self.key).to_dict())

    def _post_blobs_missing(self, body: Any, _query: Any, _kind: str) -> Response:
        assert 0 < len(body["objects"]) <= 1000
        return _json(200, {"objects": [self._find(asked) for asked in body["objects"]]})

    def _find(self, asked: dict[str, Any]) -> dict[str, Any]:
        digest = asked["sha256"]
        if digest in self.blobs:
            assert len(self.blobs[digest]) == asked["size_bytes"]
            return {"sha256": digest, "state": "present"}
        for identifier, upload in self.uploads.items():
            if upload.sha256 == digest and upload.data and not upload.gone:
                url = f"{BASE_URL}/api/v1/uploads/{identifier}"
                offset = len(upload.data)
                return {"sha256": digest, "state": "partial", "offset": offset, "upload_url": url}
        return {"sha256": digest, "state": "needed"}

    def _get_receipts(self, _body: Any, query: Any, _kind: str) -> Response:
        if self.receipts_on:
            self._issue()
        if query.get("since") in self.expired_cursors:
            raise RefusedError(410, "cursor-expired")
        start = int(query.get("since") or 0)
        some = self.receipt_list[start : start + 3]
        end = start + len(some)
        more = end < len(self.receipt_list)
        return _json(200, {"receipts": some, "cursor": str(end), "has_more": more})

    def _issue(self) -> None:
        for (ep, seq), opened in sorted(self.wires.items()):
            objects = opened.payload["obj"] or [{"sha256": "", "size": None}]
            for ref in objects:
                key = (ep, seq, ref["sha256"])
                if key in self.receipted or (ref["sha256"] and ref["sha256"] not in self.blobs):
                    continue
                self.receipted.add(key)
                self.receipt_list.append(self.receipt(opened, ref))

    def prove(self, **changes: Any) -> None:
        """Supersede the receipt of everything that was receipted, under one checkpoint."""
        assert self.log is not None
        for (ep, seq), opened in sorted(self.wires.items()):
            if (ep, seq) not in self.indices:
                plain = self._said(opened, {"sha256": "", "size": None})
                self.indices[ep, seq] = self.log.add_record(opened, plain)
        for ep, seq, sha256 in sorted(self.receipted):
            opened = self.wires[ep, seq]
            nothing = {"sha256": "", "size": None}
            ref = next((r for r in opened.payload["obj"] if r["sha256"] == sha256), nothing)
            plain = self._said(opened, ref)
            newer = self.log.proven(plain, self.indices[ep, seq], **changes)
            signed = statements.sign(StatementKind.RECEIPT, newer.to_body(), self.key)
            self.receipt_list.append(signed.to_dict())

    def _said(self, opened: Any, ref: dict[str, Any]) -> Receipt:
        return Receipt.from_body(SignedStatement.from_dict(self.receipt(opened, ref)).body())

    def receipt(self, opened: Any, ref: dict[str, Any], **changes: Any) -> dict[str, str]:
        receipt = Receipt(
            COURT,
            DEVICE,
            opened.header.ep,
            opened.header.seq,
            opened.hid,
            ref["sha256"] or None,
            ref["size"],
            1,
            None,
            self.now,
            self.now,
        )
        body = replace(receipt, **changes).to_body()
        return statements.sign(StatementKind.RECEIPT, body, self.key).to_dict()


def _json(status: int, body: Any) -> Response:
    return Response(status, {"content-type": "application/json"}, json.dumps(body).encode())


def _lower(headers: dict[str, str]) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}
