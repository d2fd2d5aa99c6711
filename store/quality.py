"""Tables of quality: what is held (for coverage and freshness), authority files, schedules, reported errors."""

from __future__ import annotations

import datetime as dt
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Identity, Index, Integer, SmallInteger, func, text
from sqlalchemy.orm import Mapped, mapped_column

from store.base import Base

HOLDINGS_LOCK = 0x434F4E43_00000006
"""Advisory lock of whoever brings `holdings` up to date."""


class Holding(Base):
    """One record that is held, with what coverage and freshness ask of it. Derived from `records`, in its order."""

    __tablename__ = "holdings"
    __table_args__ = (
        Index("ix_holdings_office_number_kind", "office", "number", "kind"),
        Index("ix_holdings_collection", "collection"),
        Index("ix_holdings_provider", "provider"),
    )

    record: Mapped[str] = mapped_column(primary_key=True)
    right: Mapped[str]
    office: Mapped[str]
    provider: Mapped[str]
    collection: Mapped[str]
    number: Mapped[str]
    """Canonical publication number of patents, identifying number of other rights; empty where it has none."""
    kind: Mapped[str] = mapped_column(server_default="")
    year: Mapped[int | None] = mapped_column(Integer)
    """Of publication, else of registration, grant or filing."""
    publication_date: Mapped[dt.date | None]
    """As in the index: it decides embargoes."""
    public_date: Mapped[dt.date | None]
    """Publication, else registration, else grant."""
    unpublished: Mapped[bool]
    series: Mapped[str | None]
    """Numbers of one series follow each other: group of kinds, prefix and width, `A|JPH|8`. None: no series."""
    serial: Mapped[int | None]
    first_delivery: Mapped[int]


class HoldingsState(Base):
    """One row: the change of `records` up to which `holdings` is complete."""

    __tablename__ = "holdings_state"

    id: Mapped[int] = mapped_column(SmallInteger, primary_key=True)
    seq: Mapped[int] = mapped_column(server_default="0")


class AuthorityFile(Base):
    """A WIPO ST.37 authority file that was loaded."""

    __tablename__ = "authority_files"
    __table_args__ = (Index("ix_authority_files_office", "office"),)

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    office: Mapped[str]
    name: Mapped[str]
    sha256: Mapped[str]
    form: Mapped[str]
    """xml or text."""
    category: Mapped[str]
    """full, incremental, differential."""
    grouped: Mapped[bool] = mapped_column(server_default="false")
    """One of several files that together are full."""
    produced: Mapped[dt.date | None]
    loaded: Mapped[dt.datetime] = mapped_column(server_default=func.now())
    loaded_by: Mapped[str]
    entries: Mapped[int] = mapped_column(server_default="0")
    excepted: Mapped[int] = mapped_column(server_default="0")
    refused: Mapped[int] = mapped_column(server_default="0")
    """Lines left out because they could not be read."""
    definition: Mapped[dict[str, Any]] = mapped_column(server_default=text("'{}'::jsonb"))
    in_force: Mapped[bool] = mapped_column(server_default="true")
    """False once later files took the place of all its entries."""


class AuthorityEntry(Base):
    """One number that an office assigned, as one file in force lists it."""

    __tablename__ = "authority_entries"
    __table_args__ = (Index("ix_authority_entries_office_number_kind", "office", "number", "kind"),)

    file: Mapped[int] = mapped_column(ForeignKey("authority_files.id"), primary_key=True)
    number: Mapped[str] = mapped_column(primary_key=True)
    """Canonical."""
    kind: Mapped[str] = mapped_column(primary_key=True)
    """Empty where an exception has none."""
    office: Mapped[str]
    raw: Mapped[str]
    date: Mapped[dt.date | None]
    exception: Mapped[str] = mapped_column(server_default="")
    """ST.37 exception code; empty for a published document."""
    line: Mapped[int]
    current: Mapped[bool] = mapped_column(server_default="true")
    """False where a later file in force says something newer about the number."""


class Schedule(Base):
    """How often a provider says that it delivers a collection."""

    __tablename__ = "collection_schedules"

    collection: Mapped[str] = mapped_column(ForeignKey("collections.id"), primary_key=True)
    every: Mapped[str]
    """daily, weekly, monthly, quarterly, yearly."""
    grace_days: Mapped[int] = mapped_column(Integer, server_default="0")
    declared: Mapped[dt.datetime] = mapped_column(server_default=func.now())
    declared_by: Mapped[str]


class ErrorReport(Base):
    """A reader says that a record is wrong. For the provider's quality people and the reporter, nobody else."""

    __tablename__ = "error_reports"
    __table_args__ = (
        Index("ix_error_reports_provider_state", "provider", "state"),
        Index("ix_error_reports_reporter", "reporter"),
        CheckConstraint("state in ('open', 'answered', 'corrected', 'declined')", name="state"),
    )

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    record: Mapped[str]
    seq: Mapped[int | None]
    """Version of the record that was reported."""
    provider: Mapped[str]
    collection: Mapped[str]
    right: Mapped[str]
    office: Mapped[str]
    """Of the record."""
    field: Mapped[str] = mapped_column(server_default="")
    reporter: Mapped[str]
    reporter_office: Mapped[str | None]
    state: Mapped[str] = mapped_column(server_default="open")
    opened: Mapped[dt.datetime] = mapped_column(server_default=func.now())
    changed: Mapped[dt.datetime] = mapped_column(server_default=func.now())
    closed: Mapped[dt.datetime | None]


class ErrorReportMessage(Base):
    """One message of a report's thread; the first is the report itself."""

    __tablename__ = "error_report_messages"
    __table_args__ = (Index("ix_error_report_messages_report", "report"),)

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    report: Mapped[int] = mapped_column(ForeignKey("error_reports.id"))
    side: Mapped[str]
    """reporter or provider."""
    author: Mapped[str]
    text: Mapped[str]
    state: Mapped[str]
    """State of the report after this message."""
    at: Mapped[dt.datetime] = mapped_column(server_default=func.now())
