"""Hashing of passwords under gevent: it leaves the loop, and never inside a transaction.

A greenlet that waits while it holds SQLite's writers' lock would stop the whole process: the next
writer waits for the lock in the kernel, and nobody is left to release it.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import fresh_database

ROOT = Path(__file__).resolve().parents[3]
PROGRAM = """
from gevent import monkey; monkey.patch_all()
import faulthandler, pathlib, sys
import gevent
from server.app import create_app
from server.audit import sequencer
from server.core.transactions import EVERY_COURT, unit_of_work
from server.settings import Settings
from tests.factories.identity import PASSWORD, World, sign_in

faulthandler.dump_traceback_later(60, exit=True)
folder, url = pathlib.Path(sys.argv[1]), sys.argv[2]
app = create_app(Settings(
    data_dir=folder, database_url=url, public_url="http://localhost", log_level="error",
))
app.extensions["tiezheng"].keyring.initialise()
with app.app_context():
    world = World.build(app)
    callers = {name: world.caller(person) for name, person in world.first.people.items()}

def add(number):
    body = {"login": f"new.{number}", "name": "x", "post": "clerk", "roles": ["liaison"]}
    return callers["administrator"].post("/users", json=body).status_code

def reset(name):
    path = f"/users/{world.first.people[name].id}/password-reset"
    return callers["administrator"].post(path).status_code

def change(name):
    body = {"old": PASSWORD, "new": "a long new password"}
    return callers[name].post("/me/password", json=body).status_code

def arrive(name):
    return sign_in(app, world.second.people[name], world.second.phone).status_code

def in_context(call, argument):
    with app.app_context():
        return call(argument)

jobs = [(add, number) for number in range(4)]
jobs += [(reset, name) for name in ("liaison", "observer")]
jobs += [(change, name) for name in ("officer", "supervisor", "president")]
jobs += [(arrive, name) for name in ("officer", "supervisor", "president")]
greenlets = [gevent.spawn(in_context, *job) for job in jobs]
gevent.joinall(greenlets, timeout=50)
print([greenlet.value for greenlet in greenlets])
"""


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_people_are_let_in_side_by_side(
    request: pytest.FixtureRequest, kind: str, tmp_path: Path
) -> None:
    url = fresh_database(request, kind, tmp_path)
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(tmp_path / "data"), url],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert done.stdout.strip() == str([201] * 4 + [200] * 2 + [204] * 3 + [200] * 3), done.stderr
