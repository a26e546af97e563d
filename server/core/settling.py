"""What a process has once it has started stays, so nobody needs to look through it again."""

from __future__ import annotations

import gc


def settle() -> None:
    """Take everything that exists now out of the garbage collector's view.

    Modules, routes, mappings and templates live as long as the process; a full collection that
    visits them all stops it for a fifth of a second.
    """
    gc.collect()
    gc.freeze()
