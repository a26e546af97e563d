"""One table as a file: gzip over lines of JSON, one row each, in the order of the key.

The same for both databases, so a backup of one can be restored into the other.  Values are what
JSON has; ids and moments are texts, bytes are base64.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import os
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import IO, Any, Final

import sqlalchemy as sa
from sqlalchemy.orm import Session

from server.core.db import UtcDateTime

BATCH: Final = 500
_LEVEL: Final = 6


@dataclass(frozen=True, slots=True)
class TableFile:
    """What a manifest says of a table."""

    rows: int
    size_bytes: int
    sha256: str

    def to_dict(self) -> dict[str, Any]:
        """JSON members."""
        return {"rows": self.rows, "size_bytes": self.size_bytes, "sha256": self.sha256}


def write_table(session: Session, table: sa.Table, path: Path) -> TableFile:
    """Write every row, durably."""
    count = 0
    with path.open("xb") as raw:
        with gzip.GzipFile("", "wb", _LEVEL, raw, 0) as packed:
            columns = [column.name for column in table.columns]
            _line(packed, columns)
            statement = sa.select(table).order_by(*table.primary_key)
            stream = session.execute(statement, execution_options={"yield_per": BATCH})
            for row in stream:
                _line(packed, [_plain(value) for value in row])
                count += 1
        raw.flush()
        os.fsync(raw.fileno())
    return TableFile(count, path.stat().st_size, digest_of(path))


def read_table(table: sa.Table, path: Path) -> Iterator[list[dict[str, Any]]]:
    """Rows in batches, with the values that the columns' types take."""
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        names = json.loads(next(lines))
        columns = [table.columns[name] for name in names]
        batch: list[dict[str, Any]] = []
        for line in lines:
            values = json.loads(line)
            batch.append({c.name: _typed(c, v) for c, v in zip(columns, values, strict=True)})
            if len(batch) == BATCH:
                yield batch
                batch = []
    if batch:
        yield batch


def digest_of(path: Path) -> str:
    """SHA-256 of a file, hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _line(packed: IO[bytes] | gzip.GzipFile, values: list[Any]) -> None:
    packed.write(json.dumps(values, ensure_ascii=False, separators=(",", ":")).encode() + b"\n")


def _plain(value: Any) -> Any:
    if isinstance(value, bytes | memoryview):
        return base64.b64encode(bytes(value)).decode()
    if isinstance(value, datetime | date):
        return value.isoformat()
    return str(value) if isinstance(value, uuid.UUID) else value


def _typed(column: sa.Column[Any], value: Any) -> Any:
    if value is None:
        return None
    kind = column.type
    if isinstance(kind, sa.LargeBinary):
        return base64.b64decode(value)
    if isinstance(kind, UtcDateTime):
        return datetime.fromisoformat(value)
    if isinstance(kind, sa.Date):
        return date.fromisoformat(value)
    return uuid.UUID(value) if isinstance(kind, sa.Uuid) else value
