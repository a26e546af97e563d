"""Settings: read once from the environment, validated at boot, frozen.

Every variable is a field with its default and a sentence; README's table is made from them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, dataclass, field, fields
from ipaddress import ip_network
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import available_timezones

PREFIX = "TIEZHENG_"


class SettingsError(Exception):
    """One or more variables are wrong; ``problems`` says which and what to do."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("the settings are not usable:\n  " + "\n  ".join(problems))
        self.problems = problems


def _setting(doc: str, default: Any = MISSING, *, secret: bool = False) -> Any:
    return field(default=default, metadata={"doc": doc, "secret": secret})


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """All settings of the server; names in the environment carry the prefix ``TIEZHENG_``."""

    data_dir: Path = _setting(
        "folder for the database, keys, partials and local blobs", Path("var")
    )
    database_url: str = _setting(
        "sqlite:///… or postgresql+psycopg://…; empty: a SQLite file in the data folder",
        "",
        secret=True,
    )
    public_url: str = _setting(
        "address under which clients reach the server; proofs are checked against it",
        "http://127.0.0.1:8460",
    )
    bind: str = _setting("address and port that `make run` listens on", "127.0.0.1:8460")
    web_processes: int = _setting("server processes", 1)
    web_threads: int = _setting("threads per server process", 256)
    web_worker_class: str = _setting(
        "gthread, or gevent for a process of its own that serves live streams", "gthread"
    )
    trusted_proxies: int = _setting("proxies in front whose X-Forwarded-For is believed", 0)
    log_level: str = _setting("debug, info, warning or error", "info")

    blob_store: str = _setting("local or s3", "local")
    s3_endpoint: str = _setting("S3 endpoint address; empty: the vendor's default", "")
    s3_region: str = _setting("S3 region", "us-east-1")
    s3_bucket: str = _setting("S3 bucket for blobs", "")
    s3_access_key: str = _setting("S3 access key", "", secret=True)
    s3_secret_key: str = _setting("S3 secret key", "", secret=True)
    ship_lag_seconds_max: int = _setting(
        "bytes waiting longer for their copy in S3 make /readyz degraded", 300
    )

    upload_size_bytes_max: int = _setting("largest single upload", 64 * 2**30)
    upload_expire_seconds: int = _setting(
        "an unfinished upload is quarantined after this", 14 * 86_400
    )
    upload_stall_seconds: int = _setting("a sender silent for this long is let go", 45)
    device_quota_bytes: int = _setting("bytes one device may have under way at a time", 512 * 2**30)
    device_uploads_max: int = _setting("unfinished uploads one device may have at a time", 5_000)
    upload_cors_origins: str = _setting(
        "comma-separated origins whose pages may upload from a browser; empty: none", ""
    )
    spool_used_ratio_max: float = _setting("above this share of the volume uploads get 503", 0.95)

    access_token_seconds: int = _setting("life of an access or device token", 600)
    sign_in_seconds: int = _setting("life of a sign-in; refresh needs the device key", 12 * 3600)
    upload_token_seconds_max: int = _setting("longest life of an upload token", 24 * 3600)
    enrolment_code_seconds: int = _setting("life of an enrolment code", 3600)
    dpop_nonce_seconds: int = _setting("life of a server nonce for proofs", 300)
    sign_in_failures_max: int = _setting("failed sign-ins before the account is locked", 5)
    sign_in_lock_seconds: int = _setting("length of that lock", 900)

    push_records_max: int = _setting("records in one push", 500)
    record_size_bytes_max: int = _setting("largest payload of one record", 64 * 1024)
    outbox_lag_seconds_max: int = _setting(
        "an event waiting longer for the worker makes /readyz red", 300
    )
    signer_state: str = _setting(
        "the signer's own folder, with the log key; empty: `signer` in the data folder", ""
    )
    log_origin: str = _setting(
        "the log's name in checkpoints, fixed with the first one; empty: the public host and /log",
        "",
    )
    sign_lag_seconds_max: int = _setting(
        "entries waiting longer for the signer make /readyz degraded", 60
    )
    held_days: int = _setting("days until a held record enters the log with a gap finding", 30)
    missing_after_hours: int = _setting("hours until declared bytes count as missing", 72)
    feed_retention_days: int = _setting("days that a pull cursor stays usable", 180)
    ticket_hours: int = _setting("life of a mission ticket beyond the mission's end", 12)

    time_zone: str = _setting("zone assumed for camera clocks that name none", "Asia/Shanghai")
    metrics_token: str = _setting(
        "bearer token for /metrics; empty: only callers on this host, without a proxy",
        "",
        secret=True,
    )

    report_font: str = _setting(
        "font file of custody reports, best one of GB 18030-2022; empty: found on the system", ""
    )
    export_sign_seconds_max: int = _setting(
        "an export whose log entry is not signed within this fails", 900
    )
    export_level_seconds_max: int = _setting(
        "time an export waits for witnesses and time tokens beyond the signature", 120
    )

    witness_policy: str = _setting(
        "tlog-policy file with the witnesses, their addresses and the quorum; empty: none", ""
    )
    cosign_seconds: int = _setting("pause between two rounds of asking the witnesses", 5)
    tsa_urls: str = _setting(
        "comma-separated addresses of up to two time-stamping authorities (RFC 3161); empty: none",
        "",
    )
    tsa_roots: str = _setting(
        "PEM file with the root of each authority, in their order, or one file for all; may also "
        "hold revocation lists",
        "",
    )
    timestamp_seconds: int = _setting("a new checkpoint is timestamped at most this late", 300)

    webhook_networks: str = _setting(
        "comma-separated networks inside the house that webhooks may reach, also by http, such as "
        "10.1.0.0/16; empty: only public addresses by https",
        "",
    )

    sandbox: str = _setting("auto (bubblewrap when it works), bwrap or process", "auto")
    examine_seconds_max: int = _setting("time the worker gives to one file", 60)
    make_seconds_max: int = _setting(
        "time the worker gives to one redacted or browser copy of a recording", 3_600
    )
    worker_jobs: int = _setting("files that one worker examines at a time", 2)

    @classmethod
    def from_env(cls, env: Mapping[str, str]) -> Settings:
        """Read and validate; raises :class:`SettingsError` that names every bad variable."""
        values: dict[str, Any] = {}
        problems: list[str] = []
        known = {PREFIX + f.name.upper(): f for f in fields(cls)}
        for name, entry in known.items():
            text = env.get(name)
            if text is None or text == "":
                continue
            try:
                values[entry.name] = _convert(text, entry.default)
            except ValueError:
                kind = type(entry.default).__name__
                problems.append(f"{name}={text!r}: a value of type {kind} is needed")
        problems += [
            f"{name}: no such setting"
            for name in env
            if name.startswith(PREFIX) and name not in known and name not in _NOT_OURS
        ]
        settings = cls(**values)
        problems += _check(settings)
        if problems:
            raise SettingsError(problems)
        return settings

    @property
    def database(self) -> str:
        """Database address with the default filled in and the driver named."""
        url = self.database_url or f"sqlite:///{(self.data_dir / 'tiezheng.db').absolute()}"
        return url.replace("postgresql://", "postgresql+psycopg://", 1)

    @property
    def signer_folder(self) -> Path:
        """The signer's own folder with the default filled in."""
        return Path(self.signer_state) if self.signer_state else self.data_dir / "signer"

    @property
    def origin(self) -> str:
        """The log's name with the default filled in (C2SP tlog-tiles: prefix without scheme)."""
        return self.log_origin or f"{urlsplit(self.public_url).netloc}/log"


# Read by the client, the demo and the tests, so a shell that serves them may hold them as well.
_NOT_OURS = frozenset(
    PREFIX + name
    for name in (
        "ALLOW_HTTP",
        "BACKUP_PASSPHRASE",
        "FAULTS",
        "FAULTS_SEED",
        "HOME",
        "LANG",
        "PASSPHRASE",
        "PASSPHRASE_FILE",
        "SAMPLES",
        "SERVER",
        "STORE",
        "WITNESS_DIR",
    )
)


def listed(text: str) -> list[str]:
    """The parts of a comma-separated setting."""
    return [part.strip() for part in text.split(",") if part.strip()]


def _convert(text: str, default: object) -> object:
    if isinstance(default, bool):
        if text.lower() not in {"0", "1", "true", "false"}:
            raise ValueError(text)
        return text.lower() in {"1", "true"}
    if isinstance(default, int | float):
        return type(default)(text)
    if isinstance(default, Path):
        return Path(text)
    return text


def _check(settings: Settings) -> list[str]:
    problems = []
    url = urlsplit(settings.public_url)
    if url.scheme not in {"http", "https"} or not url.netloc or url.path not in {"", "/"}:
        problems.append(
            f"{PREFIX}PUBLIC_URL: give scheme and host only, e.g. https://evidence.example"
        )
    if not settings.database.startswith(("sqlite:///", "postgresql+psycopg://")):
        problems.append(f"{PREFIX}DATABASE_URL: SQLite and PostgreSQL are supported")
    if settings.blob_store not in {"local", "s3"}:
        problems.append(f"{PREFIX}BLOB_STORE: local or s3")
    if settings.blob_store == "s3" and not settings.s3_bucket:
        problems.append(f"{PREFIX}S3_BUCKET: needed when {PREFIX}BLOB_STORE=s3")
    if settings.log_level not in {"debug", "info", "warning", "error"}:
        problems.append(f"{PREFIX}LOG_LEVEL: debug, info, warning or error")
    if settings.web_worker_class not in {"gthread", "gevent"}:
        problems.append(f"{PREFIX}WEB_WORKER_CLASS: gthread or gevent")
    if settings.sandbox not in {"auto", "bwrap", "process"}:
        problems.append(f"{PREFIX}SANDBOX: auto, bwrap or process")
    if settings.time_zone not in available_timezones():
        problems.append(f"{PREFIX}TIME_ZONE: a name such as Asia/Shanghai")
    problems += _check_custody(settings)
    problems += _check_networks(settings)
    if not 0 < settings.spool_used_ratio_max <= 1:
        problems.append(f"{PREFIX}SPOOL_USED_RATIO_MAX: between 0 and 1")
    problems += [
        f"{PREFIX}{f.name.upper()}: must be positive"
        for f in fields(settings)
        if isinstance(getattr(settings, f.name), int)
        and f.name != "trusted_proxies"
        and getattr(settings, f.name) <= 0
    ]
    return problems


def _check_networks(settings: Settings) -> list[str]:
    try:
        [ip_network(text) for text in listed(settings.webhook_networks)]
    except ValueError as error:
        return [f"{PREFIX}WEBHOOK_NETWORKS: {error}"]
    return []


def _check_custody(settings: Settings) -> list[str]:
    problems = []
    if not settings.log_origin.isprintable() or set(settings.log_origin) & set("+ "):
        problems.append(f"{PREFIX}LOG_ORIGIN: a name such as evidence.example/log")
    urls, roots = listed(settings.tsa_urls), listed(settings.tsa_roots)
    if len(urls) > 2 or any(urlsplit(url).scheme not in {"http", "https"} for url in urls):  # noqa: PLR2004
        problems.append(f"{PREFIX}TSA_URLS: at most two addresses, http or https")
    if urls and len(roots) not in {1, len(urls)}:
        problems.append(f"{PREFIX}TSA_ROOTS: one file for all authorities, or one for each")
    return problems
