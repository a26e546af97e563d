"""Tokens of RFC 3161: what counts, and every way in which one does not."""

from __future__ import annotations

import subprocess
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from client_sdk.protocol.timestamps import TimeRoots, TimestampError, build_query, open_token
from tests.support.tsa import Authority, new_authority, new_root

BODY = b"log.example/evidence\n5\nAAAA\n"


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return new_authority(tmp_path / "tsa")


def code_of(
    response: bytes, roots: TimeRoots, message: bytes = BODY, nonce: int | None = None
) -> str:
    with pytest.raises(TimestampError) as caught:
        open_token(response, message, roots, nonce=nonce)
    return caught.value.code


def test_a_good_token_says_when(authority: Authority) -> None:
    query = build_query(BODY)
    found = open_token(authority.reply(query.data), BODY, authority.root.pins, nonce=query.nonce)
    assert abs(found.at - datetime.now(UTC)) < timedelta(minutes=5)
    assert found.accuracy_seconds == 1
    assert found.signer == authority.certificate
    assert "TSA (fictional)" in found.signer_name


def test_the_token_is_one_that_openssl_accepts(authority: Authority, tmp_path: Path) -> None:
    response = authority.reply(build_query(BODY).data)
    (tmp_path / "body").write_bytes(BODY)
    (tmp_path / "token.tsr").write_bytes(response)
    command: list[str | Path] = ["openssl", "ts", "-verify", "-data", tmp_path / "body"]
    command += ["-in", tmp_path / "token.tsr", "-CAfile", authority.folder / "root.pem"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert "Verification: OK" in done.stdout, done.stderr


def test_each_query_has_a_nonce_of_its_own() -> None:
    assert build_query(BODY).nonce != build_query(BODY).nonce


def test_tamper_23_a_token_for_other_data_is_refused(authority: Authority) -> None:
    response = authority.reply(build_query(b"something else").data)
    assert code_of(response, authority.root.pins) == "token-imprint"


def test_tamper_24_a_token_of_a_foreign_root_is_refused(
    authority: Authority, tmp_path: Path
) -> None:
    foreign = new_authority(tmp_path / "foreign", "Foreign (fictional)")
    response = foreign.reply(build_query(BODY).data)
    assert code_of(response, authority.root.pins) == "token-chain"
    assert code_of(response, TimeRoots(())) == "token-chain"


def test_a_token_of_the_same_names_but_a_foreign_root_is_refused(
    authority: Authority, tmp_path: Path
) -> None:
    twin = new_authority(tmp_path / "twin")
    assert twin.certificate.subject == authority.certificate.subject
    response = twin.reply(build_query(BODY).data)
    assert code_of(response, authority.root.pins) == "token-chain"


def test_a_response_to_another_query_is_refused(authority: Authority) -> None:
    response = authority.reply(build_query(BODY).data)
    nonce = build_query(BODY).nonce
    assert code_of(response, authority.root.pins, nonce=nonce) == "token-nonce"


def test_a_changed_token_is_refused(authority: Authority) -> None:
    response = bytearray(authority.reply(build_query(BODY).data))
    response[-5] ^= 1  # in the signature
    assert code_of(bytes(response), authority.root.pins) == "token-chain"


@pytest.mark.parametrize("junk", [b"", b"away\n", b"\x30\x03\x02\x01\x00", b"x" * 70_000])
def test_junk_is_refused(authority: Authority, junk: bytes) -> None:
    assert code_of(junk, authority.root.pins) == "token-format"


def test_a_refusal_of_the_authority_is_told(authority: Authority) -> None:
    response = authority.reply(b"no query")
    assert code_of(response, authority.root.pins) == "token-status"


def test_tamper_53_a_certificate_that_has_expired_since_does_no_harm(tmp_path: Path) -> None:
    ends_at = datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=2)
    authority = new_authority(tmp_path / "tsa", ends_at=ends_at)
    response = authority.reply(build_query(BODY).data)
    while datetime.now(UTC) <= ends_at:
        time.sleep(0.1)
    assert open_token(response, BODY, authority.root.pins).at <= ends_at


def test_tamper_53_a_certificate_that_had_expired_then_is_refused(tmp_path: Path) -> None:
    ended = datetime.now(UTC) - timedelta(days=1)
    authority = new_authority(tmp_path / "tsa", ends_at=ended)
    response = authority.reply(build_query(BODY).data)
    assert code_of(response, authority.root.pins) == "token-chain"


@pytest.mark.parametrize(
    ("reason", "after", "valid"),
    [
        (x509.ReasonFlags.superseded, timedelta(hours=1), True),
        (x509.ReasonFlags.cessation_of_operation, timedelta(hours=1), True),
        (x509.ReasonFlags.superseded, timedelta(hours=-1), False),
        (x509.ReasonFlags.key_compromise, timedelta(hours=1), False),
        (None, timedelta(hours=1), False),
    ],
    ids=["superseded-later", "closed-later", "superseded-before", "key-leaked", "no-reason"],
)
def test_tamper_53_what_a_revocation_means_depends_on_its_reason(
    authority: Authority, reason: x509.ReasonFlags | None, after: timedelta, valid: bool
) -> None:
    response = authority.reply(build_query(BODY).data)
    listed = authority.root.crl(authority, datetime.now(UTC) + after, reason)
    roots = authority.root.pins.with_revocations([listed])
    if valid:
        assert open_token(response, BODY, roots).signer == authority.certificate
    else:
        assert code_of(response, roots) == "token-revoked"


def test_a_revocation_that_the_root_did_not_sign_is_ignored(
    authority: Authority, tmp_path: Path
) -> None:
    twin = new_authority(tmp_path / "twin")
    listed = twin.root.crl(authority, datetime.now(UTC), None)
    response = authority.reply(build_query(BODY).data)
    roots = authority.root.pins.with_revocations([listed])
    assert open_token(response, BODY, roots).signer == authority.certificate


def test_a_certificate_for_other_purposes_makes_no_tokens(tmp_path: Path) -> None:
    authority = new_authority(tmp_path / "tsa", for_timestamps=False)
    with pytest.raises(subprocess.CalledProcessError):
        authority.reply(build_query(BODY).data)


def test_roots_and_revocations_come_in_one_file(authority: Authority) -> None:
    listed = authority.root.crl(authority, datetime.now(UTC), None)
    found = TimeRoots.from_pem(authority.root.pem + listed.public_bytes(Encoding.PEM))
    assert found.roots == (authority.root.certificate,)
    assert len(found.revocations) == 1
    with pytest.raises(TimestampError):
        TimeRoots.from_pem(b"no certificate")


def test_an_authority_below_an_intermediate_leads_to_the_pinned_root(tmp_path: Path) -> None:
    root = new_root("Root (fictional)")
    between = new_root("Between (fictional)", above=root)
    authority = new_authority(tmp_path / "tsa", root=between)
    response = authority.reply(build_query(BODY).data)
    assert open_token(response, BODY, root.pins).signer == authority.certificate
    assert code_of(response, new_root("Root (fictional)").pins) == "token-chain"


def test_tamper_53_a_revoked_intermediate_spoils_the_token(tmp_path: Path) -> None:
    root = new_root("Root (fictional)")
    between = new_root("Between (fictional)", above=root)
    authority = new_authority(tmp_path / "tsa", root=between)
    response = authority.reply(build_query(BODY).data)
    now = datetime.now(UTC)
    leaked = root.crl(between, now, x509.ReasonFlags.ca_compromise)
    assert code_of(response, root.pins.with_revocations([leaked])) == "token-revoked"
    later = root.crl(between, now + timedelta(hours=1), x509.ReasonFlags.superseded)
    roots = root.pins.with_revocations([later])
    assert open_token(response, BODY, roots).signer == authority.certificate
    below = between.crl(authority, now, None)
    assert code_of(response, root.pins.with_revocations([below])) == "token-revoked"
