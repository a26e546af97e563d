"""What a check finds, and what everything looked at has in common."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum

from server.commands.console import Words
from server.core.clock import Clock
from server.settings import Settings

INIT = Words("运行 flask --app wsgi init", "run 'flask --app wsgi init'")
MIGRATE = Words("运行 flask --app wsgi migrate", "run 'flask --app wsgi migrate'")


class Level(IntEnum):
    """How bad it is; the worst one is the exit code."""

    OK = 0
    WARN = 1
    FAIL = 2


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the table; ``step`` says what to do."""

    check: str
    level: Level
    said: Words
    step: Words | None = None


@dataclass(frozen=True, slots=True)
class Installation:
    """What is examined."""

    settings: Settings
    clock: Clock
    env: Mapping[str, str]


def ok(check: str, zh: str, en: str) -> Finding:
    """As it should be."""
    return Finding(check, Level.OK, Words(zh, en))


def warn(check: str, said: Words, step: Words) -> Finding:
    """It works, but it is risky or slow."""
    return Finding(check, Level.WARN, said, step)


def fail(check: str, said: Words, step: Words) -> Finding:
    """It does not work, or something acknowledged could be lost."""
    return Finding(check, Level.FAIL, said, step)
