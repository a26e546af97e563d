"""Tables on standard output, progress on standard error."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from rich.markup import escape
from rich.progress import (
    BarColumn,
    DownloadColumn,
    TaskID,
    TextColumn,
    TransferSpeedColumn,
)
from rich.progress import Progress as Bars
from rich.table import Table

from client_sdk._cli.app import App, size_text
from client_sdk._cli.messages import Lang, known
from client_sdk._dock import PlannedFile
from client_sdk._wiping import WipeItem
from client_sdk.models import Mission, OnProgress, OutboxItem, Progress, SyncReport
from client_sdk.protocol.encoding import b64url_decode
from client_sdk.protocol.errors import ProtocolError
from client_sdk.protocol.statements import Receipt
from client_sdk.protocol.times import parse_rfc3339


@contextmanager
def progress(app: App) -> Iterator[OnProgress]:
    """Bars that follow the SDK's progress events; silent when nobody watches."""
    bars = Bars(
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(binary_units=True),
        TransferSpeedColumn(),
        console=app.err,
        transient=True,
        disable=app.quiet or not app.err.is_terminal,
    )
    tasks: dict[tuple[str, str], TaskID] = {}

    def listen(event: Progress) -> None:
        if event.step == "waiting":
            bars.console.print(app.text("waiting", code=escape(event.name)))
            return
        if event.step not in {"copy", "upload"}:
            return
        key = (event.step, event.name)
        if key not in tasks:
            label = f"{app.text('step.' + event.step)} {escape(event.name)}"
            tasks[key] = bars.add_task(label, total=event.total_bytes)
        bars.update(tasks[key], completed=event.done_bytes, total=event.total_bytes)

    with bars:
        yield listen


def outbox_table(app: App, items: Iterable[OutboxItem]) -> Table:
    """One line for each record."""
    table = Table(box=None)
    for key in ("time", "what", "size", "state"):
        table.add_column(app.text(f"col.{key}"))
    for item in items:
        first = item.objects[0] if item.objects else None
        state = f"{item.state.sign} {app.text('state.' + item.state.value)}"
        if first and 0 < first.offset_bytes < first.size_bytes:
            state += f" {100 * first.offset_bytes // first.size_bytes} %"
        if item.problem:
            state += f": {item.problem}"
        table.add_row(
            item.wall[:19].replace("T", " "),
            escape(f"#{item.seq} {first.name if first and first.name else item.act}"),
            size_text(first.size_bytes) if first else "",
            escape(state),
        )
    return table


def receipts_table(app: App, receipts: Iterable[Receipt]) -> Table:
    """One line for each receipt."""
    table = Table(box=None)
    for key in ("what", "size", "receipt"):
        table.add_column(app.text(f"col.{key}"))
    for receipt in receipts:
        index = "" if receipt.log_index is None else f" @{receipt.log_index}"
        index += f" {receipt.level}" if receipt.level else ""
        table.add_row(
            f"#{receipt.seq} {(receipt.sha256 or receipt.hid)[:16]}",
            size_text(receipt.size_bytes) if receipt.size_bytes is not None else "",
            f"{receipt.issued.isoformat(timespec='seconds')} x{receipt.copies}{index}",
        )
    return table


def missions_table(app: App, missions: Iterable[Mission], cases: Mapping[str, str]) -> Table:
    """One line for each mission; `cases` are numbers by id."""
    table = Table(box=None)
    for key in ("mission", "title", "from", "until", "case"):
        table.add_column(app.text(f"col.{key}"), overflow="fold", no_wrap=key == "mission")
    for mission in missions:
        times = (mission.starts_at, mission.ends_at)
        shown = [f"{at.astimezone():%Y-%m-%d %H:%M}" if at else "" for at in times]
        numbers = ", ".join(cases.get(one, one) for one in mission.case_ids)
        table.add_row(escape(mission.code), escape(mission.title), *shown, escape(numbers))
    return table


def returns_table(app: App, returns: Iterable[Mapping[str, Any]]) -> Table:
    """One line for each item that came back."""
    table = Table(box=None)
    for key in ("what", "time", "asked", "why", "who"):
        table.add_column(app.text(f"col.{key}"), overflow="fold")
    for item in returns:
        reason = item.get("reason") or {}
        words = (reason.get("zh" if app.lang is Lang.ZH else "en"), item.get("text"))
        key = f"asked.{item.get('decision')}"
        table.add_row(
            escape(f"#{item.get('seq')} {_name(item.get('name_b64'))}".rstrip()),
            _local(item.get("captured_at")),
            app.text(key) if known(key) else "",
            escape(": ".join(str(word) for word in words if word)),
            escape(str((item.get("by") or {}).get("name") or "")),
        )
    return table


def _name(encoded: object) -> str:
    try:
        return b64url_decode(encoded).decode("utf-8", "replace") if encoded else ""
    except ProtocolError:
        return ""


def _local(time: object) -> str:
    try:
        return f"{parse_rfc3339(time).astimezone():%Y-%m-%d %H:%M:%S}"
    except ProtocolError:
        return ""


def plan_table(app: App, planned: Iterable[PlannedFile], names: dict[str, str]) -> Table:
    """One line for each file of a card; `names` of cases and people by id."""
    table = Table(box=None)
    for key in ("file", "time", "officer", "case", "why"):
        table.add_column(app.text(f"col.{key}"), overflow="fold")
    for item in planned:
        match = item.match
        table.add_row(
            escape(item.file.relative),
            match.at.strftime("%Y-%m-%d %H:%M:%S"),
            escape(names.get(match.officer or "", match.officer or "-")),
            escape(names.get(match.case or "", match.case or "-")),
            app.text(f"why.{match.reason.value}"),
        )
    return table


def wipe_table(app: App, items: Iterable[WipeItem]) -> Table:
    """One line for each original."""
    table = Table(box=None)
    for key in ("file", "size", "why"):
        table.add_column(app.text(f"col.{key}"), overflow="fold")
    for item in items:
        why = "safe" if item.keep is None else item.keep.value
        table.add_row(escape(item.name), size_text(item.size_bytes), app.text(f"keep.{why}"))
    return table


def show_report(app: App, report: SyncReport) -> None:
    """A sync's report for people."""
    app.say(
        "summary",
        pushed=report.pushed,
        uploaded=report.uploaded,
        size=size_text(report.uploaded_bytes),
        receipts=report.receipts,
    )
    if report.paused:
        app.say("paused", code=report.paused)
    if report.complete:
        app.say("all-confirmed")
    elif not report.pending.nothing:
        pending = report.pending
        app.say(
            "pending",
            records=pending.records,
            objects=pending.objects,
            size=size_text(pending.size_bytes),
            receipts=pending.receipts,
        )
    if report.problems and not app.as_json:
        app.say("needs-you")
        for problem in report.problems:
            number = f"#{problem.seq} " if problem.seq else ""
            app.out.print(f"  ! {number}{escape(problem.code)}: {escape(problem.detail)}")
        for code in dict.fromkeys(problem.code for problem in report.problems):
            if known(f"error.{code}"):
                app.say(f"error.{code}", detail="", store=app.store)
