"""Routes of the sync slice."""

from __future__ import annotations

from flask import Blueprint

blueprint = Blueprint("sync", __name__)
