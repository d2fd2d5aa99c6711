"""Tables of the exchange between offices: certificates, the negotiation of agreements, what was handed out under them,
packages, pushes, what was pulled from other platforms, priority documents.
"""

from __future__ import annotations

import datetime as dt
from typing import Any

from sqlalchemy import CheckConstraint, Date, ForeignKey, Identity, Index, Integer, UniqueConstraint, func, text
from sqlalchemy.orm import Mapped, mapped_column

from store.base import Base

NONE_LISTED = text("'[]'::jsonb")
NOTHING = text("'{}'::jsonb")


class OfficeCertificate(Base):
    """An X.509 certificate that an office signs with, or that its clients show."""

    __tablename__ = "office_certificates"
    __table_args__ = (Index("ix_office_certificates_office", "office"),)

    fingerprint: Mapped[str] = mapped_column(primary_key=True)
    """SHA-256, hexadecimal."""
    office: Mapped[str] = mapped_column(ForeignKey("offices.code"))
    use: Mapped[str] = mapped_column(server_default="sign")
    """sign, or client: shown by the office's clients in mutual TLS."""
    pem: Mapped[str]
    not_before: Mapped[dt.datetime]
    not_after: Mapped[dt.datetime]
    sealed_key: Mapped[bytes | None]
    """The private key, sealed, where the office lets the platform sign for it; None where it signs itself."""
    registered: Mapped[dt.datetime] = mapped_column(server_default=func.now())
    registered_by: Mapped[str]
    revoked: Mapped[dt.datetime | None]


class AgreementEvent(Base):
    """The thread of an agreement: every step and message, in order. Append-only."""

    __tablename__ = "agreement_events"
    __table_args__ = (Index("ix_agreement_events_agreement", "agreement"),)

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    agreement: Mapped[int] = mapped_column(ForeignKey("agreements.id"))
    version: Mapped[int] = mapped_column(Integer)
    at: Mapped[dt.datetime] = mapped_column(server_default=func.now())
    office: Mapped[str | None]
    """Who did it; None: the platform itself (expiry, reminder)."""
    by: Mapped[str]
    kind: Mapped[str]
    """request, offer, message, signature, active, declined, withdrawn, expired, reminder."""
    message: Mapped[str] = mapped_column(server_default="")
    details: Mapped[dict[str, Any]] = mapped_column(server_default=NOTHING)


class AgreementSignature(Base):
    """One office's signature under one version. Append-only."""

    __tablename__ = "agreement_signatures"
    __table_args__ = (UniqueConstraint("agreement", "version", "office"),)

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    agreement: Mapped[int] = mapped_column(ForeignKey("agreements.id"))
    version: Mapped[int] = mapped_column(Integer)
    office: Mapped[str] = mapped_column(ForeignKey("offices.code"))
    fingerprint: Mapped[str] = mapped_column(ForeignKey("office_certificates.fingerprint"))
    document: Mapped[bytes]
    """The very bytes that were signed."""
    cms: Mapped[bytes]
    at: Mapped[dt.datetime] = mapped_column(server_default=func.now())
    by: Mapped[str]


class AgreementTurn(Base):
    """Whose turn it is in a negotiation, and until when."""

    __tablename__ = "agreement_turns"

    agreement: Mapped[int] = mapped_column(ForeignKey("agreements.id"), primary_key=True)
    office: Mapped[str | None]
    """None: both (signatures)."""
    due: Mapped[dt.date | None] = mapped_column(Date)
    reminded: Mapped[dt.datetime | None]


class Feed(Base):
    """How far an agreement's changes were handed out."""

    __tablename__ = "exchange_feeds"

    agreement: Mapped[int] = mapped_column(ForeignKey("agreements.id"), primary_key=True)
    position: Mapped[int] = mapped_column(server_default="0")
    """Of the last item handed out; counts this agreement's items alone."""
    acknowledged: Mapped[int] = mapped_column(server_default="0")
    acknowledged_at: Mapped[dt.datetime | None]
    collections: Mapped[list[str]] = mapped_column(server_default=NONE_LISTED)
    """Every collection that it ever covered: what was handed out of them may have to be taken back."""


class Holding(Base):
    """A record that a beneficiary was given under an agreement, and in which state."""

    __tablename__ = "exchange_holdings"
    __table_args__ = (Index("ix_exchange_holdings_agreement_position", "agreement", "position"),)

    agreement: Mapped[int] = mapped_column(ForeignKey("agreements.id"), primary_key=True)
    record: Mapped[str] = mapped_column(primary_key=True)
    digest: Mapped[bytes]
    """SHA-256 of what was handed out last; empty for a deletion."""
    position: Mapped[int]
    withdrawn: Mapped[bool] = mapped_column(server_default="false")
    acknowledged: Mapped[bytes | None]
    """Digest that the receiver confirmed last."""
    owed_since: Mapped[dt.datetime] = mapped_column(server_default=func.now())
    """When the first change of the record was handed out that was not acknowledged when the next one came."""


class Deferred(Base):
    """A record that will be handed out on a later day: under embargo until then, or over the month's volume."""

    __tablename__ = "exchange_deferred"
    __table_args__ = (Index("ix_exchange_deferred_agreement_due_record", "agreement", "due", "record"),)

    agreement: Mapped[int] = mapped_column(ForeignKey("agreements.id"), primary_key=True)
    record: Mapped[str] = mapped_column(primary_key=True)
    due: Mapped[dt.date] = mapped_column(Date)


class Volume(Base):
    """Records handed out under an agreement in one month."""

    __tablename__ = "exchange_volumes"

    agreement: Mapped[int] = mapped_column(ForeignKey("agreements.id"), primary_key=True)
    month: Mapped[str] = mapped_column(primary_key=True)
    """YYYY-MM, UTC."""
    records: Mapped[int] = mapped_column(server_default="0")


class Purge(Base):
    """A beneficiary's word that it deleted what it held under an agreement that ended."""

    __tablename__ = "exchange_purges"

    agreement: Mapped[int] = mapped_column(ForeignKey("agreements.id"), primary_key=True)
    at: Mapped[dt.datetime] = mapped_column(server_default=func.now())
    by: Mapped[str]
    records: Mapped[int]
    """As the beneficiary counted."""


class Package(Base):
    """A certified package (ASiC-E) for a beneficiary."""

    __tablename__ = "exchange_packages"
    __table_args__ = (Index("ix_exchange_packages_agreement", "agreement"),)

    id: Mapped[str] = mapped_column(primary_key=True)
    agreement: Mapped[int] = mapped_column(ForeignKey("agreements.id"))
    office: Mapped[str]
    """The beneficiary."""
    purpose: Mapped[str]
    role: Mapped[str]
    basis: Mapped[str] = mapped_column(server_default="")
    """Fingerprint of the rights it was made under: others, and its link is dead."""
    state: Mapped[str] = mapped_column(server_default="building")
    """building, unsigned (waits for the provider's own signature), ready, failed."""
    request: Mapped[dict[str, Any]]
    size: Mapped[int | None]
    sha256: Mapped[str | None]
    manifest: Mapped[str | None]
    """SHA-256 of the manifest: what is signed."""
    records: Mapped[int] = mapped_column(server_default="0")
    error: Mapped[str | None]
    created: Mapped[dt.datetime] = mapped_column(server_default=func.now())
    created_by: Mapped[str]
    finished: Mapped[dt.datetime | None]


class Push(Base):
    """Changes of an agreement that go to an endpoint of the beneficiary's by themselves, message after message."""

    __tablename__ = "exchange_pushes"
    __table_args__ = (CheckConstraint("state in ('active', 'stopped', 'ended')", name="state"),)

    agreement: Mapped[int] = mapped_column(ForeignKey("agreements.id"), primary_key=True)
    endpoint: Mapped[str] = mapped_column(ForeignKey("webhook_endpoints.id", ondelete="CASCADE"))
    purpose: Mapped[str]
    items: Mapped[int] = mapped_column(Integer)
    """Most that one message holds."""
    cursor: Mapped[str | None]
    """Up to here the endpoint has taken everything; None: from the start."""
    message: Mapped[str | None]
    """The one that is on its way: the next is made when it was taken."""
    state: Mapped[str] = mapped_column(server_default="active")
    """active, stopped (a message died: nothing may overtake it), ended (the agreement has)."""
    why: Mapped[str] = mapped_column(server_default="")
    """What keeps an active one from going on, and what stopped or ended one."""
    created: Mapped[dt.datetime] = mapped_column(server_default=func.now())
    created_by: Mapped[str]


class Source(Base):
    """Another platform's agreement from which this one takes changes."""

    __tablename__ = "exchange_sources"
    __table_args__ = (UniqueConstraint("url", "agreement"),)

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    url: Mapped[str]
    agreement: Mapped[int]
    """Its number over there."""
    provider: Mapped[str] = mapped_column(server_default="")
    office: Mapped[str] = mapped_column(server_default="")
    """The beneficiary, whose data it is here."""
    cursor: Mapped[str | None]
    state: Mapped[str] = mapped_column(server_default="active")
    """active, purged."""
    changed: Mapped[dt.datetime] = mapped_column(server_default=func.now())


class Received(Base):
    """A record that came from a source, and its place in the source's order."""

    __tablename__ = "exchange_received"

    source: Mapped[int] = mapped_column(ForeignKey("exchange_sources.id"), primary_key=True)
    record: Mapped[str] = mapped_column(primary_key=True)
    position: Mapped[int]


class CollectionOrigin(Base):
    """A collection with records that came from a source. Belongs to the tables of rights: whoever it was given to may
    pass it on only as far as was agreed."""

    __tablename__ = "collection_origins"

    collection: Mapped[str] = mapped_column(primary_key=True)
    source: Mapped[int] = mapped_column(ForeignKey("exchange_sources.id"), primary_key=True)
    office: Mapped[str]
    """The beneficiary."""
    onward: Mapped[str]
    """none: the beneficiary alone; offices: other offices too, by agreement; public."""


class PriorityDocument(Base):
    """A certified copy that an office deposited for retrieval by access code."""

    __tablename__ = "priority_documents"
    __table_args__ = (UniqueConstraint("office", "right", "number"),)

    id: Mapped[str] = mapped_column(primary_key=True)
    office: Mapped[str] = mapped_column(ForeignKey("offices.code"))
    right: Mapped[str]
    number: Mapped[str]
    """Canonical, by the office's pattern."""
    date: Mapped[dt.date] = mapped_column(Date)
    """Filing date."""
    code_hash: Mapped[bytes]
    sha256: Mapped[str]
    """Of the document, in the archive."""
    size: Mapped[int]
    media_type: Mapped[str]
    offices: Mapped[list[str]] = mapped_column(server_default=NONE_LISTED)
    """Accessing offices that the applicant allows; empty: any that knows the code."""
    registered: Mapped[dt.datetime] = mapped_column(server_default=func.now())
    registered_by: Mapped[str]
    withdrawn: Mapped[dt.datetime | None]
