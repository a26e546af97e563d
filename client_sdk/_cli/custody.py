"""`tiezheng attest`, `close`: what proves a chain before it is synced."""

from __future__ import annotations

import io
from typing import Final

import click
import segno

from client_sdk._cli.app import App
from client_sdk._cli.guard import guarded
from client_sdk._cli.places import mission_id
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


def terminal_qr(text: str) -> str:
    """A QR of half blocks that a phone reads from the screen."""
    out = io.StringIO()
    segno.make(text, error="m", micro=False).terminal(out, compact=True)
    return out.getvalue().rstrip("\n")


COMMANDS: Final = (attest, close)
