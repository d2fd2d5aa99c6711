"""Takes a ST.37 authority file into PostgreSQL: a full one replaces, the others add to what is in force."""

from __future__ import annotations

import dataclasses
import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import orjson
import psycopg

from common.errors import Conflict, MalformedInput, Place, UsageError
from indexer.coverage.authority import CATEGORIES, Definition, Entry, read, read_definition
from store.database import Database

SHOWN = 20
"""Faults of a refused file that are told one by one."""


class RefusedAuthorityFile(MalformedInput):
    """Lines of the file are wrong, and nothing of it was loaded. `faults` holds the first of them, `total` counts."""

    def __init__(self, file: str, faults: list[MalformedInput], total: int) -> None:
        told = "\n".join(str(fault) for fault in faults)
        more = f"\n… and {total - len(faults)} more." if total > len(faults) else ""
        super().__init__(
            f"{total} wrong {'line' if total == 1 else 'lines'}; nothing was loaded.\n{told}{more}",
            place=Place(file),
            remedy="Correct the file, or load the rest of it with --skip-bad.",
        )
        self.faults, self.total = faults, total


@dataclass(frozen=True, slots=True)
class Loaded:
    """What a load did."""

    id: int
    office: str
    category: str
    entries: int
    excepted: int
    faults: tuple[MalformedInput, ...]
    """Lines left out (only where asked to skip them), the first of them."""
    refused: int
    notes: tuple[str, ...]
    """Where the file differs from what its definition declares."""


class _Hashing:
    def __init__(self, stream: BinaryIO) -> None:
        self._stream, self._hash = stream, hashlib.sha256()

    def read(self, size: int = -1) -> bytes:
        data = self._stream.read(size)
        self._hash.update(data)
        return data

    def hexdigest(self) -> str:
        while self.read(1 << 20):
            pass
        return self._hash.hexdigest()


def load_authority_file(
    database: Database,
    path: Path,
    *,
    by: str,
    office: str | None = None,
    category: str | None = None,
    grouped: bool | None = None,
    definition: Path | None = None,
    skip_bad: bool = False,
) -> Loaded:
    """Reads the file and puts it in force, in one transaction.

    What the arguments do not say is taken from the file's definition: `category` full where neither says it. Raises
    RefusedAuthorityFile for wrong lines unless `skip_bad`, Conflict for a file that is in force already, UsageError for
    an increment to nothing.
    """
    if category is not None and category not in CATEGORIES:
        raise UsageError(f"{category!r} is no category.", remedy=f"One of {', '.join(CATEGORIES)}.")
    told = Definition()
    if definition is not None:
        with definition.open("rb") as stream:
            told = read_definition(stream, definition.name)
    with path.open("rb") as stream, database.driver() as connection:
        source: Any = _Hashing(stream)
        return _load(connection, source, path.name, by, office, category, grouped, told, skip_bad)


def _load(
    connection: psycopg.Connection[tuple[Any, ...]],
    source: Any,
    name: str,
    by: str,
    office: str | None,
    category: str | None,
    grouped: bool | None,
    told: Definition,
    skip_bad: bool,
) -> Loaded:
    connection.execute("select pg_advisory_xact_lock(hashtext('authority_files'))")
    connection.execute(
        "create temporary table incoming (number text, kind text, raw text, date date, exception text, line bigint) "
        "on commit drop"
    )
    faults: list[MalformedInput] = []
    refused = 0
    with connection.cursor().copy("copy incoming from stdin") as copy:
        for item in read(source, name):
            if isinstance(item, Definition):
                told = _joined(told, item)
                continue
            if isinstance(item, Entry):
                office = office or told.office or item.office
                if item.office == office:
                    copy.write_row((item.number, item.kind, item.raw, item.date, item.exception or "", item.line))
                    continue
                item = MalformedInput(
                    f"the entry is of {item.office}, the file of {office}.",
                    place=Place(name, field="office", line=item.line),
                    remedy="An authority file lists the publications of one office.",
                )
            refused += 1
            if len(faults) < SHOWN:
                faults.append(item)
    doubles = connection.execute(
        "select i.line, i.raw, i.kind, f.first from incoming i join (select number, kind, min(line) as first from "
        "incoming group by number, kind having count(*) > 1) f using (number, kind) where i.line > f.first order by 1"
    ).fetchall()
    refused += len(doubles)
    faults += [
        MalformedInput(
            f"{raw} {kind} stands on line {first} already.",
            place=Place(name, field="number", line=line),
            remedy="List each publication once.",
        )
        for line, raw, kind, first in doubles[: max(0, SHOWN - len(faults))]
    ]
    if refused and not skip_bad:
        raise RefusedAuthorityFile(name, faults, refused)
    if office is None:
        raise MalformedInput("no publication is listed.", place=Place(name), remedy="Is this the authority file?")
    digest = source.hexdigest()
    known = connection.execute(
        "select id from authority_files where office = %s and sha256 = %s and in_force", (office, digest)
    ).fetchone()
    if known is not None:
        raise Conflict(f"{name} is in force already, as file {known[0]}.", remedy="There is nothing to do.")
    category = category or told.category or "full"
    grouped = told.grouped if grouped is None else grouped
    base = connection.execute(
        "select max(id) from authority_files where office = %s and in_force and category = 'full'", (office,)
    ).fetchone()
    if category != "full" and (base is None or base[0] is None):
        raise UsageError(
            f"{name} is {category}, and no full authority file of {office} is in force.",
            remedy="Load the full file first, or say --category full.",
        )
    (file,) = connection.execute(  # type: ignore[misc]
        "insert into authority_files "
        "(office, name, sha256, form, category, grouped, produced, loaded_by, refused, definition) "
        "values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s) returning id",
        (
            office,
            name,
            digest,
            "xml" if name.lower().endswith(".xml") else "text",
            category,
            grouped,
            told.produced,
            by,
            refused,
            orjson.dumps(told.as_json()).decode(),
        ),
    ).fetchone()
    connection.execute(
        "insert into authority_entries (file, office, number, kind, raw, date, exception, line) "
        "select distinct on (number, kind) %s, %s, number, kind, raw, date, exception, line from incoming "
        "order by number, kind, line",
        (file, office),
    )
    _supersede(connection, office, file, category, grouped)
    counted = _count(connection, file)
    notes = tuple(_differences(told, counted))
    entries = sum(counted["kinds"].values())
    excepted = sum(counted["exceptions"].values())
    connection.execute(
        "update authority_files set entries = %s, excepted = %s where id = %s", (entries, excepted, file)
    )
    return Loaded(file, office, category, entries, excepted, tuple(faults), refused, notes)


def _joined(told: Definition, found: Definition) -> Definition:
    """A separate definition file says more than the few attributes in the authority file itself."""
    changes = {
        name: getattr(found, name)
        for name in ("office", "produced", "category", "exceptions", "kinds", "totals", "ranges")
        if getattr(found, name) and not getattr(told, name)
    }
    return dataclasses.replace(told, grouped=told.grouped or found.grouped, **changes)


def _supersede(
    connection: psycopg.Connection[tuple[Any, ...]], office: str, file: int, category: str, grouped: bool
) -> None:
    """Takes away what the new file replaces, then marks the newest word on each number.

    Full: everything before it; one of a group: what it covers by kind and date. Differential: all that came since the
    last full file. Incremental: nothing, it only adds and overrides.
    """
    if category == "full" and grouped:
        connection.execute(
            "delete from authority_entries e using (select kind, min(date) as first, max(date) as last "
            "from authority_entries where file = %(file)s group by kind) n "
            "where e.office = %(office)s and e.file < %(file)s and e.kind = n.kind "
            "and (e.date between n.first and n.last or (e.date is null and n.kind = ''))",
            {"file": file, "office": office},
        )
    elif category != "incremental":
        connection.execute(
            "delete from authority_entries e using authority_files f where e.file = f.id and f.office = %(office)s "
            "and f.id < %(file)s and (%(full)s or f.category <> 'full')",
            {"file": file, "office": office, "full": category == "full"},
        )
    connection.execute(
        "update authority_files f set in_force = false where f.office = %s and f.id < %s and f.in_force "
        "and not exists (select 1 from authority_entries e where e.file = f.id)",
        (office, file),
    )
    connection.execute(
        "update authority_entries e set current = (e.file = n.newest) from (select number, kind, max(file) as newest "
        "from authority_entries where office = %(office)s group by number, kind) n "
        "where e.office = %(office)s and e.number = n.number and e.kind = n.kind "
        "and e.current is distinct from (e.file = n.newest)",
        {"office": office},
    )


def _count(connection: psycopg.Connection[tuple[Any, ...]], file: int) -> dict[str, dict[str, int]]:
    kinds: dict[str, int] = {}
    excepted: dict[str, int] = {}
    for kind, code, count in connection.execute(
        "select kind, exception, count(*) from authority_entries where file = %s group by 1, 2", (file,)
    ):
        kinds[kind] = kinds.get(kind, 0) + count
        if code:
            excepted[code] = excepted.get(code, 0) + count
    return {"kinds": kinds, "exceptions": excepted}


def _differences(told: Definition, counted: dict[str, dict[str, int]]) -> list[str]:
    found = []
    for name, declared in told.totals.items():
        code = name.removeprefix("exception ")
        listed = counted["exceptions" if name != code else "kinds"].get(code, 0)
        if listed != declared:
            what = f"exception {code}" if name != code else f"kind {code}"
            found.append(f"{what}: the definition declares {declared}, the file lists {listed}")
    return found
