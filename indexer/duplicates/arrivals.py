"""What follows when records come in or somebody decides: they are matched, and the index learns their clusters.

A load is over when its records are searchable; what is here comes after, in the loader's process, in batches that each
leave a mark of progress. Killed anywhere, the next load, scan or decision goes on where it stopped.
"""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import Callable

from indexer.duplicates.scan import SAFE_END, Scan, Scanned
from indexer.engine import Engine
from indexer.stored import document_of, pictures_of, stored_records
from indexer.vectors import Vectors
from indexer.writer import Change, Writer
from mappings import aliases
from store.database import Database
from store.duplicates import PUBLISH_LOCK

AT_ONCE = 500


async def match(
    database: Database,
    engine: Engine,
    vectors: Vectors,
    report: Callable[[Scanned, int], None] = lambda scanned, left: None,
) -> Scanned:
    """Takes up every record that came in since the last time, and tells the index which clusters became others.

    Raises EngineError, EngineUnavailable."""
    scanned = await Scan(database, engine, vectors.name, report).run()
    await publish(database, engine, vectors)
    return scanned


async def publish(database: Database, engine: Engine, vectors: Vectors) -> int:
    """Writes the documents of records whose cluster the index does not know. Returns how many.

    A document is written whole, under the change sequence that it has: a newer version is never overwritten. Records
    that a load is still sending wait until it has: it might send the cluster it knew. One process publishes at a time.
    """
    async with database.alone(PUBLISH_LOCK):
        writer = Writer(engine)
        written, last = 0, ""
        while rows := await asyncio.to_thread(_pending, database, last):
            clusters = dict(rows)
            last = rows[-1][0]
            changes = await asyncio.to_thread(stored_records, database, list(clusters))
            found = await vectors.of_records([change.title for change in changes], [change.text for change in changes])
            pictures = await asyncio.to_thread(pictures_of, database, changes)
            # What the engine refuses it refused before: the record is marked, and its cluster found by no one.
            await writer.write(
                Change(
                    change.id,
                    change.right,
                    change.seq,
                    document_of(change, vector, vectors.embedder.name, clusters[change.id], pictures),
                )
                for change, vector in zip(changes, found, strict=True)
            )
            await asyncio.to_thread(_published, database, rows)
            written += len(changes)
        if written:
            await engine.refresh(aliases(engine.prefix))
        return written


def _pending(database: Database, last: str) -> list[tuple[str, str]]:
    with database.driver() as connection:
        return connection.execute(
            "select c.id, c.cluster from duplicate_clusters c join records r on r.id = c.id "  # noqa: S608 - a constant
            f"where c.pending and c.id > %s and r.seq <= ({SAFE_END}) order by c.id limit %s",
            (last, AT_ONCE),
        ).fetchall()


def _published(database: Database, rows: list[tuple[str, str]]) -> None:
    """A cluster that became another meanwhile stays pending."""
    with database.driver() as connection:
        connection.execute(
            "update duplicate_clusters c set pending = false from unnest(%s::text[], %s::text[]) as p(id, cluster) "
            "where c.id = p.id and c.cluster = p.cluster",
            ([row[0] for row in rows], [row[1] for row in rows]),
        )


def clock(database: Database) -> dt.datetime:
    """The database's time."""
    with database.driver() as connection:
        row = connection.execute("select clock_timestamp()").fetchone()
    assert row is not None
    at: dt.datetime = row[0]
    return at


def mark_changed(database: Database, right: str, since: dt.datetime) -> None:
    """Has clusters told again that became others since then: an index built meanwhile may hold the old ones."""
    with database.driver() as connection:
        connection.execute(
            "update duplicate_clusters c set pending = true from records r "
            'where r.id = c.id and r."right" = %s and c.changed >= %s',
            (right, since),
        )
