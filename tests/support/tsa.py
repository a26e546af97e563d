"""A time-stamping authority of the test's own: certificates made here, tokens by ``openssl ts``.

``new_authority`` makes root, authority certificate and key in a folder; ``reply`` answers a query
as the real program does; ``serving`` puts it on loopback.  Everything may be bent: an authority
whose certificate has ended, one of a foreign root, one that is away or answers nonsense.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Lock, Thread

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from client_sdk.protocol.timestamps import QUERY_TYPE, REPLY_TYPE, TimeRoots
from tests.support.need import need
from tests.support.ports import free_port

HOST = "127.0.0.1"
_CONFIG = """\
[tsa]
default_tsa = main
[main]
serial = {folder}/serial
crypto_device = builtin
signer_digest = sha256
default_policy = 1.3.6.1.4.1.55555.1
digests = sha256, sha512
accuracy = secs:1
ordering = no
tsa_name = yes
ess_cert_id_chain = no
ess_cert_id_alg = sha256
"""


@dataclass
class Root:
    """A certificate authority above one or more time-stamping authorities."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey
    above: Root | None = None

    @property
    def pem(self) -> bytes:
        return self.certificate.public_bytes(serialization.Encoding.PEM)

    @property
    def pins(self) -> TimeRoots:
        return TimeRoots((self.certificate,))

    def crl(
        self, revoked: Authority | Root, revoked_at: datetime, reason: x509.ReasonFlags | None
    ) -> x509.CertificateRevocationList:
        """A signed list that revokes a certificate."""
        serial = revoked.certificate.serial_number
        entry = x509.RevokedCertificateBuilder().serial_number(serial).revocation_date(revoked_at)
        if reason is not None:
            entry = entry.add_extension(x509.CRLReason(reason), critical=False)
        builder = x509.CertificateRevocationListBuilder()
        builder = builder.issuer_name(self.certificate.subject).last_update(revoked_at)
        builder = builder.next_update(revoked_at + timedelta(days=30))
        return builder.add_revoked_certificate(entry.build()).sign(self.key, hashes.SHA256())


@dataclass
class Authority:
    """One authority; ``away`` and ``bent`` change how it answers over HTTP."""

    folder: Path
    root: Root
    certificate: x509.Certificate
    away: bool = False
    bent: Callable[[bytes], bytes] | None = None
    asked: list[bytes] = field(default_factory=list)
    lock: Lock = field(default_factory=Lock)
    url: str = ""

    def reply(self, query: bytes) -> bytes:
        """The response to a query, made by ``openssl ts``."""
        with self.lock:
            asked, answer = self.folder / "query.tsq", self.folder / "reply.tsr"
            asked.write_bytes(query)
            chain = self.folder / "chain.pem"
            subprocess.run(
                [
                    "openssl", "ts", "-reply", "-config", self.folder / "tsa.cnf",
                    "-section", "main", "-queryfile", asked, "-inkey", self.folder / "tsa.key",
                    "-signer", self.folder / "tsa.pem", "-out", answer,
                    *(("-chain", chain) if chain.exists() else ()),
                ],
                check=True, capture_output=True,
            )  # fmt: skip
            return answer.read_bytes()

    def answer(self, query: bytes) -> bytes:
        """What goes out over HTTP."""
        self.asked.append(query)
        return self.bent(query) if self.bent else self.reply(query)


def new_root(
    name: str = "Root (fictional)",
    life: timedelta = timedelta(days=3650),
    above: Root | None = None,
) -> Root:
    """A self-signed root, or an authority below another one."""
    key = ec.generate_private_key(ec.SECP256R1())
    now = datetime.now(UTC)
    issuer = name if above is None else _name_of(above)
    usage = x509.KeyUsage(
        digital_signature=False, content_commitment=False, key_encipherment=False,
        data_encipherment=False, key_agreement=False, key_cert_sign=True, crl_sign=True,
        encipher_only=False, decipher_only=False,
    )  # fmt: skip
    builder = _named(name, issuer, key.public_key()).not_valid_before(now - life)
    builder = builder.not_valid_after(now + life).add_extension(usage, critical=True)
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
    return Root(builder.sign(key if above is None else above.key, hashes.SHA256()), key, above)


def new_authority(
    folder: Path,
    name: str = "TSA (fictional)",
    *,
    root: Root | None = None,
    ends_at: datetime | None = None,
    for_timestamps: bool = True,
) -> Authority:
    """An authority in ``folder``, with a root of its own unless one is given."""
    need(shutil.which("openssl"), "openssl, which makes the tokens")
    folder.mkdir(parents=True)
    root = root or new_root(f"{name} root")
    key = ec.generate_private_key(ec.SECP256R1())
    now = datetime.now(UTC)
    builder = _named(name, _name_of(root), key.public_key())
    builder = builder.not_valid_before(now - timedelta(days=1000))
    builder = builder.not_valid_after(ends_at or now + timedelta(days=1000))
    if for_timestamps:
        usage = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.TIME_STAMPING])
        builder = builder.add_extension(usage, critical=True)
    certificate = builder.sign(root.key, hashes.SHA256())
    (folder / "tsa.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    (folder / "tsa.key").write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    (folder / "root.pem").write_bytes((root.above or root).pem)
    if root.above is not None:
        (folder / "chain.pem").write_bytes(root.pem)
    (folder / "serial").write_text("01\n")
    (folder / "tsa.cnf").write_text(_CONFIG.format(folder=folder))
    return Authority(folder, root, certificate)


@contextmanager
def serving(authority: Authority) -> Iterator[Authority]:
    """The authority on loopback; ``authority.url`` is its address."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            query = self.rfile.read(int(self.headers["Content-Length"]))
            good = not authority.away and self.headers["Content-Type"] == QUERY_TYPE
            body = authority.answer(query) if good else b"away\n"
            self.send_response(200 if good else 503)
            self.send_header("Content-Type", REPLY_TYPE if good else "text/plain")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    port = free_port()
    server = ThreadingHTTPServer((HOST, port), Handler)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    authority.url = f"http://{HOST}:{port}/tsa"
    try:
        yield authority
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _name_of(root: Root) -> str:
    found = root.certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value
    return str(found)


def _named(subject: str, issuer: str, public: ec.EllipticCurvePublicKey) -> x509.CertificateBuilder:
    def named(text: str) -> x509.Name:
        return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])

    builder = x509.CertificateBuilder().subject_name(named(subject)).issuer_name(named(issuer))
    return builder.public_key(public).serial_number(x509.random_serial_number())
