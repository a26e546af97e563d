"""What a valid request of the matrix is made of: the things it may name, and the request."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from server.core.clock import rfc3339
from tests.factories.ground import Ground, Speaker
from tests.factories.identity import runtime_of


@dataclass
class Names:
    """Ids to use; remembers which were asked for."""

    ids: Mapping[str, str]
    ground: Ground
    speaker: Speaker
    used: set[str] = field(default_factory=set)

    def __getitem__(self, name: str) -> str:
        self.used.add(name)
        return self.ids[name]

    def at(self, hours: float) -> str:
        """RFC 3339 text of a moment from now."""
        return rfc3339(runtime_of(self.ground.app).clock.now() + timedelta(hours=hours))


@dataclass(frozen=True)
class Ask:
    """A request; ``path`` is below ``/api/v1`` unless it starts with two slashes."""

    path: str
    json: Any = None
    data: bytes | None = None
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def arguments(self) -> dict[str, Any]:
        """For the test client."""
        found: dict[str, Any] = {"headers": dict(self.headers)}
        if self.json is not None:
            found["json"] = self.json
        if self.data is not None:
            found["data"] = self.data
        return found

    @property
    def whole_path(self) -> str:
        return self.path[1:] if self.path.startswith("//") else f"/api/v1{self.path}"
