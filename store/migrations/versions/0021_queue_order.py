"""Open pairs know how doubtful they are and how many records they may join: the queue is in order as a whole."""

from __future__ import annotations

from alembic import op

revision = "0021"
down_revision = "0019"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        """
alter table duplicate_clusters add column reach integer default 1 not null;
alter table duplicate_pairs
    add column joins integer default 2 not null,
    add column doubt double precision not null generated always as (
        abs((coalesce(score, (1)::double precision) - (0.5)::double precision))
    ) stored;
create index ix_duplicate_pairs_doubt on duplicate_pairs (doubt, a, b) where action = 'queue';
create index ix_duplicate_pairs_joins on duplicate_pairs (joins desc, doubt, a, b) where action = 'queue';
-- What hangs together with a record: its cluster, and clusters that a conflict holds apart from it.
with sizes as (select cluster, count(*) as size from duplicate_clusters group by cluster),
held_apart as (
    select ca.cluster, cb.cluster as other
    from duplicate_conflicts f
    join duplicate_clusters ca on ca.id = f.a
    join duplicate_clusters cb on cb.id = f.b
),
more as (
    select e.cluster, sum(s.size) as size
    from (select cluster, other from held_apart union select other, cluster from held_apart) e
    join sizes s on s.cluster = e.other
    group by e.cluster
)
update duplicate_clusters c set reach = s.size + coalesce(m.size, 0)
from sizes s left join more m on m.cluster = s.cluster
where s.cluster = c.cluster and s.size + coalesce(m.size, 0) > 1;
update duplicate_pairs p set joins = ca.reach + cb.reach
from duplicate_clusters ca, duplicate_clusters cb
where ca.id = p.a and cb.id = p.b and p.action = 'queue' and ca.reach + cb.reach > 2;
"""
    )


def downgrade() -> None:
    op.execute("alter table duplicate_pairs drop column joins, drop column doubt")
    op.execute("alter table duplicate_clusters drop column reach")
