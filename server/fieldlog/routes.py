"""Routes of the fieldlog slice."""

from __future__ import annotations

from flask import Blueprint

blueprint = Blueprint("fieldlog", __name__)
