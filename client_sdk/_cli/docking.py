"""`tiezheng dock`: plan, one confirm, take, sync."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import click

from client_sdk._cli.app import App, Exit, exit_of_sync
from client_sdk._cli.places import case_id, case_names, mission_id
from client_sdk._cli.show import plan_table, progress, show_report
from client_sdk._dock import Dock, DockPlan, PlannedFile, TakenFile, scan
from client_sdk.client import FieldClient
from client_sdk.errors import ApiError, CaptureError, NotSignedInError, TransportError
from client_sdk.models import SyncReport

_LEAVE: Final = "-"


@dataclass(frozen=True, slots=True)
class DockOptions:
    """What the command line said."""

    folder: Path
    case: str | None
    mission: str | None
    camera: str | None
    ask: bool
    yes: bool
    dry_run: bool
    sync: bool


def run_dock(app: App, options: DockOptions) -> Exit:
    """Dock a card or folder."""
    with app.client() as client:
        if options.sync:
            _refresh(app, client)
        dock = Dock(client, options.camera)
        names = case_names(client)
        case = case_id(options.case, names) if options.case else None
        mission = mission_id(options.mission, client) if options.mission else None
        plan = dock.plan(scan(options.folder), case=case, mission=mission)
        people = {b.user_id: b.user_name for b in client.bookings() if b.user_name}
        _show_plan(app, plan, {**names, **people})
        if options.dry_run:
            app.say("dry-run")
            app.emit(_result(app, plan, (), plan.unmatched, None))
            return Exit.NEEDS_PERSON if plan.unmatched else Exit.OK
        chosen, left = list(plan.to_take), list(plan.unmatched)
        if left and options.ask:
            told, left = _ask(app, dock, left, names)
            chosen += told
        if chosen and options.ask and not options.yes:
            click.confirm(
                app.text("confirm-dock", count=len(chosen)), default=True, abort=True, err=True
            )
        return _take_and_sync(app, client, dock, plan, chosen, left, sync=options.sync)


def _refresh(app: App, client: FieldClient) -> None:
    """The newest bookings, when there is a network; without one the kept ones have to do."""
    try:
        client.pull()
    except (TransportError, ApiError, NotSignedInError) as error:
        app.notice("old-bookings", code=error.code)


def _take_and_sync(
    app: App,
    client: FieldClient,
    dock: Dock,
    plan: DockPlan,
    chosen: list[PlannedFile],
    left: list[PlannedFile],
    *,
    sync: bool,
) -> Exit:
    taken: list[TakenFile] = []
    unplugged = None
    report: SyncReport | None = None
    with progress(app) as listen:
        for planned in chosen:
            try:
                taken.append(dock.take(planned, listen))
            except CaptureError as error:
                unplugged = str(error)
                break
        app.notice("taken" if taken else "nothing-new", count=len(taken))
        if unplugged is None and not left:
            app.notice("safe-to-remove")
        if sync:
            report = client.sync(on_progress=listen)
    if unplugged is not None:
        app.notice("unplugged", detail=unplugged)
    if left:
        app.notice("left", count=len(left))
    if report is not None:
        show_report(app, report)
    app.emit(_result(app, plan, taken, left, report, unplugged))
    if left:
        return Exit.NEEDS_PERSON
    if unplugged is not None:
        return Exit.UNFINISHED
    return exit_of_sync(report) if report else Exit.OK


def _show_plan(app: App, plan: DockPlan, names: dict[str, str]) -> None:
    if app.as_json:
        return
    if plan.planned:
        waiting = (p for p in plan.planned if p.docked is None)
        app.out.print(plan_table(app, waiting, names))
    app.say(
        "plan",
        take=len(plan.to_take),
        docked=len(plan.docked),
        unmatched=len(plan.unmatched),
        passed=len(plan.passed_over),
    )
    for gap in plan.gaps:
        app.say("gap", gap=gap)


def _ask(
    app: App, dock: Dock, unmatched: list[PlannedFile], names: dict[str, str]
) -> tuple[list[PlannedFile], list[PlannedFile]]:
    """Ask for the case of what could not be matched, offering the last answer again."""
    told: list[PlannedFile] = []
    left: list[PlannedFile] = []
    last = ""
    for planned in unmatched:
        choices = planned.match.case_choices
        offered = last or (names.get(choices[0], choices[0]) if choices else "")
        case = None
        while True:
            answer = click.prompt(
                app.text(
                    "ask-case",
                    name=planned.file.relative,
                    time=planned.match.at.strftime("%Y-%m-%d %H:%M"),
                    why=app.text(f"why.{planned.match.reason.value}"),
                ),
                default=offered,
                show_default=bool(offered),
                err=True,
            ).strip()
            if answer in ("", _LEAVE):
                break
            try:
                case = case_id(answer, names)
            except click.BadParameter:
                click.echo(app.text("ask-case-again"), err=True)
                continue
            last = answer
            break
        if case is None:
            left.append(planned)
        else:
            told.append(dock.told(planned, case))
    return told, left


def _result(
    app: App,
    plan: DockPlan,
    taken: list[TakenFile] | tuple[()],
    left: list[PlannedFile] | tuple[PlannedFile, ...],
    report: SyncReport | None,
    unplugged: str | None = None,
) -> dict[str, Any]:
    def planned(item: PlannedFile | TakenFile) -> dict[str, Any]:
        match = item.match
        return {
            "file": item.file.relative,
            "size_bytes": item.file.size_bytes,
            "media": item.file.media.value,
            "time": match.at,
            "camera": match.camera,
            "officer": match.officer,
            "mission": match.mission,
            "case": match.case,
            "certainty": match.certainty.value,
            "reason": match.reason.value,
            "why": app.text(f"why.{match.reason.value}"),
        }

    return {
        "to_take": [planned(item) for item in plan.to_take],
        "taken": [{**planned(item), "captured": item.captured} for item in taken],
        "docked_before": [{**planned(item), "sha256": item.docked} for item in plan.docked],
        "unmatched": [planned(item) for item in left],
        "passed_over": plan.passed_over,
        "gaps": plan.gaps,
        "unplugged": unplugged,
        "sync": report,
    }
