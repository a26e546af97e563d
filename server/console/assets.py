"""Files that pages load: our own, and libraries copied from npm's folder at set-up.

A library is never committed.  ``flask --app wsgi assets`` copies the files of :data:`VENDOR` and
writes their digests; a page names a library only when it is there, with its digest (SRI), and
works by plain links and forms when it is not.
"""

from __future__ import annotations

import base64
import hashlib
import json
import shutil
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Final

from flask import url_for
from markupsafe import Markup

STATIC: Final = Path(__file__).parent / "static"
VENDOR_FOLDER: Final = STATIC / "vendor"
_LIST: Final = "integrity.json"
VENDOR: Final[Mapping[str, str]] = {
    "htmx.js": "htmx.org/dist/htmx.min.js",
    "leaflet.js": "leaflet/dist/leaflet.js",
    "leaflet.css": "leaflet/dist/leaflet.css",
    **{
        f"noble/{name}.js": f"@noble/hashes/{name}.js"
        for name in ("sha2", "hmac", "utils", "_md", "_u64")
    },
}
# Formats that the offline verifier reads as well; tested there, never copied by hand.
SHARED: Final[Mapping[str, str]] = {
    f"tz/{name}.js": f"{name}.js" for name in ("bytes", "errors", "jcs")
}
_SHARED_FOLDER: Final = Path(__file__).resolve().parents[2] / "client_sdk" / "browser"
_BARE, _BESIDE = '"@noble/hashes/', '"../noble/'
_VERSION_CHARACTERS: Final = 10


def url(path: str) -> str:
    """Address of one of our files, new whenever its content is."""
    return url_for("static", filename=path, v=_version(path, (STATIC / path).stat().st_mtime_ns))


def vendor(name: str) -> Markup:
    """The element that loads a library, or nothing when it was not set up."""
    digest = installed(VENDOR_FOLDER).get(name)
    if digest is None:
        return Markup("")
    address = url_for("static", filename=f"vendor/{name}", v=digest[7 : 7 + _VERSION_CHARACTERS])
    if name.endswith(".css"):
        return Markup('<link rel="stylesheet" href="{}" integrity="{}">').format(address, digest)
    return Markup('<script src="{}" integrity="{}" defer></script>').format(address, digest)


def installed(folder: Path) -> Mapping[str, str]:
    """Libraries that are there, with their digests (SRI)."""
    try:
        stamp = (folder / _LIST).stat().st_mtime_ns
    except OSError:
        return {}
    return _read(folder, stamp)


def copy_vendor(packages: Path, folder: Path = VENDOR_FOLDER) -> tuple[list[str], list[str]]:
    """Copy what npm installed under ``packages``; returns the names copied and those missing."""
    folder.mkdir(parents=True, exist_ok=True)
    copied, missing = [], []
    digests: dict[str, str] = {}
    sources = {name: packages / source for name, source in VENDOR.items()}
    sources |= {name: _SHARED_FOLDER / source for name, source in SHARED.items()}
    for name, source in sources.items():
        if not source.is_file():
            missing.append(name)
            continue
        (folder / name).parent.mkdir(exist_ok=True)
        if name in SHARED:  # a browser knows no packages: their place instead of their name
            text = source.read_text(encoding="utf-8").replace(_BARE, _BESIDE)
            (folder / name).write_text(text, encoding="utf-8")
        else:
            shutil.copyfile(source, folder / name)
        digest = hashlib.sha384((folder / name).read_bytes()).digest()
        digests[name] = f"sha384-{base64.b64encode(digest).decode()}"
        copied.append(name)
    (folder / _LIST).write_text(json.dumps(digests, indent=1), encoding="utf-8")
    return copied, missing


@lru_cache(maxsize=4)
def _read(folder: Path, _stamp: int) -> Mapping[str, str]:
    found: dict[str, str] = json.loads((folder / _LIST).read_text(encoding="utf-8"))
    return found


@lru_cache(maxsize=256)
def _version(path: str, _stamp: int) -> str:
    digest = hashlib.sha256((STATIC / path).read_bytes()).hexdigest()
    return digest[:_VERSION_CHARACTERS]
