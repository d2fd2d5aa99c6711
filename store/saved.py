"""Tables of saved searches: what somebody wants to be told about, and what was found for it."""

from __future__ import annotations

import datetime as dt
from typing import Any

from sqlalchemy import Date, ForeignKey, Index, UniqueConstraint, func
from sqlalchemy.orm import Mapped, mapped_column

from store.base import Base


class SavedSearch(Base):
    """A search that is run again when something came in. It holds no rights: they are asked for at each run."""

    __tablename__ = "saved_searches"
    __table_args__ = (Index("ix_saved_searches_owner", "owner"), Index("ix_saved_searches_seq", "seq"))

    id: Mapped[str] = mapped_column(primary_key=True)
    owner: Mapped[str]
    """Caller's name, whose rights it runs under."""
    office: Mapped[str | None]
    purpose: Mapped[str]
    name: Mapped[str]
    search: Mapped[dict[str, Any]]
    """As POST /v1/search takes it."""
    changes: Mapped[bool] = mapped_column(server_default="false")
    """Whether records that were held before and changed are told too."""
    webhook: Mapped[str | None] = mapped_column(ForeignKey("webhook_endpoints.id", ondelete="SET NULL"))
    """Endpoint to tell; None: those of the owner's that want alerts."""
    seq: Mapped[int]
    """Changes of the ledger up to here are done."""
    day: Mapped[dt.date] = mapped_column(Date)
    """Embargoes that ended by this day are done."""
    found: Mapped[int] = mapped_column(server_default="0")
    """Results so far: numbers the next one."""
    error: Mapped[str | None]
    """Why it could not be run last."""
    created: Mapped[dt.datetime] = mapped_column(server_default=func.now())
    ran: Mapped[dt.datetime | None]


class SavedResult(Base):
    """A record that was found for a saved search, in one of its versions. What it says is read when it is shown."""

    __tablename__ = "saved_results"
    __table_args__ = (UniqueConstraint("search", "record", "seq"),)

    search: Mapped[str] = mapped_column(ForeignKey("saved_searches.id", ondelete="CASCADE"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    """From 1, in the order in which they were found."""
    record: Mapped[str]
    seq: Mapped[int]
    """The record's change."""
    change: Mapped[str]
    """new or changed."""
    found: Mapped[dt.datetime] = mapped_column(server_default=func.now())
