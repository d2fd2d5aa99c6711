"""How much each office uses the platform, by day: counts alone, of no record and no person."""

from __future__ import annotations

import datetime as dt

from sqlalchemy import BigInteger, Date
from sqlalchemy.orm import Mapped, mapped_column

from store.base import Base


class UsageDay(Base):
    """One count of one office and day (UTC). Kept for good: a row an office, day and measure."""

    __tablename__ = "usage_days"

    day: Mapped[dt.date] = mapped_column(Date, primary_key=True)
    office: Mapped[str] = mapped_column(primary_key=True)
    """ST.3 code; empty for the public."""
    measure: Mapped[str] = mapped_column(primary_key=True)
    """searches, records, exports."""
    number: Mapped[int] = mapped_column(BigInteger)
