"""Redacted copies for the two courts of :mod:`tests.factories.ground`, straight into the tables."""

from __future__ import annotations

import uuid
from typing import Any

from flask import Flask

from server.core.context import Context, system_actor
from server.core.transactions import unit_of_work
from server.evidence import shipping
from server.evidence.models import Evidence
from server.evidence.recipes import REDACT, Box, Recipe
from server.evidence.redaction_models import Redaction
from server.evidence.redactions import recipe_digest
from storage.digest import Digest
from tests.factories.identity import CourtWorld, runtime_of
from tests.factories.uploads import sha256_of


def redactions_of(app: Flask, court: CourtWorld, evidence: str) -> tuple[str, str]:
    """A redacted copy that was made, and one that could not be."""
    runtime = runtime_of(app)
    copy = b"a covered photo of " + court.code.encode()
    path = runtime.settings.data_dir / f"copy-{court.code}"
    path.write_bytes(copy)
    runtime.stores.blobs.put_file(Digest(sha256_of(copy)), path)
    path.unlink()
    recipe = Recipe(REDACT, "photo", (Box(0, 0, 50_000, 50_000, "fill"),))
    now = runtime.clock.now()
    made: dict[str, Any] = {
        "sha256": sha256_of(copy), "size_bytes": len(copy), "mime": "image/jpeg", "width": 4,
        "height": 3, "duration_ms": 0, "complete": True,
    }  # fmt: skip
    with unit_of_work(court.id) as session:
        ctx = Context(system_actor(court.id), session, runtime)
        item = session.get_one(Evidence, uuid.UUID(evidence))
        ids = [ctx.new_id(), ctx.new_id()]
        outcomes: list[tuple[str, dict[str, Any]]] = [
            ("made", made), ("failed", {"problem": "crashed: SIGSEGV"})
        ]  # fmt: skip
        for number, (state, more) in enumerate(outcomes):
            session.add(
                Redaction(
                    id=ids[number], court_id=court.id, evidence_id=item.id, number=number + 1,
                    kind="photo", recipe=recipe.value(), recipe_sha256=recipe_digest(recipe),
                    reason="遮盖第三人(虚构)", asked_by=court.officer.id, asked_at=now, state=state,
                    source_sha256=item.sha256, finished_at=now, **more,
                )
            )  # fmt: skip
        shipping.remember(ctx, sha256_of(copy), len(copy))
    return str(ids[0]), str(ids[1])
