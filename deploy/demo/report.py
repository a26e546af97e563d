"""What the demo says to the person who started it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

WIDTH_MIN = 150

console = Console(highlight=False)
console.width = max(console.width, WIDTH_MIN)


@dataclass(frozen=True, slots=True)
class Line:
    """One captured item and what the server says of it."""

    name: str
    kind: str
    size_bytes: int
    captured: str
    position: str
    state: str
    case_no: str
    identical: bool
    times_stored: int
    receipt: str
    findings: str = ""

    @property
    def good(self) -> bool:
        """Verified, in the right case, byte-identical, exactly once, with a valid receipt."""
        return (
            self.state in {"verified", "logged"}
            and self.case_no != ""
            and self.identical
            and self.times_stored == 1
            and self.receipt != ""
        )


def say(text: str) -> None:
    """One step, for people."""
    console.print(f"  {text}")


def headline(text: str) -> None:
    """A new part of the day."""
    console.print(f"\n[bold]{text}[/bold]")


def print_items(lines: Sequence[Line]) -> None:
    """The table of everything that was captured."""
    table = Table(title="What arrived / 到达情况", title_justify="left", box=SIMPLE_HEAD)
    for column in ("item", "kind", "bytes", "captured", "position", "state", "case", "same",
                   "×", "receipt"):  # fmt: skip
        if column in {"bytes", "×"}:
            table.add_column(column, justify="right", no_wrap=True)
        else:
            table.add_column(column, no_wrap=True)
    for line in lines:
        table.add_row(
            line.name, line.kind, f"{line.size_bytes:,}", line.captured, line.position,
            line.state, line.case_no, "yes" if line.identical else "NO",
            str(line.times_stored), line.receipt or "MISSING",
            style="" if line.good else "red",
        )  # fmt: skip
    console.print(table)
    for line in lines:
        if line.findings:
            console.print(f"  {line.name}: {line.findings}", style="yellow")


def print_logins(rows: Sequence[tuple[str, str, str, str]]) -> None:
    """Who can sign in; the passwords are made anew by each demo."""
    table = Table(title="Logins / 账号", title_justify="left", box=SIMPLE_HEAD)
    for column in ("court", "person", "role", "login / password"):
        table.add_column(column, no_wrap=True)
    for row in rows:
        table.add_row(*row)
    console.print(table)
