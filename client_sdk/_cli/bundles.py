"""`tiezheng bundle export|send|import`: records and receipts by hand."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import click

from client_sdk._cli.app import App, Exit, size_text
from client_sdk._cli.guard import guarded

_FILE: Final = click.Path(exists=True, dir_okay=False, path_type=Path)
_NEW: Final = click.Path(dir_okay=False, path_type=Path)


@click.group()
def bundle() -> None:
    """Exchange records and receipts in files, where no network reaches."""


@bundle.command("export")
@click.argument("file", type=_NEW)
@guarded
def export(app: App, *, file: Path) -> None:
    """Write all unconfirmed records and their bytes into FILE, signed by this device."""
    with app.client() as client:
        done = client.export_bundle(file)
    size = size_text(done.size_bytes)
    app.say("bundle-exported", records=done.records, objects=done.objects, size=size)
    app.emit(done)


@bundle.command("send")
@click.argument("file", type=_FILE)
@click.option("--receipts", type=_NEW, help="Write the receipts to carry back into this file.")
@guarded
def send(app: App, *, file: Path, receipts: Path | None) -> Exit | None:
    """Bring another device's FILE to the server; repeat to resume, or to fetch later receipts."""
    with app.client() as client:
        done = client.send_bundle(file, receipts=receipts)
    records = ", ".join(f"{name} {count}" for name, count in sorted(done.records.items()))
    objects = ", ".join(f"{name} {count}" for name, count in sorted(done.objects.items()))
    app.say("bundle-sent", records=records or "-", objects=objects or "-")
    if done.receipts is not None:
        app.say("bundle-receipts", path=done.receipts)
    app.emit(done)
    return Exit.NEEDS_PERSON if done.records.keys() & {"conflict", "rejected"} else None


@bundle.command("import")
@click.argument("file", type=_FILE)
@guarded
def import_(app: App, *, file: Path) -> None:
    """Take the receipts in FILE, which came back from the server."""
    with app.client() as client:
        count = client.import_bundle(file)
    app.say("bundle-imported", count=count)
    app.emit({"receipts": count})
