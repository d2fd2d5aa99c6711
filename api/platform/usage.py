"""How much the platform is used: counted in each process, kept by office and day, read by day or month.

Counted are a search (its first page; the pages after it, and counts without results, are none of their own), a record
that is shown as a whole, and an export that is ordered. What is counted waits in the process for at most half a
minute: a process that is killed loses that much. Deliveries are counted from their own table.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from threading import Lock
from typing import Any, Literal

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from indexer.quality.sheet import Column, Sheet
from store.database import Database
from store.ingest import Delivery
from store.usage import UsageDay

COUNTED = ("searches", "records", "exports")
MEASURES = (*COUNTED, "deliveries")
SHOWN_WHOLE = frozenset({"view", "original"})
"""Actions of the audit of which each record counts as one that was read."""
By = Literal["day", "month"]
LONGEST = {"day": 366, "month": 3_660}
"""Days that one answer may cover."""
USUAL = {"day": 30, "month": 365}


class Used:
    """What this process has counted and not yet written."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._waiting: Counter[tuple[dt.date, str, str]] = Counter()

    def add(self, office: str | None, measure: str, number: int = 1) -> None:
        if number:
            with self._lock:
                self._waiting[(dt.datetime.now(dt.UTC).date(), office or "", measure)] += number

    def write(self, database: Database) -> None:
        """Adds it to what is kept. Where that fails it goes on waiting."""
        with self._lock:
            waiting, self._waiting = self._waiting, Counter()
        if not waiting:
            return
        rows = [
            {"day": day, "office": office, "measure": measure, "number": number}
            for (day, office, measure), number in sorted(waiting.items())
        ]
        statement = insert(UsageDay).values(rows)
        added = UsageDay.number + statement.excluded.number
        try:
            with database.session() as session:
                session.execute(
                    statement.on_conflict_do_update(index_elements=["day", "office", "measure"], set_={"number": added})
                )
        except Exception:
            with self._lock:
                self._waiting.update(waiting)
            raise


@dataclass(frozen=True, slots=True)
class Line:
    """What one office did in one day or month."""

    period: str
    """2026-11-30, or 2026-11."""
    office: str
    """ST.3 code; empty for the public."""
    counts: dict[str, int] = field(default_factory=dict)
    """By measure; what is not there is none."""

    def row(self) -> dict[str, Any]:
        return {"period": self.period, "office": self.office, **{name: self.counts.get(name, 0) for name in MEASURES}}


def span(by: By, since: dt.date | None, until: dt.date | None) -> tuple[dt.date, dt.date]:
    """First and last day that are answered for."""
    last = until or dt.datetime.now(dt.UTC).date()
    first = since or last - dt.timedelta(days=USUAL[by] - 1)
    return first, last


def read(session: Session, by: By, first: dt.date, last: dt.date, office: str | None = None) -> list[Line]:
    """Lines in the order of time and office. `office` None: of all."""
    pattern = "YYYY-MM-DD" if by == "day" else "YYYY-MM"
    found: dict[tuple[str, str], dict[str, int]] = {}
    for rows in (_counted(pattern, first, last, office), _delivered(pattern, first, last, office)):
        for period, who, measure, number in session.execute(rows):
            found.setdefault((period, who), {})[measure] = int(number)
    return [Line(period, who, counts) for (period, who), counts in sorted(found.items())]


def _counted(pattern: str, first: dt.date, last: dt.date, office: str | None) -> Any:
    period = func.to_char(UsageDay.day, pattern)
    keys = (period, UsageDay.office, UsageDay.measure)
    found = select(*keys, func.sum(UsageDay.number)).where(UsageDay.day.between(first, last)).group_by(*keys)
    return found if office is None else found.where(UsageDay.office == office)


def _delivered(pattern: str, first: dt.date, last: dt.date, office: str | None) -> Any:
    received = func.timezone("UTC", Delivery.received)
    period = func.to_char(received, pattern)
    keys = (period, Delivery.provider)
    found = (
        select(*keys, func.max("deliveries"), func.count())
        .where(received >= first, received < last + dt.timedelta(days=1))
        .group_by(*keys)
    )
    return found if office is None else found.where(Delivery.provider == office)


def as_csv(lines: Iterable[Line]) -> str:
    """One line a period and office."""
    columns = tuple(Column(key, key) for key in ("period", "office", *MEASURES))
    return Sheet("usage", "Usage", columns, tuple(line.row() for line in lines)).csv()
