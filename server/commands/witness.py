"""``flask --app wsgi witness …``: the commands of :mod:`server.witness`, for an installed server.

A witness proves most where it is not the log's own office that runs it; there it is started by
``python -m server.witness``, which needs no settings and no database.
"""

from __future__ import annotations

from flask import Flask

from server.witness.command import group


def register(app: Flask) -> None:
    """Add the commands."""
    app.cli.add_command(group)
