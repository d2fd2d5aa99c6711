"""Coverage by office, kind and year, and gaps by number, counted over the holdings that somebody may see.

Where an office's authority file is in force (ST.37): held ÷ (listed − excepted). Where none is, and for rights without
such files, the numbers that are missing within each run of numbers that are held.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from indexer.coverage.authority import exceptions
from indexer.coverage.holdings import number_of
from indexer.coverage.visible import Visible
from indexer.quality.sheet import Column, Sheet

WITH = """
    with visible as (
        select office, "right", kind, number, min(year) as year, min(series) as series, min(serial) as serial
        from holdings h where {where} and number <> '' group by office, "right", kind, number
    ), covered as (
        select distinct v.office from visible v
        where exists (select 1 from authority_files f where f.office = v.office and f.in_force)
        union select code from unnest(cast(:own as text[])) as code
        where exists (select 1 from authority_files f where f.office = code and f.in_force)
    ), entries as (
        select e.office, e.kind, e.number, e.raw, e.date, e.exception, e.file, e.line,
            extract(year from e.date)::int as year,
            exists (select 1 from visible v where v.office = e.office and v.number = e.number and v.kind = e.kind
                and v."right" in ('patent', 'design')) as held
        from authority_entries e join covered using (office) where e.current
    )
"""

COVERAGE = """
    , listed as (
        select office, kind, year, count(*) as listed, count(*) filter (where exception <> '') as excepted,
            count(*) filter (where held and exception = '') as held,
            count(*) filter (where held and exception <> '') as held_excepted
        from entries group by office, kind, year
    ), unlisted as (
        select v.office, v.kind, v.year, count(*) as unlisted from visible v join covered using (office)
        where v."right" = 'patent' and not exists (select 1 from entries e where e.office = v.office
            and e.number = v.number and e.kind = v.kind) group by 1, 2, 3
    )
    select coalesce(l.office, u.office) as office, coalesce(l.kind, u.kind) as kind, coalesce(l.year, u.year) as year,
        coalesce(l.listed, 0) as listed, coalesce(l.excepted, 0) as excepted, coalesce(l.held, 0) as held,
        coalesce(l.held_excepted, 0) as held_excepted, coalesce(u.unlisted, 0) as unlisted
    from listed l full join unlisted u
        on l.office = u.office and l.kind = u.kind and coalesce(l.year, 0) = coalesce(u.year, 0)
    order by 1, 2, 3
"""

RUNS = """
    , running as (
        select distinct office, "right", series, year, serial from visible v
        where series is not null and year is not null and not ("right" = 'patent' and exists
            (select 1 from covered c where c.office = v.office))
    ), following as (
        select *, lead(serial) over (partition by office, "right", series, year order by serial) as next from running
    )
"""


def coverage(session: Session, visible: Visible, *, own: tuple[str, ...] = ()) -> tuple[Sheet, ...]:
    """Two sheets: `authority` (office × kind × year, ST.37) and `runs` (office × right × series × year).

    `own`: offices whose authority file is reported even where nothing of theirs is held.
    """
    where, parameters = visible.where("h")
    parameters |= {"own": list(own)}
    base = WITH.format(where=where)
    authority = tuple(_authority_row(row) for row in session.execute(text(base + COVERAGE), parameters))
    runs = session.execute(
        text(
            base  # noqa: S608
            + RUNS
            + ', counted as (select office, "right", series, year, min(serial) as first, max(serial) as last, '
            "count(*) as held, count(*) filter (where next > serial + 1) as gaps from following group by 1, 2, 3, 4) "
            'select * from counted order by office, "right", series, year'
        ),
        parameters,
    )
    return (
        Sheet("authority", "Coverage by authority file (ST.37)", AUTHORITY_COLUMNS, authority),
        Sheet("runs", "Runs of numbers, where no authority file is given", RUN_COLUMNS, tuple(map(_run_row, runs))),
    )


AUTHORITY_COLUMNS = (
    Column("office", "Office"),
    Column("kind", "Kind"),
    Column("year", "Year", "number"),
    Column("listed", "Listed", "number"),
    Column("excepted", "Excepted", "number"),
    Column("due", "To be held", "number"),
    Column("held", "Held", "number"),
    Column("missing", "Missing", "number"),
    Column("coverage", "Coverage", "share"),
    Column("held_excepted", "Held though excepted", "number"),
    Column("unlisted", "Held, not listed", "number"),
)
RUN_COLUMNS = (
    Column("office", "Office"),
    Column("right", "Right"),
    Column("kinds", "Kinds"),
    Column("year", "Year", "number"),
    Column("first", "First held"),
    Column("last", "Last held"),
    Column("held", "Held", "number"),
    Column("missing", "Missing between", "number"),
    Column("gaps", "Gaps", "number"),
)
GAP_COLUMNS = (
    Column("office", "Office"),
    Column("number", "Number"),
    Column("kind", "Kind"),
    Column("date", "Date", "date"),
    Column("exception", "Exception"),
    Column("reason", "Reason"),
    Column("listed_as", "As listed"),
    Column("file", "Authority file", "number"),
    Column("line", "Line", "number"),
)
RANGE_COLUMNS = (
    Column("office", "Office"),
    Column("right", "Right"),
    Column("kinds", "Kinds"),
    Column("year", "Year", "number"),
    Column("first", "From"),
    Column("last", "To"),
    Column("numbers", "Numbers", "number"),
)


def _authority_row(row: Any) -> dict[str, Any]:
    due = row.listed - row.excepted
    return {
        "office": row.office,
        "kind": row.kind,
        "year": row.year,
        "listed": row.listed,
        "excepted": row.excepted,
        "due": due,
        "held": row.held,
        "missing": due - row.held,
        "coverage": round(row.held / due, 6) if due else None,
        "held_excepted": row.held_excepted,
        "unlisted": row.unlisted,
    }


def _run_row(row: Any) -> dict[str, Any]:
    return {
        "office": row.office,
        "right": row.right,
        "kinds": _kinds(row.series),
        "year": row.year,
        "first": number_of(row.series, row.first),
        "last": number_of(row.series, row.last),
        "held": row.held,
        "missing": row.last - row.first + 1 - row.held,
        "gaps": row.gaps,
    }


def _kinds(series: str) -> str:
    letter = series.partition("|")[0]
    return f"{letter}*" if letter else ""


def gaps(
    session: Session,
    visible: Visible,
    office: str,
    *,
    kind: str | None = None,
    year: int | None = None,
    excepted: bool = True,
    own: tuple[str, ...] = (),
    after: tuple[str, str] = ("", ""),
    limit: int = 1000,
) -> Sheet:
    """Listed numbers of an office that are not held, in order of number and kind, from `after` on.

    With the exception code that explains why, where the office gave one; `excepted` False leaves those out.
    """
    where, parameters = visible.where("h")
    clauses = "" if excepted else " and exception = ''"
    clauses += " and kind = :kind" if kind is not None else ""
    clauses += " and year = :year" if year is not None else ""
    found = session.execute(
        text(
            WITH.format(where=where) + "select * from entries where office = :office and not held "  # noqa: S608
            f"and (number, kind) > (:after_number, :after_kind){clauses} order by number, kind limit :limit"
        ),
        {
            **parameters,
            "own": list(own),
            "office": office,
            "kind": kind,
            "year": year,
            "after_number": after[0],
            "after_kind": after[1],
            "limit": limit,
        },
    )
    names = exceptions()
    rows = tuple(
        {
            "office": row.office,
            "number": row.number,
            "kind": row.kind,
            "date": row.date,
            "exception": row.exception,
            "reason": names.get(row.exception, "not held"),
            "listed_as": row.raw,
            "file": row.file,
            "line": row.line,
        }
        for row in found
    )
    return Sheet("gaps", f"Numbers of {office} that are listed and not held", GAP_COLUMNS, rows)


def range_gaps(
    session: Session,
    visible: Visible,
    *,
    office: str | None = None,
    right: str | None = None,
    year: int | None = None,
    own: tuple[str, ...] = (),
    limit: int = 1000,
) -> Sheet:
    """Stretches of numbers missing between two that are held, within one series and year."""
    where, parameters = visible.where("h")
    clauses = " and office = :office" if office is not None else ""
    clauses += ' and "right" = :right' if right is not None else ""
    clauses += " and year = :year" if year is not None else ""
    found = session.execute(
        text(
            WITH.format(where=where) + RUNS + f"select * from following where next > serial + 1{clauses} "  # noqa: S608
            'order by office, "right", series, year, serial limit :limit'
        ),
        {**parameters, "own": list(own), "office": office, "right": right, "year": year, "limit": limit},
    )
    rows = tuple(
        {
            "office": row.office,
            "right": row.right,
            "kinds": _kinds(row.series),
            "year": row.year,
            "first": number_of(row.series, row.serial + 1),
            "last": number_of(row.series, row.next - 1),
            "numbers": row.next - row.serial - 1,
        }
        for row in found
    )
    return Sheet("ranges", "Numbers missing between held ones", RANGE_COLUMNS, rows)
