"""When the last backup was made, for people to see: a small file beside the database.

A hint, not a proof: whoever restores looks at the backup itself.
"""

from __future__ import annotations

import contextlib
import json
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from server.core.clock import rfc3339
from server.core.context import Runtime
from server.core.durable import replace_file
from server.upkeep.backup import Backup

_FILE: Final = "last-backup.json"


@dataclass(frozen=True, slots=True)
class LastBackup:
    """What is known of it; ``missing`` counts bytes that the store had lost."""

    at: datetime
    with_keys: bool
    missing: int


def remember(runtime: Runtime, made: Backup) -> None:
    """Note that a backup was made; a folder that cannot be written is no reason to fail."""
    noted = {
        "at": rfc3339(runtime.clock.now()),
        "with_keys": made.manifest["keys"] is not None,
        "missing": len(made.missing),
    }
    with contextlib.suppress(OSError):
        replace_file(runtime.settings.data_dir / _FILE, json.dumps(noted).encode())


def last_backup(runtime: Runtime) -> LastBackup | None:
    """The last one that was noted; none when there is no note that can be read."""
    try:
        noted = json.loads((runtime.settings.data_dir / _FILE).read_text(encoding="utf-8"))
        at = datetime.fromisoformat(noted["at"])
        return LastBackup(at, bool(noted["with_keys"]), int(noted["missing"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None
