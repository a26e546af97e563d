"""Entry point for WSGI servers and for ``flask --app wsgi``."""

from server.cli import application

app = application()
