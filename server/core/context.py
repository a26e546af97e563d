"""Who asks, and what a service needs to answer: passed in, never looked up."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from server.core.permissions import (
    TOKEN_PERMISSIONS,
    Permission,
    Role,
    TokenKind,
    permissions_of,
)
from server.core.problem import Kind, Problem

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from client_sdk.protocol.ids import IdSource
    from server.core.clock import Clock
    from server.core.keyring import KeyRing
    from server.settings import Settings
    from storage.factory import Stores


@dataclass(frozen=True, slots=True)
class Actor:
    """The authenticated caller, frozen for the length of the request.

    ``address`` is the network address as seen through the trusted proxies.
    """

    token: TokenKind
    court_id: uuid.UUID
    user_id: uuid.UUID | None = None
    device_id: uuid.UUID | None = None
    roles: frozenset[Role] = frozenset()
    sign_in_id: uuid.UUID | None = None
    grant_id: uuid.UUID | None = None
    guest_id: uuid.UUID | None = None  # an invited observer's session, or a share's opening
    address: str | None = None

    def may(self, permission: Permission) -> bool:
        """The coarse gate; an object's visibility is another question."""
        if permission is Permission.PUBLIC or self.token is TokenKind.SYSTEM:
            return True
        narrowed = TOKEN_PERMISSIONS.get(self.token)
        if narrowed is not None:
            return permission in narrowed
        return permission in permissions_of(self.roles)

    def has_role(self, *roles: Role) -> bool:
        """True when one of ``roles`` is held."""
        return not self.roles.isdisjoint(roles)

    @property
    def sees_whole_court(self) -> bool:
        """Supervisors and the president see every case of their court."""
        return self.token is TokenKind.SYSTEM or self.has_role(Role.SUPERVISOR, Role.PRESIDENT)

    def device(self) -> uuid.UUID:
        """The device that speaks; 403 when the caller signed in without one."""
        if self.device_id is None:
            raise Problem(Kind.FORBIDDEN, "sign in on an enrolled device to do this")
        return self.device_id

    def user(self) -> uuid.UUID:
        """The person who speaks; 403 for a device alone."""
        if self.user_id is None:
            raise Problem(Kind.FORBIDDEN, "a person has to sign in to do this")
        return self.user_id


NOBODY_COURT = uuid.UUID(int=0)
CONTEXT_OF: Final = "tiezheng.context"  # key in a session's ``info``


def system_actor(court_id: uuid.UUID = NOBODY_COURT) -> Actor:
    """The worker and the operator's command line."""
    return Actor(token=TokenKind.SYSTEM, court_id=court_id)


@dataclass(frozen=True, slots=True)
class Runtime:
    """What one process has: built once by the app, shared by all requests.

    ``injected`` holds what an upper floor answers to a lower one's questions, by the name that the
    lower one gives it; the app fills it while it mounts the slices.
    """

    settings: Settings
    clock: Clock
    ids: IdSource
    randbytes: Callable[[int], bytes]
    keyring: KeyRing
    stores: Stores
    injected: dict[str, object] = field(default_factory=dict)


@dataclass(slots=True)
class Context:
    """One unit of work: the caller, the session, and the process' tools.

    Services take it as their first argument, never commit, and never look anything up globally.
    """

    actor: Actor
    session: Session
    runtime: Runtime
    request_id: str = "-"
    purpose: str | None = None
    after_commit: list[Callable[[], None]] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Let what watches the session know the process' tools."""
        self.session.info[CONTEXT_OF] = self

    @property
    def settings(self) -> Settings:
        """Settings of the process."""
        return self.runtime.settings

    @property
    def clock(self) -> Clock:
        """The injected clock."""
        return self.runtime.clock

    def new_id(self) -> uuid.UUID:
        """A fresh UUIDv7."""
        return self.runtime.ids()
