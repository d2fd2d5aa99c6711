"""Tables of what a person keeps for itself (records put aside, notes) and says to those who run the platform."""

from __future__ import annotations

import datetime as dt

from sqlalchemy import BigInteger, Identity, Index, func
from sqlalchemy.orm import Mapped, mapped_column

from store.base import Base


class BasketEntry(Base):
    """A record that somebody put aside. Whether it is shown is decided anew each time, by the rights of that moment."""

    __tablename__ = "basket_entries"

    owner: Mapped[str] = mapped_column(primary_key=True)
    """Name of the caller: key or account."""
    record: Mapped[str] = mapped_column(primary_key=True)
    added: Mapped[dt.datetime] = mapped_column(server_default=func.now())


class RecordNote(Base):
    """What somebody wrote down about a record, for nobody else."""

    __tablename__ = "record_notes"
    __table_args__ = (Index("ix_record_notes_owner_record", "owner", "record"),)

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    owner: Mapped[str]
    record: Mapped[str]
    text: Mapped[str]
    at: Mapped[dt.datetime] = mapped_column(server_default=func.now())


class Feedback(Base):
    """What somebody says about the platform to those who run it."""

    __tablename__ = "feedback"

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    by: Mapped[str]
    office: Mapped[str | None]
    page: Mapped[str]
    """Address of the page that it is about, without parameters: a query is nobody else's business."""
    text: Mapped[str]
    at: Mapped[dt.datetime] = mapped_column(server_default=func.now())
    done: Mapped[dt.datetime | None]
