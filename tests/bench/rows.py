"""What a benchmark hands to the printer: figures of one run, side by side."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Row:
    """One line: our figure, the peer's figure of the same run, and what was aimed at.

    ``better`` says whether more or less is better; ``goal`` is compared with the ratio when there
    is a peer, with the figure itself otherwise.
    """

    group: str
    name: str
    figure: float
    unit: str
    peer: float | None = None
    peer_name: str = ""
    goal: float | None = None
    better: str = "more"
    note: str = ""

    @property
    def ratio(self) -> float | None:
        """Ours by the peer's."""
        return None if not self.peer else self.figure / self.peer

    @property
    def met(self) -> bool | None:
        """Whether the goal was reached; ``None`` without one."""
        if self.goal is None:
            return None
        measured = self.figure if self.peer is None else (self.ratio or 0.0)
        return measured >= self.goal if self.better == "more" else measured <= self.goal


def median(values: Sequence[float]) -> float:
    """Median of the rounds."""
    return statistics.median(values)


def table(rows: Sequence[Row]) -> str:
    """The rows as Markdown."""
    lines = ["| row | figure | peer | ratio | goal | |", "|---|---|---|---|---|---|"]
    for row in rows:
        peer = f"{row.peer:,.1f} {row.peer_name}" if row.peer is not None else ""
        ratio = f"{row.ratio:.2f} ×" if row.ratio is not None else ""
        sign = "≥" if row.better == "more" else "≤"
        goal = "" if row.goal is None else f"{sign} {row.goal:g}{' ×' if row.peer else ''}"
        met = {True: "met", False: "missed", None: ""}[row.met]
        note = f" ({row.note})" if row.note else ""
        lines.append(
            f"| {row.group}: {row.name}{note} | {row.figure:,.1f} {row.unit} | {peer} | {ratio} "
            f"| {goal} | {met} |"
        )
    return "\n".join(lines)
