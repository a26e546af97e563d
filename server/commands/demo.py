"""``flask --app wsgi demo``: the fictional world for a demonstration."""

from __future__ import annotations

import json
import os
from pathlib import Path

import click
from flask import Flask, current_app
from flask.cli import with_appcontext

from server.audit import sequencer
from server.commands.demo_data import world
from server.commands.demo_seed import Seeder
from server.core.context import Runtime
from server.core.db import db
from server.core.transactions import EVERY_COURT, unit_of_work
from server.schema import upgrade


@click.command("demo")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object for programs.")
@with_appcontext
def demo(*, as_json: bool) -> None:
    """Fill an empty installation with two fictional courts, their people, cases and a mission."""
    runtime: Runtime = current_app.extensions["tiezheng"]
    upgrade(db.engine)
    runtime.keyring.initialise()
    with unit_of_work(EVERY_COURT) as session:
        sequencer.initialise(session, runtime.randbytes(8).hex())
    samples = os.environ.get("TIEZHENG_SAMPLES")
    made = Seeder(runtime, world(Path(samples) if samples else None)).run()
    if as_json:
        click.echo(json.dumps(made, ensure_ascii=False))
        return
    for court, name, role, login in made["logins"]:
        click.echo(f"{court}  {name}  {role}  {login}")


def register(app: Flask) -> None:
    """Add the command."""
    app.cli.add_command(demo)
