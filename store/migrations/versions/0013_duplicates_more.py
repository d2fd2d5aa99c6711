"""Clusters say whether the index knows them yet, so that what changes them need not wait for the index."""

from __future__ import annotations

from alembic import op

revision = "0013"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        """
alter table duplicate_clusters
    add column changed timestamp with time zone default clock_timestamp() not null,
    add column pending boolean default false not null;
create index ix_duplicate_clusters_pending on duplicate_clusters (id) where pending;
-- Documents written before did not name their cluster at all.
update duplicate_clusters set pending = true;
"""
    )


def downgrade() -> None:
    op.execute("alter table duplicate_clusters drop column changed, drop column pending")
