"""tlog-witness to the letter: one request for each answer that the specification prescribes."""

from __future__ import annotations

from pathlib import Path

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from client_sdk.protocol.keys import Algorithm, PrivateKey
from client_sdk.protocol.tlog.cosignatures import verify_cosignature
from client_sdk.protocol.tlog.notes import NoteSigner, parse_note, parse_vkey, sign_note
from server.witness.state import WitnessFolder
from server.witness.web import create_app
from server.witness.wire import BODY_BYTES_MAX, format_request
from server.witness.witness import Witness
from tests.support.witness import ORIGIN, SmallLog

NOW = 1_770_000_000


@pytest.fixture
def log() -> SmallLog:
    return SmallLog().grow(7)


@pytest.fixture
def witness(tmp_path: Path, log: SmallLog) -> Witness:
    witness = Witness(WitnessFolder.create(tmp_path / "w", "witness.example/w1"), lambda: NOW)
    witness.trust(parse_vkey(log.vkey))
    return witness


@pytest.fixture
def client(witness: Witness) -> FlaskClient:
    return create_app(witness).test_client()


def submit(client: FlaskClient, body: bytes) -> TestResponse:
    return client.post("/add-checkpoint", data=body)


def test_200_is_a_cosignature_over_the_whole_checkpoint(
    client: FlaskClient, log: SmallLog, witness: Witness
) -> None:
    answer = submit(client, log.request(0))
    assert answer.status_code == 200
    assert answer.text.startswith("— witness.example/w1 ")
    assert answer.text.endswith("\n")
    note = parse_note(log.note().to_text() + answer.text)
    assert verify_cosignature(note, parse_vkey(witness.vkey)) == NOW
    assert witness.logs()[ORIGIN].size == 7


def test_200_for_every_step_from_one_size_to_a_later_one(
    client: FlaskClient, log: SmallLog
) -> None:
    old = 0
    for size in (0, 1, 1, 2, 5, 7, 7):
        assert submit(client, log.request(old, size)).status_code == 200
        old = size


def test_200_with_further_signatures_of_keys_that_nobody_knows(
    client: FlaskClient, log: SmallLog
) -> None:
    stranger = NoteSigner("other.example", PrivateKey.generate(Algorithm.ED25519))
    note = sign_note(log.checkpoint().body(), [stranger, log.signer])
    assert submit(client, format_request(0, [], note.to_text())).status_code == 200


def test_400_for_an_old_size_beyond_the_checkpoint(client: FlaskClient, log: SmallLog) -> None:
    body = format_request(8, [], log.note().to_text())
    assert submit(client, body).status_code == 400


def test_404_for_a_log_that_is_not_watched(client: FlaskClient) -> None:
    assert submit(client, SmallLog("other.example/log").grow(3).request(0)).status_code == 404


def test_403_without_a_signature_of_a_trusted_key(client: FlaskClient, log: SmallLog) -> None:
    impostor = SmallLog(ORIGIN).grow(7)
    assert submit(client, impostor.request(0)).status_code == 403
    forged = log.note().to_text().replace("\n7\n", "\n6\n", 1)
    assert submit(client, format_request(0, [], forged)).status_code == 403


def test_409_names_the_size_that_was_cosigned_last(client: FlaskClient, log: SmallLog) -> None:
    assert submit(client, log.request(0, 5)).status_code == 200
    for old in (0, 3, 6):
        answer = submit(client, log.request(old, 7))
        assert (answer.status_code, answer.data) == (409, b"5\n")
        assert answer.headers["Content-Type"] == "text/x.tlog.size"


def test_409_before_anything_was_cosigned_names_zero(client: FlaskClient, log: SmallLog) -> None:
    answer = submit(client, log.request(3))
    assert (answer.status_code, answer.data) == (409, b"0\n")


def test_409_for_another_root_at_the_same_size(client: FlaskClient, log: SmallLog) -> None:
    assert submit(client, log.request(0)).status_code == 200
    fork = SmallLog(ORIGIN, log.key).grow(7, "other")
    answer = submit(client, fork.request(7))
    assert (answer.status_code, answer.data) == (409, b"7\n")


def test_422_for_a_history_that_does_not_extend_the_last(
    client: FlaskClient, log: SmallLog, witness: Witness
) -> None:
    assert submit(client, log.request(0, 5)).status_code == 200
    fork = SmallLog(ORIGIN, log.key).grow(7, "other")
    assert submit(client, fork.request(5)).status_code == 422
    assert submit(client, format_request(5, [], log.note().to_text())).status_code == 422
    swapped = log.proof(5)[::-1]
    assert submit(client, format_request(5, swapped, log.note().to_text())).status_code == 422
    assert witness.logs()[ORIGIN].size == 5


def test_422_for_a_proof_where_none_is_due(client: FlaskClient, log: SmallLog) -> None:
    extra = format_request(0, [bytes(32)], log.note().to_text())
    assert submit(client, extra).status_code == 422
    assert submit(client, log.request(0)).status_code == 200
    extra = format_request(7, [bytes(32)], log.note().to_text())
    assert submit(client, extra).status_code == 422


def test_tamper_56_a_witness_does_not_go_back(client: FlaskClient, log: SmallLog) -> None:
    assert submit(client, log.request(0)).status_code == 200
    for old, size in ((0, 5), (5, 5), (3, 5), (0, 7), (0, 0)):
        answer = submit(client, log.request(old, size))
        assert (answer.status_code, answer.data) == (409, b"7\n"), (old, size)
    assert submit(client, format_request(7, [], log.note(5).to_text())).status_code == 400


NOTE = "log.example/evidence\n1\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\n— a AAAAAAAA\n"
GOOD_HASH = "A" * 43 + "="


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"old 0",
        b"old 0\n",
        b"\n",
        f"old 0\n{NOTE}".encode(),
        f"old 00\n\n{NOTE}".encode(),
        f"old -1\n\n{NOTE}".encode(),
        f"old +1\n\n{NOTE}".encode(),
        f"old  1\n\n{NOTE}".encode(),
        f"Old 1\n\n{NOTE}".encode(),
        f"old 1 \n\n{NOTE}".encode(),
        f"old 1\r\n\n{NOTE}".encode(),
        f"old ١\n\n{NOTE}".encode(),
        f"old 1\nAA==\n\n{NOTE}".encode(),
        f"old 1\n{GOOD_HASH[:-1]}\n\n{NOTE}".encode(),
        f"old 1\n{GOOD_HASH[:-2]}B=\n\n{NOTE}".encode(),
        f"old 1\n {GOOD_HASH}\n\n{NOTE}".encode(),
        ("old 1\n" + f"{GOOD_HASH}\n" * 64 + f"\n{NOTE}").encode(),
        f"old 1\n\n{NOTE[:-1]}".encode(),
        f"old 1\n\n\n{NOTE}".encode(),
        f"old 1\n\n{NOTE}".encode() + b"\xff",
        b"old 1\n\nnot a checkpoint\n\n\xe2\x80\x94 a AAAAAAAA\n",
    ],
)
def test_400_for_everything_that_is_not_a_request(client: FlaskClient, body: bytes) -> None:
    assert submit(client, body).status_code == 400


def test_400_for_a_checkpoint_of_nothing_with_a_root(client: FlaskClient, log: SmallLog) -> None:
    text = log.note(0).to_text().replace("47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=", GOOD_HASH)
    assert submit(client, format_request(0, [], text)).status_code == 400


def test_63_lines_of_proof_are_read(client: FlaskClient, log: SmallLog) -> None:
    body = format_request(1, [bytes(32)] * 63, log.note().to_text())
    assert submit(client, body).status_code == 409


def test_413_for_a_body_beyond_any_reason(client: FlaskClient) -> None:
    assert submit(client, b"x" * (BODY_BYTES_MAX + 1)).status_code == 413


def test_405_for_other_methods(client: FlaskClient) -> None:
    assert client.get("/add-checkpoint").status_code in {404, 405}
    assert client.put("/add-checkpoint").status_code == 405


def test_the_newest_checkpoint_can_be_seen_by_anybody(
    client: FlaskClient, log: SmallLog, witness: Witness
) -> None:
    seen = "/log.example%2Fevidence/checkpoint"
    assert client.get(seen).status_code == 404
    submit(client, log.request(0))
    note = parse_note(client.get(seen).text)
    assert note.text == log.checkpoint().body()
    assert verify_cosignature(note, parse_vkey(witness.vkey)) == NOW
    assert client.get("/other.example/checkpoint").status_code == 404


def test_while_a_log_changes_its_key_either_counts(
    client: FlaskClient, log: SmallLog, witness: Witness
) -> None:
    successor = SmallLog(ORIGIN, tree=log.tree)
    assert submit(client, successor.request(0, 3)).status_code == 403
    witness.trust(parse_vkey(successor.vkey))
    assert submit(client, successor.request(0, 3)).status_code == 200
    assert submit(client, log.request(3, 5)).status_code == 200
    witness.distrust(parse_vkey(log.vkey))
    assert submit(client, log.request(5, 7)).status_code == 403
    assert submit(client, successor.request(5, 7)).status_code == 200


def test_only_signatures_that_were_verified_are_kept(
    client: FlaskClient, log: SmallLog, witness: Witness
) -> None:
    stranger = NoteSigner("other.example", PrivateKey.generate(Algorithm.ED25519))
    note = sign_note(log.checkpoint().body(), [stranger, log.signer])
    submit(client, format_request(0, [], note.to_text()))
    kept = witness.logs()[ORIGIN].note
    assert kept is not None
    assert [line.name for line in kept.signatures] == [ORIGIN, "witness.example/w1"]
