"""Routes of the evidence slice."""

from __future__ import annotations

from flask import Blueprint

blueprint = Blueprint("evidence", __name__)
