"""Pictures of records: what is known of each content, and which content a record's references name."""

from __future__ import annotations

from alembic import op

revision = "0015"
down_revision = "0011"
branch_labels = None
depends_on = None

TABLES = """
CREATE TABLE pictures (
    sha256 TEXT NOT NULL,
    media_type TEXT,
    width BIGINT NOT NULL,
    height BIGINT NOT NULL,
    hash BYTEA,
    vector BYTEA,
    version SMALLINT NOT NULL,
    problem TEXT DEFAULT '' NOT NULL,
    CONSTRAINT pk_pictures PRIMARY KEY (sha256)
);
CREATE TABLE record_images (
    record TEXT NOT NULL,
    reference BYTEA NOT NULL,
    sha256 TEXT NOT NULL,
    CONSTRAINT pk_record_images PRIMARY KEY (record, reference)
);
"""


def upgrade() -> None:
    for statement in TABLES.split(";"):
        if statement.strip():
            op.execute(statement)


def downgrade() -> None:
    op.execute("DROP TABLE record_images")
    op.execute("DROP TABLE pictures")
