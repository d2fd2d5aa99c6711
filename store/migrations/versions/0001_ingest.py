"""Deliveries, records, rejects, embeddings, index state."""

from __future__ import annotations

import datetime as dt

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

COUNTS = ("records", "indexed", "updated", "unchanged", "rejected")


def big(name: str, *, null: bool = False) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger(), nullable=null)


def words(name: str, *, null: bool = False, default: str | None = None) -> sa.Column[str]:
    return sa.Column(name, sa.Text(), nullable=null, server_default=default)


def moment(name: str, *, null: bool = False) -> sa.Column[dt.datetime]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=null, server_default=None if null else sa.func.now())


def counts() -> list[sa.Column[int]]:
    return [sa.Column(name, sa.BigInteger(), nullable=False, server_default="0") for name in COUNTS]


def upgrade() -> None:
    op.execute(sa.schema.CreateSequence(sa.Sequence("change_sequence")))
    op.create_table(
        "deliveries",
        sa.Column("sequence", sa.BigInteger(), sa.Identity(), nullable=False),
        words("provider"),
        words("collection"),
        words("name"),
        words("digest"),
        words("state", default="registered"),
        moment("received"),
        moment("finished", null=True),
        sa.Column("options", JSONB(), nullable=False, server_default=sa.text("'{}'")),
        *counts(),
        words("error", null=True),
        sa.PrimaryKeyConstraint("sequence", name="pk_deliveries"),
        sa.UniqueConstraint("digest", name="uq_deliveries_digest"),
    )
    op.create_table(
        "delivery_members",
        sa.Column("id", sa.BigInteger(), sa.Identity(), nullable=False),
        big("delivery"),
        words("file"),
        words("member", default=""),
        words("sha256"),
        big("size"),
        words("format", null=True),
        sa.Column("reader_version", sa.Integer(), nullable=True),
        words("state", default="pending"),
        sa.Column("checkpoint", sa.BigInteger(), nullable=False, server_default="0"),
        *counts(),
        sa.PrimaryKeyConstraint("id", name="pk_delivery_members"),
        sa.ForeignKeyConstraint(["delivery"], ["deliveries.sequence"], name="fk_delivery_members_delivery_deliveries"),
    )
    op.create_index("ix_delivery_members_delivery", "delivery_members", ["delivery"])
    op.create_index("ix_delivery_members_sha256", "delivery_members", ["sha256"])
    op.create_table(
        "records",
        words("id"),
        big("seq"),
        words("right"),
        words("office"),
        words("provider"),
        words("collection"),
        sa.Column("content_hash", sa.LargeBinary(), nullable=False),
        big("delivery"),
        big("member"),
        big("ordinal"),
        big("confirmed"),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("deleted", sa.Boolean(), nullable=False, server_default="false"),
        words("index_error", null=True),
        moment("first_seen"),
        moment("updated"),
        sa.PrimaryKeyConstraint("id", name="pk_records"),
    )
    op.create_index("ix_records_seq", "records", ["seq"], unique=True)
    op.create_index("ix_records_right_id", "records", ["right", "id"])
    op.create_index("ix_records_collection_seq", "records", ["collection", "seq"])
    op.create_index("ix_records_delivery", "records", ["delivery"])
    op.create_table(
        "record_versions",
        words("id"),
        big("seq"),
        sa.Column("content_hash", sa.LargeBinary(), nullable=False),
        big("delivery"),
        big("member"),
        big("ordinal"),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("deleted", sa.Boolean(), nullable=False),
        sa.Column("updated", sa.DateTime(timezone=True), nullable=False),
        moment("replaced"),
        sa.PrimaryKeyConstraint("id", "seq", name="pk_record_versions"),
    )
    # Bodies are zstd already: PostgreSQL's own compression would only spend time on them.
    op.execute("alter table records alter body set storage external")
    op.execute("alter table record_versions alter body set storage external")
    op.create_table(
        "rejects",
        sa.Column("id", sa.BigInteger(), sa.Identity(), nullable=False),
        big("delivery"),
        big("member", null=True),
        big("ordinal", null=True),
        words("file"),
        words("path", default=""),
        words("record", null=True),
        words("field", default=""),
        words("severity"),
        words("rule", default=""),
        words("reason"),
        sa.Column("finding", sa.Boolean(), nullable=False, server_default="false"),
        moment("created"),
        sa.PrimaryKeyConstraint("id", name="pk_rejects"),
    )
    op.create_index("ix_rejects_delivery_member_ordinal", "rejects", ["delivery", "member", "ordinal"])
    op.create_table(
        "pending_batches",
        sa.Column("id", sa.BigInteger(), sa.Identity(), nullable=False),
        big("delivery"),
        big("first_seq"),
        big("last_seq"),
        moment("created"),
        sa.PrimaryKeyConstraint("id", name="pk_pending_batches"),
    )
    op.create_table(
        "embeddings",
        words("embedder"),
        sa.Column("text_hash", sa.LargeBinary(), nullable=False),
        sa.Column("vector", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("embedder", "text_hash", name="pk_embeddings"),
    )
    op.execute("alter table embeddings alter vector set storage external")
    op.create_table(
        "index_state",
        words("index"),
        words("right"),
        words("state"),
        words("embedder"),
        sa.Column("dimension", sa.SmallInteger(), nullable=False),
        sa.Column("schema_version", sa.SmallInteger(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False, server_default="0"),
        moment("created"),
        sa.PrimaryKeyConstraint("index", name="pk_index_state"),
    )


def downgrade() -> None:
    for table in (
        *("index_state", "embeddings", "pending_batches", "rejects", "record_versions", "records"),
        *("delivery_members", "deliveries"),
    ):
        op.drop_table(table)
    op.execute(sa.schema.DropSequence(sa.Sequence("change_sequence")))
