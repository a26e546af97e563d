"""An officer who captures and syncs without end, until killed: ``python -m tests.faults.officer``.

After each capture that has returned, a line with its place in the chain goes to ``acked.log`` and
is flushed: what stands there must be on the server in the end.
"""

from __future__ import annotations

import argparse
import os
import random
import sys
from pathlib import Path

from client_sdk import FieldClient
from client_sdk.errors import FieldError
from client_sdk.models import Captured

SIZES = (1_000, 40_000, 300_000, 1_500_000)
ROUNDS_OF_FINISH = 60


def main() -> int:
    """Work until killed, or with ``--finish`` until everything has its receipt."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults.officer")
    parser.add_argument("folder", type=Path)
    parser.add_argument("url")
    parser.add_argument("case_id")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--finish", action="store_true")
    asked = parser.parse_args()
    with FieldClient(asked.url, store=asked.folder / "store", secrets=None) as field:
        if asked.finish:
            return finish(field)
        work(field, asked.folder, asked.case_id, random.Random(asked.seed))
    return 0


def work(field: FieldClient, folder: Path, case_id: str, chance: random.Random) -> None:
    """Capture, note, sync; a sync that finds no server is only the field being the field."""
    with (folder / "acked.log").open("a", encoding="ascii") as acked:
        while True:
            for _ in range(chance.randrange(1, 4)):
                data = chance.randbytes(chance.choice(SIZES))
                acknowledge(acked.fileno(), field.capture(data, name="现场.bin", case=case_id))
            acknowledge(acked.fileno(), field.log("记录", case=case_id))
            try:
                field.sync(patience_seconds=1, receipts_wait_seconds=0.2)
            except FieldError as error:
                print(f"sync: {error}", file=sys.stderr)


def acknowledge(descriptor: int, captured: Captured) -> None:
    """Remember durably that the capture was acknowledged to the officer."""
    line = f"{captured.ep} {captured.seq} {captured.sha256 or '-'}\n"
    os.write(descriptor, line.encode())
    os.fsync(descriptor)


def finish(field: FieldClient) -> int:
    """Sync until nothing is left; 1 when something needs a person or never ends."""
    for _ in range(ROUNDS_OF_FINISH):
        report = field.sync(patience_seconds=20, receipts_wait_seconds=10)
        if report.complete:
            return 0
        if report.problems:
            print("\n".join(f"{p.code} {p.detail}" for p in report.problems), file=sys.stderr)
    print(f"not complete: {report}", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
