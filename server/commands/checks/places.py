"""Folders, keys, stores, the sandbox and the addresses that the settings name."""

from __future__ import annotations

import ipaddress
import stat
import tempfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from server.app import storage_config
from server.commands.checks.finding import INIT, Finding, Installation, fail, ok, warn
from server.commands.console import Words
from server.core.keyring import EVENT, TOKEN, KeyRing, KeyRingError
from server.evidence.sandbox import Sandbox, SandboxError
from server.settings import PREFIX, Settings
from storage.errors import StorageError
from storage.factory import Stores, build_stores

_OTHERS: Final = 0o077
_WORLD: Final = 0o007
_NEARLY: Final = 0.9
_GIB: Final = 2**30
_LOCAL_NAMES: Final = frozenset({"localhost"})


def findings(place: Installation) -> Iterator[Finding]:
    """All of them; what needs the folder is left out when it is not there."""
    settings = place.settings
    yield from addresses(settings)
    folder = data_folder(settings.data_dir)
    yield folder
    if settings.data_dir.is_dir():
        yield from keys(settings, KeyRing(settings.data_dir / "keys", place.clock))
        yield from stores(settings)
    yield sandbox(settings)


def addresses(settings: Settings) -> Iterator[Finding]:
    """Whether passwords and evidence travel encrypted, and whose address the log shows."""
    url = urlsplit(settings.public_url)
    local = _is_loopback(url.hostname or "")
    if url.scheme != "https" and not local:
        yield warn(
            "address",
            Words(
                f"{settings.public_url} 未加密：密码与证据以明文传输",
                f"{settings.public_url} is not encrypted: passwords and evidence travel in clear",
            ),
            Words(
                f"在前面放置 TLS 代理，并把 {PREFIX}PUBLIC_URL 设为 https://…",
                f"put a TLS proxy in front and set {PREFIX}PUBLIC_URL to https://…",
            ),
        )
    elif url.scheme == "https" and not settings.trusted_proxies:
        yield warn(
            "address",
            Words(
                "日志中的来源地址将是代理的地址",
                "the log will show the proxy's address instead of the caller's",
            ),
            Words(
                f"把 {PREFIX}TRUSTED_PROXIES 设为代理的层数",
                f"set {PREFIX}TRUSTED_PROXIES to the number of proxies in front",
            ),
        )
    else:
        yield ok("address", settings.public_url, settings.public_url)


def data_folder(folder: Path) -> Finding:
    """There, writable, and closed to other accounts of the host."""
    if not folder.is_dir():
        return fail("data", Words(f"{folder} 不存在", f"{folder} is not there"), INIT)
    try:
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        return fail(
            "data",
            Words(f"{folder} 不可写：{error.strerror}", f"{folder}: {error.strerror}"),
            Words(
                f"授予运行服务的账号写权限：{folder}", f"let the server's account write to {folder}"
            ),
        )
    return _private("data", folder, fatal=_WORLD & ~0o005) or ok("data", str(folder), str(folder))


def keys(settings: Settings, ring: KeyRing) -> Iterator[Finding]:
    """Every key is there, can be read, and nobody else can read it."""
    folder = settings.data_dir / "keys"
    try:
        kids = [ring.active(purpose).kid for purpose in (TOKEN, EVENT)]
        (folder / "data.key").read_bytes()
    except (KeyRingError, OSError, ValueError) as error:
        yield fail("keys", Words(f"密钥不可用：{error}", f"{error}"), INIT)
        return
    exposed = [
        found
        for path in [folder, *sorted(folder.rglob("*"))]
        if (found := _private("keys", path, fatal=_OTHERS)) is not None
        and not path.name.endswith(".json")  # public halves
    ]
    if exposed:
        yield exposed[0]
        return
    shown = " ".join(kid[:8] for kid in kids)
    yield ok("keys", f"当前密钥 {shown}", f"signing with {shown}")


def stores(settings: Settings) -> Iterator[Finding]:
    """The stores of bytes can be written and read, and have room."""
    try:
        found = build_stores(storage_config(settings))
    except (StorageError, OSError) as error:
        yield _store_failed("blobs", error)
        return
    yield _answers("blobs", found.blobs.check, settings.data_dir / "sha256")
    far = getattr(found.blobs, "check_far", None)
    if far is not None:
        yield _answers("s3", far, f"{settings.s3_endpoint or 'S3'} {settings.s3_bucket}")
    yield space(settings, found)


def space(settings: Settings, found: Stores) -> Finding:
    """Room on the volume of the uploads."""
    room = found.uploads.space()
    free = f"{room.free_bytes / _GIB:.1f} GiB"
    said = Words(
        f"已用 {room.used_ratio:.0%}，剩余 {free}", f"{room.used_ratio:.0%} used, {free} free"
    )
    most = settings.spool_used_ratio_max
    step = Words(
        f"扩容或清理；超过 {most:.0%} 将拒绝上传",
        f"make room: above {most:.0%} uploads are turned away",
    )
    if room.used_ratio >= most:
        return fail("space", said, step)
    if room.used_ratio >= most * _NEARLY:
        return warn("space", said, step)
    return ok("space", said.zh, said.en)


def sandbox(settings: Settings) -> Finding:
    """How hostile files are kept from doing harm while they are examined."""
    install = Words("安装 bubblewrap", "install bubblewrap")
    try:
        with Sandbox(bubblewrap=settings.sandbox != "process") as parsers:
            found = parsers.confinement()
    except (SandboxError, OSError) as error:
        return fail("sandbox", Words(f"无法启动检验进程：{error}", str(error)), install)
    said = Words(f"{found.kind}：{found.detail}", f"{found.kind}: {found.detail}")
    if found.kind == "bubblewrap":
        return ok("sandbox", said.zh, said.en)
    if settings.sandbox == "bwrap":
        return fail("sandbox", said, install)
    if settings.sandbox == "process":
        install = Words(f"把 {PREFIX}SANDBOX 设为 auto", f"set {PREFIX}SANDBOX to auto")
    return warn("sandbox", said, install)


def _answers(check: str, ask: Callable[[], None], where: object) -> Finding:
    try:
        ask()
    except (StorageError, OSError) as error:
        return _store_failed(check, error)
    except Exception as error:  # noqa: BLE001  the vendor's client has its own for bad settings
        return _store_failed(check, error)
    return ok(check, f"{where} 可读写", f"{where} can be written and read")


def _store_failed(check: str, error: Exception) -> Finding:
    text = str(error) or type(error).__name__
    step = Words(f"检查 {PREFIX}DATA_DIR 及其权限", f"look at {PREFIX}DATA_DIR and its permissions")
    if check == "s3":
        step = Words(f"检查 {PREFIX}S3_* 设置与网络", f"look at {PREFIX}S3_* and the network")
    return fail(check, Words(f"存储不可用：{text}", f"it does not work: {text}"), step)


def _private(check: str, path: Path, *, fatal: int) -> Finding | None:
    """What is wrong with a mode; ``fatal`` bits are a failure, other accounts' bits a warning."""
    with suppress(FileNotFoundError):
        mode = stat.S_IMODE(path.stat().st_mode)
        if not mode & _OTHERS:
            return None
        wanted = "700" if path.is_dir() else "600"
        said = Words(
            f"其他账号可以访问 {path}（权限 {mode:o}）",
            f"other accounts can get at {path} (mode {mode:o})",
        )
        step = Words(f"chmod {wanted} {path}", f"chmod {wanted} {path}")
        return (fail if mode & fatal else warn)(check, said, step)
    return None


def _is_loopback(host: str) -> bool:
    if host in _LOCAL_NAMES or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
