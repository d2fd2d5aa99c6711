"""Collections that came from another platform under an agreement, and how far that agreement lets them be passed on."""

from __future__ import annotations

from alembic import op

revision = "0018"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        """
        CREATE TABLE collection_origins (
            collection TEXT NOT NULL,
            source BIGINT NOT NULL REFERENCES exchange_sources (id),
            office TEXT NOT NULL,
            onward TEXT NOT NULL,
            CONSTRAINT pk_collection_origins PRIMARY KEY (collection, source)
        )
        """
    )
    op.execute(
        "create trigger access_changed after insert or update or delete or truncate on collection_origins "
        "for each statement execute function concord_access_changed()"
    )
    # What was pulled before is held to the strictest until the next pull says what was agreed.
    op.execute(
        "insert into collection_origins select distinct r.collection, s.id, s.office, 'none' from exchange_sources s "
        "join exchange_received e on e.source = s.id join records r on r.id = e.record where s.state = 'active'"
    )


def downgrade() -> None:
    op.execute("DROP TABLE collection_origins")
