"""Initial schema, with row security by court on PostgreSQL."""

from __future__ import annotations

from alembic import op

from server.core.row_security import protect
from server.core.db import Base

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    Base.metadata.create_all(op.get_bind())
    protect(op.get_bind(), [name for name, t in Base.metadata.tables.items() if "court_id" in t.c])


def downgrade() -> None:
    """Undo."""
    Base.metadata.drop_all(op.get_bind())
