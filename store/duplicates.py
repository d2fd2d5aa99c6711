"""Tables of duplicates: what is compared, which pairs were found, what people decided, and the clusters that follow.

`duplicate_decisions` is the ledger: rows are only added, and marked undone. Clusters and conflicts are computed from it
and from the pairs that a rule merges, and can be thrown away at any time.
"""

from __future__ import annotations

import datetime as dt
from typing import Any

from sqlalchemy import Boolean, CheckConstraint, Computed, Double, Identity, Index, Integer, func, text
from sqlalchemy.orm import Mapped, mapped_column

from store.base import Base

LEDGER_LOCK = 0x434F4E43_00000006
"""Advisory lock of a transaction that changes pairs or decisions: two people who decide at once come one by one."""
SCAN_LOCK = 0x434F4E43_00000007
"""Session-wide advisory lock: one process scans, others find that it does."""
PUBLISH_LOCK = 0x434F4E43_00000008
"""Session-wide advisory lock: one process tells the index of changed clusters."""
CLUSTERS_CHANNEL = "concord_clusters"
"""Notified when somebody's word changed clusters."""


class DuplicateProfile(Base):
    """What of a record is compared, as of the last scan."""

    __tablename__ = "duplicate_profiles"

    id: Mapped[str] = mapped_column(primary_key=True)
    seq: Mapped[int]
    """Change sequence of the record's version that was scanned."""
    right: Mapped[str]
    office: Mapped[str]
    provider: Mapped[str]
    collection: Mapped[str]
    deleted: Mapped[bool] = mapped_column(Boolean, server_default="false")
    body: Mapped[bytes]
    """indexer.duplicates.profile.Profile as JSON."""


class DuplicateKey(Base):
    """A key under which a record is met. `family`: many records share it, it is met sparingly."""

    __tablename__ = "duplicate_keys"
    __table_args__ = (Index("ix_duplicate_keys_id", "id"),)

    key: Mapped[int] = mapped_column(primary_key=True)
    id: Mapped[str] = mapped_column(primary_key=True)
    family: Mapped[bool] = mapped_column(Boolean, server_default="false")


class DuplicatePair(Base):
    """Two records that may be the same (a rule's answer, or a score), or are related. a < b."""

    __tablename__ = "duplicate_pairs"
    __table_args__ = (
        Index("ix_duplicate_pairs_b", "b"),
        Index("ix_duplicate_pairs_action_score", "action", "score"),
        Index("ix_duplicate_pairs_doubt", "doubt", "a", "b", postgresql_where=text("action = 'queue'")),
        Index(
            "ix_duplicate_pairs_joins", text("joins desc"), "doubt", "a", "b", postgresql_where=text("action = 'queue'")
        ),
        CheckConstraint("a < b", name="ordered"),
    )

    a: Mapped[str] = mapped_column(primary_key=True)
    b: Mapped[str] = mapped_column(primary_key=True)
    right: Mapped[str]
    providers: Mapped[str]
    """`EP/US`: the two providers, in the order of the alphabet."""
    offices: Mapped[str]
    relation: Mapped[str]
    action: Mapped[str]
    """merge (a rule joins them), queue (for people), relate."""
    rule: Mapped[str | None]
    source: Mapped[str | None]
    """Of a directed relation, the record it goes from."""
    why: Mapped[str]
    score: Mapped[float | None] = mapped_column(Double)
    scorer: Mapped[str | None]
    """Version of the model."""
    levels: Mapped[list[int] | None]
    """What the comparison found, in the order of the features."""
    values: Mapped[list[str] | None]
    """The two values compared, feature by feature: with `levels` and the scorer, the whole explanation."""
    rivals: Mapped[list[str] | None]
    """Records for which the feature `rival` speaks against the pair."""
    languages: Mapped[list[str]] = mapped_column(server_default=text("'[]'::jsonb"))
    seq_a: Mapped[int]
    seq_b: Mapped[int]
    found: Mapped[dt.datetime] = mapped_column(server_default=func.now())
    claimed_by: Mapped[str | None]
    claimed_until: Mapped[dt.datetime | None]
    joins: Mapped[int] = mapped_column(Integer, server_default="2")
    """Of an open pair: records that hang together with a, and with b. Nobody sees it join more."""
    doubt: Mapped[float] = mapped_column(
        Double, Computed("abs((coalesce(score, (1)::double precision) - (0.5)::double precision))")
    )
    """How far the score is from saying nothing."""


class DuplicateDecision(Base):
    """One judgement of one person about one pair. Never changed but to be marked undone."""

    __tablename__ = "duplicate_decisions"
    __table_args__ = (
        Index("ix_duplicate_decisions_a_b", "a", "b"),
        Index("ix_duplicate_decisions_b", "b"),
        CheckConstraint("a < b", name="ordered"),
        CheckConstraint("judgement in ('same', 'different', 'unsure', 'related')", name="judgement"),
    )

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    subject: Mapped[str] = mapped_column(server_default="record")
    """record or name."""
    a: Mapped[str]
    b: Mapped[str]
    judgement: Mapped[str]
    relation: Mapped[str | None]
    """Of judgement related: corrects, stage-of, family …"""
    reason: Mapped[str] = mapped_column(server_default="")
    note: Mapped[str] = mapped_column(server_default="")
    by: Mapped[str]
    at: Mapped[dt.datetime] = mapped_column(server_default=text("clock_timestamp()"))
    score: Mapped[float | None] = mapped_column(Double)
    """Of the moment it was decided in."""
    scorer: Mapped[str | None]
    levels: Mapped[list[int] | None]
    """What the comparison had found, so that models can learn from the decision whatever becomes of the pair."""
    seq_a: Mapped[int | None]
    seq_b: Mapped[int | None]
    batch: Mapped[str | None]
    """Decisions made by one act (a split); they are undone together."""
    review_of: Mapped[int | None]
    """The decision that this one, made without knowing it, is a second opinion on. Changes no cluster."""
    undone: Mapped[dt.datetime | None]
    undone_by: Mapped[str | None]
    undone_reason: Mapped[str | None]


class DuplicateCluster(Base):
    """Which cluster a record is in; of one alone, its own. Derived."""

    __tablename__ = "duplicate_clusters"
    __table_args__ = (
        Index("ix_duplicate_clusters_cluster", "cluster"),
        Index("ix_duplicate_clusters_pending", "id", postgresql_where=text("pending")),
    )

    id: Mapped[str] = mapped_column(primary_key=True)
    cluster: Mapped[str]
    decided_by: Mapped[str]
    """rule or person."""
    reach: Mapped[int] = mapped_column(Integer, server_default="1")
    """Records that hang together with it, conflicts disregarded: as many as its cluster has at most for anybody."""
    changed: Mapped[dt.datetime] = mapped_column(server_default=text("clock_timestamp()"))
    """When `cluster` last became another."""
    pending: Mapped[bool] = mapped_column(Boolean, server_default="false")
    """The index does not know it yet."""


class DuplicateConflict(Base):
    """Two records that something says are the same, held apart because their clusters hold a pair judged different.
    Derived."""

    __tablename__ = "duplicate_conflicts"
    __table_args__ = (Index("ix_duplicate_conflicts_b", "b"),)

    a: Mapped[str] = mapped_column(primary_key=True)
    b: Mapped[str] = mapped_column(primary_key=True)
    decided_by: Mapped[str]
    """Who says they are the same: rule or person."""
    against_a: Mapped[str]
    against_b: Mapped[str]
    """The pair judged different that stands in the way."""


class DuplicatePattern(Base):
    """How often a comparison found the same levels: all that the model learns from besides decisions."""

    __tablename__ = "duplicate_patterns"

    right: Mapped[str] = mapped_column(primary_key=True)
    merged: Mapped[bool] = mapped_column(Boolean, primary_key=True)
    """Of pairs that a rule merged."""
    levels: Mapped[str] = mapped_column(primary_key=True)
    """Levels in the order of the features, separated by commas."""
    pairs: Mapped[int]


class DuplicateModel(Base):
    """A scorer of one right, kept for as long as a decision names it."""

    __tablename__ = "duplicate_models"

    version: Mapped[str] = mapped_column(primary_key=True)
    right: Mapped[str] = mapped_column(primary_key=True)
    created: Mapped[dt.datetime] = mapped_column(server_default=func.now())
    model: Mapped[dict[str, Any]]
    current: Mapped[bool] = mapped_column(Boolean, server_default="true")


class DuplicateProgress(Base):
    """How far the scan is in the change sequence. One row."""

    __tablename__ = "duplicate_progress"

    name: Mapped[str] = mapped_column(primary_key=True)
    seq: Mapped[int]
