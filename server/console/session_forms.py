"""Forms of signing in and of the reader's look."""

from __future__ import annotations

from marshmallow import Schema, fields, validate

from server.console.pages import THEMES
from server.console.words import LANGUAGES

_TEXT = validate.Length(1, 1000)


class SignInQuery(Schema):
    """Where to go on to."""

    next = fields.String(validate=_TEXT)


class SignInForm(Schema):
    """Login, password, code."""

    login = fields.String(required=True, validate=_TEXT)
    password = fields.String(required=True, validate=_TEXT)
    totp = fields.String(validate=validate.Length(1, 20))
    next = fields.String(validate=_TEXT)


class LookForm(Schema):
    """Language and theme."""

    lang = fields.String(validate=validate.OneOf(LANGUAGES))
    theme = fields.String(validate=validate.OneOf(THEMES))
    next = fields.String(validate=_TEXT)
