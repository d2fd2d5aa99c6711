"""Tables of ingest: deliveries and their files, the records themselves, what was rejected, vectors by text.

`records.seq` is the change sequence of the whole platform. Every transaction that draws from it holds the advisory lock
`SEQUENCE_LOCK` until it commits, so numbers become visible in their order: who has read all changes up to N will never
find a new one below N. The engine's document version is that number.
"""

from __future__ import annotations

import datetime as dt
from typing import Any

from sqlalchemy import (
    ForeignKey,
    Identity,
    Index,
    Integer,
    LargeBinary,
    Sequence,
    SmallInteger,
    UniqueConstraint,
    func,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from store.base import Base

SEQUENCE_LOCK = 0x434F4E43_00000001
"""Advisory lock held by a transaction that writes records."""
DELIVERY_LOCK = 0x434F4E44
"""First half of the two-part advisory lock of one delivery; the second is its sequence number."""

change_sequence = Sequence("change_sequence", metadata=Base.metadata)


class Delivery(Base):
    """One load of one provider's files. `sequence` orders deliveries: the later one wins."""

    __tablename__ = "deliveries"

    sequence: Mapped[int] = mapped_column(Identity(), primary_key=True)
    provider: Mapped[str]
    """ST.3 code."""
    collection: Mapped[str]
    """NAME of `PROVIDER-right-NAME`: a delivery may hold several rights."""
    name: Mapped[str]
    """First path as given, for people."""
    digest: Mapped[str] = mapped_column(unique=True)
    """SHA-256 over provider, collection, options and every member's SHA-256: same delivery, same digest."""
    state: Mapped[str] = mapped_column(server_default="registered")
    """registered, reading, done, failed, cancelled."""
    received: Mapped[dt.datetime] = mapped_column(server_default=func.now())
    finished: Mapped[dt.datetime | None]
    options: Mapped[dict[str, Any]] = mapped_column(server_default=text("'{}'"))
    records: Mapped[int] = mapped_column(server_default="0")
    indexed: Mapped[int] = mapped_column(server_default="0")
    updated: Mapped[int] = mapped_column(server_default="0")
    unchanged: Mapped[int] = mapped_column(server_default="0")
    rejected: Mapped[int] = mapped_column(server_default="0")
    error: Mapped[str | None]
    """Why it failed."""


class Member(Base):
    """One file of a delivery, unpacked. Ids rise in reading order, so (delivery, member, ordinal) orders records."""

    __tablename__ = "delivery_members"
    __table_args__ = (Index("ix_delivery_members_delivery", "delivery"), Index("ix_delivery_members_sha256", "sha256"))

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    delivery: Mapped[int] = mapped_column(ForeignKey("deliveries.sequence"))
    file: Mapped[str]
    """Path inside the delivery."""
    member: Mapped[str] = mapped_column(server_default="")
    """Path inside archives, joined by `!`."""
    sha256: Mapped[str]
    size: Mapped[int]
    format: Mapped[str | None]
    """Name in the table of formats; None where nobody reads it."""
    reader_version: Mapped[int | None] = mapped_column(Integer)
    state: Mapped[str] = mapped_column(server_default="pending")
    """pending, reading, done, failed, skipped."""
    checkpoint: Mapped[int] = mapped_column(server_default="0")
    """Items of the member (records and rejects) that are committed."""
    records: Mapped[int] = mapped_column(server_default="0")
    indexed: Mapped[int] = mapped_column(server_default="0")
    updated: Mapped[int] = mapped_column(server_default="0")
    unchanged: Mapped[int] = mapped_column(server_default="0")
    rejected: Mapped[int] = mapped_column(server_default="0")


class StoredRecord(Base):
    """The current version of a record: the truth that every index is built from."""

    __tablename__ = "records"
    __table_args__ = (
        Index("ix_records_seq", "seq", unique=True),
        Index("ix_records_right_id", "right", "id"),
        Index("ix_records_collection_seq", "collection", "seq"),
        Index("ix_records_delivery", "delivery"),
    )

    id: Mapped[str] = mapped_column(primary_key=True)
    seq: Mapped[int]
    right: Mapped[str]
    office: Mapped[str]
    provider: Mapped[str]
    collection: Mapped[str]
    content_hash: Mapped[bytes]
    """SHA-256 of the record without its source: two equal ones say the same."""
    delivery: Mapped[int]
    member: Mapped[int]
    """Id in `delivery_members`."""
    ordinal: Mapped[int]
    confirmed: Mapped[int]
    """Latest delivery that said what the record says: the same as `delivery`, or a later one that changed nothing."""
    body: Mapped[bytes] = mapped_column(LargeBinary)
    """Record as JSON, zstd. Of a deleted record, the last one before."""
    deleted: Mapped[bool] = mapped_column(server_default="false")
    index_error: Mapped[str | None]
    """Why the engine refused the record; None where it is searchable."""
    first_seen: Mapped[dt.datetime] = mapped_column(server_default=func.now())
    updated: Mapped[dt.datetime] = mapped_column(server_default=func.now())


class RecordVersion(Base):
    """An earlier version of a record."""

    __tablename__ = "record_versions"

    id: Mapped[str] = mapped_column(primary_key=True)
    seq: Mapped[int] = mapped_column(primary_key=True)
    content_hash: Mapped[bytes]
    delivery: Mapped[int]
    member: Mapped[int]
    ordinal: Mapped[int]
    body: Mapped[bytes] = mapped_column(LargeBinary)
    deleted: Mapped[bool]
    updated: Mapped[dt.datetime]
    """When this version came."""
    replaced: Mapped[dt.datetime] = mapped_column(server_default=func.now())


class RecordPart(Base):
    """A part of a record as it was delivered (claims alone, events alone), to be laid over the whole again."""

    __tablename__ = "record_parts"
    __table_args__ = (UniqueConstraint("id", "content_hash"),)

    number: Mapped[int] = mapped_column(Identity(), primary_key=True)
    id: Mapped[str]
    content_hash: Mapped[bytes]
    delivery: Mapped[int]
    body: Mapped[bytes] = mapped_column(LargeBinary)


class Reject(Base):
    """An item of a delivery that is not held, and why (`finding` false); or a doubt about one that is (true)."""

    __tablename__ = "rejects"
    __table_args__ = (Index("ix_rejects_delivery_member_ordinal", "delivery", "member", "ordinal"),)

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    delivery: Mapped[int]
    member: Mapped[int | None]
    ordinal: Mapped[int | None]
    """Position in the member, from 0; None where the whole member is meant."""
    file: Mapped[str]
    path: Mapped[str] = mapped_column(server_default="")
    """Path inside archives."""
    record: Mapped[str | None]
    """Id of the record, where it is known."""
    field: Mapped[str] = mapped_column(server_default="")
    severity: Mapped[str]
    """info, warning, error."""
    rule: Mapped[str] = mapped_column(server_default="")
    reason: Mapped[str]
    finding: Mapped[bool] = mapped_column(server_default="false")
    created: Mapped[dt.datetime] = mapped_column(server_default=func.now())


class PendingBatch(Base):
    """Changes that are committed here and not yet confirmed by the engine. Normally empty."""

    __tablename__ = "pending_batches"

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    delivery: Mapped[int]
    first_seq: Mapped[int]
    last_seq: Mapped[int]
    created: Mapped[dt.datetime] = mapped_column(server_default=func.now())


class Embedding(Base):
    """A vector by the text it was made from, so that no text is embedded twice."""

    __tablename__ = "embeddings"

    embedder: Mapped[str] = mapped_column(primary_key=True)
    text_hash: Mapped[bytes] = mapped_column(primary_key=True)
    """First 16 bytes of the text's SHA-256."""
    vector: Mapped[bytes] = mapped_column(LargeBinary)
    """Little-endian float32."""


class IndexState(Base):
    """Which index of a right is current, and how far it has been filled."""

    __tablename__ = "index_state"

    index: Mapped[str] = mapped_column(primary_key=True)
    right: Mapped[str]
    state: Mapped[str]
    """building, current, retired, failed."""
    embedder: Mapped[str]
    dimension: Mapped[int] = mapped_column(SmallInteger)
    schema_version: Mapped[int] = mapped_column(SmallInteger)
    seq: Mapped[int] = mapped_column(server_default="0")
    """Changes up to here are in (reindex only)."""
    created: Mapped[dt.datetime] = mapped_column(server_default=func.now())
