"""Routes that every installation has: health, metrics, documents."""

from __future__ import annotations

from flask import Blueprint

blueprint = Blueprint("ops", __name__)
