"""Jobs in the background, webhooks, and procrastinate's queue.

The queue's tables, functions and triggers are the library's own and come from its package, whose version is pinned. A
later version that changes them brings its own migrations (`SchemaManager.get_migrations_path()`): raise the pin
together with a revision that applies them where the comment on `procrastinate_jobs` names an older version.
"""

from __future__ import annotations

from importlib.metadata import version
from typing import Any, cast

import psycopg
from alembic import op
from procrastinate.schema import SchemaManager

revision = "0010"
down_revision = "0007"
branch_labels = None
depends_on = None

TABLES = """
CREATE TABLE jobs (
    id TEXT NOT NULL,
    kind TEXT NOT NULL,
    owner TEXT NOT NULL,
    office TEXT,
    purpose TEXT DEFAULT '' NOT NULL,
    request JSONB DEFAULT '{}'::jsonb NOT NULL,
    state TEXT DEFAULT 'queued' NOT NULL,
    phase TEXT DEFAULT '' NOT NULL,
    done BIGINT DEFAULT 0 NOT NULL,
    total BIGINT,
    attempts INTEGER DEFAULT 0 NOT NULL,
    forgiven INTEGER DEFAULT 0 NOT NULL,
    cancel BOOLEAN DEFAULT false NOT NULL,
    error TEXT,
    result JSONB DEFAULT '{}'::jsonb NOT NULL,
    created TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    started TIMESTAMP WITH TIME ZONE,
    finished TIMESTAMP WITH TIME ZONE,
    CONSTRAINT pk_jobs PRIMARY KEY (id),
    CONSTRAINT ck_jobs_state CHECK (state in ('queued', 'running', 'done', 'failed', 'cancelled'))
);
CREATE INDEX ix_jobs_owner_created ON jobs (owner, created);
CREATE INDEX ix_jobs_office_created ON jobs (office, created);
CREATE TABLE webhook_endpoints (
    id TEXT NOT NULL,
    owner TEXT NOT NULL,
    office TEXT,
    url TEXT NOT NULL,
    secret BYTEA NOT NULL,
    kinds JSONB NOT NULL,
    label TEXT DEFAULT '' NOT NULL,
    active BOOLEAN DEFAULT true NOT NULL,
    created TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_webhook_endpoints PRIMARY KEY (id)
);
CREATE INDEX ix_webhook_endpoints_owner ON webhook_endpoints (owner);
CREATE INDEX ix_webhook_endpoints_office ON webhook_endpoints (office);
CREATE TABLE webhook_deliveries (
    id TEXT NOT NULL,
    endpoint TEXT NOT NULL,
    kind TEXT NOT NULL,
    body BYTEA NOT NULL,
    state TEXT DEFAULT 'waiting' NOT NULL,
    attempts INTEGER DEFAULT 0 NOT NULL,
    next_at TIMESTAMP WITH TIME ZONE,
    status INTEGER,
    error TEXT,
    created TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    finished TIMESTAMP WITH TIME ZONE,
    CONSTRAINT pk_webhook_deliveries PRIMARY KEY (id),
    CONSTRAINT fk_webhook_deliveries_endpoint_webhook_endpoints FOREIGN KEY(endpoint)
        REFERENCES webhook_endpoints (id) ON DELETE CASCADE,
    CONSTRAINT ck_webhook_deliveries_state CHECK (state in ('waiting', 'delivered', 'dead'))
);
CREATE INDEX ix_webhook_deliveries_endpoint_created ON webhook_deliveries (endpoint, created);
"""

QUEUE = "procrastinate_jobs, procrastinate_workers, procrastinate_periodic_defers, procrastinate_events"


def upgrade() -> None:
    op.execute(TABLES)
    # Without parameters and past the text construct: the schema has percent signs and colons of its own.
    driver = cast(psycopg.Connection[Any], op.get_bind().connection.driver_connection)
    driver.execute(SchemaManager.get_schema())
    op.execute(f"COMMENT ON TABLE procrastinate_jobs IS 'procrastinate {version('procrastinate')}'")


def downgrade() -> None:
    op.execute("DROP TABLE webhook_deliveries, webhook_endpoints, jobs")
    op.execute(f"DROP TABLE {QUEUE} CASCADE")
    op.execute("""
        DO $$ DECLARE found record; BEGIN
            FOR found IN SELECT oid::regprocedure AS name FROM pg_proc WHERE proname LIKE 'procrastinate\\_%' LOOP
                EXECUTE 'DROP FUNCTION ' || found.name || ' CASCADE';
            END LOOP;
            FOR found IN SELECT typname AS name FROM pg_type t
                WHERE typname LIKE 'procrastinate\\_%' AND (typtype = 'e' OR typtype = 'c')
                AND NOT EXISTS (SELECT FROM pg_class c WHERE c.oid = t.typrelid AND c.relkind <> 'c') LOOP
                EXECUTE 'DROP TYPE ' || found.name || ' CASCADE';
            END LOOP;
        END $$
    """)
