"""Pushes of an agreement's changes: over webhook endpoints, in place of tables that nothing ever used."""

from __future__ import annotations

from alembic import op

revision = "0016"
down_revision = "0018"
branch_labels = None
depends_on = None

TABLES = """
DROP TABLE exchange_pushes;
DROP TABLE exchange_hooks;
DROP TABLE exchange_inbound;
ALTER TABLE exchange_sources DROP COLUMN push_secret;
CREATE TABLE exchange_pushes (
    agreement BIGINT NOT NULL,
    endpoint TEXT NOT NULL,
    purpose TEXT NOT NULL,
    items INTEGER NOT NULL,
    cursor TEXT,
    message TEXT,
    state TEXT DEFAULT 'active' NOT NULL,
    why TEXT DEFAULT '' NOT NULL,
    created TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    created_by TEXT NOT NULL,
    CONSTRAINT pk_exchange_pushes PRIMARY KEY (agreement),
    CONSTRAINT ck_exchange_pushes_state CHECK (state in ('active', 'stopped', 'ended')),
    CONSTRAINT fk_exchange_pushes_agreement_agreements FOREIGN KEY(agreement) REFERENCES agreements (id),
    CONSTRAINT fk_exchange_pushes_endpoint_webhook_endpoints FOREIGN KEY(endpoint)
        REFERENCES webhook_endpoints (id) ON DELETE CASCADE
);
"""

BEFORE = """
DROP TABLE exchange_pushes;
CREATE TABLE exchange_hooks (
    id TEXT NOT NULL,
    agreement BIGINT NOT NULL,
    url TEXT NOT NULL,
    secret BYTEA NOT NULL,
    bearer BYTEA,
    purpose TEXT NOT NULL,
    role TEXT NOT NULL,
    cursor TEXT,
    state TEXT DEFAULT 'active' NOT NULL,
    created TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    created_by TEXT NOT NULL,
    CONSTRAINT pk_exchange_hooks PRIMARY KEY (id),
    CONSTRAINT fk_exchange_hooks_agreement_agreements FOREIGN KEY(agreement) REFERENCES agreements (id)
);
CREATE TABLE exchange_pushes (
    id TEXT NOT NULL,
    hook TEXT NOT NULL,
    body BYTEA NOT NULL,
    cursor TEXT NOT NULL,
    attempts INTEGER DEFAULT '0' NOT NULL,
    next_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    state TEXT DEFAULT 'waiting' NOT NULL,
    error TEXT,
    created TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_exchange_pushes PRIMARY KEY (id),
    CONSTRAINT fk_exchange_pushes_hook_exchange_hooks FOREIGN KEY(hook) REFERENCES exchange_hooks (id)
);
CREATE INDEX ix_exchange_pushes_hook_state ON exchange_pushes (hook, state);
ALTER TABLE exchange_sources ADD COLUMN push_secret BYTEA;
CREATE TABLE exchange_inbound (
    source BIGINT NOT NULL,
    id TEXT NOT NULL,
    at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_exchange_inbound PRIMARY KEY (source, id),
    CONSTRAINT fk_exchange_inbound_source_exchange_sources FOREIGN KEY(source) REFERENCES exchange_sources (id)
);
"""


def upgrade() -> None:
    op.execute(TABLES)


def downgrade() -> None:
    op.execute(BEFORE)
