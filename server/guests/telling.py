"""How people of the court learn of something; the application says who tells them."""

from __future__ import annotations

import uuid
from collections.abc import Collection
from typing import Protocol

from server.core.context import Context


class Tell(Protocol):
    """``server.notices.service.tell``."""

    def __call__(
        self, ctx: Context, user_ids: Collection[uuid.UUID], topic: str, subject: str, link: str
    ) -> None:
        """Put a notice for these people beside the change that is told."""
        ...


def _nobody(
    ctx: Context, user_ids: Collection[uuid.UUID], topic: str, subject: str, link: str
) -> None:
    pass


_tell: Tell = _nobody


def use(tell: Tell) -> None:
    """Let ``tell`` carry notices from now on."""
    global _tell  # noqa: PLW0603  there is one way of telling people
    _tell = tell


def tell(
    ctx: Context, user_ids: Collection[uuid.UUID], topic: str, subject: str, link: str
) -> None:
    """Tell people of the court."""
    _tell(ctx, user_ids, topic, subject, link)
