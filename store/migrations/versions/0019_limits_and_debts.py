"""What agreements may give of a collection at most; since when what was handed out waits to be acknowledged."""

from __future__ import annotations

from alembic import op

revision = "0019"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("ALTER TABLE policies ADD agreements JSONB NOT NULL DEFAULT '{}'::jsonb")
    op.execute("ALTER TABLE exchange_holdings ADD owed_since TIMESTAMPTZ NOT NULL DEFAULT now()")


def downgrade() -> None:
    op.execute("ALTER TABLE policies DROP agreements")
    op.execute("ALTER TABLE exchange_holdings DROP owed_since")
