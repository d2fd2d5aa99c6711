"""How much each office uses the platform, by day."""

from __future__ import annotations

from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        "CREATE TABLE usage_days (day DATE NOT NULL, office TEXT NOT NULL, measure TEXT NOT NULL, "
        "number BIGINT NOT NULL, PRIMARY KEY (day, office, measure))"
    )


def downgrade() -> None:
    op.execute("DROP TABLE usage_days")
