"""A browser may be signed in with a key instead of an account."""

from __future__ import annotations

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        "alter table web_sessions alter column account drop not null, "
        "add column key text constraint fk_web_sessions_key_api_keys references api_keys (id), "
        "add constraint ck_web_sessions_one_owner check (num_nonnulls(account, key) = 1)"
    )


def downgrade() -> None:
    op.execute("delete from web_sessions where account is null")
    op.execute("alter table web_sessions drop column key, alter column account set not null")
