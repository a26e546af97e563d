"""The message by which the parent orders an examination from the zygote."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from server.evidence.sandbox.limits import Limits

MAX_ORDER_BYTES = 32 << 10


@dataclass(frozen=True, slots=True)
class Order:
    """One file to examine; the file itself and the two pipes travel as descriptors.

    With a `recipe` something is made from the file, into a fourth descriptor.
    """

    name: bytes
    claimed_type: str
    skip: Mapping[str, str]
    limits: Limits
    recipe: str = ""

    def pack(self) -> bytes:
        """As one datagram. Names and types are cut to what fits: they are only compared."""
        body = {
            "name": self.name[-1024:].hex(),
            "claimed_type": self.claimed_type[:200],
            "skip": dict(self.skip),
            "limits": asdict(self.limits),
            "recipe": self.recipe,
        }
        return json.dumps(body).encode()

    @classmethod
    def unpack(cls, data: bytes) -> "Order":
        """The inverse; from the parent, which is trusted."""
        body: dict[str, Any] = json.loads(data)
        return cls(
            name=bytes.fromhex(body["name"]),
            claimed_type=body["claimed_type"],
            skip=body["skip"],
            limits=Limits(**body["limits"]),
            recipe=body["recipe"],
        )
