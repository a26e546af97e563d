"""Chains that prove themselves: against a real server, with the SDK as officers use it."""

from __future__ import annotations

import shutil
import time
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from client_sdk import FieldClient
from client_sdk._epochs import KeyLife
from client_sdk._link import Options
from client_sdk.protocol.streams import CHUNK_BYTES
from tests.functional.journeys.test_shift import Clock
from tests.support.bureau import (
    Bureau,
    Row,
    codes_of,
    eventually,
    tiezheng,
    until_synced,
)

DATABASE = "sqlite"
PIECE = 1 << 20


def chain_of(office: Bureau, client: FieldClient) -> Row:
    path = f"/devices/{client.identity.device_id}/chain"
    found: Row = office.desk.request("GET", path, query={"limit": 500}).json()
    return found


def reopened(office: Bureau, name: str, options: Options) -> FieldClient:
    client = FieldClient(office.server.url, store=office.store(name), secrets=None, options=options)
    office.stack.enter_context(client)
    return client


def test_keys_follow_each_other_and_the_old_ones_are_gone(office: Bureau) -> None:
    office.enrol("phone", office.court.officer).close()
    phone = reopened(office, "phone", Options(key_life=KeyLife(records=5, seconds=900)))
    case = office.case(office.court.officer)
    for number in range(12):
        phone.log(f"第 {number} 条(虚构)", case=case)
    until_synced(phone)
    chain = chain_of(office, phone)
    assert chain["gaps"] == []
    assert [r["act"] for r in chain["records"]].count("key.next") >= 2
    assert len(chain["keys"]) == 1 + [r["act"] for r in chain["records"]].count("key.next")
    assert len(list((phone.root / "keys").iterdir())) == 1
    assert all(r["findings"] == [] for r in chain["records"])


def test_another_officers_device_binds_what_was_not_synced(office: Bureau) -> None:
    one = office.enrol("one", office.court.officer)
    two = office.enrol("two", office.court.second_officer)
    case = office.case(office.court.officer)
    one.capture(b"offline", name="a.jpg", case=case)
    shown = tiezheng(one.root, "attest", "--json")
    assert shown.code == 0
    recorded = tiezheng(two.root, "attest", shown.json["text"], "--json")
    assert recorded.code == 0, recorded.err
    until_synced(two)
    until_synced(one)
    chain = chain_of(office, one)
    (seen,) = chain["attestations"]
    assert seen["agrees"] is True
    assert seen["by_device_id"] == str(two.identity.device_id)
    (item,) = office.evidence(case, 1, examined=False)
    assert item["custody"]["bound_by"] == "device"
    assert item["custody"]["unattested_seconds"] <= 60
    assert item["custody"]["gaps_before"] == []


def test_tamper_43_a_rewrite_of_an_attested_tail_is_found(office: Bureau) -> None:
    phone = office.enrol("phone", office.court.officer)
    witness = office.enrol("witness", office.court.second_officer)
    case = office.case(office.court.officer)
    phone.log("一", case=case)
    phone.close()
    before = office.folder / "before"
    shutil.copytree(office.store("phone"), before)

    phone = reopened(office, "phone", Options())
    phone.log("真(虚构)", case=case)
    witness.attest(phone.head().text)
    until_synced(witness)
    phone.close()
    shutil.rmtree(office.store("phone"))
    shutil.copytree(before, office.store("phone"))  # the holder rolls the store back, rewrites …
    forger = reopened(office, "phone", Options())
    forger.log("改(虚构)", case=case)
    until_synced(forger)  # … and syncs what is, taken alone, a valid chain
    chain = chain_of(office, forger)
    assert [f["code"] for f in chain["records"][1]["findings"]] == ["head-contradicted"]
    assert [one["agrees"] for one in chain["attestations"]] == [False]


def record(client: FieldClient, case: str, data: bytes, damage: Path | None = None) -> None:
    with client.recording("现场.mp3", case=case) as running:
        for at in range(0, len(data), PIECE):
            running.write(data[at : at + PIECE])
        if damage is not None:
            (folder,) = damage.iterdir()
            chunk = folder / "00000001"
            chunk.write_bytes(b"altered!" + chunk.read_bytes()[8:])


def recorded_item(office: Bureau, case: str) -> Row:
    """The one item, once its roots were compared."""
    (item,) = office.evidence(case, 1)
    office.custody(item["id"], "recording.checked")
    return office.detail(item["id"])


@dataclass
class Racing(Clock):
    """While it races, half a minute passes with each reading of the running clock."""

    racing: bool = True
    reads: int = 0

    def mono_ms(self) -> int:
        """Milliseconds since it was switched on."""
        self.reads += self.racing
        return super().mono_ms() + 30_000 * self.reads


def racing(office: Bureau) -> tuple[FieldClient, Racing]:
    """An officer's phone on which recordings take minutes."""
    clock = Racing(timedelta(0))
    return office.enrol("phone", office.court.officer, clock=clock), clock


def test_a_recording_is_proven_by_its_roots(office: Bureau) -> None:
    phone, clock = racing(office)
    case = office.case(office.court.officer)
    record(phone, case, b"\1\2\3\4" * ((2 * CHUNK_BYTES + 100) // 4))
    clock.racing = False
    until_synced(phone)
    item = recorded_item(office, case)
    assert not codes_of(item) & {"recording-differs", "chunk-differs", "recording-interrupted"}
    facts = checked(office, item)
    assert facts["closed"] is True
    assert facts["proven"] == str(item["size_bytes"])
    acts = [r["act"] for r in chain_of(office, phone)["records"]]
    assert acts.count("media.progress") >= 2


def test_tamper_60_a_chunk_that_was_altered_on_the_device_is_found(office: Bureau) -> None:
    phone, clock = racing(office)
    case = office.case(office.court.officer)
    record(phone, case, b"\5" * (CHUNK_BYTES + 9), phone.root / "recordings")
    clock.racing = False
    until_synced(phone)
    item = recorded_item(office, case)
    assert {"recording-differs", "chunk-differs"} <= codes_of(item)
    assert checked(office, item)["proven"] == "0"


def test_tamper_60_an_interrupted_recording_proves_its_beginning(office: Bureau) -> None:
    phone, clock = racing(office)
    case = office.case(office.court.officer)
    try:
        with phone.recording("现场.mp3", case=case) as running:
            for _ in range(6):
                running.write(b"\6" * PIECE)
            raise KeyError  # noqa: TRY301 - the recorder's battery
    except KeyError:
        clock.racing = False
    until_synced(phone)
    item = recorded_item(office, case)
    assert "recording-interrupted" in codes_of(item)
    assert "chunk-differs" not in codes_of(item)
    facts = checked(office, item)
    assert facts["closed"] is False
    assert facts["proven"] == str(CHUNK_BYTES)


def checked(office: Bureau, item: Row) -> dict[str, Any]:
    import json  # noqa: PLC0415  the only use

    rows = office.custody(item["id"], "recording.checked")
    (row,) = [row for row in rows if row["kind"] == "recording.checked"]
    facts: dict[str, Any] = json.loads(row["payload"])["facts"]
    return facts


def test_a_device_enrolled_anew_begins_a_new_chain(office: Bureau, tmp_path: Path) -> None:
    phone = office.enrol("phone", office.court.officer)
    phone.log("一(虚构)")
    until_synced(phone)
    device = str(phone.identity.device_id)
    wanted = {"kind": "phone", "name": "phone", "device_id": device}
    code = office.post("/enrolment-codes", wanted)["code"]
    with FieldClient(office.server.url, store=tmp_path / "again", secrets=None) as again:
        identity = again.enrol(code, name="phone")
        assert (str(identity.device_id), identity.ep) == (device, 2)
        again.sign_in(office.court.officer.login, office.court.officer.password)
        again.log("二(虚构)")
        until_synced(again)
        assert chain_of(office, again)["eps"] == [1, 2]
    assert tiezheng(phone.root, "sync").code != 0


def test_proofs_of_the_real_log_hold_on_the_device(office: Bureau) -> None:
    phone = office.enrol("phone", office.court.officer)
    case = office.case(office.court.officer)
    phone.capture(b"proven", name="a.jpg", case=case)
    until_synced(phone)
    started = time.monotonic()

    def proven() -> bool:
        phone.sync(patience_seconds=20, receipts_wait_seconds=1)
        assert time.monotonic() - started < 60
        return any(sha256 for _, _, sha256 in phone.proven())

    eventually(proven)
    assert phone.log_alarm() is None
    assert {one.level for one in phone.proven().values()} == {"L1"}
    assert [item.keep for item in phone.wipe_plan()] == ["not-witnessed"]
    assert phone._store.get("witness.newest")["size"] > 0
