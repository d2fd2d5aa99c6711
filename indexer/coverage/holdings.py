"""Keeps the table `holdings` level with `records`: one row for each record that is held, followed by change number."""

from __future__ import annotations

import datetime as dt
import re
from functools import lru_cache
from pathlib import Path
from typing import Any

import orjson
import psycopg
import zstandard

from indexer.harmonise.tables_reader import rows
from store.database import Database
from store.quality import HOLDINGS_LOCK

BATCH = 2_000
LONGEST_SERIAL = 18
"""Digits that fit PostgreSQL's bigint."""

IDENTIFYING = {
    "patent": ("publication",),
    "trademark": ("registration", "application", "international", "publication"),
    "design": ("registration", "publication", "application", "international"),
    "copyright": ("work", "registration", "application", "isbn", "issn", "isrc", "iswc", "isan", "other"),
    "gi": ("registration", "application", "international", "publication"),
}
"""Types of number by which a right is counted, best first."""

COLUMNS = (
    "record",
    "right",
    "office",
    "provider",
    "collection",
    "number",
    "kind",
    "year",
    "publication_date",
    "public_date",
    "unpublished",
    "series",
    "serial",
    "first_delivery",
)
TAIL = re.compile(r"([A-Z]{2}[A-Z0-9-]*?)(\d+)")


def refresh(database: Database, limit: int | None = None) -> int:
    """Takes in the changes of `records` since the last time, at most about `limit`. Returns how many there were.

    Safe to call from several processes at once: one works, the others wait and find it done.
    """
    done = 0
    while limit is None or done < limit:
        with database.driver() as connection:
            connection.execute("select pg_advisory_xact_lock(%s)", (HOLDINGS_LOCK,))
            taken = _batch(connection)
        done += taken
        if taken < BATCH:
            break
    return done


def _batch(connection: psycopg.Connection[tuple[Any, ...]]) -> int:
    changed = connection.execute(
        'select id, seq, "right", office, provider, collection, delivery, deleted, body from records '
        "where seq > (select seq from holdings_state where id = 1) order by seq limit %s",
        (BATCH,),
        binary=True,
    ).fetchall()
    if not changed:
        return 0
    ids = [row[0] for row in changed]
    first = dict(
        connection.execute(
            "select id, min(delivery) from record_versions where id = any(%s) group by id", (ids,)
        ).fetchall()
    )
    gone = [row[0] for row in changed if row[7]]
    connection.execute("delete from holdings where record = any(%s)", (gone,))
    decompress = zstandard.ZstdDecompressor().decompress
    held = []
    for id_, _, right, office, provider, collection, delivery, deleted, body in changed:
        if not deleted:
            facts = facts_of(orjson.loads(decompress(body)))
            first_delivery = min(delivery, first.get(id_, delivery))
            held.append((id_, right, office, provider, collection, *facts, first_delivery))
    names = ", ".join(f'"{name}"' for name in COLUMNS)
    values = ", ".join(["%s"] * len(COLUMNS))
    changes = ", ".join(f'"{name}" = excluded."{name}"' for name in COLUMNS[1:])
    with connection.cursor() as cursor:
        cursor.executemany(
            f"insert into holdings ({names}) values ({values}) "  # noqa: S608 - our own column names
            f"on conflict (record) do update set {changes}",
            held,
        )
    connection.execute("update holdings_state set seq = %s where id = 1", (changed[-1][1],))
    return len(changed)


def facts_of(record: dict[str, Any]) -> tuple[Any, ...]:
    """(number, kind, year, publication date, public date, unpublished, series, serial) of a record's JSON."""
    right = record["right"]
    number, kind = "", record.get("kind") or ""
    for wanted in IDENTIFYING[right]:
        found = [n for n in record["numbers"] if n["type"] == wanted]
        if found:
            own = next((n for n in found if n["office"] == record["office"]), found[0])
            number, kind = own["canonical"], kind or own.get("kind") or ""
            break
    index = (record.get("design") or {}).get("design_index")
    if index and not number.endswith(f"-{index}"):
        number = f"{number}-{index}"
    dates: dict[str, dt.date] = {}
    for fact in record.get("dates", ()):
        dates.setdefault(fact["type"], dt.date.fromisoformat(fact["date"]))
    published = dates.get("publication")
    public = published or dates.get("registration") or dates.get("grant")
    dated = public or dates.get("filing")
    series, serial = series_of(number, record["office"], right, kind)
    year = dated.year if dated else None
    return number, kind, year, published, public, bool(record.get("unpublished")), series, serial


def series_of(number: str, office: str, right: str, kind: str) -> tuple[str | None, int | None]:
    """The series that a canonical number belongs to and its place in it; (None, None) where it has neither."""
    match = TAIL.fullmatch(number)
    if match is None or len(match[2]) > LONGEST_SERIAL or not _in_series(office, right, kind):
        return None, None
    group = kind[:1] if right == "patent" else ""
    return f"{group}|{match[1]}|{len(match[2])}", int(match[2])


def number_of(series: str, serial: int) -> str:
    """Canonical number at a place of a series."""
    _, prefix, width = series.split("|")
    return f"{prefix}{serial:0{width}d}"


@lru_cache(maxsize=4096)
def _in_series(office: str, right: str, kind: str) -> bool:
    return not any(
        row["office"] == office and row["right"] == right and kind.startswith(row["kinds"]) for row in _broken()
    )


@lru_cache(maxsize=1)
def _broken() -> tuple[dict[str, str], ...]:
    return tuple(rows("series", Path(__file__).parent))
