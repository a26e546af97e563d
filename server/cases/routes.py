"""Routes of the cases slice."""

from __future__ import annotations

from flask import Blueprint

blueprint = Blueprint("cases", __name__)
