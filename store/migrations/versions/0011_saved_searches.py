"""Saved searches and what was found for them."""

from __future__ import annotations

from alembic import op

revision = "0011"
down_revision = "0014"
branch_labels = None
depends_on = None

TABLES = """
CREATE TABLE saved_searches (
    id TEXT NOT NULL,
    owner TEXT NOT NULL,
    office TEXT,
    purpose TEXT NOT NULL,
    name TEXT NOT NULL,
    search JSONB NOT NULL,
    changes BOOLEAN DEFAULT false NOT NULL,
    webhook TEXT,
    seq BIGINT NOT NULL,
    day DATE NOT NULL,
    found BIGINT DEFAULT 0 NOT NULL,
    error TEXT,
    created TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    ran TIMESTAMP WITH TIME ZONE,
    CONSTRAINT pk_saved_searches PRIMARY KEY (id),
    CONSTRAINT fk_saved_searches_webhook_webhook_endpoints FOREIGN KEY(webhook)
        REFERENCES webhook_endpoints (id) ON DELETE SET NULL
);
CREATE INDEX ix_saved_searches_owner ON saved_searches (owner);
CREATE INDEX ix_saved_searches_seq ON saved_searches (seq);
CREATE TABLE saved_results (
    search TEXT NOT NULL,
    number BIGINT NOT NULL,
    record TEXT NOT NULL,
    seq BIGINT NOT NULL,
    change TEXT NOT NULL,
    found TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_saved_results PRIMARY KEY (search, number),
    CONSTRAINT uq_saved_results_search_record_seq UNIQUE (search, record, seq),
    CONSTRAINT fk_saved_results_search_saved_searches FOREIGN KEY(search)
        REFERENCES saved_searches (id) ON DELETE CASCADE
);
"""


def upgrade() -> None:
    op.execute(TABLES)


def downgrade() -> None:
    op.execute("DROP TABLE saved_results, saved_searches")
