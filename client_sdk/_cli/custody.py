"""`tiezheng attest`, `close`, `wipe`: what proves a chain, and when originals may go."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Final

import click
import segno

from client_sdk._cli.app import App, Exit, size_text
from client_sdk._cli.guard import guarded
from client_sdk._cli.places import mission_id
from client_sdk._cli.show import wipe_table
from client_sdk._dock import scan
from client_sdk._wiping import CardPlace, WipeItem
from client_sdk.protocol.heads import HeadText
from client_sdk.protocol.ids import short_code

_SHORT: Final = 16


@click.command()
@click.argument("text", required=False)
@guarded
def attest(app: App, *, text: str | None) -> None:
    """Show this device's head as a QR, or record the head TEXT of another device."""
    with app.client() as client:
        if text is None:
            head = client.head()
            if not app.as_json:
                app.out.print(terminal_qr(head.text), soft_wrap=True)
                app.out.print(head.text, soft_wrap=True)
            app.say("head-short", short=head.short)
            app.say("head-shown")
            app.emit({"text": head.text, "seq": head.seq, "hid": head.hid, "short": head.short})
            return
        shown = HeadText.parse(text)
        entry = client.attest(text)
    device = short_code(shown.device)
    app.say("attested", seq=entry.seq, time=entry.wall[11:19], short=shown.short, device=device)
    app.emit({"attested": shown.text, "record": entry})


@click.command()
@click.argument("mission", required=False)
@click.option("--witness", help="Who saw count and head on the screen, or why nobody did.")
@guarded
def close(app: App, *, mission: str | None, witness: str | None) -> None:
    """Close MISSION, or the one in use: record how many records there are, and the head."""
    with app.client() as client:
        if mission is None:
            closed = client.close_mission(witness=witness)
        else:
            closed = client.close_mission(mission_id(mission, client), witness=witness)
    app.say("closed", seq=closed.seq, count=closed.count, head=closed.head[:_SHORT])
    app.emit(closed)


@click.command()
@click.argument(
    "folder", required=False, type=click.Path(exists=True, file_okay=False, path_type=Path)
)
@click.option("--delete", is_flag=True, help="Delete what is safe, after typed confirmation.")
@click.option(
    "--log-policy", type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="File (tlog-policy) that says which witnesses count, from now on.",
)  # fmt: skip
@guarded
def wipe(app: App, *, folder: Path | None, delete: bool, log_policy: Path | None) -> Exit | None:
    """List originals on this device, or on the card FOLDER, that are safe to delete.

    Safe is what a proof covers that the witnesses of the log policy have signed, and is older than
    a day. Without --delete nothing is done. A tombstone is recorded before each file goes.
    """
    with app.client() as client:
        if log_policy is not None:
            client.use_log_policy(log_policy.read_text(encoding="utf-8"))
        items = client.wipe_plan(None if folder is None else _places(folder))
        safe = [item for item in items if item.safe]
        if not app.as_json and items:
            app.out.print(wipe_table(app, items))
        size = size_text(sum(item.size_bytes for item in safe))
        app.say("wipe-plan", safe=len(safe), size=size, kept=len(items) - len(safe))
        gone: list[WipeItem] = []
        left: list[WipeItem] = []
        if delete and safe:
            _confirm(app, len(safe), size)
            for item in safe:
                (gone if client.wipe(item) else left).append(item)
            app.say("wiped", count=len(gone))
            if left:
                app.notice("not-wiped", count=len(left))
        elif safe:
            app.say("dry-run")
    app.emit({"items": items, "deleted": gone, "left": left, "dry_run": not delete})
    return Exit.NEEDS_PERSON if left else None


def _places(folder: Path) -> list[CardPlace]:
    files = scan(folder).files
    return [CardPlace(one.path, one.relative, one.size_bytes, one.place) for one in files]


def _confirm(app: App, count: int, size: str) -> None:
    """The words and the number have to be typed; anything else ends the run."""
    wanted = f"wipe {count}"
    typed = click.prompt(
        app.text("confirm-wipe", count=count, size=size, wanted=wanted), err=True, default=""
    )
    if " ".join(typed.split()) != wanted:
        app.notice("dry-run")
        raise click.Abort


def terminal_qr(text: str) -> str:
    """A QR of half blocks that a phone reads from the screen."""
    out = io.StringIO()
    segno.make(text, error="m", micro=False).terminal(out, compact=True)
    return out.getvalue().rstrip("\n")


COMMANDS: Final = (attest, close, wipe)
