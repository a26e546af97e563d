"""The `tiezheng` command."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any, Final

import click

from client_sdk._capturing import describe, name_bytes
from client_sdk._cli import settings
from client_sdk._cli.app import App, Exit, exit_of_sync, jsonable, size_text
from client_sdk._cli.bundles import bundle
from client_sdk._cli.custody import COMMANDS
from client_sdk._cli.docking import DockOptions, run_dock
from client_sdk._cli.entries import COMMANDS as ENTRIES
from client_sdk._cli.guard import guarded
from client_sdk._cli.places import case_names, mission_id, place_of, position_options
from client_sdk._cli.show import (
    missions_table,
    outbox_table,
    progress,
    receipts_table,
    returns_table,
    show_report,
)
from client_sdk._cli.verification import verify
from client_sdk.protocol.ids import short_code
from client_sdk.protocol.keys import Algorithm
from client_sdk.protocol.payloads import Media

_HELP: Final = """Evidence from the field: captured offline, delivered exactly once, receipted.

With --json, standard output holds one JSON value and nothing else; progress goes to
standard error. NO_COLOR is honoured.

\b
Exit codes:
  0  done; for sync: everything is confirmed by verified receipts
  1  unexpected error
  2  wrong usage
  3  something needs a person (unmatched, parked, conflicting or lost items)
  4  refused: not enrolled, not signed in, or the server said no
  5  unfinished: offline, unplugged, or receipts are still to come; run it again
  6  this device's store: full, locked, busy or damaged
  7  something signed does not hold (receipt, ticket, server key)

\b
Shell completion: eval "$(_TIEZHENG_COMPLETE=bash_source tiezheng)"
"""


@click.group(help=_HELP, context_settings={"help_option_names": ["-h", "--help"]})
@settings.first
@click.version_option(package_name="tiezheng")
@click.pass_context
def main(context: click.Context, /, **values: Any) -> None:
    """Entry point of the command."""
    made = context.obj if isinstance(context.obj, dict) else {}
    context.obj = settings.app_of(values, **made)


@main.command()
@click.argument("code")
@click.option("--name", required=True, help="Name of this device.")
@click.option("--model", default="", help="Its model.")
@click.option("--serial", default="", help="Its serial number.")
@click.option("--fingerprint", help="Server key's fingerprint from the enrolment QR.")
@click.option(
    "--log-policy",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="File (tlog-policy) that names the log and which witnesses count.",
)
@click.option(
    "--alg",
    type=click.Choice([alg.value for alg in Algorithm]),
    default=Algorithm.ES256.value,
    show_default=True,
    help="Algorithm of the device's key.",
)
@guarded
def enrol(
    app: App, *, code: str, name: str, model: str, serial: str, fingerprint: str | None,
    log_policy: Path | None, alg: str,
) -> None:  # fmt: skip
    """Bind this device to a court by a one-time CODE, or the text of its QR."""
    with app.client(enrolling=True) as client:
        if log_policy is not None:
            client.use_log_policy(log_policy.read_text(encoding="utf-8"))
        identity = client.enrol(
            code,
            name=name,
            model=model,
            serial=serial,
            alg=Algorithm(alg),
            fingerprint=fingerprint,
        )
        court = identity.court_name or str(identity.court_id)
        app.say("enrolled", device=short_code(identity.device_id), court=court)
        app.hint("sign-in")
        app.emit(
            {
                "device_id": identity.device_id,
                "court_id": identity.court_id,
                "court_name": identity.court_name,
                "ep": identity.ep,
                "protection": client.protection.value,
            }
        )


@main.command("sign-in")
@click.argument("login")
@click.option("--totp", help="Code of the second factor.")
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input.")
@guarded
def sign_in(app: App, *, login: str, totp: str | None, password_stdin: bool) -> None:
    """Sign the officer LOGIN in and fetch missions."""
    if password_stdin:
        password = sys.stdin.readline().rstrip("\n")
    else:
        password = click.prompt("Password", hide_input=True, err=True)
    with app.client() as client:
        officer = client.sign_in(login, password, totp)
        pulled = client.pull()
        app.say("signed-in", officer=client.officer_name, missions=len(client.missions()))
        app.emit({"officer_id": officer, "officer_name": client.officer_name, "pulled": pulled})


@main.command("sign-out")
@guarded
def sign_out(app: App) -> None:
    """End the officer's sign-in on this device."""
    with app.client() as client:
        client.sign_out()
        app.say("signed-out")
        app.emit({"signed_out": True})


@main.command()
@click.option(
    "--use", metavar="MISSION", help="Code or id: captures belong to this mission from now on."
)
@click.option("--ticket", is_flag=True, help="Fetch its ticket, before departure.")
@guarded
def missions(app: App, *, use: str | None, ticket: bool) -> None:
    """List missions; choose the one that captures belong to."""
    with app.client() as client:
        if use:
            chosen = mission_id(use, client)
            client.use_mission(chosen)
            if ticket:
                client.ticket(chosen)
        found = client.missions()
        if not found:
            app.say("no-missions")
            app.hint("sync" if client.officer_id else "sign-in")
        elif not app.as_json:
            app.out.print(missions_table(app, found, case_names(client)))
        app.emit({"missions": [{"id": m.id, **jsonable(dict(m.data))} for m in found]})


@main.command()
@click.argument(
    "files", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path)
)
@click.option("--media", type=click.Choice([media.value for media in Media]), help="Kind.")
@click.option("--text", help="A caption.")
@click.option("--dry-run", is_flag=True, help="Only tell what would be sealed.")
@position_options
@guarded
def capture(
    app: App,
    /,
    *,
    files: tuple[Path, ...],
    media: str | None,
    text: str | None,
    dry_run: bool,
    **where: str | None,
) -> None:
    """Seal FILES as evidence on this device; works offline."""
    done: list[dict[str, Any]] = []
    with app.client() as client, progress(app) as listen:
        placed = place_of(where, client)
        for path in files:
            size = size_text(path.stat().st_size)
            if dry_run:
                kind = describe(name_bytes(path)).media.value
                app.say("would-capture", name=path.name, size=size)
                done.append({"file": path, "media": media or kind, "captured": None})
                continue
            captured = client.capture(
                path,
                media=Media(media) if media else None,
                text=text,
                on_progress=listen,
                **placed,
            )
            time = captured.wall[11:19]
            app.say("captured", seq=captured.seq, time=time, name=path.name, size=size)
            done.append({"file": path, "captured": captured})
            if captured.case is None:
                app.notice("no-case")
    app.emit({"captured": done, "dry_run": dry_run})


@main.command()
@click.argument("text")
@position_options
@guarded
def log(app: App, /, *, text: str, **where: str | None) -> None:
    """Append an action-log entry TEXT; works offline."""
    with app.client() as client:
        entry = client.log(text, **place_of(where, client))
    app.say("logged", seq=entry.seq, time=entry.wall[11:19])
    if entry.case is None:
        app.notice("no-case")
    app.emit(entry)


@main.command()
@click.option("--patience", default=30.0, show_default=True, help="Seconds without progress.")
@click.option("--wait", default=5.0, show_default=True, help="Seconds to wait for receipts.")
@click.option("--retry-parked", is_flag=True, help="Send again what was refused.")
@click.option("--dry-run", is_flag=True, help="Only tell what is waiting.")
@guarded
def sync(
    app: App, *, patience: float, wait: float, retry_parked: bool, dry_run: bool
) -> Exit | None:
    """Send everything, fetch changes and receipts."""
    with app.client() as client:
        if dry_run:
            pending = client.pending()
            app.say(
                "pending",
                records=pending.records,
                objects=pending.objects,
                size=size_text(pending.size_bytes),
                receipts=pending.receipts,
            )
            app.emit({"pending": pending, "dry_run": True})
            return None
        if retry_parked:
            app.notice("retrying", count=client.retry_parked())
        with progress(app) as listen:
            report = client.sync(
                patience_seconds=patience, receipts_wait_seconds=wait, on_progress=listen
            )
        returned = client.returns()
    show_report(app, report)
    if returned:
        app.say("returned", count=len(returned))
    app.emit({**jsonable(report), "complete": report.complete, "returned": len(returned)})
    return exit_of_sync(report)


@main.command()
@guarded
def outbox(app: App) -> Exit | None:
    """Show every record on this device and where it is."""
    with app.client() as client:
        items = list(client.outbox())
        problems = client.problems()
    if not items:
        app.say("no-items")
        app.hint("capture")
    elif not app.as_json:
        app.out.print(outbox_table(app, items))
    app.emit({"items": items, "problems": problems})
    return Exit.NEEDS_PERSON if problems else None


@main.command()
@guarded
def receipts(app: App) -> Exit | None:
    """Show the verified receipts, with their signed statements under --json."""
    with app.client() as client:
        found = client.receipts()
        alarm = client.log_alarm()
    if not found:
        app.say("no-receipts")
        app.hint("sync")
    elif not app.as_json:
        app.out.print(receipts_table(app, (receipt for receipt, _ in found)))
    if alarm is not None:
        app.notice("error.log-inconsistent", detail=alarm["detail"])
    listed = [{"receipt": r, "statement": s.to_dict()} for r, s in found]
    app.emit({"receipts": listed, "alarm": alarm})
    return Exit.TRUST if alarm else None


@main.command()
@guarded
def returns(app: App) -> None:
    """Show what a supervisor returned or asked about, with the reasons."""
    with app.client() as client:
        found = client.returns()
    if not found:
        app.say("no-returns")
        app.hint("sync")
    elif not app.as_json:
        app.out.print(returns_table(app, found.values()))
    app.emit({"returns": list(found.values())})


@main.command()
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--case", help="Case number or id for files that no booking decides.")
@click.option("--mission", help="Mission's code or id for files that no booking decides.")
@click.option("--camera", help="Id or name of the camera; else any that was booked.")
@click.option("--no-input", is_flag=True, help="Ask nothing; exit 3 when files are left.")
@click.option("--yes", "-y", is_flag=True, help="Skip the one confirmation.")
@click.option("--no-sync", is_flag=True, help="Only seal on this device.")
@click.option("--dry-run", is_flag=True, help="Show the plan and stop.")
@guarded
def dock(  # noqa: PLR0913 - the options of a command line
    app: App,
    *,
    folder: Path,
    case: str | None,
    mission: str | None,
    camera: str | None,
    no_input: bool,
    yes: bool,
    no_sync: bool,
    dry_run: bool,
) -> Exit:
    """Read a card or FOLDER, match its files by duty booking, seal and send them."""
    options = DockOptions(
        folder=folder,
        case=case,
        mission=mission,
        camera=camera,
        ask=not no_input,
        yes=yes,
        dry_run=dry_run,
        sync=not no_sync,
    )
    return run_dock(app, options)


main.add_command(verify)
main.add_command(bundle)


for command in (*COMMANDS, *ENTRIES):
    main.add_command(command)


if __name__ == "__main__":
    main()
