"""Freshness: how far behind an office's publications what is held is, and which deliveries are overdue.

Lag runs from the day of publication to the day on which the first delivery that held the record was received, in whole
days (UTC). It is taken over the publications of the `days` before the last one held, so that a first load of old files
does not drown what is new. Counted over the holdings that somebody may see.
"""

from __future__ import annotations

import datetime as dt
from typing import Any

from sqlalchemy import text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from common.errors import NotFound, UsageError
from indexer.coverage.visible import Visible
from indexer.quality.sheet import Column, Sheet
from store.access import Collection
from store.quality import Schedule

PERIODS = {"daily": 1, "weekly": 7, "monthly": 31, "quarterly": 92, "yearly": 366}
"""Days after a delivery by which the next one is due."""
WINDOW_DAYS = 365

FRESH = """
    with visible as (
        select h.* from holdings h where {where}
    ), base as (
        select v.office, v."right", v.collection, v.public_date,
            max(v.public_date) over (partition by v.office, v."right") as newest,
            (f.received at time zone 'UTC')::date - v.public_date as lag,
            l.received as delivered
        from visible v join deliveries f on f.sequence = v.first_delivery
            join records r on r.id = v.record join deliveries l on l.sequence = r.confirmed
    )
    select office, "right", collection, count(*) as records, max(public_date) as last_publication,
        max(delivered) as last_delivery, count(lag) filter (where public_date > newest - :days) as measured,
        percentile_cont(0.5) within group (order by lag) filter (where public_date > newest - :days) as median,
        percentile_cont(0.95) within group (order by lag) filter (where public_date > newest - :days) as p95
    from base group by grouping sets ((office, "right"), (office, "right", collection))
    order by office, "right", collection nulls first
"""

CORRECTED = """
    with versions as (
        select v.id, v.seq, v.delivery, h.office, h."right" from record_versions v join holdings h on h.record = v.id
        where {where}
        union all
        select r.id, r.seq, r.delivery, h.office, h."right" from records r join holdings h on h.record = r.id
        where {where}
    ), following as (
        select office, "right", delivery, lead(delivery) over (partition by id order by seq) as next from versions
    )
    select f.office, f."right", count(*) as corrections,
        percentile_cont(0.5) within group (order by extract(epoch from b.received - a.received) / 86400) as median,
        percentile_cont(0.95) within group (order by extract(epoch from b.received - a.received) / 86400) as p95
    from following f join deliveries a on a.sequence = f.delivery join deliveries b on b.sequence = f.next
    where f.next > f.delivery group by f.office, f."right"
"""

OWN = """
    select c.id, max(d.received) as last_delivery from collections c
    left join deliveries d on d.provider = c.provider and d.state = 'done' and lower(d.collection) = lower(c.name)
    where cast(:every as boolean) or c.provider = any(:providers) group by c.id
"""

COLUMNS = (
    Column("office", "Office"),
    Column("right", "Right"),
    Column("records", "Records", "number"),
    Column("last_publication", "Last publication", "date"),
    Column("last_delivery", "Last delivery", "time"),
    Column("lag_median", "Lag, median (days)", "number"),
    Column("lag_p95", "Lag, 95 % (days)", "number"),
    Column("measured", "Measured on", "number"),
    Column("corrections", "Corrections", "number"),
    Column("correction_median", "Correction lag, median (days)", "number"),
    Column("correction_p95", "Correction lag, 95 % (days)", "number"),
    Column("overdue", "Overdue", "flag"),
)
COLLECTION_COLUMNS = (
    Column("collection", "Collection"),
    Column("offices", "Offices", "list"),
    Column("every", "Schedule"),
    Column("grace_days", "Grace (days)", "number"),
    Column("last_delivery", "Last delivery", "time"),
    Column("due", "Next due", "date"),
    Column("overdue_days", "Days overdue", "number"),
    Column("overdue", "Overdue", "flag"),
)


def freshness(
    session: Session, visible: Visible, *, today: dt.date | None = None, days: int = WINDOW_DAYS
) -> tuple[Sheet, ...]:
    """Two sheets: `freshness` (office × right) and `schedules` (collection). Percentiles are interpolated."""
    day = today or dt.datetime.now(dt.UTC).date()
    where, parameters = visible.where("h")
    found = session.execute(text(FRESH.format(where=where)), {**parameters, "days": days}).all()
    corrected = {
        (row.office, row.right): row for row in session.execute(text(CORRECTED.format(where=where)), parameters)
    }
    schedules = _schedules(session, visible, found, day)
    late = {row["collection"]: row["overdue"] for row in schedules}
    parts: dict[tuple[str, str], list[str]] = {}
    for row in found:
        if row.collection is not None:
            parts.setdefault((row.office, row.right), []).append(row.collection)
    rows = []
    for row in found:
        if row.collection is not None:
            continue
        known = [late[name] for name in parts[row.office, row.right] if late.get(name) is not None]
        correction = corrected.get((row.office, row.right))
        rows.append(
            {
                "office": row.office,
                "right": row.right,
                "records": row.records,
                "last_publication": row.last_publication,
                "last_delivery": row.last_delivery,
                "lag_median": _days(row.median),
                "lag_p95": _days(row.p95),
                "measured": row.measured,
                "corrections": correction.corrections if correction else 0,
                "correction_median": _days(correction.median) if correction else None,
                "correction_p95": _days(correction.p95) if correction else None,
                "overdue": any(known) if known else None,
            }
        )
    return (
        Sheet("freshness", "Freshness by office and right", COLUMNS, tuple(rows)),
        Sheet("schedules", "Declared schedules", COLLECTION_COLUMNS, tuple(schedules)),
    )


def _schedules(session: Session, visible: Visible, found: Any, today: dt.date) -> list[dict[str, Any]]:
    """One row for each collection of which something is seen, and for each of the asker's own.

    Somebody else learns of a delivery only by what it sees of it.
    """
    last: dict[str, dt.datetime | None] = {}
    offices: dict[str, set[str]] = {}
    for row in found:
        if row.collection is not None:
            held = last.get(row.collection)
            last[row.collection] = max(held, row.last_delivery) if held else row.last_delivery
            offices.setdefault(row.collection, set()).add(row.office)
    own = session.execute(text(OWN), {"every": visible.spans is None, "providers": list(visible.providers)})
    for name, received in own:
        held = last.get(name)
        last[name] = max(filter(None, (held, received)), default=None)
    declared = {entry.collection: entry for entry in session.query(Schedule).all()}
    rows = []
    for name in sorted(last):
        entry = declared.get(name)
        due = _due(entry, last[name]) if entry else None
        rows.append(
            {
                "collection": name,
                "offices": sorted(offices.get(name, ())),
                "every": entry.every if entry else None,
                "grace_days": entry.grace_days if entry else None,
                "last_delivery": last[name],
                "due": due,
                "overdue_days": max(0, (today - due).days) if due else None,
                "overdue": today > due if due else None,
            }
        )
    return rows


def _due(entry: Schedule, last: dt.datetime | None) -> dt.date:
    """The last day on which the next delivery is still in time; counted from the declaration before the first."""
    start = (last or entry.declared).astimezone(dt.UTC).date()
    return start + dt.timedelta(days=PERIODS[entry.every] + entry.grace_days)


def declare(
    session: Session, collection: str, every: str | None, *, by: str, grace_days: int = 0, provider: str | None = None
) -> None:
    """Sets, or with None takes away, the schedule of a collection; with `provider`, only of that provider's.

    Raises UsageError for an unknown period, NotFound for an unknown collection or somebody else's.
    """
    if every is not None and every not in PERIODS:
        raise UsageError(f"{every!r} is no schedule.", remedy=f"One of {', '.join(PERIODS)}.")
    entry = session.get(Collection, collection)
    if entry is None or (provider is not None and entry.provider != provider):
        raise NotFound(f"There is no collection {collection}.")
    held = session.get(Schedule, collection)
    if every is None:
        if held is not None:
            session.delete(held)
        return
    values = {"collection": collection, "every": every, "grace_days": grace_days, "declared_by": by}
    statement = insert(Schedule).values(**values)
    session.execute(statement.on_conflict_do_update(index_elements=["collection"], set_=values))


def _days(value: Any) -> float | None:
    return None if value is None else round(float(value), 2)
