"""What a witness remembers, in one file: changed by one at a time, durable before it is told.

``state.json`` holds the name, the keys of the watched logs and the newest checkpoint of each with
the witness' own cosignature.  That signature is checked whenever the file is read, so a size that
somebody lowered by hand is noticed unless an older file was put back whole.  The file is replaced,
never rewritten: after ``kill -9`` it holds the state before or after, and an answer is sent only
after.  A lock on a file beside it is what makes compare-and-set atomic, also between processes.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

from client_sdk.protocol.errors import ProtocolError
from client_sdk.protocol.keys import Algorithm, PrivateKey
from client_sdk.protocol.tlog.cosignatures import CosignatureKey, verify_cosignature
from client_sdk.protocol.tlog.notes import Note, format_vkey, parse_note, parse_vkey
from server.witness.errors import FolderError, StateLostError, WitnessError
from server.witness.service import WatchedLog

_STATE: Final = "state.json"
_LOCK: Final = "lock"
_KEY: Final = "key.pem"
_REFUSED: Final = "refused"
_REFUSED_MAX: Final = 100
_PRIVATE: Final = 0o600


@dataclass(slots=True)
class Draft:
    """The watched logs while they are held; what is put here becomes durable at the end."""

    logs: dict[str, WatchedLog]

    def put(self, log: WatchedLog) -> None:
        """Replace or add one."""
        self.logs[log.origin] = log


class WitnessFolder:
    """Key and memory of one witness."""

    def __init__(self, folder: Path, name: str, private: PrivateKey) -> None:
        self.folder = folder
        self.name = name
        self.key = CosignatureKey(name, private)

    @classmethod
    def create(cls, folder: Path, name: str) -> WitnessFolder:
        """Make a witness with a new key; raises :class:`FolderError` where there is one."""
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        if (folder / _KEY).exists() or (folder / _STATE).exists():
            raise FolderError(f"{folder} holds a witness already")
        private = PrivateKey.generate(Algorithm.ED25519)
        made = cls(folder, name, private)
        _write(folder / _KEY, private.to_pem())
        made._store({})
        return made

    @classmethod
    def open(cls, folder: Path) -> WitnessFolder:
        """The witness of a folder; raises :class:`FolderError` when key or memory are missing."""
        try:
            private = PrivateKey.from_pem((folder / _KEY).read_bytes())
        except FileNotFoundError:
            raise FolderError(f"no witness in {folder}: run 'init' first") from None
        except (ProtocolError, OSError) as error:
            raise FolderError(f"the key in {folder} cannot be read: {error}") from None
        found = cls(folder, str(_load(folder / _STATE).get("name", "")), private)
        found.read()
        return found

    def read(self) -> Mapping[str, WatchedLog]:
        """The watched logs by origin, as they are now."""
        state = _load(self.folder / _STATE)
        try:
            if state["v"] != 1 or state["name"] != self.name:
                raise FolderError(f"{self.folder / _STATE} is another witness' or of another kind")
            logs = [_log(origin, entry) for origin, entry in state["logs"].items()]
        except (ProtocolError, KeyError, TypeError, AttributeError, ValueError) as error:
            raise FolderError(f"{self.folder / _STATE} cannot be read: {error!r}") from None
        for log in logs:
            self._require_own(log)
        return {log.origin: log for log in logs}

    @contextlib.contextmanager
    def held(self) -> Iterator[Draft]:
        """The logs for one changer at a time; stored durably when the block ends without error."""
        lock = os.open(self.folder / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, _PRIVATE)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            before = dict(self.read())
            draft = Draft(dict(before))
            yield draft
            if draft.logs != before:
                self._store(draft.logs)
        finally:
            os.close(lock)

    def keep_refused(self, note: Note) -> None:
        """Keep a checkpoint that the log signed and that does not extend what it showed before.

        Together with the one that was cosigned it proves two histories.  The first ones are kept.
        """
        away = self.folder / _REFUSED
        away.mkdir(exist_ok=True, mode=0o700)
        path = away / f"{sha256(note.text.encode()).hexdigest()[:16]}.note"
        if not path.exists() and len(list(away.iterdir())) < _REFUSED_MAX:
            _write(path, note.to_text().encode())

    def _store(self, logs: Mapping[str, WatchedLog]) -> None:
        entries = {log.origin: _entry(log) for log in logs.values()}
        state = {"v": 1, "name": self.name, "logs": entries}
        text = json.dumps(state, ensure_ascii=False, sort_keys=True, indent=1) + "\n"
        _write(self.folder / _STATE, text.encode())

    def _require_own(self, log: WatchedLog) -> None:
        """What is said to have been cosigned carries this witness' cosignature."""
        if log.note is None or log.last is None:
            return
        try:
            if log.last.origin != log.origin:
                raise FolderError(f"the checkpoint kept for {log.origin} is another log's")
            verify_cosignature(log.note, self.key.verifier_key)
        except ProtocolError:
            raise FolderError(
                f"the checkpoint kept for {log.origin} was not cosigned by this witness"
            ) from None


def _log(origin: str, entry: Mapping[str, Any]) -> WatchedLog:
    keys = tuple(parse_vkey(text) for text in entry["keys"])
    note = entry["note"]
    return WatchedLog(origin, keys, None if note is None else parse_note(note))


def _entry(log: WatchedLog) -> dict[str, Any]:
    return {
        "keys": [format_vkey(key) for key in log.keys],
        "note": None if log.note is None else log.note.to_text(),
    }


def _load(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_bytes())
    except FileNotFoundError:
        raise StateLostError(
            f"{path} is gone: this witness cannot know what it cosigned and must not sign on; "
            "make a new one with a new key and tell those who rely on it"
        ) from None
    except (OSError, ValueError) as error:
        raise FolderError(f"{path} cannot be read: {error}") from None
    if not isinstance(found, dict):
        raise FolderError(f"{path} is no state of a witness")
    return found


def _write(path: Path, data: bytes) -> None:
    """Durable and private, never half-written under its name."""
    draft = path.with_name(path.name + ".new")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, _PRIVATE)
    try:
        if os.write(descriptor, data) != len(data):
            raise WitnessError(f"{draft} could not be written whole")
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    draft.rename(path)
    folder = os.open(path.parent, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
