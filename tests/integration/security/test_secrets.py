"""Secrets and personal data stay out of the log, the events and what is kept of answers."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyotp
import pytest
import requests
import sqlalchemy as sa

from client_sdk.protocol.enrolment import enrolment_proof
from client_sdk.protocol.keys import Algorithm, PrivateKey
from server.core.db import Base, db
from server.core.transactions import EVERY_COURT, unit_of_work
from tests.factories.cases import add_case
from tests.factories.identity import API, PASSWORD, World, access_token, auth_headers, proof_headers
from tests.support.grounds import database
from tests.support.live import LiveServer, running


@dataclass
class Talk:
    """A conversation with the real server; ``secrets`` collects what must not be found."""

    server: LiveServer
    world: World
    secrets: dict[str, str] = field(default_factory=dict)

    def send(
        self, method: str, path: str, body: Any = None, *, token: str = "", **headers: str
    ) -> requests.Response:
        key = self.world.first.phone.key
        path = API + path
        signed = (
            auth_headers(self.server.app, key, token, method, path)
            if token
            else proof_headers(self.server.app, key, method, path)
        )
        self.secrets[f"proof {len(self.secrets)}"] = signed["DPoP"]
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return requests.request(
            method, self.server.url + path, json=body, headers={**signed, **named}, timeout=30
        )

    def administrator(self) -> str:
        token = access_token(
            self.server.app, self.world.first.administrator, self.world.first.phone
        )
        self.secrets["administrator's token"] = token
        return token

    def supervisor(self) -> str:
        token = access_token(self.server.app, self.world.first.supervisor, self.world.first.phone)
        self.secrets["supervisor's token"] = token
        return token


@pytest.fixture(params=["sqlite", "postgresql"])
def talk(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Talk]:
    with (
        database(request, request.param, tmp_path) as url,
        running(tmp_path, url, log_level="debug") as server,
    ):
        yield Talk(server, World.build(server.app))


def test_secrets_are_nowhere_and_people_not_in_the_log(talk: Talk) -> None:
    sign_ins(talk)
    second_factor(talk)
    accounts(talk)
    enrolment(talk)
    people = what_goes_wrong(talk)
    talk.server.stop()
    log = talk.server.log.read_text()
    assert '"event": "request"' in log
    kept = "\n".join(rows())
    for name, secret in talk.secrets.items():
        assert secret not in log, f"{name} is in the log"
        assert secret not in kept, f"{name} is in the database"
        assert json.dumps(secret)[1:-1] not in log + kept, name
    for name in people:
        assert name not in log, f"{name} is in the log"
        assert json.dumps(name)[1:-1] not in log, f"{name} is in the log"


def rows() -> Iterator[str]:
    """Every value of every table, as text; the log is sequenced nowhere, so the outbox is in it."""
    with unit_of_work(EVERY_COURT, write=False) as session:
        for table in Base.metadata.tables.values():
            for row in session.execute(sa.select(table)):
                yield repr(tuple(row))


def sign_ins(talk: Talk) -> None:
    officer = talk.world.first.officer
    talk.secrets |= {"password": PASSWORD, "wrong password": "canary-wrong-口令"}
    body = {"grant": "password", "login": officer.login}
    wrong = talk.send("POST", "/auth/token", {**body, "password": "canary-wrong-口令"})
    assert wrong.status_code == 401
    good = talk.send("POST", "/auth/token", {**body, "password": PASSWORD})
    assert good.status_code == 200
    talk.secrets["access token"] = good.json()["access_token"]
    talk.secrets["refresh token"] = good.json()["refresh_token"]
    refresh = {"grant": "refresh", "refresh_token": good.json()["refresh_token"]}
    again = talk.send("POST", "/auth/token", refresh, Idempotency_Key="refresh-1")
    talk.secrets["second access token"] = again.json()["access_token"]
    device = talk.send("POST", "/auth/token", {"grant": "device"}, Idempotency_Key="device-1")
    talk.secrets["device token"] = device.json()["access_token"]
    talk.secrets["made-up refresh token"] = "canary-refresh-0123456789"
    refused = {"grant": "refresh", "refresh_token": "canary-refresh-0123456789"}
    assert talk.send("POST", "/auth/token", refused).status_code == 401


def second_factor(talk: Talk) -> None:
    token = talk.secrets["access token"]
    offered = talk.send("POST", "/me/totp", token=token, Idempotency_Key="totp-1").json()
    talk.secrets["totp secret"] = offered["secret"]
    code = pyotp.TOTP(offered["secret"]).now()
    confirmed = talk.send("POST", "/me/totp/confirm", {"code": code}, token=token)
    assert confirmed.status_code == 204, confirmed.text
    body = {"grant": "password", "login": talk.world.first.officer.login, "password": PASSWORD}
    talk.secrets["totp code"] = "canary-987654"
    assert talk.send("POST", "/auth/token", {**body, "totp": "canary-987654"}).status_code == 401
    change = {"old": PASSWORD, "new": "canary-新的口令 2026"}
    talk.secrets["new password"] = change["new"]
    changed = talk.send("POST", "/me/password", change, token=token, Idempotency_Key="new-1")
    assert changed.status_code == 204, changed.text


def accounts(talk: Talk) -> None:
    token, person = talk.administrator(), talk.world.first.police
    body = {"login": "canary", "name": "新虚构", "post": "clerk", "roles": ["officer"]}
    added = talk.send("POST", "/users", body, token=token, Idempotency_Key="user-1")
    assert added.status_code == 201
    talk.secrets["first password"] = added.json()["temporary_password"]
    path = f"/users/{person.id}/password-reset"
    reset = talk.send("POST", path, token=token, Idempotency_Key="reset-1")
    talk.secrets["temporary password"] = reset.json()["temporary_password"]


def enrolment(talk: Talk) -> None:
    offer = {"kind": "phone", "name": "新手机"}
    path = "/enrolment-codes"
    answer = talk.send("POST", path, offer, token=talk.administrator(), Idempotency_Key="code-1")
    assert answer.status_code == 201
    code = answer.json()["code"]
    talk.secrets |= {"enrolment code": code, "enrolment QR": answer.json()["qr"]}
    key = PrivateKey.generate(Algorithm.ES256)
    body = {"code": code, "alg": "ES256", "public_jwk": key.public.to_jwk()}
    body["proof"] = enrolment_proof(code, key)
    url = f"{talk.server.url}{API}/devices/enrol"
    enrolled = requests.post(url, json=body, headers={"Idempotency-Key": "enrol-1"}, timeout=30)
    assert enrolled.status_code == 201, enrolled.text
    refused = requests.post(url, json={**body, "code": "canary-code-0001"}, timeout=30)
    assert refused.status_code == 401
    case = add_case(talk.server.app, talk.world.first.id, handler_id=talk.world.first.officer.id)
    grant = {"case_id": str(case), "objects": [{"sha256": "ab" * 32, "size_bytes": 1}]}
    officer = access_token(talk.server.app, talk.world.first.officer, talk.world.first.phone)
    talk.secrets["officer's token"] = officer
    granted = talk.send("POST", "/upload-grants", grant, token=officer, Idempotency_Key="grant-1")
    assert granted.status_code == 201, granted.text
    talk.secrets["upload token"] = granted.json()["token"]


def what_goes_wrong(talk: Talk) -> set[str]:
    """A failing statement and a refused body, both with personal data in them."""
    code = talk.world.first.code
    people = {"金丝雀虚构甲", "金丝雀路77号", "990102200901201217"}
    party = {"role": "debtor", "kind": "natural", "name": "金丝雀虚构甲"}
    party |= {"address": "金丝雀路77号", "id_no": "990102200901201217"}
    body = {"case_no": f"(2025){code}执4711号", "parties": [party]}
    token = talk.supervisor()
    with broken("parties"):
        assert talk.send("POST", "/cases", body, token=token).status_code >= 409
    with broken("outbox"):
        assert talk.send("POST", "/cases", body, token=token).status_code == 503
    unknown = {**body, "parties": [{**party, "nick": "金丝雀虚构甲"}]}
    assert talk.send("POST", "/cases", unknown, token=token).status_code == 422
    url = f"{talk.server.url}{API}/cases?text=金丝雀虚构甲&purpose=金丝雀路77号&x={uuid.uuid4()}"
    requests.get(url, headers={"Authorization": "Bearer canary-token-4711"}, timeout=30)
    talk.secrets["a token that is none"] = "canary-token-4711"
    return people


_RAISE = "SELECT RAISE(ABORT, 'broken')"


class broken:  # noqa: N801  reads as a function where it is used
    """``with broken(table)``: rows cannot be added."""

    def __init__(self, table: str) -> None:
        postgres = db.engine.dialect.name == "postgresql"
        self._break, self._mend = (
            (
                f"REVOKE INSERT ON {table} FROM CURRENT_USER",
                f"GRANT INSERT ON {table} TO CURRENT_USER",
            )
            if postgres
            else (
                f"CREATE TRIGGER broken BEFORE INSERT ON {table} BEGIN {_RAISE}; END",
                "DROP TRIGGER broken",
            )
        )

    def __enter__(self) -> None:
        with unit_of_work(EVERY_COURT) as session:
            session.execute(sa.text(self._break))

    def __exit__(self, *error: object) -> None:
        with unit_of_work(EVERY_COURT) as session:
            session.execute(sa.text(self._mend))
